//! What an agent does.

use deskbell_protocol::entity::{Control, HeldReply, NeedsHumanReason, Status, SystemLine};
use deskbell_protocol::responder::Use;
use deskbell_protocol::settings::{Hold, validate_hold};
use deskbell_protocol::{Code, HeldId, Refusal, Seq, Timestamp, limits};

use crate::change;
use crate::decision::{Context, Decision, NewLesson, held_reply, is_automatic, stale_reply};
use crate::learn::{self, Caught};
use crate::proposal::Draft;
use crate::state::Origin;

/// The acts of an agent. What each does, the protocol's `Request` says.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the protocol's Request documents each one and its fields")]
pub enum AgentAction {
    Send { client_id: String, text: String },
    Note { client_id: String, text: String },
    TakeOver,
    HandBack,
    SetHold { hold: Option<Hold> },
    SendHeld { held: HeldId, text: Option<String> },
    DiscardHeld { held: HeldId },
    RestoreHeld { held: HeldId },
    PauseHeld { held: HeldId, left_ms: Option<i64> },
    ResumeHeld { held: HeldId },
    Resolve,
    Reopen,
    MarkRead { seq: Seq },
    DismissNeedsHuman,
    Correct { seq: Seq, text: String },
    Retract { seq: Seq },
    StopWriting { held: HeldId, so_far: String },
    SetLabels { labels: Vec<String> },
}

pub(crate) fn act(
    decision: &mut Decision,
    by: String,
    action: AgentAction,
    context: &Context<'_>,
) -> Result<(), Refusal> {
    let now = context.now;
    match action {
        AgentAction::Send { client_id, text } => send(decision, by, client_id, text, context),
        AgentAction::Note { client_id, text } => {
            decision.begin(context);
            decision.say(Origin::Note { name: by, client_id }, text, now);
        }
        AgentAction::TakeOver => {
            decision.begin(context);
            if let Some(stopped) = take_over(decision, by, now) {
                decision.suggest_stopped(stopped, context);
            }
            decision.state.needs_human = None;
        }
        AgentAction::HandBack => hand_back(decision, by, now),
        AgentAction::SetHold { hold } => set_hold(decision, by, hold, context)?,
        AgentAction::SendHeld { held, text } => send_held(decision, by, held, text, context)?,
        AgentAction::DiscardHeld { held } => discard(decision, by, held, context)?,
        AgentAction::RestoreHeld { held } => restore(decision, by, held, now)?,
        AgentAction::PauseHeld { held, left_ms } => pause(decision, held, left_ms, now)?,
        AgentAction::ResumeHeld { held } => resume(decision, held, now)?,
        AgentAction::Resolve => resolve(decision, by, context),
        AgentAction::Reopen => {
            if decision.state.status == Status::Resolved {
                decision.state.status = Status::Open;
                decision.system(SystemLine::Reopened { by: Some(by) }, now);
            }
        }
        AgentAction::MarkRead { seq } => mark_read(decision, seq),
        AgentAction::DismissNeedsHuman => {
            decision.state.needs_human = None;
            // Who is to get a held reply still waits for that.
            if decision.state.held.is_none() {
                decision.state.waiting_since = None;
            }
        }
        AgentAction::Correct { seq, text } => change::correct(decision, by, seq, text, context)?,
        AgentAction::Retract { seq } => change::retract(decision, by, seq, context)?,
        AgentAction::StopWriting { held, so_far } => stop_writing(decision, by, held, so_far, now)?,
        AgentAction::SetLabels { labels } => set_labels(decision, labels, context)?,
    }
    Ok(())
}

/// Sending takes control in the same transaction: from here on no automatic reply leaves.
fn send(decision: &mut Decision, by: String, client_id: String, text: String, context: &Context<'_>) {
    let now = context.now;
    decision.begin(context);
    if decision.state.status == Status::Resolved {
        decision.state.status = Status::Open;
        decision.system(SystemLine::Reopened { by: Some(by.clone()) }, now);
    }
    decision.lesson = learn::from_answer(&decision.state, &by, &text, context);
    take_over(decision, by.clone(), now);
    let seq = decision.say(Origin::Agent { name: by, client_id }, text, now);
    let state = &mut decision.state;
    state.suggestion = None;
    state.answered_seq = state.last_customer_seq;
    state.answered_by = None;
    state.caught = None;
    state.needs_human = None;
    state.waiting_since = None;
    state.unread = 0;
    state.agent_read_seq = seq;
}

