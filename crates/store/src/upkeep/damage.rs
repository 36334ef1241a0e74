//! Whether a database is sound.

use std::path::Path;

use rusqlite::{Connection, ErrorCode};

use crate::fault;

/// Bytes of a database that is looked through before the desk opens: it takes a second or two. Larger ones are looked
/// through while the desk runs, and by every backup.
const LOOK_THROUGH: u64 = 256 * 1024 * 1024;

/// The first damage in a database, as SQLite says it; `None` when it is sound.
///
/// # Errors
/// The database cannot be read, which is not damage.
pub(crate) fn find(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let looked = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    match looked {
        Ok(answer) if answer == "ok" => Ok(None),
        Ok(answer) => Ok(Some(describe(&answer))),
        Err(error) if is_damage(&error) => Ok(Some(describe(&error.to_string()))),
        Err(error) => Err(error),
    }
}

/// As [`find`], but only of databases that are small enough to look through while somebody waits.
pub(crate) fn find_quickly(connection: &Connection, path: &Path) -> rusqlite::Result<Option<String>> {
    if is_large(path) { Ok(None) } else { find(connection) }
}

/// Whether a database is too large for [`find_quickly`].
pub(crate) fn is_large(path: &Path) -> bool {
    let bytes = std::fs::metadata(path).map(|data| data.len()).unwrap_or_default();
    bytes > fault::value("look_through", LOOK_THROUGH)
}

/// Whether an error says that the file is not what SQLite wrote.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// On one line, without the headings of `quick_check`.
pub(crate) fn describe(answer: &str) -> String {
    let lines: Vec<_> = answer.lines().filter(|line| !line.starts_with("***")).collect();
    lines.join("; ")
}
