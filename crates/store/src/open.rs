//! From a folder to an open database.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use deskbell_desk::{Command, Context, decide};
use deskbell_protocol::Timestamp;
use rusqlite::Connection;

use crate::tables::{answer, conversation, lesson, meta, rule, setting};
use crate::tally::Tally;
use crate::{Found, OpenError, migrations};

/// The database's file name in the data folder.
const FILE: &str = "deskbell.db";
/// Held with an exclusive lock while a desk runs on the folder.
const LOCK: &str = "deskbell.lock";

pub(crate) struct Opened {
    pub(crate) connection: Connection,
    pub(crate) path: PathBuf,
    pub(crate) lock: File,
    pub(crate) found: Found,
}

pub(crate) fn open(folder: &Path, fresh_epoch: &str, now: Timestamp) -> Result<Opened, OpenError> {
    let unusable = |error| OpenError::Folder { folder: folder.to_owned(), error };
    make_private_folder(folder).map_err(unusable)?;
    let lock =
        File::options().create(true).truncate(false).write(true).open(folder.join(LOCK)).map_err(unusable)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(OpenError::InUse(folder.to_owned())),
        Err(TryLockError::Error(error)) => return Err(unusable(error)),
    }
    let path = folder.join(FILE);
    let mut connection = Connection::open(&path)?;
    configure(&connection)?;
    migrations::migrate(&mut connection, &path)?;
    let found = find(&mut connection, fresh_epoch, now)?;
    Ok(Opened { connection, path, lock, found })
}

/// Customers' words are nobody else's business on a shared machine.
fn make_private_folder(folder: &Path) -> std::io::Result<()> {
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

/// Invariant 1: what is acknowledged survives power loss.
pub(crate) fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
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
            due.extend(held.due_at.map(|due_at| (id, held.id, due_at)));
            if held.writing {
                asked.push((id, held.for_seq, decision.state.control_version));
            }
        }
        conversation::save(&transaction, id, &decision.state, &customer)?;
    }
    meta::set_alive_at(&transaction, now)?;
    let tally = Tally::count(&transaction)?;
    let next_conversation = conversation::next_id(&transaction)?;
    let rules = rule::all(&transaction)?;
    let answers = answer::all(&transaction)?;
    let lessons = lesson::count_open(&transaction)?;
    transaction.commit()?;
    Ok(Found { settings, epoch, next_conversation, tally, due, asked, rules, answers, lessons })
}
