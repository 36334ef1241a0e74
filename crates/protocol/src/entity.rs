//! What both sides of the console talk about.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::id::{ConnectionId, ConversationId, HeldId, Revision, Seq, Timestamp};
use crate::settings::{Hold, Language};

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// The person on the other end.
    Customer,
    /// The responder.
    Automatic,
    /// The human at the console.
    Agent,
    /// The human at the console, for agents only.
    Note,
    /// The desk: what happened, for agents only.
    System,
}

impl Author {
    /// Whether customers see messages of this author.
    #[must_use]
    pub fn is_visible_to_customer(self) -> bool {
        matches!(self, Self::Customer | Self::Automatic | Self::Agent)
    }
}

/// Who answers. Exactly one, always.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// The responder.
    #[default]
    Automatic,
    /// The agent. No automatic reply leaves.
    Human,
}

/// Whether a conversation is done with. A new customer message reopens it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// In work.
    #[default]
    Open,
    /// Done with.
    Resolved,
}

/// What a customer's socket speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionProtocol {
    /// Text frames as they are.
    Plain,
    /// `deskbell.v1`.
    V1,
}

/// Why a conversation needs a human.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum NeedsHumanReason {
    /// The customer asked for a person.
    CustomerAsked,
    /// The responder had no answer.
    NoAnswer,
    /// The responder failed or timed out.
    ResponderFailed,
    /// A rule says so.
    Rule,
    /// The webhook bot says so.
    Bot,
    /// Nobody was at the console to look at a reply, and the customer was told so.
    Away,
    /// The agent did not answer in time, and the responder has control again.
    Unanswered,
}

/// A conversation that waits for a human.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct NeedsHuman {
    /// Why.
    pub reason: NeedsHumanReason,
    /// Since when.
    pub since: Timestamp,
}

/// What proposed an automatic reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// The greeting on connect.
    Greeting,
    /// The default reply.
    Fallback,
    /// A rule.
    Rule,
    /// An answer of the knowledge base.
    Answer,
    /// The model.
    Model,
    /// The webhook bot.
    Webhook,
    /// The text for when nobody is at the console, or outside business hours.
    Away,
    /// The notice that a person was called.
    PersonCalled,
}

/// Where an automatic reply comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Source {
    /// What kind of responder.
    pub kind: SourceKind,
    /// The id of the rule or answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub id: Option<i64>,
    /// What the rule, the answer (its first question) or the model is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub name: Option<String>,
    /// What of it fitted: the phrase, keyword, expression or question variant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub matched: Option<String>,
    /// How sure it was, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub score: Option<f64>,
    /// The agent who changed the text before it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub edited_by: Option<String>,
}

impl Source {
    /// A source of this kind with nothing more to say.
    #[must_use]
    pub fn of(kind: SourceKind) -> Self {
        Self { kind, id: None, name: None, matched: None, score: None, edited_by: None }
    }
}

/// What happened, as a line in the thread. The console words it in its own language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SystemLine {
    /// The agent took control, by the switch or by sending.
    TookOver {
        /// The agent's name.
        by: String,
        /// The held reply that this stopped.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        stopped: Option<String>,
    },
    /// The agent handed control back.
    HandedBack {
        /// The agent's name.
        by: String,
    },
    /// The agent sent a held reply before its time.
    SentNow {
        /// The agent's name.
        by: String,
    },
    /// The agent changed a held reply and sent it.
    EditedAndSent {
        /// The agent's name.
        by: String,
        /// What was proposed.
        original: String,
    },
    /// The agent discarded a held reply.
    Discarded {
        /// The agent's name.
        by: String,
        /// What was proposed.
        text: String,
    },
    /// The agent took the discard back.
    Restored {
        /// The agent's name.
        by: String,
    },
    /// The agent changed this conversation's hold; `null` is the desk's.
    HoldChanged {
        /// The agent's name.
        by: String,
        /// The new hold.
        hold: Option<Hold>,
    },
    /// The agent resolved the conversation.
    Resolved {
        /// The agent's name.
        by: String,
        /// The held reply that this stopped.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        stopped: Option<String>,
    },
    /// Reopened by the agent, or by a customer's message when `by` is missing.
    Reopened {
        /// The agent's name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        by: Option<String>,
    },
    /// The conversation needs a human from here on.
    NeedsHuman {
        /// Why.
        reason: NeedsHumanReason,
    },
    /// The responder took control back, because the agent did not answer in time or resolved the conversation.
    Returned {
        /// Seconds without an answer; missing when it was resolved.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        after_seconds: Option<u32>,
    },
    /// The agent corrected a reply that was sent.
    Corrected {
        /// The agent's name.
        by: String,
        /// Which message.
        seq: Seq,
        /// What it said before.
        before: String,
    },
    /// The agent retracted a reply that was sent.
    Retracted {
        /// The agent's name.
        by: String,
        /// Which message.
        seq: Seq,
    },
    /// The agent stopped a model that was writing.
    StoppedWriting {
        /// The agent's name.
        by: String,
    },
    /// A model or the webhook bot failed or was not sure.
    ResponderFailed {
        /// Which one.
        source: SourceKind,
        /// What went wrong, in a sentence.
        message: String,
        /// The same in Chinese; missing in what older versions stored.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        message_zh: Option<String>,
    },
}

