//! The webhook bot: each message is posted to it, signed by the Standard Webhooks scheme
//! (<https://www.standardwebhooks.com>); the reply comes in the response, or later through the API.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use deskbell_protocol::limits::{REPLY_BYTES, cut};
use deskbell_protocol::responder::Tested;
use deskbell_protocol::settings::{Language, WebhookSettings};
use deskbell_protocol::{ConversationId, Seq, Timestamp};
use hmac::{Hmac, Mac as _};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Response, StatusCode, Url};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use tokio::time::Instant;

use super::http::{Failure, Http, Who, body, retry_after};
use super::secrets::Secret;
use crate::clock::now;
use crate::identity::fresh_token;

/// Bytes of a bot's answer.
const ANSWER_BYTES: usize = 64 * 1024;
/// What a signing secret begins with.
const PREFIX: &str = "whsec_";

/// A customer's message as a bot gets it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Posted {
    pub(crate) conversation: ConversationId,
    /// The message's place; a late reply names it.
    pub(crate) seq: Seq,
    pub(crate) text: String,
    pub(crate) language: Language,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) page: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(skip)]
    pub(crate) kind: Event,
    /// The `webhook-id`: the same for the same message, however often it is posted.
    #[serde(skip)]
    pub(crate) event_id: String,
}

/// What a bot is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum Event {
    /// A customer wrote.
    #[serde(rename = "message.created")]
    Message,
    /// An agent tries it out; nothing is sent to anyone.
    #[serde(rename = "test")]
    Test,
}

/// What a bot makes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WebhookReply {
    /// `{"reply": "…"}`, at most as long as a message.
    Text(String),
    /// `{"needs_human": true}`
    NeedsHuman,
    /// An empty answer or an empty object: it has nothing to say.
    Nothing,
    /// 202 or `{"later": true}`: it will come through the API.
    Later,
}

/// The body that is posted (Standard Webhooks, “Payload structure”).
#[derive(Serialize)]
struct Payload<'a> {
    #[serde(rename = "type")]
    kind: Event,
    /// ISO 8601, as the scheme wants it.
    timestamp: String,
    data: &'a Posted,
}

/// A bot's answer.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    reply: Option<String>,
    needs_human: bool,
    later: bool,
}

/// Asks the bot. Dropping the future ends the request.
///
/// # Errors
/// A [`Failure`]: it cannot be reached, refuses, breaks off, answers something else, or the deadline passed.
pub(crate) async fn ask_webhook(
    http: &Http,
    settings: &WebhookSettings,
    secret: Option<Secret>,
    posted: Posted,
) -> Result<WebhookReply, Failure> {
    post(http, settings, secret, posted).await
}

/// The `webhook-id` of a test or trial: of each a new one, or a bot would take it for one that it has seen.
pub(crate) fn test_id() -> String {
    format!("test_{}", fresh_token().unwrap_or_else(|_| now().to_string()))
}

/// Asks the bot once, for the button in the settings. The event's type is `test`, so that it can tell.
pub(crate) async fn test_webhook(http: &Http, settings: &WebhookSettings, secret: Option<Secret>) -> Tested {
    let begun = Instant::now();
    let posted = Posted {
        conversation: ConversationId(0),
        seq: Seq(0),
        text: "This is a test.".to_owned(),
        language: Language::En,
        page: None,
        name: None,
        kind: Event::Test,
        event_id: test_id(),
    };
    let said = |message: &str, chinese: &str| (true, message.to_owned(), chinese.to_owned());
    let (works, message, message_zh) = match post(http, settings, secret, posted).await {
        Ok(WebhookReply::Text(text)) => {
            let text = cut(text.trim(), 200);
            said(&format!("It answered: “{text}”"), &format!("它回答：“{text}”"))
        }
        Ok(WebhookReply::NeedsHuman) => said("It answered that a human is needed.", "它回答需要人工。"),
        Ok(WebhookReply::Nothing) => {
            said("It took the message and had nothing to say.", "它收到了消息，没有要说的。")
        }
        Ok(WebhookReply::Later) => said(
            "It took the message and will answer through the API.",
            "它收到了消息，之后会通过 API 回复。",
        ),
        Err(failure) => (false, failure.message, failure.chinese),
    };
    let took_ms = u32::try_from(begun.elapsed().as_millis()).unwrap_or(u32::MAX);
    Tested { works, message, message_zh, took_ms }
}

