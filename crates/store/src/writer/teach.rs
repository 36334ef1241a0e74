//! What agents teach: rules, answers, and what becomes of offers to learn. One transaction each.

use deskbell_protocol::responder::{Answer, Rule};
use deskbell_protocol::{AnswerId, Code, LessonId, Refusal, RuleId};
use rusqlite::Connection;

use super::Writer;
use crate::tables::{answer, lesson, rule};

/// A change of what the responder knows.
#[derive(Debug, Clone)]
pub enum Teaching {
    /// Adds a rule at the end (id 0) or changes one, and deals with an offer.
    Rule(Box<Rule>, Option<LessonId>),
    /// Brings a deleted rule back under its id, behind so many others.
    RestoreRule(Box<Rule>, usize),
    /// Deletes a rule.
    ForgetRule(RuleId),
    /// Puts the rules in this order.
    Order(Vec<RuleId>),
    /// Adds answers (id 0) or changes them, all or none, and deals with an offer.
    Answers(Vec<Answer>, Option<LessonId>),
    /// Brings deleted answers back under their ids, all or none.
    RestoreAnswers(Vec<Answer>),
    /// Deletes answers.
    ForgetAnswers(Vec<AnswerId>),
    /// Drops an offer to learn.
    Dismiss(LessonId),
}

/// What is in force after a change.
#[derive(Debug, Clone, Default)]
pub struct Taught {
    /// The ids of the answers that were saved, in the order given.
    pub saved: Vec<AnswerId>,
    /// Offers that nobody has dealt with.
    pub lessons: u32,
}

impl Writer {
    /// Does it in one transaction, or nothing.
    pub(super) fn teach(&mut self, teaching: &Teaching) -> Result<Taught, Refusal> {
        let done = (|| {
            let transaction = self.connection.transaction()?;
            let Some(taught) = apply(&transaction, teaching)? else { return Ok(None) };
            transaction.commit()?;
            Ok(Some(taught))
        })();
        match done {
            Ok(Some(taught)) => Ok(taught),
            Ok(None) => {
                Err(Refusal::new(Code::NoSuchEntry, "This is not there any more; nothing was changed."))
            }
            Err(error) => Err(self.failed(&error)),
        }
    }
}

/// `None` when it is about something that is not there, or to be brought back and never was.
fn apply(connection: &Connection, teaching: &Teaching) -> rusqlite::Result<Option<Taught>> {
    let mut saved = Vec::new();
    match teaching {
        Teaching::Rule(changed, offer) => {
            if rule::save(connection, changed)?.is_none() {
                return Ok(None);
            }
            close(connection, *offer)?;
        }
        Teaching::RestoreRule(deleted, place) => {
            if !rule::restore(connection, deleted, *place)? {
                return Ok(None);
            }
        }
        Teaching::ForgetRule(id) => rule::delete(connection, *id)?,
        Teaching::Order(ids) => rule::order(connection, ids)?,
        Teaching::Answers(answers, offer) => {
            for changed in answers {
                let Some(id) = answer::save(connection, changed)? else { return Ok(None) };
                saved.push(id);
            }
            close(connection, *offer)?;
        }
        Teaching::RestoreAnswers(answers) => {
            for deleted in answers {
                if !answer::restore(connection, deleted)? {
                    return Ok(None);
                }
            }
        }
        Teaching::ForgetAnswers(ids) => {
            for id in ids {
                answer::delete(connection, *id)?;
            }
        }
        Teaching::Dismiss(offer) => lesson::close(connection, *offer)?,
    }
    Ok(Some(Taught { saved, lessons: lesson::count_open(connection)? }))
}

fn close(connection: &Connection, offer: Option<LessonId>) -> rusqlite::Result<()> {
    offer.map_or(Ok(()), |offer| lesson::close(connection, offer))
}