/// One entry of a conversation, as agents see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Message {
    /// Its place.
    pub seq: Seq,
    /// The revision that made or last changed it; for notes and system lines, the one in force then.
    pub revision: Revision,
    /// When the desk took it.
    pub at: Timestamp,
    /// Who wrote it.
    pub author: Author,
    /// Plain text; empty on system lines.
    pub text: String,
    /// The agent's name, on agents' messages and notes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub name: Option<String>,
    /// The writer's own id for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub client_id: Option<String>,
    /// Where an automatic reply comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub source: Option<Source>,
    /// What happened, on system lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub system: Option<SystemLine>,
    /// The last correction or retraction of a reply that was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub change: Option<Change>,
}

/// What an agent changed about a message after it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Change {
    /// Corrected or retracted.
    pub kind: ChangeKind,
    /// The agent's name.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What was sent at first.
    pub original: String,
}

/// The kinds of [`Change`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It says something else now.
    Corrected,
    /// It is taken back; customers' clients show that, and not the text.
    Retracted,
}

/// A draft for the agent while a human has control. Never sent by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Suggestion {
    /// The customer's message that it would answer.
    pub for_seq: Seq,
    /// What it would say; empty while a model begins to write.
    pub text: String,
    /// What proposed it.
    pub source: Source,
    /// Whether a model is still writing it.
    pub writing: bool,
}

/// A proposal that waits before it is sent. It stands where the answer will stand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct HeldReply {
    /// Names it in requests.
    pub id: HeldId,
    /// The customer's message that it answers.
    pub for_seq: Seq,
    /// What will be sent.
    pub text: String,
    /// What proposed it.
    pub source: Source,
    /// When it was proposed.
    pub held_at: Timestamp,
    /// When it sends itself, by the desk's clock; `null` is "ask" or paused.
    pub due_at: Option<Timestamp>,
    /// The whole of its time in milliseconds, for the bar; `null` is "ask".
    #[ts(type = "number | null")]
    pub hold_ms: Option<i64>,
    /// What was left when it was paused, in milliseconds, 0 for "ask"; `null` when nobody has paused it.
    #[ts(type = "number | null")]
    pub paused_ms: Option<i64>,
    /// Whether a model or the webhook bot is still writing it; then its time has not begun, and `draft` updates tell
    /// what there is so far.
    #[serde(default)]
    pub writing: bool,
}

impl HeldReply {
    /// Whether only an agent will send it: it is "ask", or paused.
    #[must_use]
    pub fn waits_for_agent(&self) -> bool {
        self.due_at.is_none() && !self.writing
    }
}

/// The last thing that was said, for the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct LastLine {
    /// Who said it.
    pub author: Author,
    /// Its beginning, on one line.
    pub text: String,
    /// When.
    pub at: Timestamp,
}

/// What is known about a customer. All of it is claimed by the client, except the address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(default)]
pub struct Customer {
    /// As the customer gave it.
    pub name: Option<String>,
    /// As the customer gave it.
    pub email: Option<String>,
    /// BCP 47, as the client named it.
    pub locale: Option<String>,
    /// The language in which the responder speaks to this customer.
    pub language: Language,
    /// Where the customer is or was last.
    pub page: Option<String>,
    /// The client's User-Agent header.
    pub user_agent: Option<String>,
    /// The last connection's IP address.
    pub address: Option<String>,
    /// First connection.
    pub first_seen_at: Timestamp,
    /// Last connection opened or closed.
    pub last_seen_at: Timestamp,
    /// How often the customer came: a new visit begins when no connection was open for 30 minutes.
    pub visits: u32,
}

/// A live socket of a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Connection {
    /// Names it in the activity view.
    pub id: ConnectionId,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// `IP:PORT` of the client.
    pub address: String,
    /// What it speaks.
    pub protocol: ConnectionProtocol,
    /// The page that it named.
    pub page: Option<String>,
}

