use std::sync::{Arc, Mutex};

use serde_json::json;

use super::super::endpoint::{Endpoint, Script};
use super::*;

const KEY: &str = "sk-canary-Zx81";

fn question(url: &str, seconds: u32) -> ModelQuestion {
    let settings = ModelSettings {
        enabled: true,
        url: url.to_owned(),
        model: "test".to_owned(),
        deadline_seconds: seconds,
        max_tokens: 100,
        ..ModelSettings::default()
    };
    ModelQuestion {
        settings,
        key: Some(Secret::new(KEY)),
        language: Language::En,
        notes: vec![("When do you open?".to_owned(), "At 9.".to_owned())],
        thread: vec![Turn { author: Author::Customer, text: "When are you open?".to_owned() }],
    }
}

/// Asks an endpoint that plays this script. No failure ever has the key or what the endpoint said.
async fn ask(script: Script) -> Result<ModelReply, Failure> {
    let endpoint = Endpoint::start(script).await;
    let reply = ask_model(&Http::default(), question(&endpoint.model_url(), 30), |_| {}).await;
    if let Err(failure) = &reply {
        assert!(!failure.message.contains(KEY) && !failure.message.contains("canary"), "{failure:?}");
    }
    reply
}

async fn failure(script: Script) -> String {
    ask(script).await.unwrap_err().message
}

fn text(text: &str) -> Result<ModelReply, Failure> {
    Ok(ModelReply::Text(text.to_owned()))
}

#[tokio::test]
async fn a_streamed_reply_is_put_together_and_can_be_watched() {
    let mut endpoint = Endpoint::start(
        Script::stream().words("We are open ").waits().words("from 9 to 5. Welcome!").ends("stop"),
    )
    .await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let watched = Arc::clone(&seen);
    let url = endpoint.model_url();
    let (first, mut watching) = tokio::sync::mpsc::channel(1);
    let asked = tokio::spawn(async move {
        ask_model(&Http::default(), question(&url, 30), move |so_far| {
            watched.lock().unwrap().push(so_far.to_owned());
            let _only_the_first = first.try_send(());
        })
        .await
    });
    watching.recv().await.unwrap();
    endpoint.go_on();
    assert_eq!(asked.await.unwrap(), text("We are open from 9 to 5. Welcome!"));
    let seen = seen.lock().unwrap().clone();
    assert!("We are open from 9 to 5. Welcome!".starts_with(seen[0].as_str()), "{seen:?}");
    assert!(seen.iter().is_sorted_by_key(String::len), "{seen:?}");

    let request = endpoint.received().await;
    assert_eq!(request.line, "POST /v1/chat/completions");
    assert_eq!(request.header("authorization"), format!("Bearer {KEY}"));
    let body = request.json();
    assert_eq!(
        (&body["model"], &body["stream"], &body["max_tokens"]),
        (&json!("test"), &json!(true), &json!(100))
    );
    assert_eq!(body["messages"][1], json!({ "role": "user", "content": "When are you open?" }));
    assert!(body["messages"][0]["content"].as_str().unwrap().contains("At 9."));
}

#[tokio::test]
async fn endpoints_that_do_not_stream_are_understood() {
    assert_eq!(ask(Script::whole("From 9 to 5.")).await, text("From 9 to 5."));
    let parts = json!([{ "type": "thinking", "thinking": [] }, { "type": "text", "text": "From 9." }]);
    let script =
        Script::stream().event(&json!({ "choices": [{ "delta": { "content": parts } }] })).ends("stop");
    assert_eq!(ask(script).await, text("From 9."));
}

#[tokio::test]
async fn without_a_key_none_is_sent() {
    let mut endpoint = Endpoint::start(Script::streams("Hi.")).await;
    let question = ModelQuestion { key: None, ..question(&format!("{}/", endpoint.model_url()), 30) };
    assert_eq!(ask_model(&Http::default(), question, |_| {}).await, text("Hi."));
    let request = endpoint.received().await;
    assert_eq!((request.line.as_str(), request.header("authorization")), ("POST /v1/chat/completions", ""));
}

#[tokio::test]
async fn not_sure_is_heard_in_pieces_and_ends_the_request() {
    let endpoint = Endpoint::start(Script::stream().words("NO").words("T_S").words("URE").stalls()).await;
    let mut seen = Vec::new();
    let reply = ask_model(&Http::default(), question(&endpoint.model_url(), 30), |so_far| {
        seen.push(so_far.to_owned())
    })
    .await;
    assert_eq!(reply, Ok(ModelReply::NotSure));
    assert!(seen.is_empty(), "{seen:?}");
    endpoint.client_gone().await;
}

