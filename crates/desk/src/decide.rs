//! The state machine: one command in, one decision out.

use deskbell_protocol::entity::{Control, NeedsHumanReason, SystemLine};
use deskbell_protocol::responder::Use;
use deskbell_protocol::{HeldId, Refusal, Seq, Timestamp};

use crate::agent::{self, AgentAction};
use crate::customer;
use crate::decision::{Context, Decision, held_reply, stale_reply};
use crate::proposal::{Draft, FailedPart, Label, Proposal};
use crate::state::State;

/// What happens to a conversation.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// The customer wrote.
    CustomerMessage {
        /// The client's id for it; `None` for plain-text clients.
        client_id: Option<String>,
        /// What.
        text: String,
        /// What the quick part of the chain makes of it.
        proposal: Proposal,
        /// Labels that the chain puts on.
        labels: Vec<Label>,
    },
    /// The customer has read up to here.
    CustomerRead {
        /// The last message seen.
        seq: Seq,
    },
    /// The customer wants a person.
    RequestHuman {
        /// What the customer is told.
        draft: Option<Draft>,
    },
    /// The customer came back after [`crate::VISIT_GAP_MS`] without a connection.
    VisitBegan,
    /// A slow responder has an answer.
    Propose {
        /// The message that it answers.
        for_seq: Seq,
        /// The control version under which it was asked.
        control_version: i64,
        /// What it proposes.
        draft: Draft,
    },
    /// No slow responder has one: they failed, or were not sure.
    ResponderFailed {
        /// The message that they should have answered.
        for_seq: Seq,
        /// The control version under which they were asked.
        control_version: i64,
        /// What went wrong with those that failed; empty when none was sure.
        failures: Vec<FailedPart>,
        /// The default reply, if there is one.
        otherwise: Option<Draft>,
    },
    /// The webhook bot calls a person.
    CallHuman {
        /// The message that it was asked about.
        for_seq: Seq,
        /// The control version under which it was asked.
        control_version: i64,
        /// What went wrong with who was asked before.
        failures: Vec<FailedPart>,
        /// What the customer is told; the text may be empty.
        draft: Draft,
    },
    /// The agent has not answered a waiting customer for too long: the responder takes control back.
    Return {
        /// Seconds without an answer after which it does.
        after_seconds: u32,
        /// What the chain makes of the customer's last message.
        proposal: Proposal,
    },
    /// Nobody is at the console any more, and a reply is held for an agent.
    AgentsLeft {
        /// Which reply.
        held: HeldId,
    },
    /// A held reply's time is over.
    HoldExpired {
        /// Which reply.
        held: HeldId,
    },
    /// The desk started again: a held reply goes on with what was left of its time.
    Restarted {
        /// When the desk was last known to run.
        alive_at: Timestamp,
    },
    /// An agent acted.
    Agent {
        /// The agent's name.
        by: String,
        /// What the agent did.
        action: AgentAction,
    },
}

/// Decides what `command` does to `state`.
///
/// # Errors
/// A [`Refusal`] when the command makes no sense (any more); then nothing changes.
pub fn decide(state: &State, command: Command, context: &Context<'_>) -> Result<Decision, Refusal> {
    let mut decision = Decision::unchanged(state);
    match command {
        Command::CustomerMessage { client_id, text, proposal, labels } => {
            customer::message(&mut decision, client_id, text, proposal, labels, context);
        }
        Command::CustomerRead { seq } => customer::read(&mut decision, seq),
        Command::RequestHuman { draft } => customer::request_human(&mut decision, draft, context),
        Command::VisitBegan => decision.state.visit = state.visit.saturating_add(1),
        Command::Propose { for_seq, control_version, draft } => {
            refuse_stale(state, for_seq, control_version)?;
            let asked = decision.state.held.take();
            decision.respond(Proposal::Reply(draft), context);
            if let Some(asked) = asked {
                decision.used_before(&asked.source);
            }
        }
        Command::CallHuman { for_seq, control_version, failures, draft } => {
            refuse_stale(state, for_seq, control_version)?;
            give_up_asking(&mut decision, failures, context.now);
            decision.respond(Proposal::NeedsHuman { reason: NeedsHumanReason::Bot, draft }, context);
        }
        Command::ResponderFailed { for_seq, control_version, failures, otherwise } => {
            refuse_stale(state, for_seq, control_version)?;
            fail(&mut decision, failures, otherwise, context);
        }
        Command::Return { after_seconds, proposal } => {
            return_control(&mut decision, after_seconds, proposal, context)?;
        }
        Command::AgentsLeft { held } => {
            let held = held_reply(state, held)?.clone();
            // What an agent has begun to edit is the agent's. What a model writes is decided on when it is written.
            let untouched = held.paused_ms.is_none() && !held.writing;
            if !context.away || !untouched || !decision.leave(held, context) {
                return Err(stale_reply());
            }
        }
        Command::HoldExpired { held } => {
            let held = held_reply(state, held)?;
            if held.due_at.is_none() || held.writing {
                return Err(stale_reply());
            }
            let draft = Draft { text: held.text.clone(), source: held.source.clone() };
            decision.send_as_proposed(draft, context.now);
        }
        Command::Restarted { alive_at } => restart_hold(&mut decision.state, alive_at, context.now),
        Command::Agent { by, action } => agent::act(&mut decision, by, action, context)?,
    }
    Ok(decision)
}

