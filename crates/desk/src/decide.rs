//! The state machine: one command in, one decision out.

use deskbell_protocol::entity::{
    Control, HeldReply, Message, NeedsHuman, NeedsHumanReason, SourceKind, SystemLine,
};
use deskbell_protocol::settings::{Fallback, Hold, Settings};
use deskbell_protocol::{Code, HeldId, Refusal, Seq, Timestamp};

use crate::agent::{self, AgentAction};
use crate::customer;
use crate::responder::{Draft, Greeting};
use crate::state::{Origin, State};

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

/// What a decision depends on besides the state.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The desk's clock.
    pub now: Timestamp,
    /// The settings in force.
    pub settings: &'a Settings,
    /// The greeting shown to a visitor who has no row yet.
    pub greeting: Option<&'a Greeting>,
}

/// What follows from a command.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The state afterwards.
    pub state: State,
    /// New messages, in order.
    pub messages: Vec<Message>,
}

impl Decision {
    pub(crate) fn unchanged(state: &State) -> Self {
        Self { state: state.clone(), messages: Vec::new() }
    }

    pub(crate) fn say(&mut self, origin: Origin, text: String, at: Timestamp) -> Seq {
        let message = self.state.add(origin, text, at);
        let seq = message.seq;
        self.messages.push(message);
        seq
    }

    pub(crate) fn system(&mut self, line: SystemLine, at: Timestamp) {
        self.say(Origin::System(line), String::new(), at);
    }

    /// The first thing that is stored of a conversation is the greeting that its customer saw.
    pub(crate) fn begin(&mut self, context: &Context<'_>) {
        if self.state.stored {
            return;
        }
        self.state.created_at = context.now;
        if let Some(greeting) = context.greeting {
            let source = deskbell_protocol::entity::Source::of(SourceKind::Greeting);
            self.say(Origin::Automatic(source), greeting.text.clone(), greeting.at);
        }
    }

    pub(crate) fn mark_needs_human(&mut self, reason: NeedsHumanReason, at: Timestamp) {
        if self.state.needs_human.is_none() {
            self.state.needs_human = Some(NeedsHuman { reason, since: at });
            self.system(SystemLine::NeedsHuman { reason }, at);
        }
    }

    /// Holds or sends a proposal for the customer's last message, or marks that there is none.
    pub(crate) fn respond(&mut self, draft: Option<Draft>, context: &Context<'_>) {
        if self.state.control == Control::Human {
            return;
        }
        let once = context.settings.fallback == Fallback::OncePerVisit;
        let used = self.state.fallback_visit == self.state.visit;
        let draft = draft.filter(|d| !(d.source.kind == SourceKind::Fallback && once && used));
        let Some(draft) = draft else {
            self.mark_needs_human(NeedsHumanReason::NoAnswer, context.now);
            return;
        };
        match self.state.hold.unwrap_or(context.settings.hold) {
            Hold::Seconds { seconds: 0 } => self.send_automatic(draft, context.now),
            Hold::Seconds { seconds } => self.hold(draft, Some(i64::from(seconds) * 1000), context.now),
            Hold::Ask => self.hold(draft, None, context.now),
        }
    }

    fn hold(&mut self, draft: Draft, hold_ms: Option<i64>, now: Timestamp) {
        let id = HeldId(self.state.last_held.0.saturating_add(1));
        self.state.last_held = id;
        self.state.discarded = None;
        self.state.held = Some(HeldReply {
            id,
            for_seq: self.state.last_customer_seq,
            text: draft.text,
            source: draft.source,
            held_at: now,
            due_at: hold_ms.map(|ms| now.plus(ms)),
            hold_ms,
            paused_ms: None,
        });
    }

    pub(crate) fn send_automatic(&mut self, draft: Draft, now: Timestamp) {
        if draft.source.kind == SourceKind::Fallback {
            self.state.fallback_visit = self.state.visit;
        }
        self.state.answered_seq = self.state.last_customer_seq;
        self.state.waiting_since = None;
        self.state.held = None;
        self.state.discarded = None;
        self.say(Origin::Automatic(draft.source), draft.text, now);
    }
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

/// The held reply of this id.
pub(crate) fn held_reply(state: &State, id: HeldId) -> Result<&HeldReply, Refusal> {
    state.held.as_ref().filter(|held| held.id == id).ok_or_else(stale_reply)
}

pub(crate) fn stale_reply() -> Refusal {
    Refusal::new(Code::StaleReply, "This reply was already sent, discarded or replaced.")
}

/// Time stands still for a held reply while the desk is not running: nobody could have stopped it.
fn restart_hold(state: &mut State, alive_at: Timestamp, now: Timestamp) {
    let Some(held) = &mut state.held else { return };
    let (Some(due_at), Some(hold_ms)) = (held.due_at, held.hold_ms) else { return };
    let left = due_at.since(alive_at.max(held.held_at)).clamp(0, hold_ms);
    held.due_at = Some(now.plus(left));
}