#[tokio::test]
async fn silence_and_refusals_are_not_sure() {
    let refusal = json!({ "choices": [{ "delta": { "refusal": "I cannot." } }] });
    for script in [
        Script::stream().ends("stop"),
        Script::streams(" \n"),
        Script::whole(""),
        Script::stream().words("I canno").ends("content_filter"),
        Script::stream().event(&refusal).ends("stop"),
        Script::stream().ends("tool_calls"),
        Script::json("200 OK", &json!({ "choices": [] })).clone(),
    ] {
        let reply = ask(script.clone()).await;
        assert!(!matches!(reply, Ok(ModelReply::Text(_))), "{script:?}: {reply:?}");
    }
}

#[tokio::test]
async fn a_reply_cut_by_the_limit_keeps_its_whole_sentences() {
    let long = Script::stream().words("We open at nine. On Sundays we").ends("length");
    assert_eq!(ask(long).await, text("We open at nine."));
    let half = Script::stream().words("On Sundays we").ends("length");
    assert_eq!(ask(half).await, Ok(ModelReply::NotSure));
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_no_reply() {
    let cut = Script::stream().words("We open at nine. On");
    assert_eq!(failure(cut).await, "The model broke off in the middle of its answer.");
    let tidy = Script::stream().words("We open at nine. ").write("0\r\n\r\n");
    assert_eq!(failure(tidy).await, "The model broke off in the middle of its answer.");
    let fault = Script::stream().words("We ").event(&json!({ "error": { "message": KEY } })).stalls();
    assert!(failure(fault).await.contains("fault of its own"));
    let nothing = failure(Script::default()).await;
    assert_eq!(nothing, "The model closed the connection instead of answering.");
}

#[tokio::test]
async fn stalls_end_at_the_deadline_and_the_request_with_them() {
    for script in [Script::default().stalls(), Script::stream().words("We open at nine. ").stalls()] {
        let endpoint = Endpoint::start(script).await;
        let reply = ask_model(&Http::default(), question(&endpoint.model_url(), 1), |_| {}).await;
        assert!(reply.unwrap_err().message.contains("within 1 s"));
        endpoint.client_gone().await;
    }
}

#[tokio::test]
async fn who_stops_listening_ends_the_request() {
    let endpoint = Endpoint::start(Script::stream().words("We open ").stalls()).await;
    let url = endpoint.model_url();
    let (first, mut watching) = tokio::sync::mpsc::channel(1);
    let asked = tokio::spawn(async move {
        ask_model(&Http::default(), question(&url, 30), move |_| {
            let _only_the_first = first.try_send(());
        })
        .await
    });
    watching.recv().await.unwrap();
    asked.abort();
    endpoint.client_gone().await;
}

#[tokio::test]
async fn what_is_no_chat_endpoint_is_told_from_one() {
    let says = "not an OpenAI-compatible chat endpoint";
    for script in [
        Script::page(),
        Script::answers("200 OK", "", ""),
        Script::json("200 OK", &json!({ "hello": "world" })),
        Script::stream().chunk("data: {{{ canary\n\n"),
        Script::answers("200 OK", "Content-Type: application/json\r\n", "canary"),
        Script::answers("200 OK", "Content-Type: image/png\r\n", "\u{0}\u{1}"),
    ] {
        let message = failure(script.clone()).await;
        assert!(message.contains(says) || message.contains("broke off"), "{script:?}: {message}");
    }
    assert!(
        failure(Script::default().write("SSH-2.0-OpenSSH_9.2\r\n")).await.contains("closed the connection")
    );
}

#[tokio::test]
async fn statuses_are_worded_and_bodies_are_not_repeated() {
    let echo = json!({ "error": { "message": format!("Incorrect API key provided: {KEY}") } });
    for (status, says) in [
        ("401 Unauthorized", "refuses the key (401)"),
        ("403 Forbidden", "refuses the key (403)"),
        ("404 Not Found", "not at this address"),
        ("400 Bad Request", "refuses the question (400)"),
        ("429 Too Many Requests", "too often"),
        ("500 Internal Server Error", "fault of its own (500)"),
        ("503 Service Unavailable", "fault of its own (503)"),
    ] {
        let message = failure(Script::json(status, &echo)).await;
        assert!(message.contains(says), "{status}: {message}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_the_key() {
    let mut elsewhere = Endpoint::start(Script::streams("Got it.")).await;
    let message = failure(Script::redirects(&elsewhere.model_url())).await;
    assert!(message.contains("another address (307)"), "{message}");
    assert!(!message.contains(&elsewhere.address));
    assert!(!elsewhere.has_received());
}

#[tokio::test]
async fn a_short_wait_that_is_asked_for_is_waited_once() {
    let busy = |seconds| Script::answers("429 Too Many Requests", &format!("Retry-After: {seconds}\r\n"), "");
    let mut endpoint = Endpoint::start(Script::streams("Open.")).await;
    endpoint.next(busy(0));
    let reply = ask_model(&Http::default(), question(&endpoint.model_url(), 30), |_| {}).await;
    assert_eq!(reply, text("Open."));
    endpoint.received().await;
    endpoint.received().await;

    endpoint.always(busy(0));
    let refused = ask_model(&Http::default(), question(&endpoint.model_url(), 30), |_| {}).await.unwrap_err();
    assert!(refused.message.contains("too often"));
    endpoint.received().await;
    endpoint.received().await;
    assert!(!endpoint.has_received());

    endpoint.always(busy(3000));
    let refused = ask_model(&Http::default(), question(&endpoint.model_url(), 30), |_| {}).await.unwrap_err();
    assert_eq!(refused.retry_after, Some(Duration::from_secs(3000)));
    endpoint.received().await;
    assert!(!endpoint.has_received());
}

#[tokio::test]
async fn models_that_know_only_the_newer_limit_get_it() {
    let mut endpoint = Endpoint::start(Script::streams("Open.")).await;
    let complaint = json!({ "error": { "message": "Unsupported parameter: use 'max_completion_tokens'." } });
    endpoint.next(Script::json("400 Bad Request", &complaint));
    let reply = ask_model(&Http::default(), question(&endpoint.model_url(), 30), |_| {}).await;
    assert_eq!(reply, text("Open."));
    assert_eq!(endpoint.received().await.json()["max_tokens"], json!(100));
    let again = endpoint.received().await.json();
    assert_eq!((&again["max_completion_tokens"], again.get("max_tokens")), (&json!(100), None));
}

#[tokio::test]
async fn endless_answers_are_given_up() {
    let line = "x".repeat(1000);
    for script in [
        Script::stream().forever(&format!("3e8\r\n{line}\r\n")),
        Script::stream().forever("4\r\n: x\n\r\n"),
        Script::default().write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n").forever(&line),
        Script::default().write("HTTP/1.1 200 OK\r\n").forever(&line),
    ] {
        let endpoint = Endpoint::start(script.clone()).await;
        let reply = ask_model(&Http::default(), question(&endpoint.model_url(), 30), |_| {}).await;
        let message = reply.unwrap_err().message;
        assert!(!message.contains("within"), "{script:?} lasted until the deadline");
        endpoint.client_gone().await;
    }
    // A model that cannot stop talking has said enough.
    let event =
        format!("data: {}\n\n", json!({ "choices": [{ "delta": { "content": "I go on and on. " } }] }));
    let endpoint =
        Endpoint::start(Script::stream().forever(&format!("{:x}\r\n{event}\r\n", event.len()))).await;
    let reply = ask_model(&Http::default(), question(&endpoint.model_url(), 30), |_| {}).await.unwrap();
    let ModelReply::Text(said) = reply else { panic!("{reply:?}") };
    assert!(said.len() <= REPLY_BYTES && said.ends_with("on and on."), "{}", said.len());
    endpoint.client_gone().await;
}

#[tokio::test]
async fn nobody_there_is_said_so() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    let failure = ask_model(&Http::default(), question(&url, 30), |_| {}).await.unwrap_err();
    assert!(failure.message.contains("nothing listens"), "{failure}");
    for url in ["", "nonsense", "mailto:a@b"] {
        let failure = ask_model(&Http::default(), question(url, 30), |_| {}).await.unwrap_err();
        assert!(failure.message.contains("address is not valid"), "{url}: {failure}");
    }
}

#[tokio::test]
async fn a_server_without_a_certificate_is_not_trusted_and_gets_no_key() {
    let mut endpoint = Endpoint::start(Script::streams("Hi.")).await;
    let url = endpoint.model_url().replace("http://", "https://");
    let failure = ask_model(&Http::default(), question(&url, 30), |_| {}).await.unwrap_err();
    assert!(!failure.message.contains(KEY), "{failure}");
    assert!(!endpoint.has_received());
}

#[tokio::test]
async fn a_test_tells_in_a_sentence() {
    let endpoint = Endpoint::start(Script::streams("Yes, I am here.")).await;
    let settings = question(&endpoint.model_url(), 30).settings;
    let tested = test_model(&Http::default(), settings.clone(), Some(Secret::new(KEY))).await;
    assert!(tested.works && tested.message.contains("“Yes, I am here.”"), "{tested:?}");
    endpoint.always(Script::streams("NOT_SURE"));
    assert!(test_model(&Http::default(), settings.clone(), None).await.works);
    endpoint.always(Script::answers("401 Unauthorized", "", KEY));
    let tested = test_model(&Http::default(), settings, Some(Secret::new(KEY))).await;
    assert!(!tested.works && tested.message.contains("401") && !tested.message.contains(KEY), "{tested:?}");
}
