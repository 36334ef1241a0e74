//! The state machine: one command in, one decision out.

use deskbell_protocol::entity::{Control, NeedsHumanReason};
use deskbell_protocol::{HeldId, Refusal, Seq, Timestamp};

use crate::agent::{self, AgentAction};
use crate::customer;
use crate::decision::{Context, Decision, held_reply, stale_reply};
use crate::responder::Draft;
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
        /// What the quick responder proposes.
        draft: Option<Draft>,
    },
    /// The customer has read up to here.
    CustomerRead {
        /// The last message seen.
        seq: Seq,
    },
    /// The customer wants a person.
    RequestHuman,
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
    /// A slow responder has none.
    ResponderFailed {
        /// The message that it should have answered.
        for_seq: Seq,
        /// The control version under which it was asked.
        control_version: i64,
        /// What went wrong.
        reason: NeedsHumanReason,
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
        Command::CustomerMessage { client_id, text, draft } => {
            customer::message(&mut decision, client_id, text, draft, context);
        }
        Command::CustomerRead { seq } => customer::read(&mut decision, seq),
        Command::RequestHuman => customer::request_human(&mut decision, context),
        Command::VisitBegan => decision.state.visit = state.visit.saturating_add(1),
        Command::Propose { for_seq, control_version, draft } => {
            refuse_stale(state, for_seq, control_version)?;
            decision.respond(Some(draft), context);
        }
        Command::ResponderFailed { for_seq, control_version, reason } => {
            refuse_stale(state, for_seq, control_version)?;
            decision.mark_needs_human(reason, context.now);
        }
        Command::HoldExpired { held } => {
            let held = held_reply(state, held)?;
            if held.due_at.is_none() {
                return Err(stale_reply());
            }
            let draft = Draft { text: held.text.clone(), source: held.source.clone() };
            decision.send_automatic(draft, context.now);
        }
        Command::Restarted { alive_at } => restart_hold(&mut decision.state, alive_at, context.now),
        Command::Agent { by, action } => agent::act(&mut decision, by, action, context)?,
    }
    Ok(decision)
}

/// Invariant 5: a proposal for another message, or made under another control, comes too late.
fn refuse_stale(state: &State, for_seq: Seq, control_version: i64) -> Result<(), Refusal> {
    let timely = state.control == Control::Automatic
        && state.control_version == control_version
        && state.last_customer_seq == for_seq
        && state.answered_seq < for_seq
        && state.waiting_since.is_some()
        && state.held.is_none();
    if timely { Ok(()) } else { Err(stale_reply()) }
}

/// Time stands still for a held reply while the desk is not running: nobody could have stopped it.
fn restart_hold(state: &mut State, alive_at: Timestamp, now: Timestamp) {
    let Some(held) = &mut state.held else { return };
    let (Some(due_at), Some(hold_ms)) = (held.due_at, held.hold_ms) else { return };
    let left = due_at.since(alive_at.max(held.held_at)).clamp(0, hold_ms);
    held.due_at = Some(now.plus(left));
}
