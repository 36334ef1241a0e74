//! When held replies are due. One task waits for the next; what is due is decided by the store like any command.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deskbell_desk::Command;
use deskbell_protocol::{Code, ConversationId, HeldId, Timestamp};
use deskbell_store::{Found, Store, Submission};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::clock::now;

/// While replies are held, the time is stored this often, so that a restart knows what was left.
const ALIVE: Duration = Duration::from_secs(5);
/// After a write that failed, in milliseconds.
const RETRY_MS: i64 = 1000;

/// The held replies that count down.
#[derive(Debug, Default)]
pub(crate) struct Holds {
    // Set by the writer's thread, taken by the task; never held across an await.
    due: Mutex<Due>,
    changed: Notify,
}

#[derive(Debug)]
struct Due {
    /// Of which database these are.
    epoch: Arc<str>,
    in_order: BTreeSet<(Instant, ConversationId, HeldId)>,
    by_conversation: HashMap<ConversationId, (Instant, HeldId)>,
}

impl Default for Due {
    fn default() -> Self {
        Self { epoch: "".into(), in_order: BTreeSet::new(), by_conversation: HashMap::new() }
    }
}

impl Holds {
    /// Begins with what a database holds.
    pub(crate) fn begin(&self, found: &Found) {
        let fresh = Due { epoch: Arc::clone(&found.epoch), ..Due::default() };
        *self.due.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
        for (conversation, held, due_at) in &found.due {
            self.set(*conversation, Some((*held, *due_at)));
        }
        self.changed.notify_one();
    }

    /// Sets what a conversation holds: nothing, or a reply due at a time of the desk's clock.
    pub(crate) fn set(&self, conversation: ConversationId, held: Option<(HeldId, Timestamp)>) {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_none() && !due.by_conversation.contains_key(&conversation) {
            return;
        }
        if let Some((at, id)) = due.by_conversation.remove(&conversation) {
            due.in_order.remove(&(at, conversation, id));
        }
        if let Some((id, due_at)) = held {
            let left = u64::try_from(due_at.since(now())).unwrap_or(0);
            let at = Instant::now() + Duration::from_millis(left);
            due.by_conversation.insert(conversation, (at, id));
            due.in_order.insert((at, conversation, id));
        }
        drop(due);
        self.changed.notify_one();
    }

    fn next(&self) -> Option<Instant> {
        let due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        due.in_order.first().map(|(at, _, _)| *at)
    }

    fn take_due(&self) -> Option<(ConversationId, HeldId, Arc<str>)> {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, conversation, held) = *due.in_order.first()?;
        if at > Instant::now() {
            return None;
        }
        due.in_order.pop_first();
        due.by_conversation.remove(&conversation);
        Some((conversation, held, Arc::clone(&due.epoch)))
    }

    /// Sends what is due, until the store is closed.
    pub(crate) async fn run(&self, store: Store) {
        let mut alive = tokio::time::interval(ALIVE);
        loop {
            let next = self.next();
            tokio::select! {
                () = self.changed.notified() => {}
                () = sleep_until(next) => {}
                _ = alive.tick(), if next.is_some() => {
                    if store.alive(now()).await.is_err() {
                        return;
                    }
                }
            }
            let due = std::iter::from_fn(|| self.take_due());
            let sent = due.map(|(conversation, held, epoch)| self.expire(&store, conversation, held, epoch));
            if futures_util::future::join_all(sent).await.contains(&Err(Closed)) {
                return;
            }
        }
    }

    /// Lets the store decide. What could not be stored is tried again: it must not be forgotten.
    async fn expire(
        &self,
        store: &Store,
        conversation: ConversationId,
        held: HeldId,
        epoch: Arc<str>,
    ) -> Result<(), Closed> {
        let command = Command::HoldExpired { held };
        let submission = Submission {
            conversation,
            command,
            now: now(),
            connection: None,
            visitor: None,
            away: false,
            epoch,
        };
        match store.execute(submission).await {
            Err(refusal) if refusal.code == Code::ShuttingDown && store.is_closed() => Err(Closed),
            Err(refusal) if refusal.code == Code::StoreFailed => {
                self.set(conversation, Some((held, now().plus(RETRY_MS))));
                Ok(())
            }
            // Sent, or an agent was quicker.
            _ => Ok(()),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Closed;

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
