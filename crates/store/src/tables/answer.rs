//! The knowledge base.

use deskbell_protocol::AnswerId;
use deskbell_protocol::responder::Answer;
use rusqlite::{Connection, params};

use super::{from_json, json, was_deleted};

pub(crate) const CREATE: &str = "
CREATE TABLE answer (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    answer TEXT NOT NULL
) STRICT;
";

pub(crate) fn all(connection: &Connection) -> rusqlite::Result<Vec<Answer>> {
    connection
        .prepare_cached("SELECT id, answer FROM answer ORDER BY id")?
        .query_map([], |row| {
            let mut answer: Answer = from_json(row, "answer")?;
            answer.id = AnswerId(row.get("id")?);
            Ok(answer)
        })?
        .collect()
}

/// Adds an answer (id 0) or changes one; `None` when there is no such answer.
pub(crate) fn save(connection: &Connection, answer: &Answer) -> rusqlite::Result<Option<AnswerId>> {
    if answer.id.0 == 0 {
        connection.prepare_cached("INSERT INTO answer (answer) VALUES (?1)")?.execute([json(answer)?])?;
        return Ok(Some(AnswerId(connection.last_insert_rowid())));
    }
    let changed = connection
        .prepare_cached("UPDATE answer SET answer = ?2 WHERE id = ?1")?
        .execute(params![answer.id.0, json(answer)?])?;
    Ok((changed == 1).then_some(answer.id))
}

/// Brings a deleted answer back under its id. False when that id was never given, or is in use.
pub(crate) fn restore(connection: &Connection, answer: &Answer) -> rusqlite::Result<bool> {
    if !was_deleted(connection, "answer", answer.id.0)? {
        return Ok(false);
    }
    connection
        .prepare_cached("INSERT INTO answer (id, answer) VALUES (?1, ?2)")?
        .execute(params![answer.id.0, json(answer)?])?;
    Ok(true)
}

pub(crate) fn delete(connection: &Connection, id: AnswerId) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM answer WHERE id = ?1")?.execute([id.0]).map(drop)
}
