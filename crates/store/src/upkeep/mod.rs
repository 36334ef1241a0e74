//! Work on the whole database: backups, putting one in its place, erasing a customer, looking for damage.
//!
//! In the data folder lie `deskbell.db` with its `-wal` and `-shm`, the folder `backups`, while a backup takes the
//! database's place `deskbell.db.restored`, and in `kept-aside` databases that were too damaged to become a backup.

pub(crate) mod backups;
pub(crate) mod damage;
pub(crate) mod erase;
pub(crate) mod files;
pub(crate) mod restore;

use std::path::PathBuf;

/// Why work on the whole database was not done. Nothing was changed, unless the sentence says so.
#[derive(Debug, thiserror::Error)]
pub enum UpkeepError {
    /// Another such work is under way.
    #[error("The desk is busy with its data (a backup, a restore or an erasure). Try again when that is done.")]
    Busy,
    /// A file cannot be read or written.
    #[error("{} cannot be read or written: {error}. Look at free space and permissions, then try again.", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// SQLite refused.
    #[error("The database refused: {0}. Look at free space and permissions, then try again.")]
    Database(#[from] rusqlite::Error),
    /// A database is damaged.
    #[error("{} is damaged ({what}).", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Where, as SQLite says it.
        what: String,
    },
    /// There is no such backup.
    #[error("There is no backup {}.", .0.display())]
    Missing(PathBuf),
    /// The file is something else.
    #[error("{} is not a backup of Deskbell.", .0.display())]
    NotABackup(PathBuf),
    /// The backup was written by a newer version.
    #[error("{} was written by a newer Deskbell (format {found}; this one knows {known}). Update Deskbell first.", path.display())]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format that this version knows.
        known: i64,
    },
    /// There is no such conversation.
    #[error("There is no such conversation (any more).")]
    NoSuchConversation,
    /// The desk is stopping.
    #[error("The desk is stopping.")]
    Closed,
    /// The database could not be opened again.
    #[error("{0}")]
    Reopen(#[from] Box<crate::OpenError>),
}

/// Hears how far work is, from 0 to 100.
pub(crate) type Progress<'a> = &'a mut dyn FnMut(u32);
