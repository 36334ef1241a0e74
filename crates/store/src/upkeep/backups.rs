//! Backups: copies of the whole database, made while the desk runs.
//!
//! A copy is made from one snapshot, so that the writer neither waits nor spoils it; it is looked through for damage and
//! on disk before it gets its name. Names count up: which is newest does not depend on the clock.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use deskbell_protocol::Timestamp;
use deskbell_protocol::upkeep::{Backup, BackupReason};
use rusqlite::backup::{Backup as Copying, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::files::{at, make_private_file, make_private_folder, remove, sync_file, sync_folder};
use super::{Progress, UpkeepError, damage};
use crate::fault;
use crate::open::FILE;
use crate::tables::meta;

/// The folder in the data folder.
const FOLDER: &str = "backups";
/// What a name ends with while its file is not complete.
const PARTIAL: &str = "partial";
/// Pages copied between two looks at the progress: 1 MiB.
const PAGES: i32 = 256;
/// How long a copy may wait for locks.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where backups lie.
pub(crate) fn folder(data: &Path) -> PathBuf {
    data.join(FOLDER)
}

/// All backups, newest first.
pub(crate) fn list(data: &Path) -> Result<Vec<Backup>, UpkeepError> {
    let folder = folder(data);
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(at(&folder)(error)),
    };
    let calendar = Connection::open_in_memory()?;
    let mut backups = Vec::new();
    for entry in entries {
        let entry = entry.map_err(at(&folder))?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let Some((_, date, reason)) = parse(&name) else { continue };
        let at_ms = calendar
            .query_row("SELECT unixepoch(?1) * 1000", [date.replace('.', ":")], |row| {
                row.get::<_, Option<i64>>(0)
            })?
            .unwrap_or_default();
        let bytes = entry.metadata().map_err(at(&entry.path()))?.len();
        backups.push(Backup { name, at: Timestamp(at_ms), reason, bytes });
    }
    backups.sort_by_key(|backup| std::cmp::Reverse(serial(&backup.name)));
    Ok(backups)
}

/// Makes a backup and removes those over `kept` of the same reason, oldest first.
pub(crate) fn take(
    data: &Path,
    reason: BackupReason,
    now: Timestamp,
    kept: usize,
    progress: Progress<'_>,
) -> Result<Backup, UpkeepError> {
    let folder = folder(data);
    make_private_folder(&folder).map_err(at(&folder))?;
    let path = fresh_path(data, reason, now)?;
    let partial = path.with_extension(PARTIAL);
    let source = open_read(&data.join(FILE))?;
    let made = copy(&source, &partial, progress).and_then(|()| {
        fault::point("backup copied");
        std::fs::rename(&partial, &path).map_err(at(&path))?;
        sync_folder(&folder).map_err(at(&folder))
    });
    if let Err(error) = made {
        let _remains_until_the_next_start = remove(&partial);
        return Err(error);
    }
    prune(data, reason, kept)?;
    let name = path.file_name().unwrap_or_default();
    list(data)?.into_iter().find(|backup| name == backup.name.as_str()).ok_or(UpkeepError::Missing(path))
}

/// Removes those over `kept` of a reason, oldest first. The newest stays.
pub(crate) fn prune(data: &Path, reason: BackupReason, kept: usize) -> Result<(), UpkeepError> {
    let folder = folder(data);
    for old in list(data)?.iter().filter(|backup| backup.reason == reason).skip(kept.max(1)) {
        let old = folder.join(&old.name);
        remove(&old).map_err(at(&old))?;
    }
    Ok(())
}

/// The path of the next backup.
pub(crate) fn fresh_path(data: &Path, reason: BackupReason, now: Timestamp) -> Result<PathBuf, UpkeepError> {
    let last = list(data)?.first().and_then(|newest| serial(&newest.name)).unwrap_or_default();
    let next = last.saturating_add(1);
    Ok(folder(data).join(format!("{next:05}-{}-{}.db", date(now)?, word(reason))))
}

