//! Messages, clustered by conversation so that a thread is one run of pages.

use std::collections::HashMap;

use deskbell_desk::Subject;
use deskbell_protocol::entity::{Author, Message};
use deskbell_protocol::{ConversationId, Revision, Seq, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{from_json_or_null, from_word, json_or_null, word};

pub(crate) const CREATE: &str = "
CREATE TABLE message (
    conversation INTEGER NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    at INTEGER NOT NULL,
    author TEXT NOT NULL,
    text TEXT NOT NULL,
    name TEXT,
    client_id TEXT,
    source TEXT,
    system TEXT,
    PRIMARY KEY (conversation, seq)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX message_client_id ON message (conversation, author, client_id) WHERE client_id IS NOT NULL;
CREATE INDEX message_revision ON message (conversation, revision);
";

/// Format 2: corrections and retractions.
pub(crate) const CHANGE: &str = "ALTER TABLE message ADD COLUMN change TEXT;";

/// Format 4: in which visit of its customer a message was written; 0 is not known.
pub(crate) const VISIT: &str = "ALTER TABLE message ADD COLUMN visit INTEGER NOT NULL DEFAULT 0;";

pub(crate) fn insert(
    connection: &Connection,
    conversation: ConversationId,
    message: &Message,
    visit: u32,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO message
             (conversation, seq, revision, at, author, text, name, client_id, source, system, visit)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            conversation.0,
            message.seq.0,
            message.revision.0,
            message.at.0,
            word(message.author)?,
            message.text,
            message.name,
            message.client_id,
            json_or_null(message.source.as_ref())?,
            json_or_null(message.system.as_ref())?,
            visit,
        ])
        .map(drop)
}

/// Writes what a correction or retraction changed.
pub(crate) fn update(
    connection: &Connection,
    conversation: ConversationId,
    message: &Message,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE message SET text = ?3, revision = ?4, change = ?5 WHERE conversation = ?1 AND seq = ?2",
        )?
        .execute(params![
            conversation.0,
            message.seq.0,
            message.text,
            message.revision.0,
            json_or_null(message.change.as_ref())?,
        ])
        .map(drop)
}

/// The message at this place.
pub(crate) fn at(
    connection: &Connection,
    conversation: ConversationId,
    seq: Seq,
) -> rusqlite::Result<Option<Message>> {
    connection
        .prepare_cached("SELECT * FROM message WHERE conversation = ?1 AND seq = ?2")?
        .query_row(params![conversation.0, seq.0], read)
        .optional()
}

/// A message with what it answers, for its correction or retraction.
pub(crate) fn subject(
    connection: &Connection,
    conversation: ConversationId,
    seq: Seq,
) -> rusqlite::Result<Option<Subject>> {
    let Some(message) = at(connection, conversation, seq)? else { return Ok(None) };
    let question = question_before(connection, conversation, seq)?;
    let answered_otherwise = match question {
        Some(question) => is_answered_otherwise(connection, conversation, question, seq)?,
        None => false,
    };
    Ok(Some(Subject { message, question, answered_otherwise }))
}

/// The place of the customer's last message before this one.
fn question_before(
    connection: &Connection,
    conversation: ConversationId,
    seq: Seq,
) -> rusqlite::Result<Option<Seq>> {
    connection
        .prepare_cached(
            "SELECT seq FROM message WHERE conversation = ?1 AND seq < ?2 AND author = 'customer'
             ORDER BY seq DESC LIMIT 1",
        )?
        .query_row(params![conversation.0, seq.0], |row| row.get(0).map(Seq))
        .optional()
}

/// Whether the customer was answered after this message in another place than `answer`: not retracted, and no notice.
fn is_answered_otherwise(
    connection: &Connection,
    conversation: ConversationId,
    question: Seq,
    answer: Seq,
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT EXISTS (
                 SELECT 1 FROM message
                 WHERE conversation = ?1 AND seq > ?2 AND seq <> ?3 AND author IN ('automatic', 'agent')
                     AND coalesce(source ->> 'kind', '') NOT IN ('greeting', 'away', 'person_called')
                     AND coalesce(change ->> 'kind', '') <> 'retracted')",
        )?
        .query_row(params![conversation.0, question.0, answer.0], |row| row.get(0))
}

