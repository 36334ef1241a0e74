//! What the database knows about itself.

use deskbell_protocol::{ConversationId, Timestamp};
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

/// Names the database anew: for customers' clients it is another one.
pub(crate) fn set_epoch(connection: &Connection, epoch: &str) -> rusqlite::Result<()> {
    connection
        .execute(
            "INSERT INTO meta (key, value) VALUES ('epoch', ?1) ON CONFLICT DO UPDATE SET value = ?1",
            [epoch],
        )
        .map(drop)
}

/// Takes the name from what becomes a backup: whoever puts it in a database's place, by whichever way, opens another
/// database under another name.
pub(crate) fn forget_epoch(connection: &Connection) -> rusqlite::Result<()> {
    if is_there(connection)? {
        connection.execute("DELETE FROM meta WHERE key = 'epoch'", [])?;
    }
    Ok(())
}

/// Whether this database has what every format of ours has.
pub(crate) fn is_there(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row(
        "SELECT count(*) = 3 FROM sqlite_schema WHERE type = 'table' AND name IN ('meta', 'conversation', 'message')",
        [],
        |row| row.get(0),
    )
}

/// Whether deleted rows may have left traces in the file.
pub(crate) fn is_scrub_due(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT count(*) FROM meta WHERE key = 'scrub_due'", [], |row| row.get(0))
}

/// See [`is_scrub_due`].
pub(crate) fn set_scrub_due(connection: &Connection, due: bool) -> rusqlite::Result<()> {
    let sql = if due {
        "INSERT INTO meta (key, value) VALUES ('scrub_due', 1) ON CONFLICT DO NOTHING"
    } else {
        "DELETE FROM meta WHERE key = 'scrub_due'"
    };
    connection.execute(sql, []).map(drop)
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

/// No conversation's id from here on was ever given to anyone, stored or not.
pub(crate) fn unused_from(connection: &Connection) -> rusqlite::Result<Option<ConversationId>> {
    connection
        .query_row("SELECT value FROM meta WHERE key = 'unused_from'", [], |row| {
            row.get(0).map(ConversationId)
        })
        .optional()
}

/// See [`unused_from`].
pub(crate) fn set_unused_from(connection: &Connection, id: ConversationId) -> rusqlite::Result<()> {
    connection
        .execute(
            "INSERT INTO meta (key, value) VALUES ('unused_from', ?1) ON CONFLICT DO UPDATE SET value = ?1",
            params![id.0],
        )
        .map(drop)
}
