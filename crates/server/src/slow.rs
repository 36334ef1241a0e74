//! Questions to the slow parts of the responder, a model or the webhook bot: at most one a conversation, asked once the
//! message is stored, given up as soon as nobody waits for the answer any more.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use deskbell_protocol::{ConversationId, Seq};
use deskbell_store::Found;
use tokio::sync::Notify;
use tokio::time::Instant;

/// The questions that wait for an answer. Bounded by the conversations that have one.
#[derive(Debug, Default)]
pub(crate) struct Slow {
    // Set by the writer's thread, taken by the task; never held across an await.
    asked: Mutex<HashMap<ConversationId, Asked>>,
    changed: Notify,
}

/// One question.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    /// The customer's message.
    pub(crate) for_seq: Seq,
    /// The control version under which it was asked.
    pub(crate) control_version: i64,
    /// When.
    pub(crate) at: Instant,
}

impl Slow {
    /// Begins with what a database waits for.
    pub(crate) fn begin(&self, found: &Found) {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clear();
        for (conversation, for_seq, control_version) in &found.asked {
            self.set(*conversation, Some((*for_seq, *control_version)));
        }
        self.changed.notify_one();
    }

    /// Sets what a conversation waits for: nothing, or an answer to this message under this control.
    pub(crate) fn set(&self, conversation: ConversationId, wanted: Option<(Seq, i64)>) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let known = asked.get(&conversation).map(|asked| (asked.for_seq, asked.control_version));
        if known == wanted {
            return;
        }
        match wanted {
            Some((for_seq, control_version)) => {
                asked.insert(conversation, Asked { for_seq, control_version, at: Instant::now() });
            }
            None => {
                asked.remove(&conversation);
            }
        }
        drop(asked);
        self.changed.notify_one();
    }

    /// What a conversation waits for.
    pub(crate) fn asked(&self, conversation: ConversationId) -> Option<Asked> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.get(&conversation).copied()
    }

    /// What was written so far for a conversation.
    pub(crate) fn so_far(&self, _conversation: ConversationId) -> String {
        String::new()
    }
}
