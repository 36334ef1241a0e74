//! Erasing a customer from a database and from every backup.
//!
//! `secure_delete` overwrites what is deleted, but pages that were rearranged before may hold stale copies: only
//! `VACUUM` writes the file anew. Until that is done the database remembers that it is due.

use std::path::Path;

use deskbell_protocol::ConversationId;
use rusqlite::Connection;

use super::files::{at, make_private_file, remove, sync_file, sync_folder};
use super::{Progress, UpkeepError, backups, restore};
use crate::fault;
use crate::tables::conversation::{self, Identity};
use crate::tables::meta;

/// Erases a customer from all backups and drops what was kept aside, which cannot be searched.
pub(crate) fn from_backups(
    data: &Path,
    id: ConversationId,
    identity: &Identity,
    progress: Progress<'_>,
) -> Result<(), UpkeepError> {
    let backups = backups::list(data)?;
    let all = u32::try_from(backups.len()).unwrap_or(u32::MAX).max(1);
    for (backup, number) in backups.iter().zip(0_u32..) {
        let path = backups::folder(data).join(&backup.name);
        if has(&path, id, identity).unwrap_or(true) {
            from_backup(&path, id, identity)?;
        }
        progress(number.saturating_add(1).saturating_mul(90) / all);
        fault::point("erased from a backup");
    }
    restore::remove_kept_aside(data)
}

fn has(path: &Path, id: ConversationId, identity: &Identity) -> Result<bool, UpkeepError> {
    Ok(conversation::find_erased(&backups::open_read(path)?, id, identity)?.is_some())
}

/// Writes the backup anew without the customer. One that cannot be read is of no use and may hold the customer: it goes.
fn from_backup(path: &Path, id: ConversationId, identity: &Identity) -> Result<(), UpkeepError> {
    let partial = path.with_extension("erasing");
    remove(&partial).map_err(at(&partial))?;
    make_private_file(&partial).map_err(at(&partial))?;
    std::fs::copy(path, &partial).map_err(at(&partial))?;
    match rewrite(&partial, id, identity) {
        Ok(()) => {
            sync_file(&partial).map_err(at(&partial))?;
            std::fs::rename(&partial, path).map_err(at(path))?;
        }
        Err(error) if super::damage::is_damage(&error) => {
            tracing::warn!(path = %path.display(), %error, "a damaged backup may hold an erased customer and is removed");
            remove(&partial).map_err(at(&partial))?;
            remove(path).map_err(at(path))?;
        }
        Err(error) => {
            let _removed_at_the_next_start = remove(&partial);
            return Err(error.into());
        }
    }
    let folder = path.parent().unwrap_or(path);
    sync_folder(folder).map_err(at(folder))
}

fn rewrite(path: &Path, id: ConversationId, identity: &Identity) -> rusqlite::Result<()> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "MEMORY")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    if let Some(found) = conversation::find_erased(&connection, id, identity)? {
        conversation::erase(&connection, found)?;
    }
    connection.execute_batch("VACUUM")?;
    connection.close().map_err(|(_, error)| error)
}

/// Writes the whole database anew, if a customer was erased since it was last done. No other connection may read
/// meanwhile.
pub(crate) fn scrub(connection: &Connection) -> rusqlite::Result<()> {
    if !meta::is_scrub_due(connection)? {
        return Ok(());
    }
    connection.execute_batch("VACUUM")?;
    let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0))?;
    fault::point("scrubbed");
    // While someone reads, the old pages remain: it is still due.
    if busy { Ok(()) } else { meta::set_scrub_due(connection, false) }
}
