//! What waits to be written to one customer's socket. Bounded: who reads too slowly is disconnected and resumes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use deskbell_protocol::entity::{Author, Control};
use deskbell_protocol::{Refusal, Revision, Seq};
use deskbell_store::Receipt;
use tokio::sync::Notify;

use crate::limits::{OUTBOX_BYTES, OUTBOX_FRAMES};

/// A message as each dialect writes it, shared by all sockets of a conversation.
#[derive(Debug)]
pub(crate) struct Rendered {
    pub(crate) revision: Revision,
    /// What plain-text clients get; `None` for what they wrote themselves or were greeted with.
    pub(crate) plain: Option<Box<str>>,
    /// The `deskbell.v1` frame.
    pub(crate) json: Box<str>,
}

/// One thing to write.
#[derive(Debug, Clone)]
pub(crate) enum Item {
    Acknowledged { id: Option<String>, receipt: Receipt },
    Refused { id: Option<String>, refusal: Refusal },
    Message(Arc<Rendered>),
    Typing(Author),
    Read(Seq),
    Control(Control),
}

impl Item {
    fn bytes(&self) -> usize {
        match self {
            Self::Message(rendered) => rendered.json.len(),
            _ => 64,
        }
    }
}

/// The queue of one socket.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    // Pushed to by the writer's thread and taken from by the connection's task; never held across an await.
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    items: VecDeque<Item>,
    bytes: usize,
    overflowed: bool,
}

impl Outbox {
    /// Queues an item, or marks the outbox as overflowed and drops what waits: the client will resume.
    pub(crate) fn push(&self, item: Item) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.overflowed {
            return;
        }
        waiting.bytes = waiting.bytes.saturating_add(item.bytes());
        waiting.items.push_back(item);
        if waiting.items.len() > OUTBOX_FRAMES || waiting.bytes > OUTBOX_BYTES {
            *waiting = Waiting { overflowed: true, ..Waiting::default() };
        }
        drop(waiting);
        self.changed.notify_one();
    }

    /// Waits until there is something to take.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Everything that waits, in order.
    ///
    /// # Errors
    /// It overflowed; what waited is gone.
    pub(crate) fn take(&self) -> Result<VecDeque<Item>, Overflowed> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.overflowed {
            return Err(Overflowed);
        }
        waiting.bytes = 0;
        Ok(std::mem::take(&mut waiting.items))
    }
}

/// The client reads too slowly.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Overflowed;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_outbox_overflows_once_and_stays_small() {
        let outbox = Outbox::default();
        for _ in 0..OUTBOX_FRAMES {
            outbox.push(Item::Read(Seq(1)));
        }
        assert_eq!(outbox.take().map(|items| items.len()), Ok(OUTBOX_FRAMES));
        for _ in 0..=OUTBOX_FRAMES + 10 {
            outbox.push(Item::Read(Seq(1)));
        }
        assert_eq!(outbox.take().map(|items| items.len()), Err(Overflowed));
        assert_eq!(outbox.waiting.lock().unwrap().items.len(), 0);
    }
}