async fn post(
    http: &Http,
    settings: &WebhookSettings,
    secret: Option<Secret>,
    posted: Posted,
) -> Result<WebhookReply, Failure> {
    let unset = || {
        Failure::new(
            "The webhook bot has no signing secret yet. Set it in the settings.",
            "Webhook 机器人还没有签名密钥。请在设置中填写。",
        )
    };
    let key = secret.as_ref().ok_or_else(unset).and_then(|secret| Key::of(secret).ok_or_else(unset))?;
    let url = Url::parse(settings.url.trim()).map_err(|_| {
        Failure::new(
            "The webhook bot's address is not valid. Enter one with https:// or http://.",
            "Webhook 机器人的地址无效，须以 https:// 或 http:// 开头。",
        )
    })?;
    let at = now();
    let payload = Payload { kind: posted.kind, timestamp: iso(at), data: &posted };
    let json = serde_json::to_vec(&payload)
        .map_err(|_| Failure::new("The message cannot be written as JSON.", "消息无法写成 JSON。"))?;
    let seconds = at.0.div_euclid(1000);
    let request = http
        .client()?
        .post(url)
        .header(CONTENT_TYPE, "application/json")
        .header("webhook-id", &posted.event_id)
        .header("webhook-timestamp", seconds)
        .header("webhook-signature", key.sign(&posted.event_id, seconds, &json))
        .body(json);
    let asked = async {
        let response = request.send().await.map_err(|error| Who::Bot.failed(&error))?;
        read(response).await
    };
    let deadline = Duration::from_secs(u64::from(settings.deadline_seconds));
    tokio::time::timeout(deadline, asked)
        .await
        .unwrap_or_else(|_| Err(Who::Bot.too_late(settings.deadline_seconds)))
}

fn iso(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0).unwrap_or_default().to_string()
}

async fn read(response: Response) -> Result<WebhookReply, Failure> {
    let status = response.status();
    if !status.is_success() {
        return Err(Who::Bot.refused(status, retry_after(&response)));
    }
    let body = body(response, ANSWER_BYTES, Who::Bot).await?;
    if status == StatusCode::ACCEPTED {
        return Ok(WebhookReply::Later);
    }
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(WebhookReply::Nothing);
    }
    let answer: Answer = serde_json::from_slice(&body).map_err(|_| {
        Failure::new(
            "The webhook bot answered something that is not the JSON object it should be.",
            "Webhook 机器人的回答不是应有的 JSON 对象。",
        )
    })?;
    match answer {
        Answer { needs_human: true, .. } => Ok(WebhookReply::NeedsHuman),
        Answer { reply: Some(reply), .. } if reply.len() > REPLY_BYTES => Err(Failure::new(
            format!("The webhook bot's reply is too long: at most {REPLY_BYTES} bytes."),
            format!("Webhook 机器人的回复过长：最多 {REPLY_BYTES} 字节。"),
        )),
        Answer { reply: Some(reply), .. } if !reply.trim().is_empty() => Ok(WebhookReply::Text(reply)),
        Answer { later: true, .. } => Ok(WebhookReply::Later),
        _ => Ok(WebhookReply::Nothing),
    }
}

/// A signing key, ready to sign with.
pub(super) struct Key(Hmac<Sha256>);

impl Key {
    /// The key of a secret such as `whsec_…`, if it is one: base64 of 24 to 64 bytes.
    pub(super) fn of(secret: &Secret) -> Option<Self> {
        let text = secret.expose().trim();
        let bytes = STANDARD.decode(text.strip_prefix(PREFIX).unwrap_or(text)).ok()?;
        let usable = (24..=64).contains(&bytes.len());
        usable.then(|| Hmac::new_from_slice(&bytes).ok()).flatten().map(Self)
    }

    fn digest(&self, id: &str, seconds: i64, body: &[u8]) -> Hmac<Sha256> {
        let mut digest = self.0.clone();
        digest.update(format!("{id}.{seconds}.").as_bytes());
        digest.update(body);
        digest
    }

    /// The `webhook-signature`.
    pub(super) fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        format!("v1,{}", STANDARD.encode(self.digest(id, seconds, body).finalize().into_bytes()))
    }

    /// Whether one of the signatures of a `webhook-signature` is right. How long it takes tells nothing.
    pub(super) fn verifies(&self, id: &str, seconds: i64, body: &[u8], signatures: &str) -> bool {
        signatures
            .split(' ')
            .take(8)
            .filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok())
            .any(|signature| self.digest(id, seconds, body).verify_slice(&signature).is_ok())
    }
}

#[cfg(test)]
mod tests;
