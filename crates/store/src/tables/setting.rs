//! The settings, as one JSON document: fields may come and go between versions.

use deskbell_protocol::settings::Settings;
use rusqlite::{Connection, OptionalExtension as _};

use super::json;

pub(crate) const CREATE: &str = "
CREATE TABLE setting (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
";

/// The stored settings; what is missing or no longer understood takes its default.
pub(crate) fn load(connection: &Connection) -> rusqlite::Result<Settings> {
    let stored: Option<String> = connection
        .query_row("SELECT value FROM setting WHERE key = 'desk'", [], |row| row.get(0))
        .optional()?;
    let settings = stored.and_then(|text| {
        serde_json::from_str(&text)
            .inspect_err(
                |error| tracing::error!(%error, "stored settings are not understood; using the defaults"),
            )
            .ok()
    });
    Ok(settings.unwrap_or_default())
}

pub(crate) fn save(connection: &Connection, settings: &Settings) -> rusqlite::Result<()> {
    connection
        .execute(
            "INSERT INTO setting (key, value) VALUES ('desk', ?1) ON CONFLICT DO UPDATE SET value = ?1",
            [json(settings)?],
        )
        .map(drop)
}
