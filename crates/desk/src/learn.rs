//! What can be learned from an agent's act. An offer only: nothing is changed without a person.

use deskbell_protocol::entity::{HeldReply, Source, SourceKind};
use deskbell_protocol::responder::LessonKind;
use serde::{Deserialize, Serialize};

use crate::decision::{Context, NewLesson, Subject};
use crate::state::State;

/// What became of a customer's message that nobody has really answered. Kept until the customer writes again or an agent
/// answers, whatever is pressed in between.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Caught {
    /// Nothing answered it, or only the default reply or the away text did.
    Unanswered,
    /// An agent discarded the reply to it.
    Discarded {
        /// What would have been said; empty when a model had not begun.
        text: String,
        /// Where that came from.
        source: Source,
        /// Whether the discard is why a human is needed.
        marked: bool,
    },
}

impl Caught {
    /// What a reply from here leaves to teach.
    pub(crate) fn by(source: &Source) -> Option<Self> {
        matches!(source.kind, SourceKind::Fallback | SourceKind::Away).then_some(Self::Unanswered)
    }
}

/// From a held reply that the agent edited before it was sent.
pub(crate) fn from_edit(held: &HeldReply, by: &str, reply: &str, context: &Context<'_>) -> Option<NewLesson> {
    offers(&held.source, context).then(|| NewLesson::Offer {
        question: held.for_seq,
        kind: LessonKind::Edited,
        proposed: Some(held.text.clone()).filter(|text| !text.is_empty()),
        source: Some(held.source.clone()),
        reply: Some(reply.to_owned()),
        by: by.to_owned(),
    })
}

/// From a held reply that the agent discarded. What the agent says instead comes with the answer.
pub(crate) fn from_discard(held: &HeldReply, by: &str, context: &Context<'_>) -> Option<NewLesson> {
    offers(&held.source, context).then(|| NewLesson::Offer {
        question: held.for_seq,
        kind: LessonKind::Discarded,
        proposed: Some(held.text.clone()).filter(|text| !text.is_empty()),
        source: Some(held.source.clone()),
        reply: None,
        by: by.to_owned(),
    })
}

/// From a reply that the agent corrected after it was sent.
pub(crate) fn from_correction(
    subject: &Subject,
    by: &str,
    reply: &str,
    context: &Context<'_>,
) -> Option<NewLesson> {
    let source = subject.message.source.as_ref().filter(|source| offers(source, context))?;
    Some(NewLesson::Offer {
        question: subject.question?,
        kind: LessonKind::Corrected,
        proposed: Some(subject.message.text.clone()),
        source: Some(source.clone()),
        reply: Some(reply.to_owned()),
        by: by.to_owned(),
    })
}

/// From an answer by hand to what nobody has really answered. Only the first answer to a question teaches.
pub(crate) fn from_answer(state: &State, by: &str, reply: &str, context: &Context<'_>) -> Option<NewLesson> {
    let question = state.last_customer_seq;
    if !context.settings.responder.lessons || question.0 == 0 {
        return None;
    }
    let (kind, proposed, source) = match state.caught.clone()? {
        Caught::Unanswered => (LessonKind::Answered, None, None),
        Caught::Discarded { text, source, .. } => (LessonKind::Discarded, Some(text), Some(source)),
    };
    let proposed = proposed.filter(|text| !text.is_empty());
    Some(NewLesson::Offer {
        question,
        kind,
        proposed,
        source,
        reply: Some(reply.to_owned()),
        by: by.to_owned(),
    })
}

fn offers(source: &Source, context: &Context<'_>) -> bool {
    let teaches = matches!(
        source.kind,
        SourceKind::Fallback
            | SourceKind::Rule
            | SourceKind::Answer
            | SourceKind::Model
            | SourceKind::Webhook
    );
    teaches && context.settings.responder.lessons
}
