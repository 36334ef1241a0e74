//! What an agent does.

use deskbell_protocol::entity::{Control, NeedsHumanReason, Status, SystemLine};
use deskbell_protocol::settings::{Hold, validate_hold};
use deskbell_protocol::{HeldId, Refusal, Seq, Timestamp};

use crate::decision::{Context, Decision, held_reply, stale_reply};
use crate::responder::Draft;
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
    PauseHeld { held: HeldId },
    ResumeHeld { held: HeldId },
    Resolve,
    Reopen,
    MarkRead { seq: Seq },
    DismissNeedsHuman,
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
            take_over(decision, by, now);
            decision.state.needs_human = None;
        }
        AgentAction::HandBack => hand_back(decision, by, now),
        AgentAction::SetHold { hold } => set_hold(decision, by, hold, context)?,
        AgentAction::SendHeld { held, text } => send_held(decision, by, held, text, now)?,
        AgentAction::DiscardHeld { held } => discard(decision, by, held, now)?,
        AgentAction::RestoreHeld { held } => restore(decision, by, held, now)?,
        AgentAction::PauseHeld { held } => pause(decision, held, now)?,
        AgentAction::ResumeHeld { held } => resume(decision, held, now)?,
        AgentAction::Resolve => resolve(decision, by, now),
        AgentAction::Reopen => {
            if decision.state.status == Status::Resolved {
                decision.state.status = Status::Open;
                decision.system(SystemLine::Reopened { by: Some(by) }, now);
            }
        }
        AgentAction::MarkRead { seq } => mark_read(decision, seq),
        AgentAction::DismissNeedsHuman => {
            decision.state.needs_human = None;
            decision.state.waiting_since = None;
        }
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
    take_over(decision, by.clone(), now);
    let seq = decision.say(Origin::Agent { name: by, client_id }, text, now);
    let state = &mut decision.state;
    state.needs_human = None;
    state.waiting_since = None;
    state.unread = 0;
    state.agent_read_seq = seq;
}

fn take_over(decision: &mut Decision, by: String, now: Timestamp) {
    let state = &mut decision.state;
    if state.control == Control::Human {
        return;
    }
    state.control = Control::Human;
    state.control_version = state.control_version.saturating_add(1);
    state.discarded = None;
    let stopped = state.held.take().map(|held| held.text);
    decision.system(SystemLine::TookOver { by, stopped }, now);
}

/// The responder answers again from the next message; who still waits for an answer stays marked.
fn hand_back(decision: &mut Decision, by: String, now: Timestamp) {
    let state = &mut decision.state;
    if state.control == Control::Automatic {
        return;
    }
    state.control = Control::Automatic;
    state.control_version = state.control_version.saturating_add(1);
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
    now: Timestamp,
) -> Result<(), Refusal> {
    let held = held_reply(&decision.state, held)?.clone();
    let mut draft = Draft { text: held.text.clone(), source: held.source };
    let line = match text.filter(|text| *text != held.text) {
        Some(text) => {
            draft.text = text;
            draft.source.edited_by = Some(by.clone());
            SystemLine::EditedAndSent { by, original: held.text }
        }
        None => SystemLine::SentNow { by },
    };
    decision.system(line, now);
    decision.send_automatic(draft, now);
    let state = &mut decision.state;
    state.needs_human = None;
    state.unread = 0;
    state.agent_read_seq = state.last_seq;
    Ok(())
}

fn discard(decision: &mut Decision, by: String, held: HeldId, now: Timestamp) -> Result<(), Refusal> {
    held_reply(&decision.state, held)?;
    let state = &mut decision.state;
    state.discarded = state.held.take();
    let text = state.discarded.as_ref().map(|held| held.text.clone()).unwrap_or_default();
    decision.system(SystemLine::Discarded { by, text }, now);
    Ok(())
}

/// What was discarded is held again, as "ask": an undo must not surprise anyone by sending.
fn restore(decision: &mut Decision, by: String, held: HeldId, now: Timestamp) -> Result<(), Refusal> {
    let state = &mut decision.state;
    if state.control == Control::Human || state.held.is_some() {
        return Err(stale_reply());
    }
    let mut reply = state.discarded.take().filter(|reply| reply.id == held).ok_or_else(stale_reply)?;
    reply.due_at = None;
    reply.hold_ms = None;
    reply.paused_ms = None;
    state.held = Some(reply);
    decision.system(SystemLine::Restored { by }, now);
    Ok(())
}

fn pause(decision: &mut Decision, held: HeldId, now: Timestamp) -> Result<(), Refusal> {
    held_reply(&decision.state, held)?;
    if let Some(reply) = &mut decision.state.held
        && let Some(due_at) = reply.due_at.take()
    {
        reply.paused_ms = Some(due_at.since(now).clamp(0, reply.hold_ms.unwrap_or(0)));
    }
    Ok(())
}

fn resume(decision: &mut Decision, held: HeldId, now: Timestamp) -> Result<(), Refusal> {
    held_reply(&decision.state, held)?;
    if let Some(reply) = &mut decision.state.held
        && let Some(left) = reply.paused_ms.take()
    {
        reply.due_at = Some(now.plus(left));
    }
    Ok(())
}

/// What is resolved waits for nobody. Control stays where it is: only handing back gives it to the responder.
fn resolve(decision: &mut Decision, by: String, now: Timestamp) {
    let state = &mut decision.state;
    if !state.stored || state.status == Status::Resolved {
        return;
    }
    state.status = Status::Resolved;
    state.held = None;
    state.discarded = None;
    state.needs_human = None;
    state.waiting_since = None;
    state.unread = 0;
    decision.system(SystemLine::Resolved { by }, now);
}

fn mark_read(decision: &mut Decision, seq: Seq) {
    let state = &mut decision.state;
    state.agent_read_seq = state.agent_read_seq.max(seq.min(state.last_seq));
    if state.agent_read_seq >= state.last_customer_seq {
        state.unread = 0;
    }
}
