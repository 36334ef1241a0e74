//! Replies that were sent, corrected or taken back. The original and who changed it stay with the message.

use deskbell_protocol::entity::{
    Author, Change, ChangeKind, LastLine, Message, NeedsHumanReason, Status, SystemLine,
};
use deskbell_protocol::responder::Use;
use deskbell_protocol::{Code, Refusal, Seq, limits};

use crate::decision::{Context, Decision, Subject, is_automatic, is_notice};
use crate::learn;

/// Replaces the text; the customer's client shows the new one, marked as corrected.
pub(crate) fn correct(
    decision: &mut Decision,
    by: String,
    seq: Seq,
    text: String,
    context: &Context<'_>,
) -> Result<(), Refusal> {
    let subject = subject(seq, context)?;
    let before = subject.message.text.clone();
    if before == text {
        return Ok(());
    }
    if let Some(source) = &subject.message.source {
        decision.count(source, Use::Corrected);
    }
    decision.lesson = learn::from_correction(subject, &by, &text, context);
    apply(decision, subject, ChangeKind::Corrected, &by, text, context);
    decision.system(SystemLine::Corrected { by, seq, before }, context.now);
    Ok(())
}

/// Takes the message back; the customer's client shows that, and not the text.
pub(crate) fn retract(
    decision: &mut Decision,
    by: String,
    seq: Seq,
    context: &Context<'_>,
) -> Result<(), Refusal> {
    let subject = subject(seq, context)?;
    if let Some(source) = &subject.message.source {
        decision.count(source, Use::Retracted);
    }
    apply(decision, subject, ChangeKind::Retracted, &by, String::new(), context);
    decision.system(SystemLine::Retracted { by, seq }, context.now);
    wait_again(decision, subject, context);
    Ok(())
}

/// The customer whose only answer was taken back waits again, and somebody must know.
fn wait_again(decision: &mut Decision, subject: &Subject, context: &Context<'_>) {
    let state = &mut decision.state;
    let answered_last = subject.question == Some(state.last_customer_seq)
        && !subject.message.source.as_ref().is_some_and(is_notice);
    if state.status == Status::Resolved || !answered_last || subject.answered_otherwise {
        return;
    }
    state.waiting_since.get_or_insert(context.now);
    if is_automatic(state) {
        decision.mark_needs_human(NeedsHumanReason::NoAnswer, context.now);
    }
}

/// The message, if it is one that can still be changed.
fn subject<'a>(seq: Seq, context: &Context<'a>) -> Result<&'a Subject, Refusal> {
    let subject = context.subject.filter(|subject| subject.message.seq == seq);
    let subject = subject
        .ok_or_else(|| Refusal::new(Code::NoSuchMessage, "There is no such message in this conversation."))?;
    let message = &subject.message;
    if !matches!(message.author, Author::Automatic | Author::Agent) {
        let sentence = "Only what the desk said can be corrected or retracted.";
        return Err(Refusal::new(Code::NoSuchMessage, sentence));
    }
    if message.change.as_ref().is_some_and(|change| change.kind == ChangeKind::Retracted) {
        return Err(Refusal::new(Code::NoSuchMessage, "This message was retracted already."));
    }
    Ok(subject)
}

fn apply(
    decision: &mut Decision,
    subject: &Subject,
    kind: ChangeKind,
    by: &str,
    text: String,
    context: &Context<'_>,
) {
    let mut message = Message::clone(&subject.message);
    let original = message.change.take().map_or_else(|| message.text.clone(), |change| change.original);
    message.change = Some(Change { kind, by: by.to_owned(), at: context.now, original });
    message.text = text;
    let state = &mut decision.state;
    state.revision = state.revision.next();
    message.revision = state.revision;
    let shows = |last: &LastLine| last.author == message.author && last.at == message.at;
    if let Some(last) = state.last.as_mut().filter(|last| shows(last)) {
        last.text = limits::preview(&message.text);
    }
    decision.changed = Some(message);
}
