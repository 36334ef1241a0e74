//! What one conversation is, without its thread.

use deskbell_protocol::entity::{
    Author, Control, HeldReply, LastLine, Message, NeedsHuman, NeedsHumanReason, Source, SourceKind, Status,
    Suggestion, SystemLine,
};
use deskbell_protocol::limits;
use deskbell_protocol::settings::Hold;
use deskbell_protocol::{HeldId, Revision, Seq, Timestamp};

use crate::learn::Caught;

/// The state that decisions are made from. The store keeps one row of it a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Whether there is a row: false until the first message, either way.
    pub stored: bool,
    /// Open or resolved.
    pub status: Status,
    /// Who answers.
    pub control: Control,
    /// Counts changes of control. What was proposed under an older version is never sent.
    pub control_version: i64,
    /// Since when an agent has control.
    pub human_since: Option<Timestamp>,
    /// This conversation's own hold.
    pub hold: Option<Hold>,
    /// Counts what the customer can see.
    pub revision: Revision,
    /// The last place taken.
    pub last_seq: Seq,
    /// The customer's last message.
    pub last_customer_seq: Seq,
    /// The customer's last message that was answered.
    pub answered_seq: Seq,
    /// The reply that waits.
    pub held: Option<HeldReply>,
    /// The reply discarded last, while that can be undone.
    pub discarded: Option<HeldReply>,
    /// The last held reply's id.
    pub last_held: HeldId,
    /// A draft for the agent, under human control.
    pub suggestion: Option<Suggestion>,
    /// What answered the customer's last message by itself.
    pub answered_by: Option<Source>,
    /// Why an answer by hand to the customer's last message would teach; `None` when it would not.
    pub caught: Option<Caught>,
    /// Put on by rules, answers and agents, in order.
    pub labels: Vec<String>,
    /// Set while a human is needed.
    pub needs_human: Option<NeedsHuman>,
    /// Since when the customer has had no answer.
    pub waiting_since: Option<Timestamp>,
    /// Customer messages that no agent has seen.
    pub unread: u32,
    /// Up to where an agent has read.
    pub agent_read_seq: Seq,
    /// Up to where everything was written to a connection of the customer, as of the last connection that closed.
    pub delivered_seq: Seq,
    /// Up to where the customer has read.
    pub customer_read_seq: Seq,
    /// Which visit of the customer this is.
    pub visit: u32,
    /// The visit in which the default reply was used last.
    pub fallback_visit: u32,
    /// The visit in which the customer wrote last.
    pub spoken_visit: u32,
    /// The visit in which the customer was told last that nobody is here.
    pub away_visit: u32,
    /// Messages of the customer, the responder and agents.
    pub messages: u32,
    /// The last thing said.
    pub last: Option<LastLine>,
    /// When it began.
    pub created_at: Timestamp,
    /// The last message's time.
    pub last_activity_at: Timestamp,
}

