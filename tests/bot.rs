//! The webhook bot as customers and agents meet it: real sockets, a real HTTP endpoint that behaves and misbehaves on
//! command, and late replies through the API.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use deskbell_protocol::agent::{Request, Response};
use deskbell_protocol::entity::{Author, NeedsHumanReason, SourceKind};
use deskbell_protocol::responder::{Outcome, Question, SecretName, Tested, Verdict, Why};
use deskbell_protocol::settings::{Hold, WebhookSettings};
use deskbell_protocol::{Code, ConversationId};
use deskbell_tests::agent::Agent;
use deskbell_tests::customer::V1;
use deskbell_tests::endpoint::{Endpoint, Received, Script};
use deskbell_tests::outside::{DEFAULT_REPLY, SIGNING, answer, ask, failure_told, leaks, set_secret};
use deskbell_tests::server::Server;
use deskbell_tests::within;
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::http::HeaderMap;

/// So many are asked at once: `AT_ONCE` of the server's `slow.rs`.
const AT_ONCE: usize = 128;

/// A desk that asks this endpoint as its webhook bot.
async fn desk_with_bot(endpoint: &Endpoint) -> (Server, Agent) {
    with_bot(Server::start().await, endpoint).await
}

async fn with_bot(server: Server, endpoint: &Endpoint) -> (Server, Agent) {
    let mut agent = server.agent().await;
    set_secret(&mut agent, SecretName::WebhookSecret, SIGNING).await;
    let url = endpoint.url();
    agent
        .set(|settings| {
            let bot = &mut settings.responder.webhook;
            (bot.enabled, bot.url, bot.deadline_seconds) = (true, url, 30);
        })
        .await;
    (server, agent)
}

#[tokio::test]
async fn whoever_waits_for_a_promised_reply_keeps_nobody_from_being_asked() {
    let mut endpoint = Endpoint::start(Script::answers("202 Accepted", "", "")).await;
    let (server, _agent) = desk_with_bot(&endpoint).await;
    let mut waiting = Vec::new();
    // One more than are asked at once.
    for _ in 0..=AT_ONCE {
        let mut customer = server.v1().await;
        customer.say("q", "When are you open on Fridays?").await;
        let asked = endpoint.received().await.json()["data"].clone();
        waiting.push((customer, asked));
    }
    // The first still waits for its reply, too.
    for (mut customer, asked) in [waiting.pop().unwrap(), waiting.swap_remove(0)] {
        let late = Late::new(&asked["conversation"], &asked["seq"], "Fridays from nine.");
        assert_eq!(late.post(&server.address).await.0, 200);
        assert_eq!(answer(&mut customer).await["text"], "Fridays from nine.");
    }
}

#[tokio::test]
async fn while_as_many_as_can_be_asked_stall_the_next_customer_gets_the_default_reply_before_any_of_them() {
    let mut endpoint = Endpoint::start(Script::default().stalls()).await;
    let (server, mut agent) = desk_with_bot(&endpoint).await;
    let mut stalled = Vec::new();
    for _ in 0..AT_ONCE {
        let mut customer = server.v1().await;
        customer.say("q", "When are you open on Fridays?").await;
        endpoint.received().await;
        stalled.push(customer);
    }
    let mut next = server.v1().await;
    assert_eq!(ask(&mut next, "When are you open on Fridays?").await.1, DEFAULT_REPLY);
    let called = agent.until(|conversation| conversation.needs_human.is_some()).await;
    assert_eq!(called.needs_human.unwrap().reason, NeedsHumanReason::ResponderFailed);
    let (source, sentence) = failure_told(&mut agent, called.id).await.unwrap();
    assert_eq!(source, SourceKind::Webhook, "there is no model");
    assert!(sentence.contains("Too many"), "{sentence}");
    // It did not wait until one of them was given up.
    let mut conversations = agent.snapshot().await.conversations;
    conversations.retain(|conversation| conversation.needs_human.is_none());
    assert!(conversations.len() >= 99, "{}", conversations.len());
    // As soon as one of them is not waited for any more, there is room for another question.
    let conversation = conversations[0].id;
    agent.ask(Request::TakeOver { conversation }).await;
    endpoint.client_gone().await;
    server.v1().await.say("q", "When are you open on Fridays?").await;
    endpoint.received().await;
}

