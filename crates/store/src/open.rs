//! From a folder to an open database.

use std::fs::{File, TryLockError};
use std::path::Path;

use deskbell_desk::{Command, Context, decide};
use deskbell_protocol::settings::Settings;
use deskbell_protocol::upkeep::BackupReason;
use deskbell_protocol::{ConversationId, Timestamp};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, TransactionBehavior};

use crate::reserved_until;
use crate::tables::{answer, conversation, lesson, meta, rule, setting};
use crate::tally::Tally;
use crate::upkeep::files::{make_private_file, make_private_folder};
use crate::upkeep::{backups, damage, erase, restore};
use crate::{Found, OpenError, UpkeepError, fault, migrations};

/// The database's file name in the data folder.
pub(crate) const FILE: &str = "deskbell.db";
/// Held with an exclusive lock while a desk runs on the folder.
const LOCK: &str = "deskbell.lock";

/// Takes the folder for this desk alone, for as long as the file is kept.
pub(crate) fn lock(folder: &Path) -> Result<File, OpenError> {
    let unusable = |error| OpenError::Folder { folder: folder.to_owned(), error };
    make_private_folder(folder).map_err(unusable)?;
    let lock = make_private_file(&folder.join(LOCK)).map_err(unusable)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(folder.to_owned())),
        Err(TryLockError::Error(error)) => Err(unusable(error)),
    }
}

/// Opens the database of a folder that is locked.
pub(crate) fn open(
    folder: &Path,
    fresh_epoch: &str,
    now: Timestamp,
) -> Result<(Connection, Found), OpenError> {
    restore::finish(folder, now).map_err(OpenError::Restore)?;
    let path = folder.join(FILE);
    make_private_file(&path).map_err(|error| OpenError::Folder { folder: folder.to_owned(), error })?;
    let mut connection = Connection::open(&path)?;
    let format = look(&connection, &path, folder)?;
    backups::remove_partial(folder).map_err(OpenError::Restore)?;
    restore::remove_partial(folder).map_err(OpenError::Restore)?;
    if (1..migrations::known()).contains(&format) {
        // Older ones go when this update has succeeded, and not before.
        backups::take(folder, BackupReason::BeforeUpdate, now, usize::MAX, &mut |_| {})
            .map_err(OpenError::Backup)?;
    }
    configure(&connection)?;
    // One that reads first would not be let wait for another program's lock, and be refused at once.
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    migrations::migrate(&mut connection)?;
    if let Err(error) = erase::scrub(&connection) {
        // On a full disk, say. The desk need not wait for that: it is still due.
        tracing::error!(%error, "traces of an erased customer may remain until the next start");
    }
    let found = find(&mut connection, fresh_epoch, now)?;
    if let Err(error) = prune(folder, &found.settings) {
        tracing::warn!(%error, "old backups were not removed");
    }
    Ok((connection, found))
}

/// What was kept of earlier updates and restores, now that the database is open.
fn prune(folder: &Path, settings: &Settings) -> Result<(), UpkeepError> {
    let kept = usize::try_from(settings.backups_kept).unwrap_or(usize::MAX);
    backups::prune(folder, BackupReason::BeforeUpdate, kept)?;
    backups::prune(folder, BackupReason::BeforeRestore, kept)?;
    restore::prune_kept_aside(folder, kept)
}

/// Looks whether this database can be opened, without a write: what cannot be is left as it is.
fn look(connection: &Connection, path: &Path, folder: &Path) -> Result<i64, OpenError> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let damaged = |what: String| {
        let last_good = backups::last_good(folder).map(|backup| backup.name);
        OpenError::Damaged { path: path.to_owned(), what, last_good }
    };
    let refused = |error: rusqlite::Error| match damage::is_damage(&error) {
        true => damaged(damage::describe(&error.to_string())),
        false => OpenError::Database(error),
    };
    let found = migrations::format(connection).map_err(refused)?;
    let known = migrations::known();
    if found > known {
        return Err(OpenError::Newer { path: path.to_owned(), found, known });
    }
    if let Some(what) = damage::find_quickly(connection, path)? {
        return Err(damaged(what));
    }
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(found)
}

/// Invariant 1: what is acknowledged survives power loss.
pub(crate) fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", fault::value("synchronous", "FULL".to_owned()))?;
    // As SQLite would by itself.
    connection.pragma_update(None, "wal_autocheckpoint", fault::value("autocheckpoint", 1000))?;
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)
}

fn find(connection: &mut Connection, fresh_epoch: &str, now: Timestamp) -> rusqlite::Result<Found> {
    let transaction = connection.transaction()?;
    let epoch = meta::epoch(&transaction, fresh_epoch)?;
    let settings = setting::load(&transaction)?;
    let alive_at = meta::alive_at(&transaction)?.unwrap_or(now);
    let context = Context {
        now,
        settings: &settings,
        language: settings.customer_language.unwrap_or_default(),
        customer: None,
        away: false,
        greeting: None,
        subject: None,
    };
    let mut due = Vec::new();
    let mut asked = Vec::new();
    for id in conversation::with_proposal(&transaction)? {
        let Some((state, customer)) = conversation::load(&transaction, id)? else { continue };
        let Ok(decision) = decide(&state, Command::Restarted { alive_at }, &context) else { continue };
        if let Some(held) = &decision.state.held {
            due.extend(held.due_at.map(|due_at| (id, held.id, due_at, held.hold_ms.unwrap_or(i64::MAX))));
            if held.writing {
                asked.push((id, held.for_seq, decision.state.control_version));
            }
        }
        conversation::save(&transaction, id, &decision.state, &customer)?;
    }
    meta::set_alive_at(&transaction, now)?;
    let tally = Tally::count(&transaction)?;
    // A visitor who never wrote had an id, too, and a console may still know it: no id is given twice.
    let unused_from = meta::unused_from(&transaction)?.unwrap_or(ConversationId(0));
    let next_conversation = conversation::next_id(&transaction)?.max(unused_from);
    meta::set_unused_from(&transaction, reserved_until(next_conversation))?;
    let rules = rule::all(&transaction)?;
    let answers = answer::all(&transaction)?;
    let lessons = lesson::count_open(&transaction)?;
    transaction.commit()?;
    let epoch = epoch.into();
    Ok(Found { settings, epoch, next_conversation, tally, due, asked, rules, answers, lessons })
}
