//! What can be learned from an agent's act. An offer only: nothing is changed without a person.

use deskbell_protocol::entity::{HeldReply, NeedsHumanReason, Source, SourceKind};
use deskbell_protocol::responder::LessonKind;

use crate::decision::{Context, NewLesson, Subject};
use crate::state::State;

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

/// From an answer by hand to what the default reply had caught, nothing had answered, or the agent had discarded a
/// reply to. Only the first answer to a question teaches.
pub(crate) fn from_answer(state: &State, by: &str, reply: &str, context: &Context<'_>) -> Option<NewLesson> {
    let question = state.last_customer_seq;
    if !context.settings.responder.lessons || question.0 == 0 {
        return None;
    }
    let discarded = state.discarded.as_ref().filter(|held| held.for_seq == question);
    let held = state.held.as_ref().filter(|held| held.source.kind == SourceKind::Fallback);
    let answered = state.answered_by.as_ref().filter(|source| source.kind == SourceKind::Fallback);
    let unanswered = state.waiting_since.is_some()
        && state.needs_human.is_some_and(|needs| needs.reason == NeedsHumanReason::NoAnswer);
    let (kind, proposed, source) = if let Some(held) = discarded {
        (LessonKind::Discarded, Some(held.text.clone()), Some(held.source.clone()))
    } else if held.is_some() || answered.is_some() || unanswered {
        (LessonKind::Answered, None, None)
    } else {
        return None;
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
