//! The one writer: takes whatever waits as one batch, one commit a batch, outcomes only after it.

mod batch;
mod cache;
mod teach;

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use deskbell_desk::{Command, Greeting, State};
use deskbell_protocol::entity::{Customer, Message};
use deskbell_protocol::settings::Settings;
use deskbell_protocol::{Code, ConnectionId, ConversationId, LessonId, Refusal, Revision, Seq, Timestamp};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::tables::{conversation, meta, setting};
use crate::tally::Tally;
use crate::upkeep::damage::Met;
use crate::upkeep::erase;
use crate::{Found, UpkeepError, fault, open};
use cache::Cache;
pub use teach::{Taught, Teaching};

/// Jobs in one commit, at most.
const BATCH: usize = 1024;

/// A command on its way to the writer.
#[derive(Debug, Clone)]
pub struct Submission {
    /// To which conversation.
    pub conversation: ConversationId,
    /// What.
    pub command: Command,
    /// When the desk took it.
    pub now: Timestamp,
    /// On which socket it came; its acknowledgement goes there.
    pub connection: Option<ConnectionId>,
    /// Who this is, while the conversation has no row yet.
    pub visitor: Option<Arc<Visitor>>,
    /// Whether nobody is at the console.
    pub away: bool,
    /// For which database: in another one the same id may be another conversation's.
    pub epoch: Arc<str>,
}

/// What makes a visitor's row at the first message.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// SHA-256 of the customer's token; `None` for plain-text clients.
    pub token_hash: Option<[u8; 32]>,
    /// The greeting that was shown.
    pub greeting: Option<Greeting>,
    /// What the client told.
    pub customer: Customer,
    /// When the visitor came.
    pub since: Timestamp,
}

/// What a connection told about a customer whose conversation is stored.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Whose.
    pub conversation: ConversationId,
    /// Facts that replace what was known where they are given; `None` when the connection closed.
    pub facts: Option<Customer>,
    /// Up to where everything was written to the connection that closed.
    pub delivered: Seq,
    /// When.
    pub now: Timestamp,
    /// For which database.
    pub epoch: Arc<str>,
}

/// What a committed command made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// The place of the message that the command added, or the last place taken.
    pub seq: Seq,
    /// The revision after it.
    pub revision: Revision,
    /// When the desk took it.
    pub at: Timestamp,
    /// An offer to learn that came of it.
    pub lesson: Option<LessonId>,
}

/// A durable change.
#[derive(Debug, Clone)]
pub struct Committed {
    /// Which conversation.
    pub conversation: ConversationId,
    /// Its state now.
    pub state: Arc<State>,
    /// What is known about the customer now.
    pub customer: Arc<Customer>,
    /// New messages, in order.
    pub messages: Vec<Message>,
    /// A message that was corrected or retracted, as it is now.
    pub changed: Option<Message>,
    /// Who answers has changed.
    pub control_changed: bool,
    /// The socket that the command came on, with its client id and what it made.
    pub acknowledge: Option<(ConnectionId, Option<String>, Receipt)>,
}

/// A command that changed nothing.
#[derive(Debug, Clone)]
pub struct Refused {
    /// For which conversation.
    pub conversation: ConversationId,
    /// The socket that it came on.
    pub connection: Option<ConnectionId>,
    /// Its client id.
    pub client_id: Option<String>,
    /// Why.
    pub refusal: Refusal,
}

/// What became of a command.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It is durable.
    Committed(Box<Committed>),
    /// It changed nothing.
    Refused(Refused),
}

/// Hears what was committed, on the writer's thread, in order. Must be quick and must not wait.
pub trait Publish: Send {
    /// One batch, durable as a whole; `tally` holds after it.
    fn publish(&mut self, outcomes: Vec<Outcome>, tally: Tally);

    /// A customer was erased.
    fn erased(&mut self, conversation: ConversationId, tally: Tally);

    /// Another database has taken this one's place. What was submitted for the old one is refused from now on.
    fn replaced(&mut self, found: &Found);
}