impl State {
    /// A visitor's conversation before its first message.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self {
            stored: false,
            status: Status::Open,
            control: Control::Automatic,
            control_version: 0,
            human_since: None,
            hold: None,
            revision: Revision(0),
            last_seq: Seq(0),
            last_customer_seq: Seq(0),
            answered_seq: Seq(0),
            held: None,
            discarded: None,
            last_held: HeldId(0),
            suggestion: None,
            answered_by: None,
            caught: None,
            labels: Vec::new(),
            needs_human: None,
            waiting_since: None,
            unread: 0,
            agent_read_seq: Seq(0),
            delivered_seq: Seq(0),
            customer_read_seq: Seq(0),
            visit: 1,
            fallback_visit: 0,
            away_visit: 0,
            spoken_visit: 0,
            messages: 0,
            last: None,
            created_at: now,
            last_activity_at: now,
        }
    }

    /// Whether an agent should look: a human is needed, or has control and owes an answer, or a reply is held that only
    /// an agent will send.
    #[must_use]
    pub fn needs_me(&self) -> bool {
        self.status == Status::Open
            && (self.needs_human.is_some()
                || (self.control == Control::Human && self.waiting_since.is_some())
                || self.held.as_ref().is_some_and(HeldReply::waits_for_agent))
    }

    /// Control goes back to the responder. A draft for the agent is nobody's any more.
    pub(crate) fn give_back(&mut self) {
        self.control = Control::Automatic;
        self.control_version = self.control_version.saturating_add(1);
        self.human_since = None;
        self.suggestion = None;
    }

    /// Whether a person was called who has not come yet: until then there is no more chatter.
    #[must_use]
    pub fn person_called(&self) -> bool {
        self.needs_human.is_some_and(|needs| calls_person(needs.reason))
    }

    /// Whether it was a rule's action that marked the conversation, and this is a rule.
    pub(crate) fn is_marked_by(&self, source: &Source) -> bool {
        source.kind == SourceKind::Rule
            && self.needs_human.is_some_and(|needs| needs.reason == NeedsHumanReason::Rule)
    }

    /// Whether anything that the rules promise is broken; the sentence says what. For tests.
    #[must_use]
    pub fn broken_rule(&self) -> Option<&'static str> {
        if let Some(held) = &self.held {
            if self.control == Control::Human {
                return Some("a reply is held under human control");
            }
            if held.for_seq != self.last_customer_seq {
                return Some("a reply is held for a message that is not the last");
            }
            if held.for_seq <= self.answered_seq {
                return Some("a reply is held for a message that is answered");
            }
        }
        if let Some(suggestion) = &self.suggestion
            && (self.control == Control::Automatic || suggestion.for_seq != self.last_customer_seq)
        {
            return Some("a suggestion that nobody can use");
        }
        if (self.control == Control::Human) != self.human_since.is_some() {
            return Some("nobody knows since when an agent has control");
        }
        if self.answered_seq > self.last_customer_seq || self.last_customer_seq > self.last_seq {
            return Some("an answer without a message");
        }
        let waits = self.status == Status::Open && self.waiting_since.is_some();
        let looked_after =
            self.held.is_some() || self.needs_human.is_some() || self.control == Control::Human;
        (waits && !looked_after).then_some("a customer waits and nobody knows")
    }
}

/// Whether the customer is told that a person was called, and nothing more until one comes.
pub(crate) fn calls_person(reason: NeedsHumanReason) -> bool {
    matches!(reason, NeedsHumanReason::CustomerAsked | NeedsHumanReason::Bot)
}

/// Who wrote a message, with what belongs to that.
#[derive(Debug, Clone, PartialEq)]
pub enum Origin {
    /// The customer, with the client's id for it.
    Customer {
        /// `None` for plain-text clients.
        client_id: Option<String>,
    },
    /// The responder.
    Automatic(Source),
    /// An agent.
    Agent {
        /// The agent's name.
        name: String,
        /// The console's id for it.
        client_id: String,
    },
    /// An agent, for agents.
    Note {
        /// The agent's name.
        name: String,
        /// The console's id for it.
        client_id: String,
    },
    /// The desk.
    System(SystemLine),
}

impl State {
    /// Takes the next place for a message and counts it.
    pub(crate) fn add(&mut self, origin: Origin, text: String, at: Timestamp) -> Message {
        self.stored = true;
        self.last_seq = self.last_seq.next();
        let (author, name, client_id, source, system) = match origin {
            Origin::Customer { client_id } => (Author::Customer, None, client_id, None, None),
            Origin::Automatic(source) => (Author::Automatic, None, None, Some(source), None),
            Origin::Agent { name, client_id } => (Author::Agent, Some(name), Some(client_id), None, None),
            Origin::Note { name, client_id } => (Author::Note, Some(name), Some(client_id), None, None),
            Origin::System(line) => (Author::System, None, None, None, Some(line)),
        };
        if author.is_visible_to_customer() {
            self.revision = self.revision.next();
            self.messages = self.messages.saturating_add(1);
        }
        if author != Author::System {
            self.last = Some(LastLine { author, text: limits::preview(&text), at });
            self.last_activity_at = at;
        }
        Message {
            seq: self.last_seq,
            revision: self.revision,
            at,
            author,
            text,
            name,
            client_id,
            source,
            system,
            change: None,
        }
    }
}
