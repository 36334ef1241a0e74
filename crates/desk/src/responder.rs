//! What proposes automatic replies. The quick part runs beside the socket, before the message reaches the store;
//! what it proposes travels with the message and is decided on in the same transaction.

use deskbell_protocol::entity::{Source, SourceKind};
use deskbell_protocol::responder::{Answer, Outcome, Question, Rule, Verdict};
use deskbell_protocol::settings::{Language, Settings};
use deskbell_protocol::{AnswerId, Timestamp};

/// The chain, ready to be asked. Made anew when rules or answers change.
#[derive(Debug, Default)]
pub struct Responder {
    rules: Vec<Rule>,
    answers: Vec<Answer>,
}

impl Responder {
    /// The chain of these rules, in order, and answers.
    #[must_use]
    pub fn new(rules: Vec<Rule>, answers: Vec<Answer>) -> Self {
        Self { rules, answers }
    }

    /// The rules, in order.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The knowledge base.
    #[must_use]
    pub fn answers(&self) -> &[Answer] {
        &self.answers
    }

    /// One answer.
    #[must_use]
    pub fn answer(&self, id: AnswerId) -> Option<&Answer> {
        self.answers.iter().find(|answer| answer.id == id)
    }

    /// What a visitor in this language is greeted with; `None` when the agent emptied the text.
    #[must_use]
    pub fn greeting(settings: &Settings, language: Language) -> Option<&str> {
        non_empty(settings.greeting.get(language))
    }

    /// What the chain makes of a question; its steps only when they are asked for.
    #[must_use]
    pub fn verdict(
        &self,
        question: &Question,
        settings: &Settings,
        _now: Timestamp,
        _explain: bool,
    ) -> Verdict {
        let outcome = match non_empty(settings.reply.get(question.language)) {
            Some(text) => Outcome::Reply { text: text.to_owned(), source: Source::of(SourceKind::Fallback) },
            None => Outcome::Nothing {},
        };
        Verdict { outcome, labels: Vec::new(), steps: Vec::new() }
    }
}

fn non_empty(text: &str) -> Option<&str> {
    Some(text).filter(|t| !t.trim().is_empty())
}
