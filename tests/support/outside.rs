//! What tests of the model and of the webhook bot share: questions, answers, secrets, and how a failure is told.

use deskbell_protocol::ConversationId;
use deskbell_protocol::agent::{Request, Response};
use deskbell_protocol::entity::{SourceKind, SystemLine};
use deskbell_protocol::responder::{SecretName, SecretPlace};
use serde_json::Value;

use crate::agent::Agent;
use crate::customer::V1;
use crate::within;

/// What the desk answers unless told otherwise.
pub const DEFAULT_REPLY: &str = "Hello, what can we help you with?";
/// Of “canary-signing-secret-1234567890”.
pub const SIGNING: &str = "whsec_Y2FuYXJ5LXNpZ25pbmctc2VjcmV0LTEyMzQ1Njc4OTA=";

/// Stores a secret as the console does; where it lies then.
pub async fn set_secret(agent: &mut Agent, name: SecretName, value: &str) -> SecretPlace {
    let value = Some(value.to_owned());
    let Response::Secrets { secrets } = agent.ask(Request::SetSecret { name, value }).await else { panic!() };
    match name {
        SecretName::ModelKey => secrets.model_key,
        SecretName::WebhookSecret => secrets.webhook_secret,
    }
}

/// Asks and gives the frames after the acknowledgement up to the automatic reply.
pub async fn ask(customer: &mut V1, text: &str) -> (Vec<Value>, String) {
    customer.say("q", text).await;
    let mut frames = Vec::new();
    within("an answer", async {
        loop {
            let frame = customer.next().await;
            if is_answer(&frame) {
                return (frames, frame["text"].as_str().unwrap().to_owned());
            }
            frames.push(frame);
        }
    })
    .await
}

/// The answer that comes next; other frames are passed over.
pub async fn answer(customer: &mut V1) -> Value {
    within("an answer", async {
        loop {
            let frame = customer.next_from("automatic").await;
            if is_answer(&frame) {
                return frame;
            }
        }
    })
    .await
}

/// The greeting is automatic too, and the first message.
pub fn is_answer(frame: &Value) -> bool {
    frame["type"] == "message" && frame["author"] == "automatic" && frame["seq"] != 1
}

/// The sentence with which the thread says that a part of the responder failed.
pub async fn failure_told(agent: &mut Agent, conversation: ConversationId) -> Option<(SourceKind, String)> {
    agent.thread(conversation).await.into_iter().find_map(|message| match message.system {
        Some(SystemLine::ResponderFailed { source, message, message_zh }) => {
            let chinese = message_zh.unwrap();
            assert!(chinese.ends_with('。') && !chinese.is_ascii(), "{chinese}: {message}");
            Some((source, message))
        }
        _ => None,
    })
}

/// Whether a part of one of the tests' secrets is in this, as it is or in base64.
pub fn leaks(bytes: &[u8]) -> bool {
    ["canary", "Y2FuYXJ5"]
        .iter()
        .any(|word| bytes.windows(word.len()).any(|window| window == word.as_bytes()))
}
