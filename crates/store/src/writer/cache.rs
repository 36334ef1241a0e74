//! What the writer knows without asking the disk. Everything in it is committed, so anything may be dropped.

use std::num::NonZeroUsize;
use std::sync::Arc;

use deskbell_desk::State;
use deskbell_protocol::ConversationId;
use deskbell_protocol::entity::Customer;
use lru::LruCache;
use rusqlite::Connection;

use crate::tables::conversation;

/// Conversations kept; each is one or two kilobytes.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(8192).unwrap();

#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) state: Arc<State>,
    pub(super) customer: Arc<Customer>,
}

pub(super) struct Cache {
    entries: LruCache<ConversationId, Known>,
}

impl Cache {
    pub(super) fn new() -> Self {
        Self { entries: LruCache::new(CAPACITY) }
    }

    /// The conversation's row, if it has one.
    pub(super) fn load(
        &mut self,
        connection: &Connection,
        id: ConversationId,
    ) -> rusqlite::Result<Option<Known>> {
        if let Some(known) = self.entries.get(&id) {
            return Ok(Some(known.clone()));
        }
        let loaded = conversation::load(connection, id)?
            .map(|(state, customer)| Known { state: Arc::new(state), customer: Arc::new(customer) });
        if let Some(known) = &loaded {
            self.entries.put(id, known.clone());
        }
        Ok(loaded)
    }

    pub(super) fn put(&mut self, id: ConversationId, known: Known) {
        self.entries.put(id, known);
    }

    pub(super) fn forget(&mut self, id: ConversationId) {
        self.entries.pop(&id);
    }

    /// After a rollback: the disk alone knows.
    pub(super) fn forget_everything(&mut self) {
        self.entries.clear();
    }
}
