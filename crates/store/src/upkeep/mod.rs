//! Work on the whole database: backups, putting one in its place, erasing a customer, looking for damage.
//!
//! In the data folder lie `deskbell.db` with its `-wal` and `-shm`, the folder `backups`, while a backup takes the
//! database's place `deskbell.db.restored`, and in `kept-aside` databases that were too damaged to become a backup.

pub(crate) mod backups;
pub(crate) mod damage;
pub(crate) mod erase;
pub(crate) mod files;
pub(crate) mod restore;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use deskbell_protocol::upkeep::{Backup, BackupReason};
use deskbell_protocol::{ConversationId, Timestamp};
use tokio::sync::oneshot;

use crate::tables::conversation;
use crate::writer::{Job, Replace};
use crate::{OpenError, Store, open};

/// Why work on the whole database was not done. Nothing was changed, unless the sentence says so.
#[derive(Debug, thiserror::Error)]
pub enum UpkeepError {
    /// Another such work is under way.
    #[error(
        "The desk is busy with its data (a backup, a restore or an erasure). Try again when that is done."
    )]
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

/// Puts a backup in the database's place while no desk runs on the folder. `file` is a path or the name of one of the
/// folder's backups. Gives where the database that was there is kept.
///
/// # Errors
/// [`OpenError`]; nothing was changed.
pub fn restore_closed(
    folder: &Path,
    file: &Path,
    fresh_epoch: &str,
    now: Timestamp,
) -> Result<Option<PathBuf>, OpenError> {
    let _lock = open::lock(folder)?;
    let restored = || {
        restore::finish(folder, now)?;
        restore::stage(folder, &restore::find(folder, file), fresh_epoch, &mut |_| {})?;
        restore::finish(folder, now)
    };
    restored().map_err(OpenError::Restore)
}

impl Store {
    /// The folder of backups.
    #[must_use]
    pub fn backups_folder(&self) -> PathBuf {
        backups::folder(&self.folder)
    }

    /// All backups, newest first.
    ///
    /// # Errors
    /// [`UpkeepError`]
    pub async fn backups(&self) -> Result<Vec<Backup>, UpkeepError> {
        let folder = Arc::clone(&self.folder);
        blocking(move || backups::list(&folder)).await
    }

    /// Makes a backup while the desk goes on, and removes those over `kept` of the same reason.
    ///
    /// # Errors
    /// [`UpkeepError`]; [`UpkeepError::Damaged`] when the database itself is damaged.
    pub async fn back_up(
        &self,
        reason: BackupReason,
        now: Timestamp,
        kept: usize,
        mut progress: impl FnMut(u32) + Send + 'static,
    ) -> Result<Backup, UpkeepError> {
        let alone = Arc::clone(&self.upkeep).try_lock_owned().map_err(|_| UpkeepError::Busy)?;
        let folder = Arc::clone(&self.folder);
        blocking(move || {
            let _alone = alone;
            backups::take(&folder, reason, now, kept, &mut progress)
        })
        .await
    }

    /// Waits until a question or a write finds the database damaged: what is to be said of it. Each damage is told once.
    pub async fn damage(&self) -> OpenError {
        let what = self.damage.next().await;
        let folder = Arc::clone(&self.folder);
        let path = folder.join(open::FILE);
        let looking = tokio::task::spawn_blocking(move || backups::last_good(&folder));
        let last_good = looking.await.ok().flatten().map(|backup| backup.name);
        OpenError::Damaged { path, what, last_good }
    }

    /// Looks through a database that was too large to be looked through before it was opened, until `stopped`. What is
    /// wrong with it, as it would have been said then.
    pub async fn look_through(&self, stopped: impl Future<Output = ()>) -> Option<OpenError> {
        let path = self.folder.join(open::FILE);
        if !damage::is_large(&path) {
            return None;
        }
        let alone = Arc::clone(&self.upkeep).lock_owned().await;
        let connection = backups::open_read(&path).ok()?;
        let interrupt = connection.get_interrupt_handle();
        let folder = Arc::clone(&self.folder);
        let looking = tokio::task::spawn_blocking(move || {
            let _alone = alone;
            match damage::find(&connection) {
                Ok(Some(what)) => {
                    let last_good = backups::last_good(&folder).map(|backup| backup.name);
                    Some(OpenError::Damaged { path, what, last_good })
                }
                // Interrupted, or the next backup finds the same.
                Ok(None) | Err(_) => None,
            }
        });
        tokio::pin!(looking);
        tokio::select! {
            found = &mut looking => found.ok().flatten(),
            () = stopped => {
                interrupt.interrupt();
                None
            }
        }
    }