type Reply = oneshot::Sender<Result<Receipt, Refusal>>;

#[derive(Debug)]
pub(crate) struct Closing {
    pub now: Timestamp,
    /// The next free conversation id.
    pub next: ConversationId,
    pub done: oneshot::Sender<()>,
}

#[derive(Debug)]
pub(crate) enum Job {
    Submit(Box<Submission>, Option<Reply>),
    /// Answered when it was published; what the answer says means nothing.
    Seen(Box<Seen>, Reply),
    Settings(Arc<Settings>, oneshot::Sender<Result<(), Refusal>>),
    Teach(Box<Teaching>, oneshot::Sender<Result<Taught, Refusal>>),
    Alive(Timestamp),
    Erase(ConversationId, oneshot::Sender<Result<(), UpkeepError>>),
    Replace(Box<Replace>),
    Reserve(ConversationId),
    Close(Closing),
}

/// Puts what is ready beside the database in its place.
#[derive(Debug)]
pub(crate) struct Replace {
    pub(crate) folder: PathBuf,
    pub(crate) fresh_epoch: String,
    pub(crate) now: Timestamp,
    pub(crate) done: oneshot::Sender<Result<(), UpkeepError>>,
}

pub(crate) struct Writer {
    connection: Connection,
    cache: Cache,
    settings: Arc<Settings>,
    tally: Tally,
    epoch: Arc<str>,
    publisher: Box<dyn Publish>,
    /// Held until the writer ends: nobody else may open the folder.
    lock: File,
    damage: Arc<Met>,
}

impl Writer {
    pub(crate) fn new(
        connection: Connection,
        lock: File,
        found: &Found,
        publisher: Box<dyn Publish>,
        damage: Arc<Met>,
    ) -> Self {
        Self {
            connection,
            cache: Cache::new(),
            settings: Arc::new(found.settings.clone()),
            tally: found.tally,
            epoch: Arc::clone(&found.epoch),
            publisher,
            lock,
            damage,
        }
    }

