//! The model and the webhook bot as customers and agents meet them: real sockets, a real HTTP endpoint that behaves and
//! misbehaves on command, and a key that must not be found anywhere.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::Path;

use deskbell_protocol::agent::{Request, Response, Update};
use deskbell_protocol::entity::{Author, NeedsHumanReason, SourceKind, SystemLine};
use deskbell_protocol::responder::{
    Answer, Outcome, Question, SecretName, SecretPlace, Tested, Verdict, Why,
};
use deskbell_protocol::settings::{Hold, WebhookSettings};
use deskbell_protocol::{AnswerId, Code, ConversationId};
use deskbell_tests::agent::Agent;
use deskbell_tests::customer::V1;
use deskbell_tests::endpoint::{Endpoint, Received, Script};
use deskbell_tests::server::Server;
use deskbell_tests::within;
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::http::HeaderMap;

/// So many are asked at once: `AT_ONCE` of the server's `slow.rs`.
const AT_ONCE: usize = 64;
const DEFAULT_REPLY: &str = "Hello, what can we help you with?";
const KEY: &str = "sk-canary-8f3a1c5e7d9b";
const SIGNING: &str = "whsec_Y2FuYXJ5LXNpZ25pbmctc2VjcmV0LTEyMzQ1Njc4OTA=";

/// A desk that asks this endpoint as its model.
async fn desk_with_model(endpoint: &Endpoint) -> (Server, Agent) {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    set_secret(&mut agent, SecretName::ModelKey, KEY).await;
    let url = endpoint.model_url();
    agent
        .set(|settings| {
            let model = &mut settings.responder.model;
            (model.enabled, model.url, model.model) = (true, url, "test".to_owned());
            // Longer than a test waits: what ends a request is what the test did.
            model.deadline_seconds = 120;
        })
        .await;
    (server, agent)
}

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

async fn set_secret(agent: &mut Agent, name: SecretName, value: &str) -> SecretPlace {
    let value = Some(value.to_owned());
    let Response::Secrets { secrets } = agent.ask(Request::SetSecret { name, value }).await else { panic!() };
    match name {
        SecretName::ModelKey => secrets.model_key,
        SecretName::WebhookSecret => secrets.webhook_secret,
    }
}

