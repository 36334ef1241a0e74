//! What is decided. Synchronous and pure: the clock comes in with each command, and the same state and command give
//! the same decision. The store applies decisions; nothing here knows that there is a disk or a network.
//!
//! [`decide`] is the state machine of one conversation. Its promises (tests/ holds them under any order of commands):
//! - exactly one of the responder and the agent has control, and no automatic reply is sent under human control;
//! - the responder sends at most one reply to a customer's message, and only while that message is the last;
//! - what a customer writes is answered, or held, or under human control, or marked as needing a human.
#![deny(missing_docs)]

mod agent;
mod change;
mod customer;
mod decide;
mod decision;
mod learn;
mod proposal;
mod respond;
mod responder;
mod state;

pub use agent::AgentAction;
pub use decide::{Command, decide};
pub use decision::{Context, Decision, NewLesson, Subject};
pub use learn::Caught;
pub use proposal::{Draft, FailedPart, Greeting, Label, Proposal};
pub use responder::{
    Import, Past, Responder, import_answers, import_starters, is_open, read_answers, replay, replay_planned,
    starter_answers, validate_answer, validate_responder, validate_restored, validate_rule, write_answers,
};
pub use state::{Origin, State};

/// A visit ends when no connection was open for this long, in milliseconds.
pub const VISIT_GAP_MS: i64 = 30 * 60 * 1000;
