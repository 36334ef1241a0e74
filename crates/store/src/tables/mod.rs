//! One file a table: its statement of creation, its rows, its queries.

pub(crate) mod answer;
pub(crate) mod conversation;
pub(crate) mod lesson;
pub(crate) mod message;
pub(crate) mod meta;
pub(crate) mod rule;
pub(crate) mod setting;
pub(crate) mod usage;

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