/// Asks and gives the frames after the acknowledgement up to the automatic reply.
async fn ask(customer: &mut V1, text: &str) -> (Vec<Value>, String) {
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
async fn answer(customer: &mut V1) -> Value {
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
fn is_answer(frame: &Value) -> bool {
    frame["type"] == "message" && frame["author"] == "automatic" && frame["seq"] != 1
}

/// The sentence with which the thread says that a part of the responder failed.
async fn failure_told(agent: &mut Agent, conversation: ConversationId) -> Option<(SourceKind, String)> {
    agent.thread(conversation).await.into_iter().find_map(|message| match message.system {
        Some(SystemLine::ResponderFailed { source, message, message_zh }) => {
            let chinese = message_zh.unwrap();
            assert!(chinese.ends_with('。') && !chinese.is_ascii(), "{chinese}: {message}");
            Some((source, message))
        }
        _ => None,
    })
}

#[tokio::test]
async fn a_customer_sees_typing_and_then_the_whole_reply() {
    let script = Script::stream().words("We are open ").waits().words("from 9 to 5. Welcome!").ends("stop");
    let mut endpoint = Endpoint::start(script).await;
    let (server, mut agent) = desk_with_model(&endpoint).await;
    let mut customer = server.v1().await;
    customer.say("q", "When are you open on Fridays?").await;
    // The acknowledgement and the typing come while the model still writes.
    customer.next_of("ack").await;
    assert_eq!(customer.next_of("typing").await["author"], "automatic");
    let draft = agent
        .update(|update| match update {
            deskbell_protocol::agent::Update::Draft { text, .. } => Some(text),
            _ => None,
        })
        .await;
    assert!("We are open ".starts_with(&draft), "{draft}");
    endpoint.go_on();
    let reply = answer(&mut customer).await;
    assert_eq!(reply["text"], "We are open from 9 to 5. Welcome!");
    let conversation = agent.until(|conversation| conversation.held.is_none()).await;
    assert_eq!(conversation.needs_human, None);
    let asked = endpoint.received().await;
    assert_eq!(asked.header("authorization"), format!("Bearer {KEY}"));
    let said = asked.json()["messages"].as_array().unwrap().clone();
    assert_eq!(said.last().unwrap(), &json!({ "role": "user", "content": "When are you open on Fridays?" }));
}

/// What a model may do instead of answering, and what the thread then says about it.
fn misbehaviours(elsewhere: &str) -> Vec<(&'static str, Script, &'static str)> {
    let echo = json!({ "error": { "message": format!("Incorrect API key provided: {KEY}") } });
    let comment = format!("3e8\r\n: {}\n\r\n", "x".repeat(997));
    let chunk = format!("3e8\r\n{}\r\n", "x".repeat(1000));
    let half = || Script::stream().words("We are open from nine, that is to say");
    vec![
        ("stalls before its headers", Script::default().stalls(), "did not finish within"),
        ("stalls in its answer", half().stalls(), "did not finish within"),
        ("breaks off", half(), "broke off"),
        ("talks garbage", Script::stream().chunk("data: ]]{{\n\n"), "not an OpenAI-compatible"),
        ("is a web page", Script::page(), "not an OpenAI-compatible"),
        ("refuses the key", Script::json("401 Unauthorized", &echo), "refuses the key"),
        (
            "is asked too often",
            Script::answers("429 Too Many Requests", "Retry-After: 600\r\n", ""),
            "too often",
        ),
        ("has a fault", Script::json("500 Internal Server Error", &echo), "fault of its own"),
        ("redirects", Script::redirects(elsewhere), "another address"),
        ("never ends", Script::stream().forever(&comment), "more than can be taken"),
        (
            "has a line without end",
            Script::stream().chunk("data: ").forever(&chunk),
            "more than can be taken",
        ),
        ("hangs up", Script::default(), "closed the connection"),
    ]
}

#[tokio::test]
async fn whatever_a_model_does_the_customer_gets_the_default_reply_and_the_agent_is_called() {
    let mut elsewhere = Endpoint::start(Script::streams("Stolen.")).await;
    let endpoint = Endpoint::start(Script::default()).await;
    let (server, mut agent) = desk_with_model(&endpoint).await;
    let mut last = ConversationId(0);
    for (what, script, says) in misbehaviours(&elsewhere.model_url()) {
        let seconds = if says.contains("within") { 2 } else { 30 };
        agent.set(|settings| settings.responder.model.deadline_seconds = seconds).await;
        endpoint.always(script);
        let mut customer = server.v1().await;
        let (frames, reply) = ask(&mut customer, "When are you open on Fridays?").await;
        assert_eq!(reply, DEFAULT_REPLY, "a model that {what}");
        assert_eq!(frames.iter().filter(|frame| frame["type"] == "ack").count(), 1, "a model that {what}");
        assert!(!format!("{frames:?}").contains("nine"), "half a sentence of a model that {what}");
        // Not the one before, whose last update may still be on its way.
        let called = agent.until(|this| this.needs_human.is_some() && this.id > last).await;
        last = called.id;
        assert_eq!(
            called.needs_human.unwrap().reason,
            NeedsHumanReason::ResponderFailed,
            "a model that {what}"
        );
        let (source, sentence) = failure_told(&mut agent, called.id).await.expect(what);
        assert_eq!(source, SourceKind::Model);
        assert!(sentence.contains(says) && !sentence.contains("canary"), "a model that {what}: {sentence}");
        agent.ask(Request::Resolve { conversation: called.id }).await;
    }
    assert!(!elsewhere.has_received(), "the redirect was followed");
}

#[tokio::test]
async fn a_model_that_is_not_sure_has_not_failed() {
    for script in [
        Script::streams("NOT_SURE"),
        Script::whole("“NOT_SURE”."),
        Script::streams(""),
        Script::stream().words("We are open from nine, that is").ends("length"),
    ] {
        let endpoint = Endpoint::start(script).await;
        let (server, mut agent) = desk_with_model(&endpoint).await;
        let mut customer = server.v1().await;
        let (_, reply) = ask(&mut customer, "When are you open on Fridays?").await;
        assert_eq!(reply, DEFAULT_REPLY);
        let called = agent.until(|conversation| conversation.needs_human.is_some()).await;
        assert_eq!(called.needs_human.unwrap().reason, NeedsHumanReason::NoAnswer);
        assert_eq!(failure_told(&mut agent, called.id).await, None);
    }
}

#[tokio::test]
async fn a_stalled_model_delays_no_ack_and_blocks_no_other_conversation() {
    let mut endpoint = Endpoint::start(Script::whole("Here I am.")).await;
    let (server, _agent) = desk_with_model(&endpoint).await;
    let mut stalled = Vec::new();
    for _ in 0..20 {
        endpoint.next(Script::default().stalls());
        let mut customer = server.v1().await;
        customer.say("q", "When are you open on Fridays?").await;
        customer.next_of("ack").await;
        assert_eq!(customer.next_of("typing").await["author"], "automatic");
        endpoint.received().await;
        stalled.push(customer);
    }
    let mut next = server.v1().await;
    assert_eq!(ask(&mut next, "When are you open on Fridays?").await.1, "Here I am.");
    // Who waits can still write, and the question before is given up.
    let mut impatient = stalled.pop().unwrap();
    impatient.say("again", "Hello? Fridays?").await;
    impatient.next_of("ack").await;
    endpoint.client_gone().await;
    assert_eq!(answer(&mut impatient).await["text"], "Here I am.");
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
async fn who_does_not_get_a_turn_gets_the_default_reply_and_the_bot_is_named() {
    let mut endpoint = Endpoint::start(Script::default().stalls()).await;
    // A turn is waited for a moment only.
    let server = Server::start_with(TempDir::new().unwrap(), &[("DESKBELL_TEST_INTERVAL", "200")]).await;
    let (server, mut agent) = with_bot(server, &endpoint).await;
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
}

#[tokio::test]
async fn a_model_is_told_what_comes_near_as_this_customer_would_read_it() {
    let mut endpoint = Endpoint::start(Script::streams("Pianos, too.")).await;
    let (server, mut agent) = desk_with_model(&endpoint).await;
    let answer = Answer {
        id: AnswerId(0),
        enabled: true,
        questions: vec!["Do you ship to Norway?".to_owned()],
        reply: "Yes, {name}, in five days.".to_owned(),
        languages: Vec::new(),
        labels: Vec::new(),
    };
    agent.ask(Request::SaveAnswer { answer, lesson: None }).await;
    let mut ann = V1::connect(&server.address, json!({ "type": "hello", "name": "Ann" })).await;
    assert_eq!(ask(&mut ann, "Do you ship pianos?").await.1, "Pianos, too.");
    let told = endpoint.received().await.json()["messages"][0].clone();
    let system = told["content"].as_str().unwrap();
    assert_eq!(told["role"], "system");
    assert!(
        system.contains("Do you ship to Norway?") && system.contains("Yes, Ann, in five days."),
        "{system}"
    );
    // What has nothing to do with it is not told.
    ann.say("other", "Is it raining?").await;
    let told = endpoint.received().await.json()["messages"][0]["content"].as_str().unwrap().to_owned();
    assert!(!told.contains("Norway"), "{told}");
}

#[tokio::test]
async fn a_model_is_asked_again_after_a_restart_and_answers_once() {
    let mut endpoint = Endpoint::start(Script::whole("Here I am.")).await;
    endpoint.next(Script::stream().words("Here I ").stalls());
    let (server, _agent) = desk_with_model(&endpoint).await;
    let mut customer = server.v1().await;
    customer.say("q", "When are you open on Fridays?").await;
    endpoint.received().await;
    let token = customer.token();
    let server = Server::start_on(server.kill().await).await;
    let mut agent = server.agent().await;
    // With the start, and not because somebody comes back.
    let asked = endpoint.received().await.json()["messages"].clone();
    let mut customer = V1::resume(&server.address, &token, 0).await;
    assert_eq!(asked.as_array().unwrap().last().unwrap()["content"], "When are you open on Fridays?");
    let history = std::mem::take(&mut customer.history);
    let reply = match history.into_iter().find(is_answer) {
        Some(reply) => reply,
        None => answer(&mut customer).await,
    };
    assert_eq!(reply["text"], "Here I am.");
    let conversation = agent.snapshot().await.conversations.remove(0);
    let thread = agent.thread(conversation.id).await;
    let answers = thread.iter().filter(|message| message.text.contains("Here I")).count();
    assert_eq!((answers, conversation.held, conversation.needs_human), (1, None, None), "{thread:#?}");
    assert!(!endpoint.has_received(), "asked once more");
}

#[tokio::test]
async fn taking_over_ends_the_request_and_nothing_of_it_is_said() {
    let mut endpoint = Endpoint::start(Script::stream().words("We are open ").stalls()).await;
    let (server, mut agent) = desk_with_model(&endpoint).await;
    let mut customer = server.v1().await;
    customer.say("q", "When are you open on Fridays?").await;
    let conversation =
        agent.until(|conversation| conversation.held.as_ref().is_some_and(|held| held.writing)).await;
    // Or it would be given up before it was made.
    endpoint.received().await;
    agent.ask(Request::TakeOver { conversation: conversation.id }).await;
    endpoint.client_gone().await;
    let send =
        Request::Send { conversation: conversation.id, id: "a".to_owned(), text: "From nine.".to_owned() };
    agent.ask(send).await;
    let reply = customer.next_from("agent").await;
    assert_eq!(reply["text"], "From nine.");
    let said = agent.thread(conversation.id).await;
    assert!(!said.iter().any(|message| message.text.contains("We are open")), "{said:#?}");
}

#[tokio::test]
async fn a_reply_can_be_stopped_edited_and_sent_while_it_is_written() {
    let endpoint = Endpoint::start(Script::stream().words("We are open from ").stalls()).await;
    let (server, mut agent) = desk_with_model(&endpoint).await;
    agent.set(|settings| settings.hold = Hold::Ask).await;
    let mut customer = server.v1().await;
    customer.say("q", "When are you open on Fridays?").await;
    let text = agent
        .update(|update| match update {
            deskbell_protocol::agent::Update::Draft { text, .. } if text.contains("from") => Some(text),
            _ => None,
        })
        .await;
    assert_eq!(text.trim_end(), "We are open from");
    let conversation = agent.snapshot().await.conversations.remove(0);
    let held = conversation.held.unwrap();
    agent.ask(Request::StopWriting { conversation: conversation.id, held: held.id }).await;
    endpoint.client_gone().await;
    let stopped =
        agent.until(|conversation| conversation.held.as_ref().is_some_and(|held| !held.writing)).await;
    let held = stopped.held.unwrap();
    assert_eq!(held.text.trim_end(), "We are open from");
    let text = Some("We are open from nine.".to_owned());
    agent.ask(Request::SendHeld { conversation: conversation.id, held: held.id, text }).await;
    assert_eq!(answer(&mut customer).await["text"], "We are open from nine.");
}

#[tokio::test]
async fn a_console_that_comes_in_mid_stream_sees_the_words_so_far() {
    let script = Script::stream().words("We are open ").waits().words("from 9 to 5.").ends("stop");
    let endpoint = Endpoint::start(script).await;
    let (server, mut agent) = desk_with_model(&endpoint).await;
    let mut customer = server.v1().await;
    customer.say("q", "When are you open?").await;
    let (conversation, for_seq) = agent
        .update(|update| match update {
            Update::Draft { conversation, for_seq, text } if text.trim_end() == "We are open" => {
                Some((conversation, for_seq))
            }
            _ => None,
        })
        .await;
    let drafts = server.agent().await.snapshot().await.drafts;
    let [draft] = drafts.as_slice() else { panic!("{drafts:?}") };
    assert_eq!((draft.conversation, draft.for_seq), (conversation, for_seq));
    assert_eq!(draft.text.trim_end(), "We are open");
    endpoint.go_on();
    assert_eq!(answer(&mut customer).await["text"], "We are open from 9 to 5.");
    assert_eq!(agent.snapshot().await.drafts, [], "what was sent is no draft");
}

#[tokio::test]
async fn with_control_the_agent_gets_a_suggestion_and_the_customer_nothing() {
    let endpoint = Endpoint::start(Script::streams("We are open from 9 to 5.")).await;
    let (server, mut agent) = desk_with_model(&endpoint).await;
    let mut customer = server.v1().await;
    ask(&mut customer, "When are you open on Fridays?").await;
    let conversation =
        agent.until(|conversation| conversation.held.is_none() && conversation.messages > 1).await;
    agent.ask(Request::TakeOver { conversation: conversation.id }).await;
    customer.say("again", "And on Saturdays?").await;
    let suggested = agent
        .until(|conversation| conversation.suggestion.as_ref().is_some_and(|suggestion| !suggestion.writing))
        .await;
    assert_eq!(suggested.suggestion.unwrap().text, "We are open from 9 to 5.");
    let thread = agent.thread(conversation.id).await;
    assert_eq!(thread.iter().filter(|message| message.author == Author::Automatic).count(), 2, "{thread:#?}");
}

/// The bytes of a text as it may be found on its way: as it is, and within base64 of either kind is not searched, since
/// nothing encodes keys.
fn leaks(text: &[u8]) -> bool {
    ["canary", "Y2FuYXJ5"].iter().any(|word| text.windows(word.len()).any(|window| window == word.as_bytes()))
}

#[tokio::test]
async fn the_key_is_in_no_database_log_update_response_or_error() {
    let mut elsewhere = Endpoint::start(Script::streams("Stolen.")).await;
    let mut endpoint = Endpoint::start(Script::streams("We are open.")).await;
    let mut server = Server::start_with(TempDir::new().unwrap(), &[("RUST_LOG", "trace")]).await;
    let log = server.collect_log();
    let mut agent = server.agent().await;
    agent.transcript = Some(String::new());
    let mut heard: Vec<u8> = Vec::new();
    for (name, value) in [(SecretName::ModelKey, KEY), (SecretName::WebhookSecret, SIGNING)] {
        assert_eq!(set_secret(&mut agent, name, value).await, SecretPlace::File);
        let wrong = Request::SetSecret { name, value: Some(format!("{value} canary")) };
        heard.extend(serde_json::to_vec(&agent.call(wrong).await.unwrap_err()).unwrap());
    }
    let (model_url, bot_url) = (endpoint.model_url(), endpoint.url());
    agent
        .set(|settings| {
            let responder = &mut settings.responder;
            (responder.model.enabled, responder.model.url, responder.model.model) =
                (true, model_url, "t".to_owned());
            (responder.webhook.enabled, responder.webhook.url) = (true, bot_url);
            (responder.model.deadline_seconds, responder.webhook.deadline_seconds) = (1, 1);
        })
        .await;
    let mut scripts: Vec<Script> =
        misbehaviours(&elsewhere.model_url()).into_iter().map(|(_, script, _)| script).collect();
    scripts.push(Script::streams("We are open."));
    for script in scripts {
        endpoint.always(script);
        let mut customer = server.v1().await;
        customer.say("q", "When are you open on Fridays?").await;
        heard.extend(answer(&mut customer).await.to_string().into_bytes());
        let settings = agent.snapshot().await.settings.responder;
        for test in [
            Request::TestModel { model: settings.model.clone() },
            Request::TestWebhook { webhook: settings.webhook.clone() },
        ] {
            heard.extend(serde_json::to_vec(&agent.ask(test).await).unwrap());
        }
        let conversations = agent.snapshot().await.conversations;
        for conversation in conversations {
            heard.extend(serde_json::to_vec(&agent.thread(conversation.id).await).unwrap());
            agent.ask(Request::Resolve { conversation: conversation.id }).await;
        }
    }
    heard.extend(serde_json::to_vec(&agent.ask(Request::Secrets {}).await).unwrap());
    heard.extend(serde_json::to_vec(&agent.snapshot().await).unwrap());
    heard.extend(agent.transcript.take().unwrap().into_bytes());
    assert!(!leaks(&heard), "a console or a customer was told the key");
    assert!(!elsewhere.has_received());
    let asked = endpoint.received().await;
    assert!(leaks(asked.header("authorization").as_bytes()), "the search finds what is there");

    // A backup, and a database that nobody closed in order: what is in its log of writes is looked at as it lies there.
    agent.ask(Request::BackUp {}).await;
    let mut last = server.v1().await;
    last.say("q", "And on Saturdays?").await;
    last.next_of("ack").await;
    let data = server.kill().await;
    let log = within("the log's end", log).await.unwrap();
    assert!(log.len() > 10_000, "the log is not the whole log");
    let leaking: Vec<&str> = log.lines().filter(|line| leaks(line.as_bytes())).collect();
    assert!(leaking.is_empty(), "the log has the key: {leaking:#?}");
    let mut searched = Vec::new();
    search(data.path(), &mut searched);
    for part in ["deskbell.db", "deskbell.db-wal", "backups"] {
        let found = searched.iter().filter(|(path, _)| path.contains(part));
        assert!(found.map(|(_, bytes)| bytes).sum::<usize>() > 0, "{part} was not searched: {searched:?}");
    }
}

/// Looks for the keys in every file of a folder and its folders, and notes each with its size.
fn search(folder: &Path, searched: &mut Vec<(String, usize)>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            search(&path, searched);
            continue;
        }
        let content = std::fs::read(&path).unwrap();
        let name = entry.file_name().into_string().unwrap();
        let may_have_it = name == "model.key" || name == "webhook.secret";
        assert_eq!(leaks(&content), may_have_it, "{}", path.display());
        searched.push((path.display().to_string(), content.len()));
    }
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
async fn the_console_can_test_and_the_sentence_is_beside_the_field() {
    let endpoint = Endpoint::start(Script::streams("Yes, I am here.")).await;
    let server = Server::start().await;
    let mut agent = server.agent().await;
    let mut model = agent.snapshot().await.settings.responder.model;
    model.url = "nonsense".to_owned();
    let refusal = agent.call(Request::TestModel { model: model.clone() }).await.unwrap_err();
    assert_eq!((refusal.code, refusal.field.as_deref()), (Code::InvalidSetting, Some("responder.model.url")));
    model.url = endpoint.model_url();
    let refusal = agent.call(Request::TestModel { model: model.clone() }).await.unwrap_err();
    assert_eq!(refusal.field.as_deref(), Some("responder.model.model"));
    model.model = "test".to_owned();
    let Response::Tested { tested } = agent.ask(Request::TestModel { model: model.clone() }).await else {
        panic!()
    };
    assert!(tested.works && tested.message.contains("Yes, I am here."), "{tested:?}");
    endpoint.end().await;
    let Response::Tested { tested } = agent.ask(Request::TestModel { model }).await else { panic!() };
    assert!(!tested.works && tested.message.contains("nothing listens"), "{tested:?}");

    let refusal = agent
        .call(Request::SetSecret { name: SecretName::WebhookSecret, value: Some("too short".to_owned()) })
        .await
        .unwrap_err();
    assert_eq!(refusal.field.as_deref(), Some("responder.webhook.secret"));
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

#[tokio::test]
async fn secrets_outlive_a_restart_and_can_be_removed() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    assert_eq!(set_secret(&mut agent, SecretName::ModelKey, KEY).await, SecretPlace::File);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let path = server.data.path().join("model.key");
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let server = Server::start_on(server.stop().await).await;
    let mut agent = server.agent().await;
    let Response::Secrets { secrets } = agent.ask(Request::Secrets {}).await else { panic!() };
    assert_eq!((secrets.model_key, secrets.webhook_secret), (SecretPlace::File, SecretPlace::Nowhere));
    agent.ask(Request::SetSecret { name: SecretName::ModelKey, value: None }).await;
    let Response::Secrets { secrets } = agent.ask(Request::Secrets {}).await else { panic!() };
    assert_eq!(secrets.model_key, SecretPlace::Nowhere);
    let server = Server::start_on(server.stop().await).await;
    let Response::Secrets { secrets } = server.agent().await.ask(Request::Secrets {}).await else { panic!() };
    assert_eq!(secrets.model_key, SecretPlace::Nowhere);
    let left = std::fs::read_to_string(server.data.path().join("model.key")).unwrap_or_default();
    assert!(!left.contains(KEY), "the file is emptied or gone");
}
