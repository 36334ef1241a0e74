//! What one row of a conversation says.

use deskbell_desk::State;
use deskbell_protocol::ConversationId;
use deskbell_protocol::entity::Customer;

/// A conversation as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its id.
    pub id: ConversationId,
    /// Its state.
    pub state: State,
    /// Its customer.
    pub customer: Customer,
}
