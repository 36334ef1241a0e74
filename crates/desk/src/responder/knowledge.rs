//! The knowledge base.

use deskbell_protocol::AnswerId;
use deskbell_protocol::responder::Answer;
use deskbell_protocol::settings::Language;

use super::text::{key, normalized};

/// All answers, ready to be asked.
pub(crate) struct Knowledge {
    answers: Vec<Answer>,
}

/// An answer that may fit.
pub(crate) struct Candidate<'k> {
    pub(crate) answer: &'k Answer,
    /// The variant that fits best.
    pub(crate) question: &'k str,
    /// 0 to 1, in whole per cent.
    pub(crate) score: f64,
}

impl Knowledge {
    pub(crate) fn new(answers: Vec<Answer>) -> Self {
        Self { answers }
    }

    pub(crate) fn all(&self) -> &[Answer] {
        &self.answers
    }

    pub(crate) fn get(&self, id: AnswerId) -> Option<&Answer> {
        self.answers.iter().find(|answer| answer.id == id)
    }

    /// The answers that fit best, best first.
    pub(crate) fn best(&self, message: &str, language: Language, at_most: usize) -> Vec<Candidate<'_>> {
        self.answers
            .iter()
            .filter(|a| a.enabled && (a.languages.is_empty() || a.languages.contains(&language)))
            .filter_map(|answer| {
                let question = answer.questions.iter().find(|q| key(&normalized(q)) == key(message))?;
                Some(Candidate { answer, question, score: 1.0 })
            })
            .take(at_most)
            .collect()
    }
}