    /// Puts a backup in the database's place. The database that was there becomes a backup itself.
    ///
    /// # Errors
    /// [`UpkeepError`]; nothing was changed unless it is [`UpkeepError::Reopen`].
    pub async fn restore(
        &self,
        name: String,
        fresh_epoch: String,
        now: Timestamp,
        mut progress: impl FnMut(u32) + Send + 'static,
    ) -> Result<(), UpkeepError> {
        let alone = Arc::clone(&self.upkeep).try_lock_owned().map_err(|_| UpkeepError::Busy)?;
        let folder = Arc::clone(&self.folder);
        let epoch = fresh_epoch.clone();
        let alone = blocking(move || {
            // Only a name: a console chooses among the backups and reads no other files.
            let known = backups::list(&folder)?.into_iter().find(|backup| backup.name == name);
            let backup = known.ok_or_else(|| UpkeepError::Missing(PathBuf::from(&name)))?;
            let file = backups::folder(&folder).join(backup.name);
            restore::stage(&folder, &file, &epoch, &mut progress).map(|()| alone)
        })
        .await?;
        let (done, answer) = oneshot::channel();
        let folder = PathBuf::clone(&self.folder);
        // Goes on when whoever asked has left.
        let store = self.clone();
        let replacing = tokio::spawn(async move {
            let _alone = alone;
            let Some(paused) = store.readers.pause().await else {
                restore::unstage(&folder)?;
                return Err(UpkeepError::Busy);
            };
            paused.close();
            let replace = Replace { folder: folder.clone(), fresh_epoch, now, done };
            let sent = store.jobs.send(Job::Replace(Box::new(replace))).await;
            let replaced = match sent {
                Ok(()) => answer.await.unwrap_or(Err(UpkeepError::Closed)),
                Err(_) => restore::unstage(&folder).and(Err(UpkeepError::Closed)),
            };
            paused.open(&folder.join(open::FILE)).map_err(Box::new)?;
            replaced
        });
        replacing.await.map_err(|_| UpkeepError::Closed)?
    }

    /// Erases a customer from the database and from every backup.
    ///
    /// # Errors
    /// [`UpkeepError`]; the customer may be gone from some backups already.
    pub async fn erase(
        &self,
        id: ConversationId,
        mut progress: impl FnMut(u32) + Send + 'static,
    ) -> Result<(), UpkeepError> {
        let alone = Arc::clone(&self.upkeep).try_lock_owned().map_err(|_| UpkeepError::Busy)?;
        let folder = Arc::clone(&self.folder);
        let store = self.clone();
        let erasing = tokio::spawn(async move {
            let _alone = alone;
            // First the backups: while they are not done the conversation is there, and erasing can be asked for again.
            blocking(move || {
                let database = backups::open_read(&folder.join(open::FILE))?;
                let identity = conversation::identity(&database, id)?;
                let identity = identity.ok_or(UpkeepError::NoSuchConversation)?;
                drop(database);
                erase::from_backups(&folder, id, &identity, &mut progress)
            })
            .await?;
            let _paused = store.readers.pause().await.ok_or(UpkeepError::Busy)?;
            let (done, answer) = oneshot::channel();
            store.jobs.send(Job::Erase(id, done)).await.map_err(|_| UpkeepError::Closed)?;
            answer.await.unwrap_or(Err(UpkeepError::Closed))
        });
        erasing.await.map_err(|_| UpkeepError::Closed)?
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, UpkeepError> + Send + 'static,
) -> Result<T, UpkeepError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| UpkeepError::Closed)?
}