/// Takes control. The held reply that this stopped comes back.
fn take_over(decision: &mut Decision, by: String, now: Timestamp) -> Option<HeldReply> {
    let state = &mut decision.state;
    if state.control == Control::Human {
        return None;
    }
    state.control = Control::Human;
    state.control_version = state.control_version.saturating_add(1);
    state.human_since = Some(now);
    let stopped = withdraw(decision);
    if let Some(source) = decision.state.answered_by.clone()
        && !decision.state.is_marked_by(&source)
    {
        decision.count(&source, Use::LedToHuman);
    }
    decision.system(SystemLine::TookOver { by, stopped: quote(stopped.as_ref()) }, now);
    stopped
}

/// The held reply is not sent, nor can it be brought back.
fn withdraw(decision: &mut Decision) -> Option<HeldReply> {
    decision.state.discarded = None;
    let stopped = decision.state.held.take()?;
    decision.count(&stopped.source, Use::Discarded);
    Some(stopped)
}

/// What the thread keeps of a held reply that was stopped, where there was a word of it.
fn quote(stopped: Option<&HeldReply>) -> Option<String> {
    stopped.map(|held| held.text.clone()).filter(|text| !text.is_empty())
}

/// The responder answers again from the next message; who still waits for an answer stays marked.
fn hand_back(decision: &mut Decision, by: String, now: Timestamp) {
    let state = &mut decision.state;
    if state.control == Control::Automatic {
        return;
    }
    state.give_back();
    decision.system(SystemLine::HandedBack { by }, now);
    if decision.state.waiting_since.is_some() {
        decision.mark_needs_human(NeedsHumanReason::NoAnswer, now);
    }
}

fn set_hold(
    decision: &mut Decision,
    by: String,
    hold: Option<Hold>,
    context: &Context<'_>,
) -> Result<(), Refusal> {
    if let Some(hold) = hold {
        validate_hold("hold", hold)?;
    }
    if decision.state.hold != hold {
        decision.begin(context);
        decision.state.hold = hold;
        decision.system(SystemLine::HoldChanged { by, hold }, context.now);
    }
    Ok(())
}

fn send_held(
    decision: &mut Decision,
    by: String,
    held: HeldId,
    text: Option<String>,
    context: &Context<'_>,
) -> Result<(), Refusal> {
    let now = context.now;
    let held = held_reply(&decision.state, held)?.clone();
    let mut draft = Draft { text: held.text.clone(), source: held.source.clone() };
    let line = match text.filter(|text| *text != held.text) {
        Some(text) => {
            decision.count(&held.source, Use::Edited);
            decision.lesson = learn::from_edit(&held, &by, &text, context);
            draft.text = text;
            draft.source.edited_by = Some(by.clone());
            SystemLine::EditedAndSent { by, original: held.text }
        }
        None if held.text.trim().is_empty() => {
            let sentence = "Nothing is written yet; write the reply, or wait for it.";
            return Err(Refusal::new(Code::Empty, sentence));
        }
        None => {
            decision.count(&held.source, Use::Sent);
            SystemLine::SentNow { by }
        }
    };
    decision.system(line, now);
    decision.send_automatic(draft, now);
    let state = &mut decision.state;
    state.needs_human = None;
    state.unread = 0;
    state.agent_read_seq = state.last_seq;
    Ok(())
}

fn discard(decision: &mut Decision, by: String, held: HeldId, context: &Context<'_>) -> Result<(), Refusal> {
    let mut held = held_reply(&decision.state, held)?.clone();
    // A model that is still writing is stopped: an undo gives the agent an empty reply to write.
    held.writing = false;
    decision.count(&held.source, Use::Discarded);
    decision.lesson = learn::from_discard(&held, &by, context);
    let (text, source) = (held.text.clone(), held.source.clone());
    let state = &mut decision.state;
    let waits = state.waiting_since.is_some();
    let marked = waits && state.needs_human.is_none();
    state.caught = Some(Caught::Discarded { text: text.clone(), source, marked });
    state.held = None;
    state.discarded = Some(held);
    decision.system(SystemLine::Discarded { by, text }, context.now);
    if waits {
        decision.mark_needs_human(NeedsHumanReason::NoAnswer, context.now);
    }
    Ok(())
}