/// Verified by the reference implementation, time included.
fn is_signed(received: &Received) -> bool {
    let mut headers = HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        headers.insert(name, received.header(name).parse().unwrap());
    }
    Webhook::new(SIGNING).unwrap().verify(received.body.as_bytes(), &headers).is_ok()
}

#[tokio::test]
async fn a_bot_gets_the_signed_message_and_its_reply_is_sent() {
    let mut endpoint =
        Endpoint::start(Script::json("200 OK", &json!({ "reply": "Fridays from nine." }))).await;
    let (server, _agent) = desk_with_bot(&endpoint).await;
    let hello =
        json!({ "type": "hello", "name": "Ann", "page": "https://shop.example/hours", "locale": "en-GB" });
    let mut customer = V1::connect(&server.address, hello).await;
    assert_eq!(ask(&mut customer, "When are you open on Fridays?").await.1, "Fridays from nine.");
    let received = endpoint.received().await;
    assert!(is_signed(&received));
    let event = received.json();
    assert_eq!(event["type"], "message.created");
    assert_eq!(event["data"]["text"], "When are you open on Fridays?");
    assert_eq!((&event["data"]["name"], &event["data"]["language"]), (&json!("Ann"), &json!("en")));
    assert_eq!(event["data"]["page"], "https://shop.example/hours");
}

#[tokio::test]
async fn whatever_a_bot_does_the_customer_gets_the_default_reply_and_the_agent_is_called() {
    use NeedsHumanReason::{NoAnswer, ResponderFailed};
    let endpoint = Endpoint::start(Script::default()).await;
    let (server, mut agent) = desk_with_bot(&endpoint).await;
    agent.set(|settings| settings.responder.webhook.deadline_seconds = 2).await;
    let mut last = ConversationId(0);
    for (what, script, reason) in [
        ("stalls", Script::default().stalls(), ResponderFailed),
        ("promises and does not keep", Script::answers("202 Accepted", "", ""), ResponderFailed),
        ("has a fault", Script::answers("500 Internal Server Error", "", SIGNING), ResponderFailed),
        ("is asked too often", Script::answers("429 Too Many Requests", "", ""), ResponderFailed),
        ("talks garbage", Script::answers("200 OK", "", "]]"), ResponderFailed),
        ("is a web page", Script::page(), ResponderFailed),
        ("has nothing to say", Script::json("200 OK", &json!({})), NoAnswer),
    ] {
        endpoint.always(script);
        let mut customer = server.v1().await;
        assert_eq!(
            ask(&mut customer, "When are you open on Fridays?").await.1,
            DEFAULT_REPLY,
            "a bot that {what}"
        );
        // Not the one before, whose last update may still be on its way.
        let called = agent.until(|this| this.needs_human.is_some() && this.id > last).await;
        last = called.id;
        assert_eq!(called.needs_human.unwrap().reason, reason, "a bot that {what}");
        let told = failure_told(&mut agent, called.id).await;
        assert_eq!(told.is_some(), reason == ResponderFailed, "a bot that {what}");
        assert!(told.is_none_or(|(source, said)| source == SourceKind::Webhook && !said.contains("canary")));
        agent.ask(Request::Resolve { conversation: called.id }).await;
    }
}

#[tokio::test]
async fn a_bot_can_call_a_human_at_once_or_later_and_the_customer_is_told_so() {
    for later in [false, true] {
        let at_once = Script::json("200 OK", &json!({ "needs_human": true }));
        let script = if later { Script::answers("202 Accepted", "", "") } else { at_once };
        let mut endpoint = Endpoint::start(script).await;
        let (server, mut agent) = desk_with_bot(&endpoint).await;
        agent
            .set(|settings| {
                settings.hold = Hold::Ask;
                settings.responder.person_called.en = "{name}, a colleague is on the way.".to_owned();
            })
            .await;
        let mut customer = V1::connect(&server.address, json!({ "type": "hello", "name": "Ann" })).await;
        customer.say("q", "My parcel is broken.").await;
        let asked = endpoint.received().await.json()["data"].clone();
        if later {
            let call =
                json!({ "conversation": asked["conversation"], "seq": asked["seq"], "needs_human": true });
            assert_eq!(
                Late::signed(&call, deskbell_server::now().0 / 1000).post(&server.address).await.0,
                200
            );
        }
        // It is no reply that would wait for the agent, nor an answer.
        assert_eq!(answer(&mut customer).await["text"], "Ann, a colleague is on the way.");
        let id = ConversationId(asked["conversation"].as_i64().unwrap());
        let called = agent.conversation(id).await;
        assert_eq!(called.needs_human.unwrap().reason, NeedsHumanReason::Bot);
        assert!(called.waiting_since.is_some() && called.held.is_none(), "{called:?}");
        // Until the person comes there is no chatter, and the bot is not asked.
        customer.say("again", "Hello?").await;
        customer.next_of("ack").await;
        agent
            .ask(Request::Send { conversation: id, id: "a".to_owned(), text: "Here I am.".to_owned() })
            .await;
        assert_eq!(customer.next_of("message").await["text"], "Here I am.", "later: {later}");
        assert!(!endpoint.has_received());
    }
}

