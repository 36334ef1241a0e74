//! What can go wrong, in sentences.

use std::path::PathBuf;

use rusqlite::ErrorCode;

use crate::UpkeepError;

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be made or written.
    #[error("The data folder {} cannot be used: {error}. Choose another with --data.", folder.display())]
    Folder {
        /// Which folder.
        folder: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Another desk runs on this folder.
    #[error("Another Deskbell is running on {}. Close it, or choose another folder with --data.", .0.display())]
    InUse(PathBuf),
    /// The database was written by a newer version. It was not touched.
    #[error("The data in {} was written by a newer Deskbell (format {found}; this one knows {known}). Update Deskbell.", path.display())]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format that this version knows.
        known: i64,
    },
    /// The database is damaged. It was not touched.
    #[error("The database {} is damaged ({what}). It was left as it is. {}", path.display(), offer(last_good.as_deref()))]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Where, as SQLite says it.
        what: String,
        /// The newest backup that is sound.
        last_good: Option<String>,
    },
    /// The format is an older one, and could not be backed up before it is changed. Nothing was changed.
    #[error("Before this Deskbell changes the data's format it makes a backup, and could not: {0}")]
    Backup(UpkeepError),
    /// A restore that a crash interrupted could not be finished.
    #[error("The restored database could not be put in its place: {0}")]
    Restore(UpkeepError),
    /// SQLite refused.
    #[error("The database cannot be opened: {}.{}", .0, advice(.0))]
    Database(#[from] rusqlite::Error),
    /// The system has no thread to spare.
    #[error("The writer cannot be started: {0}.")]
    Thread(std::io::Error),
}

/// What helps when a disk is full or does not work.
fn advice(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => " Free some space on its disk, then start again.",
        Some(ErrorCode::SystemIoFailure) => {
            " Look at its disk and at the space that is free, then start again."
        }
        _ => "",
    }
}

fn offer(last_good: Option<&str>) -> String {
    match last_good {
        Some(name) => format!(
            "Restore the last good backup by starting once with --restore {name}; the damaged database is kept aside."
        ),
        None => "There is no sound backup of it; a copy of your own can be restored with --restore FILE."
            .to_owned(),
    }
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// SQLite refused.
    #[error("The database cannot be read: {0}.")]
    Database(#[from] rusqlite::Error),
    /// The desk is stopping.
    #[error("The desk is stopping.")]
    Closed,
}
