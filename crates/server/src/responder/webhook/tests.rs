use reqwest::header::HeaderMap;
use serde_json::json;
use standardwebhooks::Webhook;

use super::super::endpoint::{Endpoint, Received, Script};
use super::*;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn settings(url: &str, seconds: u32) -> WebhookSettings {
    WebhookSettings { enabled: true, url: url.to_owned(), deadline_seconds: seconds }
}

fn posted() -> Posted {
    Posted {
        conversation: ConversationId(7),
        seq: Seq(3),
        text: "你们几点开门？".to_owned(),
        language: Language::ZhCn,
        page: Some("https://shop.example/".to_owned()),
        name: None,
        kind: Event::Message,
        event_id: "msg_7_3".to_owned(),
    }
}

async fn ask(script: Script) -> Result<WebhookReply, Failure> {
    let endpoint = Endpoint::start(script).await;
    let reply =
        ask_webhook(&Http::default(), &settings(&endpoint.url(), 30), Some(Secret::new(SECRET)), posted())
            .await;
    if let Err(failure) = &reply {
        assert!(!failure.message.contains("MfKQ9") && !failure.message.contains("canary"), "{failure:?}");
    }
    reply
}

/// Verified by the reference implementation, which also looks at the time.
fn verified(received: &Received, body: &str) -> bool {
    let mut headers = HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        headers.insert(name, received.header(name).parse().unwrap());
    }
    Webhook::new(SECRET).unwrap().verify(body.as_bytes(), &headers).is_ok()
}

#[tokio::test]
async fn the_message_is_posted_with_a_signature_that_the_reference_accepts() {
    let mut endpoint = Endpoint::start(Script::json("200 OK", &json!({ "reply": "九点。" }))).await;
    let secret = Some(Secret::new(SECRET));
    let reply = ask_webhook(&Http::default(), &settings(&endpoint.url(), 30), secret, posted()).await;
    assert_eq!(reply, Ok(WebhookReply::Text("九点。".to_owned())));
    let received = endpoint.received().await;
    assert!(verified(&received, &received.body));
    assert!(!verified(&received, &received.body.replace('7', "8")));
    assert_eq!((received.line.as_str(), received.header("webhook-id")), ("POST /bot", "msg_7_3"));
    let body = received.json();
    assert_eq!(body["type"], "message.created");
    let timestamp: jiff::Timestamp = body["timestamp"].as_str().unwrap().parse().unwrap();
    assert_eq!(timestamp.as_second().to_string(), received.header("webhook-timestamp"));
    assert_eq!(
        body["data"],
        json!({
            "conversation": 7, "seq": 3, "text": "你们几点开门？", "language": "zh-CN", "page": "https://shop.example/",
        })
    );
}

#[tokio::test]
async fn every_answer_of_a_bot_has_a_meaning() {
    use WebhookReply::{Later, NeedsHuman, Nothing, Text};
    for (script, reply) in [
        (Script::json("200 OK", &json!({ "reply": "Yes.", "extra": 1 })), Text("Yes.".to_owned())),
        (Script::json("201 Created", &json!({ "needs_human": true, "reply": "x" })), NeedsHuman),
        (Script::json("200 OK", &json!({ "later": true })), Later),
        (Script::answers("202 Accepted", "", "queued"), Later),
        (Script::answers("204 No Content", "", ""), Nothing),
        (Script::answers("200 OK", "", ""), Nothing),
        (Script::json("200 OK", &json!({})), Nothing),
        (Script::json("200 OK", &json!({ "reply": null })), Nothing),
        (Script::json("200 OK", &json!({ "reply": " " })), Nothing),
    ] {
        assert_eq!(ask(script.clone()).await, Ok(reply), "{script:?}");
    }
}

#[tokio::test]
async fn every_fault_of_a_bot_is_a_sentence() {
    let long = "x".repeat(REPLY_BYTES + 1);
    for (script, says) in [
        (Script::answers("200 OK", "", "canary"), "not the JSON object"),
        (Script::json("200 OK", &json!({ "reply": 7 })), "not the JSON object"),
        (Script::page(), "not the JSON object"),
        (Script::json("200 OK", &json!({ "reply": long })), "too long"),
        (Script::answers("200 OK", "", &"x".repeat(ANSWER_BYTES + 1)), "more than can be taken"),
        (Script::answers("401 Unauthorized", "", "canary"), "refuses the signing secret (401)"),
        (Script::answers("404 Not Found", "", "canary"), "not at this address"),
        (Script::answers("410 Gone", "", ""), "gone for good"),
        (Script::answers("429 Too Many Requests", "Retry-After: 9\r\n", ""), "too often"),
        (Script::answers("500 Internal Server Error", "", "canary"), "fault of its own (500)"),
        (Script::redirects("http://192.0.2.1/"), "another address (307)"),
        (Script::default(), "closed the connection"),
        (Script::default().write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"re"), "broke off"),
    ] {
        let failure = ask(script.clone()).await.unwrap_err();
        assert!(failure.message.contains(says), "{script:?}: {failure}");
    }
}

#[tokio::test]
async fn a_bot_that_stalls_ends_at_the_deadline() {
    for script in [
        Script::default().stalls(),
        Script::default().write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"re").stalls(),
    ] {
        let endpoint = Endpoint::start(script).await;
        let secret = Some(Secret::new(SECRET));
        let reply = ask_webhook(&Http::default(), &settings(&endpoint.url(), 1), secret, posted()).await;
        assert!(reply.unwrap_err().message.contains("within 1 s"));
        endpoint.client_gone().await;
    }
}

#[tokio::test]
async fn without_a_secret_nothing_is_posted() {
    let mut endpoint = Endpoint::start(Script::json("200 OK", &json!({}))).await;
    for secret in [None, Some(Secret::new("no secret"))] {
        let reply = ask_webhook(&Http::default(), &settings(&endpoint.url(), 30), secret, posted()).await;
        assert!(reply.unwrap_err().message.contains("no signing secret"));
    }
    assert!(!endpoint.has_received());
}

#[tokio::test]
async fn a_test_says_that_it_is_one() {
    let mut endpoint = Endpoint::start(Script::json("200 OK", &json!({ "reply": "pong" }))).await;
    let secret = || Some(Secret::new(SECRET));
    let tested = test_webhook(&Http::default(), &settings(&endpoint.url(), 30), secret()).await;
    assert!(tested.works && tested.message.contains("pong"), "{tested:?}");
    let received = endpoint.received().await;
    assert!(verified(&received, &received.body));
    assert_eq!(received.json()["type"], "test");
    endpoint.always(Script::answers("500 Internal Server Error", "", ""));
    assert!(!test_webhook(&Http::default(), &settings(&endpoint.url(), 30), secret()).await.works);
}
