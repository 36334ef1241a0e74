//! The database's format, step by step. Each step is one transaction; `user_version` says which have been taken.

use std::path::Path;

use rusqlite::Connection;

use crate::OpenError;
use crate::tables::{answer, conversation, lesson, message, meta, rule, setting, usage};

/// The steps, oldest first. A step is never changed once it was released.
const STEPS: &[&[&str]] = &[
    &[meta::CREATE, setting::CREATE, conversation::CREATE, message::CREATE],
    &[conversation::CHAIN, message::CHANGE, rule::CREATE, answer::CREATE, lesson::CREATE, usage::CREATE],
];

pub(crate) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(OpenError::Newer { path: path.to_owned(), found, known });
    }
    let done = usize::try_from(found).unwrap_or(0);
    for (step, statements) in STEPS.iter().enumerate().skip(done) {
        let transaction = connection.transaction()?;
        for statement in *statements {
            transaction.execute_batch(statement)?;
        }
        transaction.pragma_update(None, "user_version", i64::try_from(step).unwrap_or(0) + 1)?;
        transaction.commit()?;
    }
    Ok(())
}
