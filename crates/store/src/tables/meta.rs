//! What the database knows about itself.

use deskbell_protocol::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

pub(crate) const CREATE: &str = "
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value ANY
) STRICT, WITHOUT ROWID;
";

/// The database's epoch, or `fresh` if it has none yet.
pub(crate) fn epoch(connection: &Connection, fresh: &str) -> rusqlite::Result<String> {
    connection
        .execute("INSERT INTO meta (key, value) VALUES ('epoch', ?1) ON CONFLICT DO NOTHING", [fresh])?;
    connection.query_row("SELECT value FROM meta WHERE key = 'epoch'", [], |row| row.get(0))
}

/// When the desk was last known to run.
pub(crate) fn alive_at(connection: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    connection
        .query_row("SELECT value FROM meta WHERE key = 'alive_at'", [], |row| row.get(0).map(Timestamp))
        .optional()
}

pub(crate) fn set_alive_at(connection: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO meta (key, value) VALUES ('alive_at', ?1) ON CONFLICT DO UPDATE SET value = ?1",
        )?
        .execute(params![now.0])
        .map(drop)
}
