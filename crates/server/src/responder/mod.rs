//! The slow parts of the responder: the model and the webhook bot, asked over HTTP after the commit, and their secrets.
//!
//! Nothing here decides: a question goes out, a reply or a [`Failure`] comes back, always within the deadline of the
//! settings. Who asks drops the future to stop it; the request ends with it.

mod http;
mod late;
mod model;
mod prompt;
mod secrets;
mod stream;
mod verdict;
mod webhook;

pub(crate) use http::{Failure, Http};
pub(crate) use late::{LateReply, verify_late_reply};
pub(crate) use model::{ModelQuestion, ModelReply, ask_model, test_model};
pub(crate) use prompt::Turn;
pub(crate) use secrets::{Secret, SecretStore};
pub(crate) use webhook::{Event, Posted, WebhookReply, ask_webhook, test_id, test_webhook};

// The endpoint that behaves and misbehaves on command, the same as in the tests over the whole desk.
#[cfg(test)]
#[allow(dead_code, unreachable_pub)]
#[path = "../../../../tests/support/endpoint.rs"]
mod endpoint;
