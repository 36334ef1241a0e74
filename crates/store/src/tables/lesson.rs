//! Offers to learn from what agents did: one a question, offered once.

use deskbell_desk::NewLesson;
use deskbell_protocol::responder::Lesson;
use deskbell_protocol::{ConversationId, LessonId, Seq, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{from_json_or_null, from_word, json_or_null, word};

pub(crate) const CREATE: &str = "
CREATE TABLE lesson (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation INTEGER NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    question INTEGER NOT NULL,
    at INTEGER NOT NULL,
    open INTEGER NOT NULL,
    kind TEXT NOT NULL,
    proposed TEXT,
    source TEXT,
    reply TEXT,
    by_name TEXT NOT NULL,
    UNIQUE (conversation, question)
) STRICT;
CREATE INDEX lesson_open ON lesson (at DESC) WHERE open = 1;
";

const SELECT: &str = "
SELECT lesson.*, message.text AS question_text, conversation.customer ->> 'language' AS language
FROM lesson
JOIN message ON message.conversation = lesson.conversation AND message.seq = lesson.question
JOIN conversation ON conversation.id = lesson.conversation";

/// Notes an offer, or forgets one. What the agent did later to the same question replaces it; what was dealt with stays
/// dealt with. The id of the offer, if it is open.
pub(crate) fn note(
    connection: &Connection,
    conversation: ConversationId,
    at: Timestamp,
    lesson: &NewLesson,
) -> rusqlite::Result<Option<LessonId>> {
    match lesson {
        NewLesson::Offer { question, kind, proposed, source, reply, by } => connection
            .prepare_cached(
                "INSERT INTO lesson (conversation, question, at, open, kind, proposed, source, reply, by_name)
                 VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, ?7, ?8)
                 ON CONFLICT (conversation, question) DO UPDATE SET
                     at = ?3, kind = ?4, proposed = coalesce(?5, proposed), source = coalesce(?6, source),
                     reply = ?7, by_name = ?8
                 WHERE open = 1
                 RETURNING id",
            )?
            .query_row(
                params![
                    conversation.0,
                    question.0,
                    at.0,
                    word(*kind)?,
                    proposed,
                    json_or_null(source.as_ref())?,
                    reply,
                    by
                ],
                |row| row.get(0).map(LessonId),
            )
            .optional(),
        NewLesson::Withdrawn { question } => connection
            .prepare_cached("DELETE FROM lesson WHERE conversation = ?1 AND question = ?2 AND open = 1")?
            .execute(params![conversation.0, question.0])
            .map(|_| None),
    }
}

/// The offers that nobody has dealt with, newest first.
pub(crate) fn open(connection: &Connection, limit: u32) -> rusqlite::Result<Vec<Lesson>> {
    connection
        .prepare_cached(&format!("{SELECT} WHERE open = 1 ORDER BY lesson.at DESC LIMIT ?1"))?
        .query_map([limit], read)?
        .collect()
}

pub(crate) fn get(connection: &Connection, id: LessonId) -> rusqlite::Result<Option<Lesson>> {
    connection.prepare_cached(&format!("{SELECT} WHERE lesson.id = ?1"))?.query_row([id.0], read).optional()
}

pub(crate) fn count_open(connection: &Connection) -> rusqlite::Result<u32> {
    connection.prepare_cached("SELECT count(*) FROM lesson WHERE open = 1")?.query_row([], |row| row.get(0))
}

/// Somebody dealt with it.
pub(crate) fn close(connection: &Connection, id: LessonId) -> rusqlite::Result<()> {
    connection.execute("UPDATE lesson SET open = 0 WHERE id = ?1", [id.0]).map(drop)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Lesson> {
    Ok(Lesson {
        id: LessonId(row.get("id")?),
        at: Timestamp(row.get("at")?),
        conversation: ConversationId(row.get("conversation")?),
        question_seq: Seq(row.get("question")?),
        question: row.get("question_text")?,
        language: from_word(row, "language")?,
        kind: from_word(row, "kind")?,
        proposed: row.get("proposed")?,
        source: from_json_or_null(row, "source")?,
        reply: row.get("reply")?,
        by: row.get("by_name")?,
    })
}
