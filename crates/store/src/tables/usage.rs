//! What became of what the responder proposed, in numbers a part of the chain and hour.

use std::collections::BTreeMap;

use deskbell_protocol::Timestamp;
use deskbell_protocol::entity::{Source, SourceKind};
use deskbell_protocol::responder::Use;
use rusqlite::{Connection, params};

use super::{from_word, word};

/// Milliseconds of one row's period.
pub(crate) const HOUR_MS: i64 = 3_600_000;

pub(crate) const CREATE: &str = "
CREATE TABLE usage (
    hour INTEGER NOT NULL,
    kind TEXT NOT NULL,
    part INTEGER NOT NULL,
    name TEXT NOT NULL,
    what TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (hour, kind, part, name, what)
) STRICT, WITHOUT ROWID;
";

/// What to count: the hour, the part of the chain, and what became of its proposal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Counted {
    hour: i64,
    kind: String,
    part: i64,
    name: String,
    what: Use,
}

/// Counts of one batch, written as few rows.
#[derive(Debug, Default)]
pub(crate) struct Counts(BTreeMap<Counted, u32>);

impl Counts {
    pub(crate) fn add(&mut self, at: Timestamp, source: &Source, what: Use) -> rusqlite::Result<()> {
        let counted = Counted {
            hour: at.0.div_euclid(HOUR_MS),
            kind: word(source.kind)?,
            part: source.id.unwrap_or(0),
            // A rule or answer is known by its id; a model by its name.
            name: source.name.clone().filter(|_| source.kind == SourceKind::Model).unwrap_or_default(),
            what,
        };
        let count = self.0.entry(counted).or_default();
        *count = count.saturating_add(1);
        Ok(())
    }

    pub(crate) fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
        for (counted, count) in &self.0 {
            connection
                .prepare_cached(
                    "INSERT INTO usage (hour, kind, part, name, what, count) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                     ON CONFLICT DO UPDATE SET count = count + ?6",
                )?
                .execute(params![
                    counted.hour,
                    counted.kind,
                    counted.part,
                    counted.name,
                    word(counted.what)?,
                    count
                ])?;
        }
        Ok(())
    }
}

/// One number: the hour's beginning, the part of the chain, what became of its proposals, how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Used {
    /// The hour's beginning.
    pub at: Timestamp,
    /// Which part of the chain.
    pub kind: SourceKind,
    /// The rule or answer; 0 for other parts.
    pub part: i64,
    /// The model's name; empty for other parts.
    pub name: String,
    /// What became of it.
    pub what: Use,
    /// How often.
    pub count: u32,
}

/// The numbers of a period; its ends are rounded down to hours, and the last one does not count.
pub(crate) fn between(
    connection: &Connection,
    from: Timestamp,
    to: Timestamp,
) -> rusqlite::Result<Vec<Used>> {
    connection
        .prepare_cached("SELECT * FROM usage WHERE hour >= ?1 AND hour < ?2 ORDER BY hour")?
        .query_map(params![from.0.div_euclid(HOUR_MS), to.0.div_euclid(HOUR_MS)], |row| {
            Ok(Used {
                at: Timestamp(row.get::<_, i64>("hour")?.saturating_mul(HOUR_MS)),
                kind: from_word(row, "kind")?,
                part: row.get("part")?,
                name: row.get("name")?,
                what: from_word(row, "what")?,
                count: row.get("count")?,
            })
        })?
        .collect()
}

/// Ever: how often each rule and answer was used, and overridden.
pub(crate) fn totals(
    connection: &Connection,
    kind: SourceKind,
) -> rusqlite::Result<BTreeMap<i64, (u32, u32)>> {
    connection
        .prepare_cached(
            "SELECT part,
                 sum(CASE WHEN what = 'used' THEN count ELSE 0 END),
                 sum(CASE WHEN what IN ('edited', 'discarded', 'corrected', 'retracted') THEN count ELSE 0 END)
             FROM usage WHERE kind = ?1 GROUP BY part",
        )?
        .query_map([word(kind)?], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?
        .collect()
}