/// Invariant 5: a proposal for another message, or made under another control, comes too late. Under human control it
/// may still fill the suggestion that waits for it.
fn refuse_stale(state: &State, for_seq: Seq, control_version: i64) -> Result<(), Refusal> {
    let timely = state.control_version == control_version
        && state.last_customer_seq == for_seq
        && match state.control {
            Control::Automatic => {
                state.answered_seq < for_seq
                    && state.waiting_since.is_some()
                    && state.discarded.is_none()
                    && state.held.as_ref().is_none_or(|held| held.writing && held.for_seq == for_seq)
            }
            Control::Human => state.suggestion.as_ref().is_some_and(|suggestion| suggestion.writing),
        };
    if timely { Ok(()) } else { Err(stale_reply()) }
}

/// Invariant 6: never silence. What failed is told to agents, and the default reply is better than nothing.
fn fail(decision: &mut Decision, failures: Vec<FailedPart>, otherwise: Option<Draft>, context: &Context<'_>) {
    let reason =
        if failures.is_empty() { NeedsHumanReason::NoAnswer } else { NeedsHumanReason::ResponderFailed };
    give_up_asking(decision, failures, context.now);
    if decision.state.control == Control::Human {
        return;
    }
    decision.mark_needs_human(reason, context.now);
    if let Some(draft) = otherwise {
        decision.respond(Proposal::Reply(draft), context);
    }
}

/// Nobody is asked any more: what was asked led to a person, and what failed is told. The agent who has control sees
/// that there is no suggestion.
fn give_up_asking(decision: &mut Decision, failures: Vec<FailedPart>, now: Timestamp) {
    decision.state.suggestion = None;
    if decision.state.control == Control::Human {
        return;
    }
    if let Some(asked) = decision.state.held.take() {
        decision.count(&asked.source, Use::LedToHuman);
    }
    for FailedPart { source, message, message_zh } in failures {
        let message_zh = Some(message_zh);
        decision.system(SystemLine::ResponderFailed { source, message, message_zh }, now);
    }
}

fn return_control(
    decision: &mut Decision,
    after_seconds: u32,
    proposal: Proposal,
    context: &Context<'_>,
) -> Result<(), Refusal> {
    let state = &mut decision.state;
    // Who has just taken over has had no time to answer yet.
    let since = state.waiting_since.max(state.waiting_since.and(state.human_since));
    let waited = since.map_or(0, |since| context.now.since(since));
    if state.control == Control::Automatic || waited < i64::from(after_seconds) * 1000 || waited == 0 {
        return Err(stale_reply());
    }
    state.give_back();
    decision.system(SystemLine::Returned { after_seconds: Some(after_seconds) }, context.now);
    decision.mark_needs_human(NeedsHumanReason::Unanswered, context.now);
    if decision.state.answered_seq < decision.state.last_customer_seq {
        decision.respond(proposal, context);
    }
    Ok(())
}

/// Time stands still for a held reply while the desk is not running: nobody could have stopped it. One that was due
/// before the desk last ran would have been sent, if the clock had not jumped: it is held for the whole time again.
fn restart_hold(state: &mut State, alive_at: Timestamp, now: Timestamp) {
    // A model that was drafting for the agent is gone; one whose reply is held is asked again.
    state.suggestion.take_if(|suggestion| suggestion.writing);
    let Some(held) = &mut state.held else { return };
    let (Some(due_at), Some(hold_ms)) = (held.due_at, held.hold_ms) else { return };
    let left = due_at.since(alive_at.max(held.held_at));
    let left = if left < 0 { hold_ms } else { left.min(hold_ms) };
    held.due_at = Some(now.plus(left));
}