/// What was discarded is held again, as "ask": an undo must not surprise anyone by sending. The mark that came with the
/// discard goes with it.
fn restore(decision: &mut Decision, by: String, held: HeldId, now: Timestamp) -> Result<(), Refusal> {
    let state = &mut decision.state;
    if state.control == Control::Human || state.held.is_some() {
        return Err(stale_reply());
    }
    let mut reply = state.discarded.take().filter(|reply| reply.id == held).ok_or_else(stale_reply)?;
    reply.due_at = None;
    reply.hold_ms = None;
    reply.paused_ms = None;
    decision.lesson = Some(NewLesson::Withdrawn { question: reply.for_seq });
    if matches!(state.caught, Some(Caught::Discarded { marked: true, .. })) {
        state.needs_human.take_if(|needs| needs.reason == NeedsHumanReason::NoAnswer);
    }
    state.caught = Caught::by(&reply.source);
    state.held = Some(reply);
    decision.system(SystemLine::Restored { by }, now);
    Ok(())
}

/// `left_ms` is what whoever counts it down says is left. Without it the clock is asked, which may have jumped.
fn pause(decision: &mut Decision, held: HeldId, left_ms: Option<i64>, now: Timestamp) -> Result<(), Refusal> {
    held_reply(&decision.state, held)?;
    if let Some(reply) = &mut decision.state.held {
        let left = reply.due_at.take().map(|due_at| left_ms.unwrap_or_else(|| due_at.since(now)));
        let left = left.map(|left| left.clamp(0, reply.hold_ms.unwrap_or(0)));
        // One that is "ask" has no time to stop; that an agent is at work on it is known all the same.
        reply.paused_ms = left.or(reply.paused_ms).or(Some(0)).filter(|_| !reply.writing);
    }
    Ok(())
}

fn resume(decision: &mut Decision, held: HeldId, now: Timestamp) -> Result<(), Refusal> {
    held_reply(&decision.state, held)?;
    if let Some(reply) = &mut decision.state.held
        && let Some(left) = reply.paused_ms.take()
    {
        reply.due_at = reply.hold_ms.map(|_| now.plus(left));
    }
    Ok(())
}

/// A model's reply stays held as far as it was written, as "ask".
fn stop_writing(
    decision: &mut Decision,
    by: String,
    held: HeldId,
    so_far: String,
    now: Timestamp,
) -> Result<(), Refusal> {
    if !held_reply(&decision.state, held)?.writing {
        return Err(stale_reply());
    }
    if let Some(held) = &mut decision.state.held {
        held.writing = false;
        held.text = limits::cut(&so_far, limits::REPLY_BYTES).to_owned();
    }
    decision.system(SystemLine::StoppedWriting { by }, now);
    Ok(())
}

fn set_labels(decision: &mut Decision, labels: Vec<String>, context: &Context<'_>) -> Result<(), Refusal> {
    decision.begin(context);
    decision.state.stored = true;
    decision.state.labels.clear();
    for label in labels {
        let label = label.trim();
        if label.is_empty() || label.len() > limits::LABEL_BYTES {
            return Err(Refusal::of_field("labels", "A label has 1 to 64 bytes.")
                .in_chinese("标签须为 1 到 64 字节。"));
        }
        decision.label(vec![label.to_owned()]);
    }
    Ok(())
}

/// What is resolved waits for nobody. Whether the responder answers the next visit is a setting.
fn resolve(decision: &mut Decision, by: String, context: &Context<'_>) {
    let now = context.now;
    let state = &mut decision.state;
    if !state.stored || state.status == Status::Resolved {
        return;
    }
    state.status = Status::Resolved;
    state.needs_human = None;
    state.waiting_since = None;
    state.suggestion = None;
    state.unread = 0;
    let stopped = withdraw(decision);
    decision.system(SystemLine::Resolved { by, stopped: quote(stopped.as_ref()) }, now);
    if context.settings.responder.return_on_resolve && !is_automatic(&decision.state) {
        decision.state.give_back();
        decision.system(SystemLine::Returned { after_seconds: None }, now);
    }
}

fn mark_read(decision: &mut Decision, seq: Seq) {
    let state = &mut decision.state;
    state.agent_read_seq = state.agent_read_seq.max(seq.min(state.last_seq));
    if state.agent_read_seq >= state.last_customer_seq {
        state.unread = 0;
    }
}
