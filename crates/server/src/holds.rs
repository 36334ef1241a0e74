//! When held replies are due. One task waits for the next; what is due is decided by the store like any command.
//!
//! A hold is measured once, when it begins: from then on it runs by a clock that nobody can set, and not by the
//! system's, which may jump by a year.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deskbell_desk::{Command, State};
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
    by_conversation: HashMap<ConversationId, (Instant, Held)>,
}

/// A reply that counts down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) id: HeldId,
    /// When it is due, by the desk's clock as it was when the countdown began.
    pub(crate) due_at: Timestamp,
    /// The whole hold. However the clock jumped meanwhile, no more than that is left.
    pub(crate) hold_ms: i64,
}

impl Held {
    /// What counts down in a conversation, if anything does.
    pub(crate) fn of(state: &State) -> Option<Self> {
        let held = state.held.as_ref()?;
        Some(Self { id: held.id, due_at: held.due_at?, hold_ms: held.hold_ms.unwrap_or(i64::MAX) })
    }
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
        for (conversation, id, due_at, hold_ms) in &found.due {
            self.set(*conversation, Some(Held { id: *id, due_at: *due_at, hold_ms: *hold_ms }));
        }
        self.changed.notify_one();
    }

    /// Sets what a conversation holds: nothing, or a reply due at a time of the desk's clock. One that counts down already
    /// goes on as it does.
    pub(crate) fn set(&self, conversation: ConversationId, held: Option<Held>) {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        if due.by_conversation.get(&conversation).map(|(_, known)| *known) == held {
            return;
        }
        if let Some((at, known)) = due.by_conversation.remove(&conversation) {
            due.in_order.remove(&(at, conversation, known.id));
        }
        if let Some(held) = held {
            let left = held.due_at.since(now()).clamp(0, held.hold_ms.max(0));
            let at = Instant::now() + Duration::from_millis(left.unsigned_abs());
            due.by_conversation.insert(conversation, (at, held));
            due.in_order.insert((at, conversation, held.id));
        }
        drop(due);
        self.changed.notify_one();
    }

    /// The milliseconds that are left of a reply's hold; `None` when it does not count down (any more).
    pub(crate) fn left(&self, conversation: ConversationId, held: HeldId) -> Option<i64> {
        let due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, _) = due.by_conversation.get(&conversation).filter(|(_, known)| known.id == held)?;
        let left = at.saturating_duration_since(Instant::now());
        Some(i64::try_from(left.as_millis()).unwrap_or(i64::MAX))
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
                let again = Held { id: held, due_at: now().plus(RETRY_MS), hold_ms: RETRY_MS };
                self.set(conversation, Some(again));
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
