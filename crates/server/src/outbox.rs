//! What waits to be written to one customer's socket. Bounded: who reads too slowly is disconnected and resumes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use deskbell_protocol::entity::{Author, Control};
use deskbell_protocol::settings::Limits;
use deskbell_protocol::{Refusal, Revision, Seq};
use deskbell_store::Receipt;
use tokio::sync::Notify;

/// A message as each dialect writes it, shared by all sockets of a conversation.
#[derive(Debug)]
pub(crate) struct Rendered {
    pub(crate) seq: Seq,
    pub(crate) revision: Revision,
    /// What plain-text clients get; `None` for what they wrote themselves or were greeted with.
    pub(crate) plain: Option<Box<str>>,
    /// The `deskbell.v1` frame.
    pub(crate) json: Box<str>,
}

/// One thing to write.
#[derive(Debug, Clone)]
pub(crate) enum Item {
    Acknowledged {
        id: Option<String>,
        receipt: Receipt,
    },
    Refused {
        id: Option<String>,
        refusal: Refusal,
    },
    Message(Arc<Rendered>),
    Typing(Author),
    Read(Seq),
    Control(Control),
    /// The socket's conversation is not here any more: it ends.
    Leave(Refusal),
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
#[derive(Debug)]
pub(crate) struct Outbox {
    frames: usize,
    bytes: usize,
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
    /// An empty one with the bounds in force.
    pub(crate) fn new(limits: &Limits) -> Self {
        let bound = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
        Self {
            frames: bound(limits.outbox_frames),
            bytes: bound(limits.outbox_bytes),
            waiting: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Queues an item, or marks the outbox as overflowed and drops what waits: the client will resume.
    pub(crate) fn push(&self, item: Item) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.overflowed {
            return;
        }
        waiting.bytes = waiting.bytes.saturating_add(item.bytes());
        waiting.items.push_back(item);
        if waiting.items.len() > self.frames || waiting.bytes > self.bytes {
            *waiting = Waiting { overflowed: true, ..Waiting::default() };
        }
        drop(waiting);
        self.changed.notify_one();
    }

    /// Drops the messages that wait, for who is about to read them from the store.
    pub(crate) fn forget_messages(&self) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.items.retain(|item| !matches!(item, Item::Message(_)));
        waiting.bytes = waiting.items.iter().map(Item::bytes).sum();
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
impl Default for Outbox {
    fn default() -> Self {
        Self::new(&Limits::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(bytes: usize) -> Item {
        Item::Message(Arc::new(Rendered {
            seq: Seq(1),
            revision: Revision(1),
            plain: None,
            json: "x".repeat(bytes).into(),
        }))
    }

    #[test]
    fn a_full_outbox_overflows_once_and_stays_small() {
        let outbox = Outbox::default();
        (0..64).for_each(|_| outbox.push(Item::Read(Seq(1))));
        assert_eq!(outbox.take().map(|items| items.len()), Ok(64));
        (0..=64 + 10).for_each(|_| outbox.push(Item::Read(Seq(1))));
        assert_eq!(outbox.take().map(|items| items.len()), Err(Overflowed));
        assert_eq!(outbox.waiting.lock().unwrap().items.len(), 0);
    }

    #[test]
    fn bytes_are_bounded_too() {
        let outbox = Outbox::default();
        (0..2).for_each(|_| outbox.push(message(128 * 1024)));
        assert!(outbox.take().is_ok());
        (0..3).for_each(|_| outbox.push(message(128 * 1024)));
        assert_eq!(outbox.take().map(|items| items.len()), Err(Overflowed));
    }

    #[test]
    fn messages_that_will_be_read_from_the_store_make_room() {
        let outbox = Outbox::default();
        for _ in 0..10 {
            (0..60).for_each(|_| outbox.push(message(4000)));
            outbox.forget_messages();
        }
        outbox.push(Item::Read(Seq(1)));
        assert_eq!(outbox.take().map(|items| items.len()), Ok(1));
    }
}
