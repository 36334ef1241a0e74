//! Questions. Each runs on a connection of its own, on a blocking thread, and never waits for the writer.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deskbell_protocol::agent::{Cursor, Filter};
use deskbell_protocol::entity::{Message, SourceKind};
use deskbell_protocol::responder::{Answer, Lesson, Rule};
use deskbell_protocol::{ConversationId, LessonId, Revision, Seq, Timestamp};
use rusqlite::{Connection, OpenFlags};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::entry::Entry;
use crate::tables::{answer, conversation, lesson, message, rule, usage};
use crate::upkeep::damage::Met;
use crate::{OpenError, ReadError, Used};

/// Questions answered at once; more wait.
const CONNECTIONS: usize = 4;

/// How long a pause waits for questions under way.
const PATIENCE: Duration = Duration::from_secs(10);

/// Read connections, shared.
#[derive(Clone, Debug)]
pub struct Readers {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    permits: Arc<Semaphore>,
    /// Idle connections; as many as there are permits left. Never held across an await.
    idle: Mutex<Vec<Connection>>,
    damage: Arc<Met>,
}

impl Readers {
    pub(crate) fn new(path: &Path, damage: Arc<Met>) -> Result<Self, OpenError> {
        let idle = Mutex::new(connect(path)?);
        let shared = Shared { permits: Arc::new(Semaphore::new(CONNECTIONS)), idle, damage };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Waits until nobody reads, and lets nobody read until what is given back is dropped. `None` when the wait is over
    /// [`PATIENCE`] or the store is closed.
    pub(crate) async fn pause(&self) -> Option<Paused> {
        let all = u32::try_from(CONNECTIONS).unwrap_or(u32::MAX);
        let permits = Arc::clone(&self.shared.permits).acquire_many_owned(all);
        let permits = tokio::time::timeout(PATIENCE, permits).await.ok()?.ok()?;
        Some(Paused { shared: Arc::clone(&self.shared), _permits: permits })
    }

    /// Whose token has this SHA-256.
    ///
    /// # Errors
    /// [`ReadError`]
    pub async fn by_token(&self, hash: [u8; 32]) -> Result<Option<ConversationId>, ReadError> {
        self.ask(move |connection| conversation::by_token(connection, &hash)).await
    }

    /// One conversation.
    ///
    /// # Errors
    /// [`ReadError`]
    pub async fn conversation(&self, id: ConversationId) -> Result<Option<Entry>, ReadError> {
        self.ask(move |connection| {
            let found = conversation::load(connection, id)?;
            Ok(found.map(|(state, customer)| Entry { id, state, customer }))
        })
        .await
    }

    /// A page of the list, newest activity first.
    ///
    /// # Errors
    /// [`ReadError`]
    pub async fn conversations(
        &self,
        filter: Filter,
        before: Option<Cursor>,
        limit: u32,
    ) -> Result<Vec<Entry>, ReadError> {
        self.ask(move |connection| conversation::page(connection, filter, before, limit)).await
    }

    /// The last `limit` messages before `before`, in order.
    ///
    /// # Errors
    /// [`ReadError`]
    pub async fn thread(
        &self,
        id: ConversationId,
        before: Option<Seq>,
        limit: u32,
    ) -> Result<Vec<Message>, ReadError> {
        self.ask(move |connection| message::page(connection, id, before, limit)).await
    }

    /// Up to `limit` messages after a place, in order, each with its time as people read it (UTC).
    ///
    /// # Errors
    /// [`ReadError`]
    pub async fn thread_after(
        &self,
        id: ConversationId,
        after: Seq,
        limit: u32,
    ) -> Result<Vec<(Message, String)>, ReadError> {
        self.ask(move |connection| message::after_seq(connection, id, after, limit)).await
    }

    /// What the customer can see and has changed after a revision, in order of revision: at most `limit` messages, and no
    /// more once their texts have `bytes`. One at least, if there is one.
    ///
    /// # Errors
    /// [`ReadError`]
    pub async fn history(
        &self,
        id: ConversationId,
        after: Revision,
        limit: u32,
        bytes: usize,
    ) -> Result<Vec<Message>, ReadError> {
        self.ask(move |connection| message::after_revision(connection, id, after, limit, bytes)).await
    }

    /// Conversations in which a name, an e-mail, a page or a message has this text, newest activity first.
    ///
    /// # Errors
    /// [`ReadError`]
    pub async fn search(
        &self,
        query: String,
        limit: u32,
    ) -> Result<Vec<(Entry, Option<Message>)>, ReadError> {
        self.ask(move |connection| search(connection, &query, limit)).await
    }

    /// Under human control since before `since`, with a customer who has waited since then, too; longest first.
    ///
    /// # Errors
    /// [`ReadError`]
    pub async fn unanswered(&self, since: Timestamp, limit: u32) -> Result<Vec<Entry>, ReadError> {
        self.ask(move |connection| conversation::unanswered(connection, since, limit)).await
    }

    /// The last conversations, newest activity first.
    ///
    /// # Errors
    /// [`ReadError`]
    pub async fn last_conversations(&self, limit: u32) -> Result<Vec<Entry>, ReadError> {
        self.ask(move |connection| conversation::last(connection, limit)).await
    }

    /// In which visits the customer wrote, from a place on. What older versions stored is missing.
    ///
    /// # Errors
    /// [`ReadError`]
    pub async fn visits(&self, id: ConversationId, from: Seq) -> Result<HashMap<Seq, u32>, ReadError> {
        self.ask(move |connection| message::visits(connection, id, from)).await
    }

    /// The message at this place.
    ///
    /// # Errors
    /// [`ReadError`]
    pub async fn message(&self, id: ConversationId, seq: Seq) -> Result<Option<Message>, ReadError> {
        self.ask(move |connection| message::at(connection, id, seq)).await
    }

    /// The rules, in order.
    ///
    /// # Errors
    /// [`ReadError`]
    pub async fn rules(&self) -> Result<Vec<Rule>, ReadError> {
        self.ask(rule::all).await
    }

    /// The knowledge base, oldest first.
    ///
    /// # Errors
    /// [`ReadError`]
    pub async fn answers(&self) -> Result<Vec<Answer>, ReadError> {
        self.ask(answer::all).await
    }

    /// How many offers to learn nobody has dealt with.
    ///
    /// # Errors
    /// [`ReadError`]
    pub async fn open_lessons(&self) -> Result<u32, ReadError> {
        self.ask(lesson::count_open).await
    }

    /// Offers to learn that nobody has dealt with, newest first.
    ///
    /// # Errors
    /// [`ReadError`]
    pub async fn lessons(&self, limit: u32) -> Result<Vec<Lesson>, ReadError> {
        self.ask(move |connection| lesson::open(connection, limit)).await
    }

    /// One offer to learn.
    ///
    /// # Errors
    /// [`ReadError`]
    pub async fn lesson(&self, id: LessonId) -> Result<Option<Lesson>, ReadError> {
        self.ask(move |connection| lesson::get(connection, id)).await
    }

    /// How often each rule (or answer, as `kind` says) was used and overridden, by its id.
    ///
    /// # Errors
    /// [`ReadError`]
    pub async fn totals(&self, kind: SourceKind) -> Result<BTreeMap<i64, (u32, u32)>, ReadError> {
        self.ask(move |connection| usage::totals(connection, kind)).await
    }

    /// The responder's numbers of a period, hour by hour.
    ///
    /// # Errors
    /// [`ReadError`]
    pub async fn usage(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Used>, ReadError> {
        self.ask(move |connection| usage::between(connection, from, to)).await
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ReadError> {
        let shared = Arc::clone(&self.shared);
        let permit = Arc::clone(&shared.permits).acquire_owned().await.map_err(|_| ReadError::Closed)?;
        let answer = tokio::task::spawn_blocking(move || {
            // Goes with the question, which runs on when whoever asked has left.
            let _permit = permit;
            let connection = shared.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = connection.ok_or(ReadError::Closed)?;
            let answer = question(&connection);
            shared.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            answer.inspect_err(|error| shared.damage.look_at(error)).map_err(ReadError::from)
        });
        answer.await.map_err(|_| ReadError::Closed)?
    }
}

/// Nobody reads.
pub(crate) struct Paused {
    shared: Arc<Shared>,
    _permits: OwnedSemaphorePermit,
}

impl Paused {
    /// Closes all connections.
    pub(crate) fn close(&self) {
        self.shared.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Opens them on the database that is there now.
    pub(crate) fn open(&self, path: &Path) -> Result<(), OpenError> {
        let opened = connect(path)?;
        *self.shared.idle.lock().unwrap_or_else(PoisonError::into_inner) = opened;
        Ok(())
    }
}

fn connect(path: &Path) -> Result<Vec<Connection>, OpenError> {
    let mut idle = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        // The first question opens the WAL: now, while there are descriptors for it.
        connection.pragma_query_value(None, "schema_version", |row| row.get::<_, i64>(0))?;
        idle.push(connection);
    }
    Ok(idle)
}

fn search(
    connection: &Connection,
    query: &str,
    limit: u32,
) -> rusqlite::Result<Vec<(Entry, Option<Message>)>> {
    let mut found: Vec<(Entry, Option<Message>)> =
        conversation::search(connection, query, limit)?.into_iter().map(|entry| (entry, None)).collect();
    for (id, message) in message::search(connection, query, limit)? {
        if let Some((_, hit)) = found.iter_mut().find(|(entry, _)| entry.id == id) {
            *hit = Some(message);
        } else if let Some((state, customer)) = conversation::load(connection, id)? {
            found.push((Entry { id, state, customer }, Some(message)));
        }
    }
    found.sort_by_key(|(entry, _)| std::cmp::Reverse((entry.state.last_activity_at, entry.id)));
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(found)
}
