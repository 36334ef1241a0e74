//! What the responder proposes, before it is decided on.

use deskbell_protocol::Timestamp;
use deskbell_protocol::entity::{NeedsHumanReason, Source, SourceKind};
use deskbell_protocol::responder::Outcome;

/// A reply before it is decided on.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// What it would say.
    pub text: String,
    /// What proposed it.
    pub source: Source,
}

/// A label that the chain puts on.
#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    /// What it says.
    pub text: String,
    /// The rule that puts it on; missing where a reply that comes with it is counted.
    pub rule: Option<Source>,
}

/// A slow part of the responder that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedPart {
    /// Which one.
    pub source: SourceKind,
    /// Why, in a sentence.
    pub message: String,
    /// The same in Chinese.
    pub message_zh: String,
}

/// The greeting that a visitor was shown, to be stored before the first message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// What it said.
    pub text: String,
    /// When it was shown.
    pub at: Timestamp,
}

/// What the quick part of the chain makes of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Proposal {
    /// A reply.
    Reply(Draft),
    /// A human is needed, and the customer may be told so.
    NeedsHuman {
        /// Why.
        reason: NeedsHumanReason,
        /// What decided it, with what the customer is told; the text may be empty.
        draft: Draft,
    },
    /// Nothing is said, and nobody is needed.
    Silent(Source),
    /// A model or the webhook bot, this one first, is asked once the message is stored; its answer comes as a command.
    Ask(SourceKind),
    /// There is no answer.
    Nothing,
}

impl From<Outcome> for Proposal {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Reply { text, source } => Self::Reply(Draft { text, source }),
            Outcome::NeedsHuman { reason, text, source } => {
                Self::NeedsHuman { reason, draft: Draft { text: text.unwrap_or_default(), source } }
            }
            Outcome::Silent { source } => Self::Silent(source),
            Outcome::Ask { who, .. } => Self::Ask(who.first().copied().unwrap_or(SourceKind::Model)),
            Outcome::Nothing {} => Self::Nothing,
        }
    }
}

impl From<Option<Draft>> for Proposal {
    fn from(draft: Option<Draft>) -> Self {
        draft.map_or(Self::Nothing, Self::Reply)
    }
}
