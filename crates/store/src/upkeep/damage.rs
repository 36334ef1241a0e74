//! Whether a database is sound.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, ErrorCode};
use tokio::sync::Notify;

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

/// The first damage that a question or a write met since the database was opened. Nobody else looks for it then: without
/// this they would fail for ever, and only the log would say why.
#[derive(Debug, Default)]
pub(crate) struct Met {
    // Noted by the writer and readers on their threads; never held across an await.
    first: Mutex<Option<String>>,
    noted: Notify,
}

impl Met {
    /// Looks at an error, and notes it if it says that the database is damaged.
    pub(crate) fn look_at(&self, error: &rusqlite::Error) {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        if is_damage(error) && first.is_none() {
            *first = Some(describe(&error.to_string()));
            self.noted.notify_one();
        }
    }

    /// Waits for damage; each is told once.
    pub(crate) async fn next(&self) -> String {
        loop {
            self.noted.notified().await;
            let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(first) = first {
                return first;
            }
        }
    }

    /// Another database has taken this one's place.
    pub(crate) fn forget(&self) {
        *self.first.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// On one line, without the headings of `quick_check`.
pub(crate) fn describe(answer: &str) -> String {
    let lines: Vec<_> = answer.lines().filter(|line| !line.starts_with("***")).collect();
    lines.join("; ")
}
