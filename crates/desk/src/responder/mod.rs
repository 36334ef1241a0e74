//! What proposes automatic replies: a chain of a request for a person, rules, answers of the knowledge base, the model,
//! the webhook bot and the default reply; the first that is sure wins.
//!
//! The part that needs no waiting is here. It runs beside the socket, before the message reaches the store; what it
//! proposes travels with the message and is decided on in the same transaction.

mod chain;
mod file;
mod fill;
mod hours;
mod import;
mod knowledge;
mod pattern;
mod person;
mod replay;
mod rules;
mod text;
mod validate;

use deskbell_protocol::responder::{Answer, Plan, Rule};
use deskbell_protocol::settings::{Language, Settings};
use deskbell_protocol::{AnswerId, Refusal};

pub use file::{read_answers, starter_answers, write_answers};
pub(crate) use fill::fill_known;
pub use hours::is_open;
pub use import::{Import, import_answers, import_starters};
pub use replay::{Past, replay, replay_planned};
pub use validate::{validate_answer, validate_responder, validate_restored, validate_rule};

use self::knowledge::Knowledge;
use self::person::RequestsForPerson;
use self::rules::Rules;

/// The whole chain, ready to be asked.
///
/// It does not change: it is built anew when rules or answers change, away from the async threads (10,000 answers take
/// a second or so), and shared.
pub struct Responder {
    rules: Rules,
    knowledge: Knowledge,
    person: RequestsForPerson,
}

impl Responder {
    /// The chain of these rules, in order, and these answers. A rule that is not valid never applies.
    #[must_use]
    pub fn new(rules: Vec<Rule>, answers: Vec<Answer>) -> Self {
        Self {
            rules: Rules::new(rules),
            knowledge: Knowledge::new(answers),
            person: RequestsForPerson::default(),
        }
    }

    /// The chain as it would be after a change.
    ///
    /// # Errors
    /// As [`validate_rule`] and [`validate_answer`].
    pub fn planned(&self, plan: Plan) -> Result<Self, Refusal> {
        let (mut rules, mut answers) = (self.rules().to_vec(), self.answers().to_vec());
        match plan {
            Plan::Rule { rule } => {
                let rule = validate_rule(rule, &rules)?;
                match rules.iter_mut().find(|known| known.id == rule.id) {
                    Some(known) => *known = rule,
                    None => rules.push(rule),
                }
            }
            Plan::Answer { answer } => {
                let answer = validate_answer(answer, &answers)?;
                match answers.iter_mut().find(|known| known.id == answer.id) {
                    Some(known) => *known = answer,
                    None => answers.push(answer),
                }
            }
        }
        Ok(Self::new(rules, answers))
    }

    /// The rules that take part, switched off or not.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        self.rules.all()
    }

    /// The answers, switched off or not.
    #[must_use]
    pub fn answers(&self) -> &[Answer] {
        self.knowledge.all()
    }

    /// The answer of this id, for the model to stand on.
    #[must_use]
    pub fn answer(&self, id: AnswerId) -> Option<&Answer> {
        self.knowledge.get(id)
    }

    /// What a visitor in this language is greeted with; `None` when the agent emptied the text.
    #[must_use]
    pub fn greeting(settings: &Settings, language: Language) -> Option<&str> {
        non_empty(settings.greeting.get(language))
    }
}

impl Default for Responder {
    /// A chain without rules and answers.
    fn default() -> Self {
        Self::new(Vec::new(), Vec::new())
    }
}

impl std::fmt::Debug for Responder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Responder")
            .field("rules", &self.rules().len())
            .field("answers", &self.answers().len())
            .finish_non_exhaustive()
    }
}

fn non_empty(text: &str) -> Option<&str> {
    Some(text).filter(|t| !t.trim().is_empty())
}
