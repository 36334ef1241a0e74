//! What lasts: one SQLite database in the data folder.
//!
//! One writer thread takes whatever is waiting as one batch, decides each command ([`deskbell_desk::decide`]), writes
//! rows and commits once: durability costs one fsync a batch, not one a message. Only after the commit are outcomes
//! handed to the [`Publish`]er, in commit order. Readers have connections of their own and never wait for the writer
//! (WAL). Nothing outside this crate names SQL.
#![deny(missing_docs)]

mod chinese;
mod entry;
mod error;
mod fault;
mod migrations;
mod open;
mod readers;
mod tables;
mod tally;
mod upkeep;
mod writer;

pub use entry::Entry;
pub use error::{OpenError, ReadError};
pub use readers::Readers;
pub use tables::usage::Used;
pub use tally::Tally;
pub use upkeep::{UpkeepError, restore_closed};
pub use writer::{
    Committed, Outcome, Publish, Receipt, Refused, Seen, Submission, Taught, Teaching, Visitor,
};

use std::path::{Path, PathBuf};
use std::sync::Arc;

use deskbell_protocol::responder::{Answer, Rule};
use deskbell_protocol::settings::Settings;
use deskbell_protocol::{Code, ConversationId, HeldId, Refusal, Seq, Timestamp};
use tokio::sync::{mpsc, oneshot};

use crate::upkeep::damage::Met;
use crate::writer::{Closing, Job};

/// Commands that may wait for the writer. A full queue makes senders wait, never grow.
const QUEUE: usize = 4096;

/// The store, open. Clones share it; it closes when [`Store::close`] is awaited.
#[derive(Clone, Debug)]
pub struct Store {
    jobs: mpsc::Sender<Job>,
    readers: Readers,
    folder: Arc<PathBuf>,
    /// Held while a backup is made or restored or a customer erased: each wants the data as the one before left it.
    upkeep: Arc<tokio::sync::Mutex<()>>,
    damage: Arc<Met>,
}

/// How many ids of conversations are kept at a time for visitors, who have no row: see [`Store::reserve`].
pub const RESERVED: i64 = 1_000;

/// The first id that is not reserved when this is the next free one.
#[must_use]
pub fn reserved_until(next: ConversationId) -> ConversationId {
    ConversationId(next.0.saturating_add(RESERVED))
}

/// What was found when the store was opened.
#[derive(Debug)]
pub struct Found {
    /// The settings, or their defaults.
    pub settings: Settings,
    /// Which database this is; new when a database is made or restored.
    pub epoch: Arc<str>,
    /// The next free conversation id. It and the [`RESERVED`] - 1 after it were never given to anyone.
    pub next_conversation: ConversationId,
    /// Numbers over all conversations.
    pub tally: Tally,
    /// Held replies that go on counting, with when they are due and their whole hold in milliseconds.
    pub due: Vec<(ConversationId, HeldId, Timestamp, i64)>,
    /// Customers' messages that a model or the webhook bot was asked about, with the control version of then.
    pub asked: Vec<(ConversationId, Seq, i64)>,
    /// The responder's rules, in order.
    pub rules: Vec<Rule>,
    /// The knowledge base.
    pub answers: Vec<Answer>,
    /// Offers to learn that nobody has dealt with.
    pub lessons: u32,
}