/// A time as it stands in names: `2026-11-23T12.31.07Z`.
pub(crate) fn date(now: Timestamp) -> Result<String, UpkeepError> {
    let calendar = Connection::open_in_memory()?;
    let seconds = now.0.div_euclid(1000);
    Ok(calendar.query_row("SELECT strftime('%Y-%m-%dT%H.%M.%SZ', ?1, 'unixepoch')", [seconds], |row| {
        row.get::<_, Option<String>>(0).map(Option::unwrap_or_default)
    })?)
}

/// Removes what a crash left half made.
pub(crate) fn remove_partial(data: &Path) -> Result<(), UpkeepError> {
    let folder = folder(data);
    let Ok(entries) = std::fs::read_dir(&folder) else { return Ok(()) };
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !name.ends_with(".db") {
            remove(&path).map_err(at(&path))?;
        }
    }
    Ok(())
}

/// The newest backup that is sound.
pub(crate) fn last_good(data: &Path) -> Option<Backup> {
    let sound = |backup: &Backup| {
        let opened = open_read(&folder(data).join(&backup.name));
        opened.is_ok_and(|connection| matches!(damage::find(&connection), Ok(None)))
    };
    list(data).unwrap_or_default().into_iter().find(sound)
}

/// A connection that changes nothing.
pub(crate) fn open_read(path: &Path) -> Result<Connection, UpkeepError> {
    if !path.is_file() {
        return Err(UpkeepError::Missing(path.to_owned()));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    Ok(connection)
}

/// Copies a database as it is now into one sound, private file that is on disk.
pub(crate) fn copy(source: &Connection, path: &Path, progress: Progress<'_>) -> Result<(), UpkeepError> {
    remove(path).map_err(at(path))?;
    make_private_file(path).map_err(at(path))?;
    let mut target = Connection::open(path)?;
    target.pragma_update(None, "journal_mode", "OFF")?;
    target.pragma_update(None, "synchronous", "OFF")?;
    // One snapshot for the whole copy: without it, every commit of the writer would begin the copy anew.
    let snapshot = source.unchecked_transaction()?;
    snapshot.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))?;
    step_through(&Copying::new(&snapshot, &mut target)?, progress)?;
    drop(snapshot);
    target.close().map_err(|(_, error)| error)?;
    let target = Connection::open(path)?;
    make_single_file(&target)?;
    meta::forget_epoch(&target)?;
    if let Some(what) = damage::find(&target)? {
        return Err(UpkeepError::Damaged { path: path.to_owned(), what });
    }
    target.close().map_err(|(_, error)| error)?;
    sync_file(path).map_err(at(path))
}

/// Puts everything into the one file: without this the copy of a database with a `-wal` would want one, too.
pub(crate) fn make_single_file(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))
}

fn step_through(copying: &Copying<'_, '_>, progress: Progress<'_>) -> Result<(), UpkeepError> {
    let begun = Instant::now();
    loop {
        let step = copying.step(PAGES)?;
        fault::point("backup half copied");
        match step {
            StepResult::Done => return Ok(()),
            StepResult::More => {
                let state = copying.progress();
                let all = i64::from(state.pagecount).max(1);
                let done = all.saturating_sub(i64::from(state.remaining)).saturating_mul(100) / all;
                progress(u32::try_from(done).unwrap_or_default());
            }
            _ if begun.elapsed() > PATIENCE => return Err(UpkeepError::Busy),
            _ => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

fn word(reason: BackupReason) -> &'static str {
    match reason {
        BackupReason::Daily => "daily",
        BackupReason::Asked => "asked",
        BackupReason::BeforeUpdate => "before_update",
        BackupReason::BeforeRestore => "before_restore",
    }
}

/// The serial, date and reason of a backup's name.
fn parse(name: &str) -> Option<(u32, &str, BackupReason)> {
    let (serial, rest) = name.strip_suffix(".db")?.split_once('-')?;
    let (date, told) = rest.rsplit_once('-')?;
    let reasons =
        [BackupReason::Daily, BackupReason::Asked, BackupReason::BeforeUpdate, BackupReason::BeforeRestore];
    let reason = reasons.into_iter().find(|reason| word(*reason) == told)?;
    Some((serial.parse().ok()?, date, reason))
}

fn serial(name: &str) -> Option<u32> {
    parse(name).map(|(serial, _, _)| serial)
}
