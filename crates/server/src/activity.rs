//! The last events, raw, in memory only.

use std::collections::VecDeque;

use deskbell_protocol::entity::{ActivityEvent, ActivityKind};
use deskbell_protocol::limits::ACTIVITY_EVENTS;
use deskbell_protocol::{ConnectionId, ConversationId, Timestamp};

/// A ring of events.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    last_serial: i64,
    events: VecDeque<ActivityEvent>,
}

/// Where an event happened.
#[derive(Debug, Clone, Default)]
pub struct Place {
    pub(crate) connection: Option<ConnectionId>,
    pub(crate) conversation: Option<ConversationId>,
    pub(crate) address: Option<String>,
}

impl Place {
    /// Where there is nothing but an address yet.
    pub(crate) fn of(address: std::net::SocketAddr) -> Self {
        Self { address: Some(address.to_string()), ..Self::default() }
    }
}

impl Activity {
    /// Notes an event and gives it back with its serial.
    pub(crate) fn note(&mut self, at: Timestamp, kind: ActivityKind, place: Place) -> ActivityEvent {
        self.last_serial = self.last_serial.saturating_add(1);
        let Place { connection, conversation, address } = place;
        let event = ActivityEvent { serial: self.last_serial, at, kind, connection, conversation, address };
        if self.events.len() == ACTIVITY_EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(event.clone());
        event
    }

    /// Drops what happened in a conversation.
    pub(crate) fn forget(&mut self, conversation: ConversationId) {
        self.events.retain(|event| event.conversation != Some(conversation));
    }

    /// Drops everything.
    pub(crate) fn clear(&mut self) {
        self.events.clear();
    }

    /// The last `limit` events, oldest first.
    pub(crate) fn last(&self, limit: usize) -> Vec<ActivityEvent> {
        self.events.iter().skip(self.events.len().saturating_sub(limit)).cloned().collect()
    }
}
