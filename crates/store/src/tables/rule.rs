//! The responder's rules, in order.

use deskbell_protocol::RuleId;
use deskbell_protocol::responder::Rule;
use rusqlite::{Connection, params};

use super::{from_json, json};

pub(crate) const CREATE: &str = "
CREATE TABLE rule (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    position INTEGER NOT NULL,
    rule TEXT NOT NULL
) STRICT;
";

pub(crate) fn all(connection: &Connection) -> rusqlite::Result<Vec<Rule>> {
    connection
        .prepare_cached("SELECT id, rule FROM rule ORDER BY position, id")?
        .query_map([], |row| {
            let mut rule: Rule = from_json(row, "rule")?;
            rule.id = RuleId(row.get("id")?);
            Ok(rule)
        })?
        .collect()
}

/// Adds a rule at the end (id 0) or changes one; `None` when there is no such rule.
pub(crate) fn save(connection: &Connection, rule: &Rule) -> rusqlite::Result<Option<RuleId>> {
    if rule.id.0 == 0 {
        connection.execute(
            "INSERT INTO rule (position, rule) VALUES ((SELECT coalesce(max(position), 0) + 1 FROM rule), ?1)",
            [json(rule)?],
        )?;
        return Ok(Some(RuleId(connection.last_insert_rowid())));
    }
    let changed =
        connection.execute("UPDATE rule SET rule = ?2 WHERE id = ?1", params![rule.id.0, json(rule)?])?;
    Ok((changed == 1).then_some(rule.id))
}

pub(crate) fn delete(connection: &Connection, id: RuleId) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM rule WHERE id = ?1", [id.0]).map(drop)
}

/// Puts these rules first, in this order; others follow as they were.
pub(crate) fn order(connection: &Connection, ids: &[RuleId]) -> rusqlite::Result<()> {
    connection.execute(
        "UPDATE rule SET position = position + ?1",
        [i64::try_from(ids.len()).unwrap_or(i64::MAX)],
    )?;
    for (position, id) in (1_i64..).zip(ids) {
        connection.execute("UPDATE rule SET position = ?2 WHERE id = ?1", params![id.0, position])?;
    }
    Ok(())
}
