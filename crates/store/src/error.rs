//! What can go wrong, in sentences.

use std::path::PathBuf;

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
    /// SQLite refused.
    #[error("The database cannot be opened: {0}.")]
    Database(#[from] rusqlite::Error),
    /// The system has no thread to spare.
    #[error("The writer cannot be started: {0}.")]
    Thread(std::io::Error),
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
