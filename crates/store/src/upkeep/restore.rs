//! A backup in the database's place.
//!
//! First a copy of the backup is made ready beside the database, with an epoch of its own, while the desk goes on. When
//! it is complete it is called `deskbell.db.restored`: from then on it *is* what the desk opens next. Whatever was the
//! database becomes a backup, or is kept aside when it is too damaged for that. A crash in between is finished at the
//! next start.

use std::path::{Path, PathBuf};

use deskbell_protocol::Timestamp;
use deskbell_protocol::upkeep::BackupReason;
use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::files::{at, family, make_private_folder, remove, sync_file, sync_folder};
use super::{Progress, UpkeepError, backups, damage};
use crate::open::FILE;
use crate::tables::meta;
use crate::{fault, migrations};

/// A copy that is being made.
const STAGING: &str = "deskbell.db.restoring";
/// A copy that is complete and takes the database's place next.
const READY: &str = "deskbell.db.restored";
/// Databases that could not become backups.
const ASIDE: &str = "kept-aside";

/// A backup's file: a name in the folder of backups, or a path.
pub(crate) fn find(data: &Path, file: &Path) -> PathBuf {
    let named = backups::folder(data).join(file);
    if file.components().count() == 1 && named.is_file() { named } else { file.to_owned() }
}

/// Makes `file` ready to take the database's place.
pub(crate) fn stage(
    data: &Path,
    file: &Path,
    fresh_epoch: &str,
    progress: Progress<'_>,
) -> Result<(), UpkeepError> {
    let source = backups::open_read(file)?;
    check(&source, file)?;
    let staging = data.join(STAGING);
    let staged = backups::copy(&source, &staging, progress).and_then(|()| {
        let mut connection = Connection::open(&staging)?;
        migrations::migrate(&mut connection)?;
        meta::set_epoch(&connection, fresh_epoch)?;
        connection.close().map_err(|(_, error)| error)?;
        sync_file(&staging).map_err(at(&staging))
    });
    if let Err(error) = staged {
        let _overwritten_next_time = remove(&staging);
        return Err(error);
    }
    fault::point("restore staged");
    let ready = data.join(READY);
    std::fs::rename(&staging, &ready).map_err(at(&ready))?;
    sync_folder(data).map_err(at(data))
}

/// Takes back what was made ready.
pub(crate) fn unstage(data: &Path) -> Result<(), UpkeepError> {
    let ready = data.join(READY);
    remove(&ready).map_err(at(&ready))
}

/// Refuses what is not a sound backup of a format that this version knows.
fn check(source: &Connection, file: &Path) -> Result<(), UpkeepError> {
    let damaged = |what: String| UpkeepError::Damaged { path: file.to_owned(), what };
    let version = source.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0));
    let found = match version {
        Ok(found) => found,
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) => {
            return Err(UpkeepError::NotABackup(file.to_owned()));
        }
        Err(error) if damage::is_damage(&error) => return Err(damaged(error.to_string())),
        Err(error) => return Err(error.into()),
    };
    if found > migrations::known() {
        return Err(UpkeepError::Newer { path: file.to_owned(), found, known: migrations::known() });
    }
    if let Some(what) = damage::find(source)? {
        return Err(damaged(what));
    }
    if found == 0 || !meta::is_there(source)? {
        return Err(UpkeepError::NotABackup(file.to_owned()));
    }
    Ok(())
}

/// Puts what is ready in the database's place, if anything is. Nobody may have the database open. Gives where the
/// database that was there is kept.
pub(crate) fn finish(data: &Path, now: Timestamp) -> Result<Option<PathBuf>, UpkeepError> {
    let ready = data.join(READY);
    if !ready.is_file() {
        return Ok(None);
    }
    let database = data.join(FILE);
    let kept = if is_sound(&database) { Some(keep_as_backup(data, now)?) } else { keep_aside(data, now)? };
    fault::point("restore kept");
    std::fs::rename(&ready, &database).map_err(at(&database))?;
    sync_folder(data).map_err(at(data))?;
    fault::point("restore done");
    Ok(kept)
}

/// Whether the database is one file now, sound as far as can be told quickly, and ready to be a backup.
fn is_sound(database: &Path) -> bool {
    if !database.is_file() {
        return false;
    }
    let settled = Connection::open(database).and_then(|connection| {
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        if damage::find_quickly(&connection, database)?.is_some() {
            return Ok(false);
        }
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
        backups::make_single_file(&connection)?;
        meta::forget_epoch(&connection)?;
        connection.close().map_err(|(_, error)| error)?;
        Ok(true)
    });
    let [_, wal, _] = family(database);
    settled.unwrap_or(false) && !wal.exists()
}

fn keep_as_backup(data: &Path, now: Timestamp) -> Result<PathBuf, UpkeepError> {
    let folder = backups::folder(data);
    make_private_folder(&folder).map_err(at(&folder))?;
    let kept = backups::fresh_path(data, BackupReason::BeforeRestore, now)?;
    std::fs::rename(data.join(FILE), &kept).map_err(at(&kept))?;
    sync_folder(&folder).map_err(at(&folder))?;
    Ok(kept)
}

/// Moves the database with all that belongs to it: a `-wal` that stayed would be taken for the new database's.
fn keep_aside(data: &Path, now: Timestamp) -> Result<Option<PathBuf>, UpkeepError> {
    let there: Vec<_> = family(&data.join(FILE)).into_iter().filter(|path| path.exists()).collect();
    if there.is_empty() {
        return Ok(None);
    }
    let last = aside(data)?.pop().map(|(serial, _)| serial).unwrap_or_default();
    let next = last.saturating_add(1);
    let folder = data.join(ASIDE).join(format!("{next:05}-{}", backups::date(now)?));
    make_private_folder(&folder).map_err(at(&folder))?;
    for path in there {
        let kept = folder.join(path.file_name().unwrap_or_default());
        std::fs::rename(&path, &kept).map_err(at(&kept))?;
    }
    sync_folder(&folder).map_err(at(&folder))?;
    Ok(Some(folder))
}

/// The folders of databases that were kept aside, oldest first. Those of older versions have no serial: it is 0.
fn aside(data: &Path) -> Result<Vec<(u32, PathBuf)>, UpkeepError> {
    let folder = data.join(ASIDE);
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(at(&folder)(error)),
    };
    let mut there = Vec::new();
    for entry in entries {
        let entry = entry.map_err(at(&folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let serial = name.split_once('-').map(|(serial, _)| serial).filter(|serial| serial.len() >= 5);
        there.push((serial.and_then(|serial| serial.parse().ok()).unwrap_or_default(), entry.path()));
    }
    there.sort();
    Ok(there)
}

/// Removes those over `kept` that were kept aside, oldest first. The newest stays.
pub(crate) fn prune_kept_aside(data: &Path, kept: usize) -> Result<(), UpkeepError> {
    for (_, old) in aside(data)?.iter().rev().skip(kept.max(1)) {
        std::fs::remove_dir_all(old).map_err(at(old))?;
    }
    Ok(())
}

/// Removes every database that was kept aside.
pub(crate) fn remove_kept_aside(data: &Path) -> Result<(), UpkeepError> {
    let folder = data.join(ASIDE);
    match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(at(&folder)(error)),
        _ => Ok(()),
    }
}

/// Removes what a crash left half made.
pub(crate) fn remove_partial(data: &Path) -> Result<(), UpkeepError> {
    for path in family(&data.join(STAGING)) {
        remove(&path).map_err(at(&path))?;
    }
    Ok(())
}