/// A conversation as the list and the header show it, without its thread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Conversation {
    /// Names it in requests.
    pub id: ConversationId,
    /// False for a visitor who is connected while nobody has written yet; gone when the visitor leaves.
    pub stored: bool,
    /// Open or resolved.
    pub status: Status,
    /// Who answers.
    pub control: Control,
    /// This conversation's own hold; `null` is the desk's.
    pub hold: Option<Hold>,
    /// Counts what the customer can see.
    pub revision: Revision,
    /// The last place taken.
    pub last_seq: Seq,
    /// Set while it waits for a human.
    pub needs_human: Option<NeedsHuman>,
    /// The reply that waits.
    pub held: Option<HeldReply>,
    /// The last discarded reply, while the discard can be undone.
    pub discarded: Option<HeldReply>,
    /// A draft for the agent, under human control.
    pub suggestion: Option<Suggestion>,
    /// Put on by rules, answers and agents, in order.
    pub labels: Vec<String>,
    /// Customer messages that no agent has seen.
    pub unread: u32,
    /// Since when the customer's messages have had no answer of any kind.
    pub waiting_since: Option<Timestamp>,
    /// Up to where an agent has read.
    pub agent_read_seq: Seq,
    /// Up to where everything was written to a connection of the customer. What lies after it waits for the customer.
    pub delivered_seq: Seq,
    /// Up to where the customer has read.
    pub customer_read_seq: Seq,
    /// The last thing said.
    pub last: Option<LastLine>,
    /// Messages of the customer, the responder and agents.
    pub messages: u32,
    /// When it began.
    pub created_at: Timestamp,
    /// The last message's time; orders the list.
    pub last_activity_at: Timestamp,
    /// What is known about the customer.
    pub customer: Customer,
    /// Live sockets, oldest first; none means offline.
    pub connections: Vec<Connection>,
}

/// How many conversations there are, for tabs, tray and status line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Counts {
    /// Open conversations that are stored.
    pub open: u32,
    /// Open, and needing a human, unanswered under human control, or with a held reply that only an agent will send.
    pub needs_me: u32,
    /// With a held reply.
    pub held: u32,
    /// Resolved.
    pub resolved: u32,
    /// Customers with at least one live socket, visitors included.
    pub online: u32,
    /// Live sockets of customers.
    pub connections: u32,
    /// Customer messages in the last 60 s.
    pub messages_per_minute: u32,
    /// Of the conversations with a reply since the desk started, per cent in which no agent wrote; `null` before the first.
    pub answered_by_itself_percent: Option<u32>,
}

/// Whether the desk really listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Listening {
    /// Not yet, or not any more.
    Stopped {},
    /// Customers can connect.
    Listening {
        /// `IP:PORT`, the port as the system gave it.
        address: String,
        /// Where a browser opens this desk's own pages, such as `http://127.0.0.1:8080`.
        url: String,
    },
    /// The address cannot be had.
    Failed {
        /// `IP:PORT` as asked.
        address: String,
        /// Why, in a sentence.
        message: String,
        /// The same in Chinese.
        message_zh: String,
        /// The program that holds the port, where the system tells.
        holder: Option<String>,
    },
}

/// What happened on a socket, raw, for the activity view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ActivityEvent {
    /// Counts up from 1 since the desk started.
    #[ts(type = "number")]
    pub serial: i64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: ActivityKind,
    /// On which socket.
    pub connection: Option<ConnectionId>,
    /// In which conversation.
    pub conversation: Option<ConversationId>,
    /// `IP:PORT` of the client.
    pub address: Option<String>,
}

/// The kinds of [`ActivityEvent`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ActivityKind {
    /// A customer's socket opened.
    Opened {
        /// What it speaks.
        protocol: ConnectionProtocol,
    },
    /// A socket closed in good order.
    Closed {
        /// RFC 6455 §7.4; 1005 when the client gave none.
        code: u16,
        /// The reason given.
        reason: String,
    },
    /// A socket broke.
    Failed {
        /// The error, in a sentence.
        error: String,
        /// The same in Chinese.
        error_zh: String,
    },
    /// A handshake or a frame was refused.
    Refused {
        /// The code and sentence sent to the client.
        refusal: crate::Refusal,
        /// The page's origin, when that was why. An agent may allow it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        origin: Option<String>,
    },
    /// A customer's message was stored.
    Received {
        /// Its place.
        seq: Seq,
        /// Its beginning.
        preview: String,
    },
    /// A message to the customer was stored and handed to the live sockets.
    Sent {
        /// Its place.
        seq: Seq,
        /// Who wrote it.
        author: Author,
        /// Its beginning.
        preview: String,
    },
    /// The desk began to listen.
    Listening {},
    /// The desk could not listen.
    ListenFailed {
        /// Why, in a sentence.
        error: String,
        /// The same in Chinese.
        error_zh: String,
    },
}
