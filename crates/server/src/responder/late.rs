//! A bot's reply that comes later, through `POST /api/replies`, signed as the bot's messages are.

use deskbell_protocol::limits::REPLY_BYTES;
use deskbell_protocol::{Code, ConversationId, Refusal, Seq, Timestamp};
use hyper::HeaderMap;
use serde::Deserialize;

use super::secrets::Secret;
use super::webhook::Key;

/// How far the bot's clock may be off, either way, in seconds (Standard Webhooks, “Verifying webhook authenticity”).
const TOLERANCE: i64 = 5 * 60;
/// Bytes of a `webhook-id`.
const ID_BYTES: usize = 256;

/// A reply to one message. That each message is answered once makes a replay harmless.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct LateReply {
    pub(crate) conversation: ConversationId,
    /// The customer's message that it answers.
    pub(crate) seq: Seq,
    /// What the customer is told; missing when a human is needed.
    #[serde(default)]
    pub(crate) text: String,
    /// Whether the bot asks for a human instead.
    #[serde(default)]
    pub(crate) needs_human: bool,
}

/// The reply in this body, if its signature and time are right.
///
/// # Errors
/// [`Code::Unauthorized`] without saying more than a stranger may know; [`Code::Malformed`], [`Code::Empty`] or
/// [`Code::TooLong`] to who has the secret.
pub(crate) fn verify_late_reply(
    secret: Option<&Secret>,
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> Result<LateReply, Refusal> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let parts = (|| {
        let id = header("webhook-id").filter(|id| !id.is_empty() && id.len() <= ID_BYTES)?;
        Some((id, header("webhook-timestamp")?.parse::<i64>().ok()?, header("webhook-signature")?))
    })();
    let Some((id, seconds, signature)) = parts else {
        return Err(unauthorized("A reply is signed: webhook-id, webhook-timestamp and webhook-signature."));
    };
    if !secret.and_then(Key::of).is_some_and(|key| key.verifies(id, seconds, body, signature)) {
        return Err(unauthorized("The signature is wrong, or this desk has no webhook bot."));
    }
    if now.0.div_euclid(1000).saturating_sub(seconds).saturating_abs() > TOLERANCE {
        return Err(unauthorized("The timestamp is more than 5 minutes off. Is the clock right?"));
    }
    let reply: LateReply = serde_json::from_slice(body).map_err(|_| {
        Refusal::new(
            Code::Malformed,
            "A reply is a JSON object with conversation, seq and text or needs_human.",
        )
    })?;
    if reply.text.len() > REPLY_BYTES {
        return Err(Refusal::new(Code::TooLong, format!("A reply has at most {REPLY_BYTES} bytes.")));
    }
    if reply.text.trim().is_empty() && !reply.needs_human {
        return Err(Refusal::new(Code::Empty, "The reply is empty; nothing was sent."));
    }
    Ok(reply)
}

fn unauthorized(sentence: &str) -> Refusal {
    Refusal::new(Code::Unauthorized, sentence)
}

#[cfg(test)]
mod tests {
    use standardwebhooks::Webhook;

    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const NOW: Timestamp = Timestamp(1_700_000_000_500);
    const BODY: &str = r#"{"conversation":7,"seq":3,"text":"Yes."}"#;

    /// Signed by the reference implementation.
    fn headers(id: &str, seconds: i64, body: &str) -> HeaderMap {
        let signature = Webhook::new(SECRET).unwrap().sign(id, seconds, body.as_bytes()).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", id.parse().unwrap());
        headers.insert("webhook-timestamp", seconds.to_string().parse().unwrap());
        headers.insert("webhook-signature", format!("v1a,x {signature}").parse().unwrap());
        headers
    }

    fn verify(headers: &HeaderMap, body: &str) -> Result<LateReply, Code> {
        let secret = Secret::new(SECRET);
        verify_late_reply(Some(&secret), headers, body.as_bytes(), NOW).map_err(|refusal| refusal.code)
    }

    #[test]
    fn what_the_reference_signs_is_accepted_within_five_minutes() {
        let reply = verify(&headers("msg_1", 1_700_000_000, BODY), BODY).unwrap();
        assert_eq!((reply.conversation, reply.seq, reply.text.as_str()), (ConversationId(7), Seq(3), "Yes."));
        for (seconds, fine) in [(-300, true), (300, true), (-301, false), (301, false), (i64::MIN / 2, false)]
        {
            let verified = verify(&headers("msg_1", 1_700_000_000 + seconds, BODY), BODY);
            assert_eq!(verified.is_ok(), fine, "{seconds} s");
        }
    }

    #[test]
    fn nothing_can_be_changed_under_a_signature() {
        let good = headers("msg_1", 1_700_000_000, BODY);
        assert_eq!(verify(&good, &BODY.replace("Yes", "No!")), Err(Code::Unauthorized));
        for (name, value) in [
            ("webhook-id", "msg_2"),
            ("webhook-timestamp", "1700000001"),
            ("webhook-timestamp", "soon"),
            ("webhook-signature", "v1,AAAA"),
            ("webhook-signature", "v1,"),
            ("webhook-signature", ""),
        ] {
            let mut changed = good.clone();
            changed.insert(name, value.parse().unwrap());
            assert_eq!(verify(&changed, BODY), Err(Code::Unauthorized), "{name}: {value}");
            changed.remove(name);
            assert_eq!(verify(&changed, BODY), Err(Code::Unauthorized), "without {name}");
        }
    }

    #[test]
    fn without_a_secret_nothing_is_accepted() {
        let signed = headers("msg_1", 1_700_000_000, BODY);
        for secret in
            [None, Some(Secret::new("")), Some(Secret::new("whsec_")), Some(Secret::new("no base64!"))]
        {
            let refused = verify_late_reply(secret.as_ref(), &signed, BODY.as_bytes(), NOW).unwrap_err();
            assert_eq!(refused.code, Code::Unauthorized);
        }
    }

    #[test]
    fn a_signed_body_is_still_looked_at() {
        for (body, code) in [
            ("", Code::Malformed),
            ("[]", Code::Malformed),
            (r#"{"conversation":"7","seq":3,"text":"x"}"#, Code::Malformed),
            (r#"{"conversation":7,"seq":3,"text":" "}"#, Code::Empty),
            (r#"{"conversation":7,"seq":3}"#, Code::Empty),
        ] {
            assert_eq!(verify(&headers("m", 1_700_000_000, body), body), Err(code), "{body}");
        }
        let long = BODY.replace("Yes.", &"x".repeat(REPLY_BYTES + 1));
        assert_eq!(verify(&headers("m", 1_700_000_000, &long), &long), Err(Code::TooLong));
        let human = r#"{"conversation":7,"seq":3,"needs_human":true}"#;
        assert!(verify(&headers("m", 1_700_000_000, human), human).unwrap().needs_human);
    }
}
