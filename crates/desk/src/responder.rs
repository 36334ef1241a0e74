//! What proposes automatic replies. The quick part runs beside the socket, before the message reaches the store;
//! what it proposes travels with the message and is decided on in the same transaction.

use deskbell_protocol::Timestamp;
use deskbell_protocol::entity::{Source, SourceKind};
use deskbell_protocol::settings::{Language, Settings};

/// A proposal before it is decided on.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// What it would say.
    pub text: String,
    /// What proposed it.
    pub source: Source,
}

/// The greeting that a visitor was shown, to be stored before the first message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// What it said.
    pub text: String,
    /// When it was shown.
    pub at: Timestamp,
}

/// The part of the responder that needs no waiting.
#[derive(Debug, Clone, Copy)]
pub struct QuickResponder<'a> {
    /// The settings in force.
    pub settings: &'a Settings,
}

impl QuickResponder<'_> {
    /// What a visitor in this language is greeted with; `None` when the agent emptied the text.
    #[must_use]
    pub fn greeting(&self, language: Language) -> Option<&str> {
        non_empty(self.settings.greeting.get(language))
    }

    /// What would answer a message in this language; `None` when there is nothing to say.
    #[must_use]
    pub fn propose(&self, _text: &str, language: Language) -> Option<Draft> {
        let text = non_empty(self.settings.reply.get(language))?;
        Some(Draft { text: text.to_owned(), source: Source::of(SourceKind::Fallback) })
    }
}

fn non_empty(text: &str) -> Option<&str> {
    Some(text).filter(|t| !t.trim().is_empty())
}
