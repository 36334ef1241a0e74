//! The model as customers and agents meet it: real sockets, a real HTTP endpoint that behaves and misbehaves on
//! command, and a key that must not be found anywhere.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::Path;

use deskbell_protocol::agent::{Request, Response, Update};
use deskbell_protocol::entity::{Author, NeedsHumanReason, SourceKind};
use deskbell_protocol::responder::{Answer, SecretName, SecretPlace};
use deskbell_protocol::settings::Hold;
use deskbell_protocol::{AnswerId, Code, ConversationId};
use deskbell_tests::agent::Agent;
use deskbell_tests::customer::V1;
use deskbell_tests::endpoint::{Endpoint, Script};
use deskbell_tests::outside::{
    DEFAULT_REPLY, SIGNING, answer, ask, failure_told, is_answer, leaks, set_secret,
};
use deskbell_tests::server::Server;
use deskbell_tests::within;
use serde_json::json;
use tempfile::TempDir;

const KEY: &str = "sk-canary-8f3a1c5e7d9b";

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