/// The message that this author wrote under this client id.
pub(crate) fn by_client_id(
    connection: &Connection,
    conversation: ConversationId,
    author: Author,
    client_id: &str,
) -> rusqlite::Result<Option<Message>> {
    connection
        .prepare_cached("SELECT * FROM message WHERE conversation = ?1 AND author = ?2 AND client_id = ?3")?
        .query_row(params![conversation.0, word(author)?, client_id], read)
        .optional()
}

/// The last `limit` messages before `before`, in order.
pub(crate) fn page(
    connection: &Connection,
    conversation: ConversationId,
    before: Option<Seq>,
    limit: u32,
) -> rusqlite::Result<Vec<Message>> {
    let before = before.map_or(i64::MAX, |seq| seq.0);
    let mut messages = connection
        .prepare_cached(
            "SELECT * FROM message WHERE conversation = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3",
        )?
        .query_map(params![conversation.0, before, limit], read)?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    messages.reverse();
    Ok(messages)
}

/// In which visits the customer wrote, from a place on. What is not known is missing.
pub(crate) fn visits(
    connection: &Connection,
    conversation: ConversationId,
    from: Seq,
) -> rusqlite::Result<HashMap<Seq, u32>> {
    connection
        .prepare_cached(
            "SELECT seq, visit FROM message
             WHERE conversation = ?1 AND seq >= ?2 AND author = 'customer' AND visit > 0",
        )?
        .query_map(params![conversation.0, from.0], |row| Ok((Seq(row.get("seq")?), row.get("visit")?)))?
        .collect()
}

/// Up to `limit` messages after a place, in order, each with its time as people read it (UTC).
pub(crate) fn after_seq(
    connection: &Connection,
    conversation: ConversationId,
    after: Seq,
    limit: u32,
) -> rusqlite::Result<Vec<(Message, String)>> {
    connection
        .prepare_cached(
            "SELECT *, strftime('%Y-%m-%d %H:%M:%S', at / 1000, 'unixepoch') AS date
             FROM message WHERE conversation = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
        )?
        .query_map(params![conversation.0, after.0, limit], |row| {
            Ok((read(row)?, row.get::<_, Option<String>>("date")?.unwrap_or_default()))
        })?
        .collect()
}

/// What the customer can see and has changed after a revision, in order of revision: at most `limit` messages, and no more
/// once their texts have `bytes`. One at least, if there is one.
pub(crate) fn after_revision(
    connection: &Connection,
    conversation: ConversationId,
    after: Revision,
    limit: u32,
    bytes: usize,
) -> rusqlite::Result<Vec<Message>> {
    let mut statement = connection.prepare_cached(
        "SELECT * FROM message
         WHERE conversation = ?1 AND revision > ?2 AND author IN ('customer', 'automatic', 'agent')
         ORDER BY revision LIMIT ?3",
    )?;
    let mut rows = statement.query(params![conversation.0, after.0, limit])?;
    let (mut page, mut read_bytes) = (Vec::new(), 0_usize);
    while read_bytes < bytes {
        let Some(row) = rows.next()? else { break };
        let message = read(row)?;
        let original = message.change.as_ref().map_or(0, |change| change.original.len());
        read_bytes = read_bytes.saturating_add(message.text.len()).saturating_add(original);
        page.push(message);
    }
    Ok(page)
}

/// The newest message of each conversation that has this text, whatever the case of its ASCII letters, newest first. Not
/// by LIKE, which ends at the first NUL.
pub(crate) fn search(
    connection: &Connection,
    text: &str,
    limit: u32,
) -> rusqlite::Result<Vec<(ConversationId, Message)>> {
    connection
        .prepare_cached(
            "SELECT *, max(seq) FROM message WHERE instr(lower(text), lower(?1)) > 0 AND author <> 'system'
             GROUP BY conversation ORDER BY at DESC LIMIT ?2",
        )?
        .query_map(params![text, limit], |row| Ok((ConversationId(row.get("conversation")?), read(row)?)))?
        .collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Message> {
    Ok(Message {
        seq: Seq(row.get("seq")?),
        revision: Revision(row.get("revision")?),
        at: Timestamp(row.get("at")?),
        author: from_word(row, "author")?,
        text: row.get("text")?,
        name: row.get("name")?,
        client_id: row.get("client_id")?,
        source: from_json_or_null(row, "source")?,
        system: from_json_or_null(row, "system")?,
        change: from_json_or_null(row, "change")?,
    })
}