/// A late reply as a bot posts it, signed by the reference implementation at this time.
struct Late {
    id: String,
    seconds: i64,
    body: String,
    signature: String,
}

impl Late {
    fn new(conversation: &Value, seq: &Value, text: &str) -> Self {
        Self::at(conversation, seq, text, deskbell_server::now().0 / 1000)
    }

    fn at(conversation: &Value, seq: &Value, text: &str, seconds: i64) -> Self {
        Self::signed(&json!({ "conversation": conversation, "seq": seq, "text": text }), seconds)
    }

    fn signed(body: &Value, seconds: i64) -> Self {
        let (id, body) = (format!("reply_{seconds}"), body.to_string());
        let signature = Webhook::new(SIGNING).unwrap().sign(&id, seconds, body.as_bytes()).unwrap();
        Self { id, seconds, body, signature }
    }

    /// Posts it; status and body.
    async fn post(&self, address: &str) -> (u16, Value) {
        let Self { id, seconds, body, signature } = self;
        let length = body.len();
        post(
            address,
            &format!(
                "POST /api/replies HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
                 webhook-id: {id}\r\nwebhook-timestamp: {seconds}\r\nwebhook-signature: {signature}\r\n\
                 Content-Length: {length}\r\n\r\n{body}"
            ),
        )
        .await
    }
}

