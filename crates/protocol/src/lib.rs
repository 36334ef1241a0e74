//! What travels between customers, the desk and its agents: pure data, no behaviour beyond small conversions.
//!
//! - [`customer`]: the `deskbell.v1` frames (`docs/protocol.md`);
//! - [`agent`]: the console's requests, responses and updates, the same over Tauri IPC and `deskbell.agent.v1`;
//! - [`entity`]: what both sides of the console talk about (conversations, messages, held replies, …);
//! - [`responder`]: rules, answers, verdicts, offers to learn, numbers;
//! - [`settings`]: what the agent can change;
//! - [`upkeep`]: backups, exports, and work on the whole database;
//! - [`error`]: every refusal is a [`Code`] and a sentence.
#![deny(missing_docs)]

pub mod agent;
mod bounds;
pub mod customer;
pub mod entity;
pub mod error;
pub mod id;
pub mod limits;
pub mod responder;
pub mod settings;
pub mod upkeep;

pub use error::{Code, Refusal};
pub use id::{AnswerId, ConnectionId, ConversationId, HeldId, LessonId, Revision, RuleId, Seq, Timestamp};

/// The WebSocket subprotocol of customers' JSON frames (RFC 6455 §1.9).
pub const CUSTOMER_SUBPROTOCOL: &str = "deskbell.v1";
/// The WebSocket subprotocol of the agent console.
pub const AGENT_SUBPROTOCOL: &str = "deskbell.agent.v1";
