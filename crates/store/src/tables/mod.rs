//! One file a table: its statement of creation, its rows, its queries.

pub(crate) mod answer;
pub(crate) mod conversation;
pub(crate) mod lesson;
pub(crate) mod message;
pub(crate) mod meta;
pub(crate) mod rule;
pub(crate) mod setting;
pub(crate) mod usage;

use rusqlite::Connection;
use rusqlite::types::Type;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value as JSON text. Our own types always serialize.
pub(crate) fn json<T: Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

/// An optional value as JSON text or NULL.
pub(crate) fn json_or_null<T: Serialize>(value: Option<&T>) -> rusqlite::Result<Option<String>> {
    value.map(json).transpose()
}

/// A JSON column.
pub(crate) fn from_json<T: DeserializeOwned>(row: &rusqlite::Row<'_>, column: &str) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    parse(&text)
}

/// A JSON column that may be NULL.
pub(crate) fn from_json_or_null<T: DeserializeOwned>(
    row: &rusqlite::Row<'_>,
    column: &str,
) -> rusqlite::Result<Option<T>> {
    row.get::<_, Option<String>>(column)?.map(|text| parse(&text)).transpose()
}

/// Whether this id was given to a row of `table` once and is free again. An id from elsewhere could be one that is still to
/// be given, or the last there is.
pub(crate) fn was_deleted(connection: &Connection, table: &str, id: i64) -> rusqlite::Result<bool> {
    connection.query_row(
        &format!(
            "SELECT ?1 BETWEEN 1 AND coalesce((SELECT seq FROM sqlite_sequence WHERE name = '{table}'), 0)
                 AND NOT EXISTS (SELECT 1 FROM {table} WHERE id = ?1)"
        ),
        [id],
        |row| row.get(0),
    )
}

fn parse<T: DeserializeOwned>(text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error)))
}

/// One of our plain enums as the word that serde gives it.
pub(crate) fn word<T: Serialize>(value: T) -> rusqlite::Result<String> {
    json(&value).map(|quoted| quoted.trim_matches('"').to_owned())
}

/// A word column back as the enum.
pub(crate) fn from_word<T: DeserializeOwned>(row: &rusqlite::Row<'_>, column: &str) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    parse(&format!("\"{text}\""))
}