async fn post(address: &str, request: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The desk may refuse before it has read everything.
    let _refused_early = stream.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    let _reset_after_the_answer = within("an answer", stream.read_to_end(&mut answer)).await;
    let answer = String::from_utf8(answer).unwrap();
    let status = answer.split(' ').nth(1).expect("a status").parse().unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

#[tokio::test]
async fn a_late_reply_is_sent_once() {
    let mut endpoint = Endpoint::start(Script::answers("202 Accepted", "", "")).await;
    let (server, mut agent) = desk_with_bot(&endpoint).await;
    let mut customer = server.v1().await;
    customer.say("q", "When are you open on Fridays?").await;
    let asked = endpoint.received().await.json()["data"].clone();
    let late = Late::new(&asked["conversation"], &asked["seq"], "Fridays from nine.");
    assert_eq!(late.post(&server.address).await, (200, json!({})));
    assert_eq!(answer(&mut customer).await["text"], "Fridays from nine.");
    // The same again, as who listened in could post it, and another one for the same message.
    let again = late.post(&server.address).await;
    assert_eq!((again.0, &again.1["code"]), (409, &json!("stale_reply")));
    let other = Late::new(&asked["conversation"], &asked["seq"], "Or from ten?");
    assert_eq!(other.post(&server.address).await.0, 409);
    let id = ConversationId(asked["conversation"].as_i64().unwrap());
    let thread = agent.thread(id).await;
    assert_eq!(thread.iter().filter(|message| message.text.contains("from")).count(), 1, "{thread:#?}");
    assert_eq!(agent.conversation(id).await.needs_human, None);
}

#[tokio::test]
async fn a_late_reply_after_take_over_is_a_suggestion_or_refused_where_none_are_wanted() {
    let mut endpoint = Endpoint::start(Script::answers("202 Accepted", "", "")).await;
    let (server, mut agent) = desk_with_bot(&endpoint).await;
    let mut customer = server.v1().await;
    customer.say("q", "When are you open on Fridays?").await;
    let asked = endpoint.received().await.json()["data"].clone();
    let id = ConversationId(asked["conversation"].as_i64().unwrap());
    agent.ask(Request::TakeOver { conversation: id }).await;
    let late = Late::new(&asked["conversation"], &asked["seq"], "Fridays from nine.");
    assert_eq!(late.post(&server.address).await.0, 200);
    assert_eq!(agent.conversation(id).await.suggestion.unwrap().text, "Fridays from nine.");
    assert!(!agent.thread(id).await.iter().any(|message| message.text.contains("Fridays from")));

    agent.ask(Request::HandBack { conversation: id }).await;
    agent.set(|settings| settings.responder.suggestions = false).await;
    customer.say("again", "When are you open on Saturdays?").await;
    let asked = within("the second question", async {
        loop {
            let asked = endpoint.received().await.json()["data"].clone();
            if asked["text"] == "When are you open on Saturdays?" {
                return asked;
            }
        }
    })
    .await;
    agent.ask(Request::TakeOver { conversation: id }).await;
    let late = Late::new(&asked["conversation"], &asked["seq"], "Saturdays from ten.");
    let (status, refusal) = late.post(&server.address).await;
    assert_eq!((status, &refusal["code"]), (409, &json!("stale_reply")));
    assert!(!agent.thread(id).await.iter().any(|message| message.text.contains("Saturdays from")));
}

#[tokio::test]
async fn a_late_reply_under_human_control_fills_the_suggestion() {
    let mut endpoint = Endpoint::start(Script::answers("202 Accepted", "", "")).await;
    endpoint.next(Script::json("200 OK", &json!({})));
    let (server, mut agent) = desk_with_bot(&endpoint).await;
    let mut customer = server.v1().await;
    ask(&mut customer, "Hello?").await;
    let id = ConversationId(endpoint.received().await.json()["data"]["conversation"].as_i64().unwrap());
    agent.ask(Request::TakeOver { conversation: id }).await;
    for (question, body) in [
        ("When are you open on Fridays?", json!({ "text": "Fridays from nine." })),
        ("And on Saturdays?", json!({ "needs_human": true })),
    ] {
        customer.say(question, question).await;
        let asked = endpoint.received().await.json()["data"].clone();
        let mut reply = body.clone();
        (reply["conversation"], reply["seq"]) = (asked["conversation"].clone(), asked["seq"].clone());
        assert_eq!(Late::signed(&reply, deskbell_server::now().0 / 1000).post(&server.address).await.0, 200);
        let suggestion = agent.conversation(id).await.suggestion;
        let suggested = suggestion.map(|suggestion| (json!(suggestion.text), suggestion.writing));
        assert_eq!(suggested, body.get("text").map(|text| (text.clone(), false)), "{question}");
    }
    let said = agent.thread(id).await;
    let automatic = said.iter().filter(|message| message.author == Author::Automatic).count();
    assert_eq!(automatic, 2, "the greeting and the first answer: {said:#?}");
}

#[tokio::test]
async fn a_late_reply_that_is_not_the_bots_is_refused() {
    let mut endpoint = Endpoint::start(Script::answers("202 Accepted", "", "")).await;
    let (server, _agent) = desk_with_bot(&endpoint).await;
    let mut customer = server.v1().await;
    customer.say("q", "When are you open on Fridays?").await;
    let asked = endpoint.received().await.json()["data"].clone();
    let (conversation, seq) = (&asked["conversation"], &asked["seq"]);
    let now = deskbell_server::now().0 / 1000;
    let forged = Late { signature: "v1,AAAA".to_owned(), ..Late::new(conversation, seq, "Forged.") };
    let changed = Late {
        body: json!({ "conversation": 1, "seq": 1, "text": "x" }).to_string(),
        ..Late::new(conversation, seq, "y")
    };
    for late in [
        forged,
        changed,
        Late::at(conversation, seq, "An old one.", now - 400),
        Late::at(conversation, seq, "One of tomorrow.", now + 400),
    ] {
        let (status, refusal) = late.post(&server.address).await;
        assert_eq!((status, &refusal["code"]), (401, &json!("unauthorized")), "{}", late.body);
        assert!(!leaks(refusal.to_string().as_bytes()));
    }
    // Signed, but nonsense.
    let (status, _) = Late::new(&json!(4711), seq, "To nobody.").post(&server.address).await;
    assert!(status == 404 || status == 409, "{status}");
    assert_eq!(Late::new(conversation, seq, " ").post(&server.address).await.0, 400);
    assert_eq!(Late::new(&json!("x"), seq, "Typed.").post(&server.address).await.0, 400);
    // The right one still comes through.
    assert_eq!(Late::new(conversation, seq, "Fridays from nine.").post(&server.address).await.0, 200);
    assert_eq!(answer(&mut customer).await["text"], "Fridays from nine.");
}

#[tokio::test]
async fn strangers_at_the_api_are_bounded() {
    let server = Server::start().await;
    let address = &server.address;
    let get = format!("GET /api/replies HTTP/1.1\r\nHost: {address}\r\n\r\n");
    assert_eq!(post(address, &get).await.0, 405);
    let bare = format!("POST /api/replies HTTP/1.1\r\nHost: {address}\r\nContent-Length: 2\r\n\r\n{{}}");
    assert_eq!(post(address, &bare).await.0, 401);
    let long = "x".repeat(70_000);
    let too_long =
        format!("POST /api/replies HTTP/1.1\r\nHost: {address}\r\nContent-Length: 70000\r\n\r\n{long}");
    assert_eq!(post(address, &too_long).await.0, 413);
    // Without the bot's secret nothing is ever right.
    assert_eq!(Late::new(&json!(1), &json!(1), "x").post(address).await.0, 401);
}

#[tokio::test]
async fn the_console_can_test_a_bot() {
    let mut endpoint = Endpoint::start(Script::json("200 OK", &json!({ "reply": "Yes, I am here." }))).await;
    let server = Server::start().await;
    let mut agent = server.agent().await;
    let mut webhook = agent.snapshot().await.settings.responder.webhook;
    webhook.url = "nonsense".to_owned();
    let refusal = agent.call(Request::TestWebhook { webhook: webhook.clone() }).await.unwrap_err();
    let field = refusal.field.as_deref();
    assert_eq!((refusal.code, field), (Code::InvalidSetting, Some("responder.webhook.url")));
    webhook.url = endpoint.url();
    let no_secret = tested(&mut agent, &webhook).await;
    assert!(!no_secret.works && no_secret.message.contains("no signing secret"), "{no_secret:?}");
    set_secret(&mut agent, SecretName::WebhookSecret, SIGNING).await;
    let works = tested(&mut agent, &webhook).await;
    assert!(works.works && works.message.contains("Yes, I am here."), "{works:?}");
    let received = endpoint.received().await;
    assert!(is_signed(&received) && received.json()["type"] == "test", "{received:?}");
    endpoint.end().await;
    let gone = tested(&mut agent, &webhook).await;
    assert!(!gone.works && gone.message.contains("nothing listens"), "{gone:?}");
}

async fn tested(agent: &mut Agent, webhook: &WebhookSettings) -> Tested {
    let request = Request::TestWebhook { webhook: webhook.clone() };
    let Response::Tested { tested } = agent.ask(request).await else { panic!() };
    tested
}

#[tokio::test]
async fn a_trial_is_posted_as_a_test_each_with_its_own_id_and_waits_for_no_promise() {
    let mut endpoint = Endpoint::start(Script::json("200 OK", &json!({ "reply": "From nine." }))).await;
    let (_server, mut agent) = desk_with_bot(&endpoint).await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let verdict = trial(&mut agent).await;
        assert!(
            matches!(&verdict.outcome, Outcome::Reply { text, .. } if text == "From nine."),
            "{verdict:?}"
        );
        let received = endpoint.received().await;
        assert!(is_signed(&received) && received.json()["type"] == "test", "{received:?}");
        ids.push(received.header("webhook-id").to_owned());
    }
    assert_ne!(ids[0], ids[1], "a bot would take the second for one that it has seen");

    endpoint.always(Script::answers("202 Accepted", "", ""));
    let promised = trial(&mut agent).await;
    let asks = Outcome::Ask {
        who: vec![SourceKind::Webhook],
        grounding: Vec::new(),
        otherwise: Some(DEFAULT_REPLY.to_owned()),
    };
    assert_eq!(
        (&promised.outcome, promised.steps.last().map(|step| &step.why)),
        (&asks, Some(&Why::Later {}))
    );

    endpoint.always(Script::json("200 OK", &json!({ "needs_human": true })));
    let calls = trial(&mut agent).await;
    assert!(
        matches!(&calls.outcome, Outcome::NeedsHuman { reason: NeedsHumanReason::Bot, text: Some(_), .. }),
        "{calls:?}"
    );
}

async fn trial(agent: &mut Agent) -> Verdict {
    let question = Question { text: "When are you open on Fridays?".to_owned(), ..Question::default() };
    let Response::Verdict { verdict } = agent.ask(Request::Try { question, ask: true }).await else {
        panic!()
    };
    verdict
}
