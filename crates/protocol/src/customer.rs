//! `deskbell.v1`: JSON text frames tagged by `type`. Unknown fields are ignored, unknown types answered with an error.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::entity::{Author, Control};
use crate::error::Code;
use crate::id::{Revision, Seq, Timestamp};

/// What a customer's client sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientFrame {
    /// The first frame of every connection.
    Hello(Hello),
    /// A message. It is durable once `ack` arrives; until then the client keeps it and sends it again, with the
    /// same id, after a reconnect.
    Message {
        /// The client's own id for this message, 1 to 64 bytes, unique in the conversation.
        id: String,
        /// 1 to 16,384 bytes of UTF-8 that are not all white space.
        text: String,
    },
    /// The customer is typing. Lapses after 6 s; send again at most every 3 s while it lasts.
    Typing {},
    /// The customer has seen every message up to and including `seq`.
    Read {
        /// The last message seen.
        seq: Seq,
    },
    /// The customer wants a person.
    RequestHuman {},
}

/// The first frame: who this is and what it has already.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Hello {
    /// The token of an earlier `welcome`; without one, or with an unknown one, a new conversation begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub token: Option<String>,
    /// The last revision this client has in full. Everything after it is sent. Default 0.
    #[serde(default)]
    pub revision: Revision,
    /// The `epoch` that `revision` belongs to. Under another epoch the client gets everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub epoch: Option<String>,
    /// BCP 47, such as `zh-CN`. Default: the Accept-Language header, then the desk's setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub locale: Option<String>,
    /// Where the customer is, such as a path or a title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub page: Option<String>,
    /// What the customer calls themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub name: Option<String>,
    /// The customer's e-mail address, as they gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub email: Option<String>,
}

/// What the desk sends to a customer's client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame {
    /// The answer to `hello`.
    Welcome {
        /// Keep it secret and send it in the next `hello`. It is the only key to this conversation.
        token: String,
        /// Which database the revisions belong to. When it changes, drop everything and resume from 0.
        epoch: String,
        /// The conversation's revision now. History after the client's own revision follows, then `caught_up`.
        revision: Revision,
        /// Whether the token was known.
        resumed: bool,
        /// The greeting to show while there is no message. It becomes message 1 with the first message.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        greeting: Option<String>,
        /// Who answers.
        control: Control,
    },
    /// The client's message is durable. Sent again, unchanged, when the same id is sent again.
    Ack {
        /// The client's id.
        id: String,
        /// Its place in the conversation.
        seq: Seq,
        /// The revision that it made.
        revision: Revision,
        /// When the desk took it.
        at: Timestamp,
    },
    /// A message, new or changed: put it at `seq`, replacing what has a lower revision.
    Message(CustomerMessage),
    /// History is complete up to this revision; what follows is live.
    CaughtUp {
        /// The revision up to which the client now has everything.
        revision: Revision,
    },
    /// Someone is writing. Lapses after 6 s.
    Typing {
        /// Who writes: `agent` or `automatic`.
        author: Author,
    },
    /// The agent has seen everything up to and including `seq`.
    Read {
        /// The last message seen.
        seq: Seq,
    },
    /// Who answers has changed.
    Control {
        /// Who answers now.
        control: Control,
    },
    /// A refusal. The connection stays open unless a close frame follows.
    Error {
        /// For programs.
        code: Code,
        /// For people.
        message: String,
        /// The id of the message that was refused.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        id: Option<String>,
        /// When to try again, in milliseconds. Without it, trying the same again is of no use.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional, type = "number")]
        retry_after_ms: Option<u32>,
    },
}

/// A message as its customer sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct CustomerMessage {
    /// Its place in the conversation. Places may be missing: notes and system lines are not for customers.
    pub seq: Seq,
    /// The revision that made or last changed it.
    pub revision: Revision,
    /// `customer`, `automatic` or `agent`.
    pub author: Author,
    /// Plain text. Show it as text, never as markup.
    pub text: String,
    /// When the desk took it.
    pub at: Timestamp,
    /// The agent's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub name: Option<String>,
    /// The client's id, on the customer's own messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub id: Option<String>,
    /// `corrected`: the text was replaced after it was sent, mark it so. `retracted`: it was taken back and `text` is
    /// empty, show that in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub change: Option<crate::entity::ChangeKind>,
}
