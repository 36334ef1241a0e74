//! The database's format, step by step. Each step is one transaction; `user_version` says which have been taken.

use rusqlite::Connection;

use crate::fault;
use crate::tables::{answer, conversation, lesson, message, meta, rule, setting, usage};

/// The steps, oldest first. A step is never changed once it was released.
const STEPS: &[&[&str]] = &[
    &[meta::CREATE, setting::CREATE, conversation::CREATE, message::CREATE],
    &[conversation::CHAIN, message::CHANGE, rule::CREATE, answer::CREATE, lesson::CREATE, usage::CREATE],
    &[conversation::DELIVERED],
    &[message::VISIT, conversation::OVERRIDING],
];

/// The newest format that this version knows.
pub(crate) fn known() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}

/// The format of a database; 0 when there is nothing in it yet.
pub(crate) fn format(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Takes the steps that are missing. Nothing is touched when there are none, or when the format is a newer one.
pub(crate) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let done = usize::try_from(format(connection)?).unwrap_or(0);
    for (step, statements) in STEPS.iter().enumerate().skip(done) {
        let transaction = connection.transaction()?;
        for statement in *statements {
            transaction.execute_batch(statement)?;
            fault::point("migration statement");
        }
        transaction.pragma_update(None, "user_version", i64::try_from(step).unwrap_or(0) + 1)?;
        fault::point("migration before commit");
        transaction.commit()?;
        fault::point("migration step done");
    }
    Ok(())
}