    /// Runs until it is closed or every [`crate::Store`] is gone.
    pub(crate) fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        let mut waiting = Vec::with_capacity(BATCH);
        let closing = loop {
            if queue.blocking_recv_many(&mut waiting, BATCH) == 0 {
                break None;
            }
            let jobs = std::mem::take(&mut waiting);
            if let Some(closing) = self.take(jobs) {
                break Some(closing);
            }
        };
        queue.close();
        if let Some(Closing { now, next, done }) = closing {
            let noted = meta::set_alive_at(&self.connection, now)
                .and_then(|()| meta::set_unused_from(&self.connection, next));
            if let Err(error) = noted {
                tracing::error!(%error, "the time of closing was not stored");
            }
            self.close();
            let _gone = done.send(());
        }
    }

    /// Runs commands in commits of as many as lie side by side; settings take effect between them.
    fn take(&mut self, jobs: Vec<Job>) -> Option<Closing> {
        let mut batch = Vec::new();
        let mut closing = None;
        for job in jobs {
            match job {
                Job::Submit(..) | Job::Seen(..) => {
                    batch.push(job);
                    continue;
                }
                Job::Settings(settings, reply) => {
                    self.commit(std::mem::take(&mut batch));
                    self.answer(reply, |writer| writer.save_settings(settings));
                }
                Job::Teach(teaching, reply) => {
                    self.commit(std::mem::take(&mut batch));
                    self.answer(reply, |writer| writer.teach(&teaching));
                }
                Job::Alive(now) => {
                    if let Err(error) = meta::set_alive_at(&self.connection, now) {
                        tracing::warn!(%error, "the time was not stored");
                    }
                }
                Job::Erase(conversation, done) => {
                    self.commit(std::mem::take(&mut batch));
                    self.answer(done, |writer| writer.erase(conversation));
                }
                Job::Replace(replace) => {
                    self.commit(std::mem::take(&mut batch));
                    let Replace { folder, fresh_epoch, now, done } = *replace;
                    self.answer(done, |writer| writer.replace(&folder, &fresh_epoch, now));
                }
                Job::Reserve(next) => {
                    if let Err(error) = meta::set_unused_from(&self.connection, crate::reserved_until(next)) {
                        tracing::warn!(%error, "ids of conversations were not reserved");
                    }
                }
                Job::Close(asked) => {
                    self.commit(std::mem::take(&mut batch));
                    closing = Some(asked);
                    break;
                }
            }
        }
        self.commit(batch);
        closing
    }

    /// Does a piece of work that must not end the writer, whatever happens: without it nothing could be stored, while the
    /// process lived on. `None` when it panicked; then its transaction was rolled back, and the disk alone knows.
    fn guard<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let done = catch_unwind(AssertUnwindSafe(|| work(self)));
        if done.is_err() {
            tracing::error!(
                "the desk failed at a write and goes on; this is a mistake of ours, please report it"
            );
            self.cache.forget_everything();
            match Tally::count(&self.connection) {
                Ok(tally) => self.tally = tally,
                Err(error) => tracing::error!(%error, "conversations could not be counted"),
            }
        }
        done.ok()
    }

    /// Does it and answers, unless it panicked: whoever asked sees that there is no answer.
    fn answer<T>(&mut self, reply: oneshot::Sender<T>, work: impl FnOnce(&mut Self) -> T) {
        if let Some(answer) = self.guard(work) {
            let _gone = reply.send(answer);
        }
    }

    fn save_settings(&mut self, settings: Arc<Settings>) -> Result<(), Refusal> {
        setting::save(&self.connection, &settings).map_err(|error| self.failed(&error))?;
        self.settings = settings;
        Ok(())
    }

    /// What whoever asked for a write that failed is told.
    fn failed(&self, error: &rusqlite::Error) -> Refusal {
        self.damage.look_at(error);
        store_failed(error)
    }

    fn erase(&mut self, id: ConversationId) -> Result<(), UpkeepError> {
        let known = self.cache.load(&self.connection, id)?.ok_or(UpkeepError::NoSuchConversation)?;
        self.cache.forget(id);
        let transaction = self.connection.transaction()?;
        conversation::erase(&transaction, id)?;
        meta::set_scrub_due(&transaction, true)?;
        transaction.commit()?;
        fault::point("erased");
        self.tally.remove(&known.state);
        self.publisher.erased(id, self.tally);
        Ok(erase::scrub(&self.connection)?)
    }

    /// Closes the database, puts what is ready in its place and opens that. When that cannot be opened nothing can be
    /// stored until the desk starts again.
    fn replace(&mut self, folder: &Path, fresh_epoch: &str, now: Timestamp) -> Result<(), UpkeepError> {
        let old = std::mem::replace(&mut self.connection, Connection::open_in_memory()?);
        self.cache.forget_everything();
        if let Err((_, error)) = old.close() {
            tracing::error!(%error, "the database was not closed in order");
        }
        let (connection, found) = open::open(folder, fresh_epoch, now).map_err(Box::new)?;
        self.connection = connection;
        self.settings = Arc::new(found.settings.clone());
        self.tally = found.tally;
        self.epoch = Arc::clone(&found.epoch);
        self.damage.forget();
        self.publisher.replaced(&found);
        Ok(())
    }

    fn close(self) {
        if let Err((_, error)) = self.connection.close() {
            tracing::error!(%error, "the database was not closed in order");
        }
        drop(self.lock);
    }
}

/// What is said of a command at which we panicked.
pub(crate) fn panicked() -> Refusal {
    Refusal::new(Code::Internal, "The desk failed at this; please report it.")
}

/// What a customer or an agent is told; the log has the cause.
fn store_failed(error: &rusqlite::Error) -> Refusal {
    tracing::error!(%error, "a write failed");
    Refusal::new(Code::StoreFailed, "The desk could not store this; nothing was changed. Try again.")
}
