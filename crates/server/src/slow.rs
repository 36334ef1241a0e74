//! Questions to the slow parts of the responder, a model or the webhook bot: at most one a conversation, asked once the
//! message is stored, given up as soon as nobody waits for the answer any more.

mod ask;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deskbell_desk::{Command, Draft, FailedPart, Responder};
use deskbell_protocol::agent::{DraftSoFar, Update};
use deskbell_protocol::entity::{Author, Control};
use deskbell_protocol::{Code, ConversationId, Seq};
use deskbell_store::Found;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;

use crate::clock::now;
use crate::desk::Desk;
pub(crate) use ask::{Asking, Said};

/// Questions to models and bots at once; one whose answer was promised for later does not count. More do not wait, or a
/// slow one would hold up the next conversation: they get the default reply at once.
const AT_ONCE: usize = 128;
/// How often a customer's client is told that an answer is being written; it forgets after 6 s.
const TYPING: Duration = Duration::from_secs(3);
/// After an outcome that could not be stored.
const RETRY: Duration = Duration::from_secs(1);

/// The questions that wait for an answer. Bounded by the conversations that have one.
#[derive(Debug, Default)]
pub(crate) struct Slow {
    // Set by the writer's thread, taken by the task; never held across an await.
    asked: Mutex<HashMap<ConversationId, Asked>>,
    changed: Notify,
}

#[derive(Debug)]
struct Asked {
    question: Question,
    /// What was written so far.
    so_far: String,
    /// Asks; `None` before it has begun.
    task: Option<AbortHandle>,
}

/// Which message waits, and under which control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Question {
    for_seq: Seq,
    control_version: i64,
}

impl Drop for Asked {
    /// Nobody waits any more: the request ends with the task.
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Slow {
    /// Begins with what a database waits for.
    pub(crate) fn begin(&self, found: &Found) {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clear();
        for (conversation, for_seq, control_version) in &found.asked {
            self.set(*conversation, Some((*for_seq, *control_version)));
        }
    }

    /// Sets what a conversation waits for: nothing, or an answer to this message under this control.
    pub(crate) fn set(&self, conversation: ConversationId, wanted: Option<(Seq, i64)>) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = wanted.map(|(for_seq, control_version)| Question { for_seq, control_version });
        if asked.get(&conversation).map(|asked| asked.question) == wanted {
            return;
        }
        match wanted {
            Some(question) => {
                asked.insert(conversation, Asked { question, so_far: String::new(), task: None });
            }
            None => {
                asked.remove(&conversation);
            }
        }
        drop(asked);
        self.changed.notify_one();
    }

    /// What was written so far for a conversation.
    pub(crate) fn so_far(&self, conversation: ConversationId) -> String {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.get(&conversation).map(|asked| asked.so_far.clone()).unwrap_or_default()
    }

    /// What was written so far, wherever something was. No more of them than are asked at once.
    pub(crate) fn drafts(&self) -> Vec<DraftSoFar> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let written = asked.iter().filter(|(_, asked)| !asked.so_far.is_empty());
        let draft = |(conversation, asked): (&ConversationId, &Asked)| DraftSoFar {
            conversation: *conversation,
            for_seq: asked.question.for_seq,
            text: asked.so_far.clone(),
        };
        written.map(draft).collect()
    }

    fn write(&self, conversation: ConversationId, question: Question, so_far: &str) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(asked) = asked.get_mut(&conversation).filter(|asked| asked.question == question) {
            so_far.clone_into(&mut asked.so_far);
        }
    }

    /// Asks what waits, until the desk stops.
    pub(crate) async fn run(self: Arc<Self>, desk: Desk) {
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        let mut stopping = desk.stopping();
        loop {
            {
                let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
                for (conversation, asked) in asked.iter_mut().filter(|(_, asked)| asked.task.is_none()) {
                    let answering = answer(desk.clone(), Arc::clone(&turns), *conversation, asked.question);
                    asked.task = Some(tokio::spawn(answering).abort_handle());
                }
            }
            tokio::select! {
                () = self.changed.notified() => {}
                () = stopping.wait() => break,
            }
        }
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Asks, and lets the store decide on what comes of it.
async fn answer(desk: Desk, turns: Arc<Semaphore>, conversation: ConversationId, question: Question) {
    let turn = turns.try_acquire_owned().ok();
    let Some(command) = ask(&desk, conversation, question, turn).await else { return };
    loop {
        match desk.execute(conversation, command.clone()).await {
            Err(refusal) if refusal.code == Code::StoreFailed => tokio::time::sleep(RETRY).await,
            Err(refusal) => return tracing::debug!(%refusal, "an answer came too late"),
            Ok(_) => return,
        }
    }
}

/// What is to be decided on; `None` when the message is gone.
async fn ask(
    desk: &Desk,
    conversation: ConversationId,
    question: Question,
    turn: Option<OwnedSemaphorePermit>,
) -> Option<Command> {
    let hub = desk.hub();
    let asking = match Asking::load(desk, conversation, question.for_seq).await {
        Ok(asking) => asking?,
        Err(error) => {
            tracing::error!(%error, "a question could not be read");
            let otherwise = Responder::otherwise(&hub.asker(conversation), &hub.settings(), now());
            return Some(failed(question, Vec::new(), otherwise));
        }
    };
    let so_far = |text: &str| {
        hub.slow.write(conversation, question, text);
        let for_seq = question.for_seq;
        hub.tell(Update::Draft { conversation, for_seq, text: text.to_owned() });
    };
    let typing = async {
        let mut again = tokio::time::interval(TYPING);
        loop {
            again.tick().await;
            if asking.control == Control::Automatic {
                hub.typing(conversation, Author::Automatic);
            }
        }
    };
    let said = tokio::select! {
        said = asking.ask(desk, turn, so_far) => said,
        () = typing => return None,
    };
    let Question { for_seq, control_version } = question;
    Some(match said {
        Said::Reply(draft) => Command::Propose { for_seq, control_version, draft },
        Said::NeedsHuman { failures, draft } => {
            Command::CallHuman { for_seq, control_version, failures, draft }
        }
        Said::Nothing { failures, otherwise } => failed(question, failures, otherwise),
    })
}

fn failed(question: Question, failures: Vec<FailedPart>, otherwise: Option<Draft>) -> Command {
    let Question { for_seq, control_version } = question;
    Command::ResponderFailed { for_seq, control_version, failures, otherwise }
}
