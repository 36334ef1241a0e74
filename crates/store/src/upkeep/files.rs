//! Files that only their owner may read, and that are on disk when they are said to be.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::UpkeepError;

/// An error of the file system, with the file that it is about.
pub(crate) fn at(path: &Path) -> impl FnOnce(std::io::Error) -> UpkeepError {
    let path = path.to_owned();
    move |error| UpkeepError::File { path, error }
}

/// Makes a folder, and those above it, that only its owner may enter. Customers' words are nobody else's business on a
/// shared machine.
pub(crate) fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(folder)
}

/// Makes an empty file that only its owner may read, if there is none. SQLite gives its `-wal` and `-shm` the same
/// permissions.
pub(crate) fn make_private_file(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

/// Waits until a file's bytes are on disk.
pub(crate) fn sync_file(path: &Path) -> std::io::Result<()> {
    File::options().write(true).open(path)?.sync_all()
}

/// Waits until the names in a folder are on disk. Windows has no such call and needs none.
pub(crate) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Removes a file that may be missing.
pub(crate) fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A database's own files: itself, what is not yet in it, and the index of that.
pub(crate) fn family(database: &Path) -> [PathBuf; 3] {
    let with = |suffix: &str| {
        let mut name = database.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    [database.to_owned(), with("-wal"), with("-shm")]
}
