//! The responder's rules, in order.

use deskbell_protocol::RuleId;
use deskbell_protocol::responder::Rule;
use rusqlite::{Connection, params};

use super::{from_json, json, was_deleted};

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

/// Brings a deleted rule back under its id, behind `place` others. False when that id was never given, or is in use.
pub(crate) fn restore(connection: &Connection, rule: &Rule, place: usize) -> rusqlite::Result<bool> {
    if !was_deleted(connection, "rule", rule.id.0)? {
        return Ok(false);
    }
    let mut ids: Vec<RuleId> = connection
        .prepare("SELECT id FROM rule ORDER BY position, id")?
        .query_map([], |row| row.get(0).map(RuleId))?
        .collect::<Result<_, _>>()?;
    ids.insert(place.min(ids.len()), rule.id);
    connection.execute(
        "INSERT INTO rule (id, position, rule) VALUES (?1, 0, ?2)",
        params![rule.id.0, json(rule)?],
    )?;
    order(connection, &ids).map(|()| true)
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