impl Store {
    /// Opens the database in `folder`, making both where they are missing, and starts the writer. A held reply goes on
    /// with what was left of its time when the desk last ran.
    ///
    /// `fresh_epoch` names the database if it is a new one. `publish` is called on the writer's thread.
    ///
    /// # Errors
    /// [`OpenError`]: the folder cannot be used, another desk has it, or the database is of a newer version or damaged.
    pub fn open(
        folder: &Path,
        fresh_epoch: &str,
        now: Timestamp,
        publish: impl FnOnce(&Found) -> Box<dyn Publish>,
    ) -> Result<(Self, Found), OpenError> {
        let lock = open::lock(folder)?;
        let (connection, found) = open::open(folder, fresh_epoch, now)?;
        let damage = Arc::<Met>::default();
        let readers = Readers::new(&folder.join(open::FILE), Arc::clone(&damage))?;
        let publisher = publish(&found);
        let (jobs, queue) = mpsc::channel(QUEUE);
        let writer = writer::Writer::new(connection, lock, &found, publisher, Arc::clone(&damage));
        std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer.run(queue))
            .map_err(OpenError::Thread)?;
        let folder = Arc::new(folder.to_owned());
        Ok((Self { jobs, readers, folder, upkeep: Arc::default(), damage }, found))
    }

    /// Queues a command. Its outcome goes to the publisher; waits while the queue is full.
    ///
    /// # Errors
    /// [`Code::ShuttingDown`] when the store is closed.
    pub async fn submit(&self, submission: Submission) -> Result<(), Refusal> {
        self.send(Job::Submit(Box::new(submission), None)).await
    }

    /// Queues a command and waits for its commit.
    ///
    /// # Errors
    /// What [`deskbell_desk::decide`] refuses, [`Code::StoreFailed`], or [`Code::ShuttingDown`].
    pub async fn execute(&self, submission: Submission) -> Result<Receipt, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.send(Job::Submit(Box::new(submission), Some(reply))).await?;
        answer.await.map_err(|_| self.unanswered())?
    }

    /// Notes what a connection told about a customer, if the conversation is stored, and waits until it was published: what
    /// the customer says next is looked at in the light of it. Not even a full disk keeps a customer out.
    ///
    /// # Errors
    /// [`Code::ShuttingDown`] when the store is closed.
    pub async fn seen(&self, seen: Seen) -> Result<(), Refusal> {
        let (reply, answer) = oneshot::channel();
        self.send(Job::Seen(Box::new(seen), reply)).await?;
        let _whatever_came_of_it = answer.await;
        Ok(())
    }

    /// Stores settings; they hold for every command queued after this one.
    ///
    /// # Errors
    /// [`Code::StoreFailed`] or [`Code::ShuttingDown`].
    pub async fn save_settings(&self, settings: Arc<Settings>) -> Result<(), Refusal> {
        let (reply, answer) = oneshot::channel();
        self.send(Job::Settings(settings, reply)).await?;
        answer.await.map_err(|_| self.unanswered())?
    }

    /// Changes rules, answers or offers to learn; what comes back is in force.
    ///
    /// # Errors
    /// [`Code::NoSuchEntry`], [`Code::StoreFailed`] or [`Code::ShuttingDown`].
    pub async fn teach(&self, teaching: Teaching) -> Result<Taught, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.send(Job::Teach(Box::new(teaching), reply)).await?;
        answer.await.map_err(|_| self.unanswered())?
    }

    /// Notes that the desk is running now, so that a restart knows what was left of held replies' time.
    ///
    /// # Errors
    /// [`Code::ShuttingDown`] when the store is closed.
    pub async fn alive(&self, now: Timestamp) -> Result<(), Refusal> {
        self.send(Job::Alive(now)).await
    }

    /// Keeps the [`RESERVED`] ids from this one on for conversations that are not stored: after a crash they are not
    /// given again.
    ///
    /// # Errors
    /// [`Code::ShuttingDown`] when the store is closed.
    pub async fn reserve(&self, next: ConversationId) -> Result<(), Refusal> {
        self.send(Job::Reserve(next)).await
    }

    /// Commits what is queued, then closes the database and lets the folder go. `next` is the next free conversation
    /// id.
    pub async fn close(&self, now: Timestamp, next: ConversationId) {
        // The writer's connection shall be the last: then SQLite empties the WAL into the database and removes it.
        if let Some(paused) = self.readers.pause().await {
            paused.close();
        }
        let (reply, done) = oneshot::channel();
        if self.jobs.send(Job::Close(Closing { now, next, done: reply })).await.is_ok() {
            let _closed = done.await;
        }
    }

    /// Whether nothing can be submitted any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.jobs.is_closed()
    }

    /// For questions.
    #[must_use]
    pub fn readers(&self) -> &Readers {
        &self.readers
    }

    /// Why there is no answer: the writer has closed, or panicked at this.
    fn unanswered(&self) -> Refusal {
        if self.is_closed() { closed() } else { writer::panicked() }
    }

    async fn send(&self, job: Job) -> Result<(), Refusal> {
        self.jobs.send(job).await.map_err(|_| closed())
    }
}

fn closed() -> Refusal {
    Refusal::new(Code::ShuttingDown, "The desk is stopping; try again in a moment.")
}
