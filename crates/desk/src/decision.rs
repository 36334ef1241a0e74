//! What a decision is made of, and the steps that several commands share.

use deskbell_protocol::entity::{
    Control, HeldReply, Message, NeedsHuman, NeedsHumanReason, Source, SourceKind, SystemLine,
};
use deskbell_protocol::settings::{Fallback, Hold, Settings};
use deskbell_protocol::{Code, HeldId, Refusal, Seq, Timestamp};

use crate::responder::{Draft, Greeting};
use crate::state::{Origin, State};

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
            let source = Source::of(SourceKind::Greeting);
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

/// The held reply of this id.
pub(crate) fn held_reply(state: &State, id: HeldId) -> Result<&HeldReply, Refusal> {
    state.held.as_ref().filter(|held| held.id == id).ok_or_else(stale_reply)
}

pub(crate) fn stale_reply() -> Refusal {
    Refusal::new(Code::StaleReply, "This reply was already sent, discarded or replaced.")
}
