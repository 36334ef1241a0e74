//! What a decision is made of, and the steps that several commands share.

use deskbell_protocol::HeldId;
use deskbell_protocol::entity::{
    Control, Customer, HeldReply, Message, NeedsHuman, NeedsHumanReason, Source, SourceKind, SystemLine,
};
use deskbell_protocol::responder::{LessonKind, Use};
use deskbell_protocol::settings::{Language, Settings};
use deskbell_protocol::{Code, Refusal, Seq, Timestamp, limits};

use crate::learn::Caught;
use crate::proposal::{Greeting, Label};
use crate::state::{Origin, State, calls_person};

/// What a decision depends on besides the state.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The desk's clock.
    pub now: Timestamp,
    /// The settings in force.
    pub settings: &'a Settings,
    /// The customer's language.
    pub language: Language,
    /// What is known about the customer, for replies that say it.
    pub customer: Option<&'a Customer>,
    /// Whether nobody is at the console.
    pub away: bool,
    /// The greeting shown to a visitor who has no row yet.
    pub greeting: Option<&'a Greeting>,
    /// The message that a correction or retraction is about.
    pub subject: Option<&'a Subject>,
}

/// A message that was sent, with the question that it answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// The message.
    pub message: Message,
    /// The customer's last message before it.
    pub question: Option<Seq>,
    /// Whether the customer was answered in another place after that.
    pub answered_otherwise: bool,
}

/// What follows from a command.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The state afterwards.
    pub state: State,
    /// New messages, in order.
    pub messages: Vec<Message>,
    /// A message that was corrected or retracted, as it is now.
    pub changed: Option<Message>,
    /// What happened to what the responder proposed.
    pub uses: Vec<(Source, Use)>,
    /// What can be learned from an agent's act.
    pub lesson: Option<NewLesson>,
}

/// Something to learn: an offer, or the end of one.
#[derive(Debug, Clone, PartialEq)]
pub enum NewLesson {
    /// The agent knew better.
    Offer {
        /// The customer's message.
        question: Seq,
        /// What the agent did.
        kind: LessonKind,
        /// What the responder had proposed or sent.
        proposed: Option<String>,
        /// Where that came from.
        source: Option<Source>,
        /// What the agent said instead.
        reply: Option<String>,
        /// The agent's name.
        by: String,
    },
    /// The agent took the discard back that an offer came from.
    Withdrawn {
        /// The customer's message.
        question: Seq,
    },
}

impl Decision {
    pub(crate) fn unchanged(state: &State) -> Self {
        Self { state: state.clone(), messages: Vec::new(), changed: None, uses: Vec::new(), lesson: None }
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

    /// Counts what became of a proposal, for the responder's numbers. It is used once, by however many ways.
    pub(crate) fn count(&mut self, source: &Source, what: Use) {
        let again = what == Use::Used && self.uses.contains(&(source.clone(), what));
        if source.kind != SourceKind::Greeting && !again {
            self.uses.push((source.clone(), what));
        }
    }

    /// This one was counted as used when it was asked.
    pub(crate) fn used_before(&mut self, source: &Source) {
        self.uses.retain(|(used, what)| *what != Use::Used || used != source);
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

    /// Marks once; that a person was called outweighs every other reason.
    pub(crate) fn mark_needs_human(&mut self, reason: NeedsHumanReason, at: Timestamp) {
        if matches!(reason, NeedsHumanReason::NoAnswer | NeedsHumanReason::ResponderFailed) {
            self.state.caught.get_or_insert(Caught::Unanswered);
        }
        let called = calls_person(reason) && !self.state.person_called();
        if self.state.needs_human.is_none() || called {
            let since = self.state.needs_human.map_or(at, |needs| needs.since);
            self.state.needs_human = Some(NeedsHuman { reason, since });
            self.system(SystemLine::NeedsHuman { reason }, at);
        }
    }

    /// Puts the chain's labels on; a rule that does that is used.
    pub(crate) fn label_by_chain(&mut self, labels: Vec<Label>) {
        for Label { text, rule } in labels {
            self.label(vec![text]);
            if let Some(rule) = rule {
                self.count(&rule, Use::Used);
            }
        }
    }

    /// Puts labels on, each once and within bounds.
    pub(crate) fn label(&mut self, labels: Vec<String>) {
        for label in labels {
            if self.state.labels.len() < limits::CONVERSATION_LABELS && !self.state.labels.contains(&label) {
                self.state.labels.push(label);
            }
        }
    }
}

/// The held reply of this id.
pub(crate) fn held_reply(state: &State, id: HeldId) -> Result<&HeldReply, Refusal> {
    state.held.as_ref().filter(|held| held.id == id).ok_or_else(stale_reply)
}

pub(crate) fn stale_reply() -> Refusal {
    Refusal::new(Code::StaleReply, "This reply was already sent, discarded or replaced.")
}

/// Whether what comes from here is no answer, so that the customer goes on waiting for one.
pub(crate) fn is_notice(source: &Source) -> bool {
    matches!(source.kind, SourceKind::Greeting | SourceKind::Away | SourceKind::PersonCalled)
}

/// Whether the responder has control.
pub(crate) fn is_automatic(state: &State) -> bool {
    state.control == Control::Automatic
}
