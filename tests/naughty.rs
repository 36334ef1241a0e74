//! What a customer writes is text, whatever it is: it comes back as it was sent, through the sockets and the store.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use deskbell_protocol::ConversationId;
use deskbell_protocol::agent::{Request, Response};
use deskbell_protocol::entity::{Author, Conversation};
use deskbell_protocol::upkeep::ExportFormat;
use deskbell_tests::agent::Agent;
use deskbell_tests::customer::V1;
use deskbell_tests::naughty::{called, fact, is_message, marks, newest, server, strings};
use deskbell_tests::raw::{self, Raw, first, frame};
use deskbell_tests::record::Fault;
use deskbell_tests::server::Server;
use deskbell_tests::test_name;
use serde_json::Value;

fn record(what: &str, promise: &str, test: &str, counts: &[(&str, u64)]) {
    Fault { subject: "Naughty input", fault: what, promise, test, counts }.record();
}

/// The texts of one author, by place.
async fn thread(agent: &mut Agent, id: ConversationId, author: Author) -> BTreeMap<i64, String> {
    let mut texts = BTreeMap::new();
    let mut before_seq = None;
    loop {
        let request = Request::Thread { conversation: id, before_seq, limit: 50 };
        let Response::Thread { messages, more } = agent.ask(request).await else { panic!() };
        before_seq = messages.first().map(|message| message.seq);
        let own = messages.into_iter().filter(|message| message.author == author);
        texts.extend(own.map(|message| (message.seq.0, message.text)));
        if !more {
            return texts;
        }
    }
}

#[tokio::test]
async fn every_string_comes_back_as_it_was_sent_as_text_name_page_and_locale() {
    let (server, mut agent) = server().await;
    let all = strings("127.0.0.1:9");
    let mut checked = 0;
    for text in all.iter().filter(|text| is_message(text)) {
        let mut customer = called(&server.address, text).await;
        customer.say("1", text).await;
        customer.next_of("ack").await;
        let Conversation { id, customer: known, .. } = newest(&mut agent).await;
        for known in [&known.name, &known.page, &known.locale, &known.email] {
            assert_eq!(known.as_deref(), fact(text), "{text:?}");
        }
        let sent: Vec<_> = thread(&mut agent, id, Author::Customer).await.into_values().collect();
        assert_eq!(sent, [text.as_str()]);
        let back = V1::resume(&server.address, &customer.token(), 0).await;
        let own = back.history.iter().find(|frame| frame["author"] == "customer").unwrap();
        assert_eq!(own["text"], **text);
        assert!(found(&mut agent, text).await.contains(&id), "{text:?} is not found");
        check_export(&mut agent, id, text).await;
        checked += 1;
    }
    record(
        "npm's blns and big-list-of-naughty-strings and our own list, each as text, name, page, locale and e-mail",
        "Everything comes back as it was sent: to the customer who resumes, to agents, in an export; searching for it works",
        &test_name!(),
        &[("strings", checked)],
    );
}

/// The conversations that a search finds.
async fn found(agent: &mut Agent, query: &str) -> Vec<ConversationId> {
    let Response::Found { hits } = agent.ask(Request::Search { query: query.to_owned() }).await else {
        panic!()
    };
    hits.into_iter().map(|hit| hit.conversation.id).collect()
}

#[tokio::test]
async fn a_search_finds_what_stands_behind_a_nul_and_is_no_pattern() {
    let (server, mut agent) = server().await;
    let mut ids = Vec::new();
    for text in ["before\0behind", "100 % sure_ly \\ MiXed", "neither"] {
        let mut customer = server.v1().await;
        customer.say("1", text).await;
        customer.next_of("ack").await;
        ids.push(newest(&mut agent).await.id);
    }
    for (query, at) in [
        ("behind", 0),
        ("e\0b", 0),
        ("\0", 0),
        ("%", 1),
        ("sure_", 1),
        ("\\", 1),
        ("mIxED", 1),
        ("neither", 2),
    ] {
        assert_eq!(found(&mut agent, query).await, [ids[at]], "{query:?}");
    }
    assert_eq!(found(&mut agent, "_").await, [ids[1]]);
    assert!(found(&mut agent, "before\0nowhere").await.is_empty());
}

/// The export as JSON has the text.
async fn check_export(agent: &mut Agent, conversation: ConversationId, text: &str) {
    let request = Request::Export { conversation, format: ExportFormat::Json, after: None };
    let Response::Exported { part, next: None, .. } = agent.ask(request).await else { panic!() };
    let export: Value = serde_json::from_str(&part).unwrap();
    let found = export["messages"].as_array().unwrap().iter().any(|message| message["text"] == text);
    assert!(found, "{text:?} is not in {part}");
}

#[tokio::test]
async fn plain_text_arrives_as_it_was_sent() {
    let (server, mut agent) = server().await;
    let all: Vec<_> = strings("127.0.0.1:9").into_iter().filter(|text| is_message(text)).collect();
    let mut customer = server.plain().await;
    customer.next().await;
    for text in &all {
        customer.send(text).await;
    }
    let id = agent.until(|conversation| conversation.messages as usize == all.len() + 1).await.id;
    let heard: Vec<_> = thread(&mut agent, id, Author::Customer).await.into_values().collect();
    assert!(heard == all, "as many: {}", heard.len() == all.len());
}

#[tokio::test]
async fn what_is_no_text_is_refused_and_the_connection_goes_on() {
    let server = Server::start().await;
    let mut customer = server.v1().await;
    let mut refused = 0;
    for (text, code) in strings("127.0.0.1:9")
        .into_iter()
        .filter(|text| !is_message(text))
        .map(|text| (text, "empty"))
        .chain([(marks(10_000), "too_long")])
    {
        customer.say("refused", &text).await;
        assert_eq!(customer.next_of("error").await["code"], code, "{text:?}");
        refused += 1;
        // Ten refusals end a connection; each of these is one of a new customer.
        customer = server.v1().await;
    }
    // Half of a pair of surrogates, which JSON can write and no text has.
    for (frame_text, hello) in [
        (r#"{"type":"message","id":"1","text":"\ud800"}"#, false),
        (r#"{"type":"message","id":"\udfff","text":"x"}"#, false),
        (r#"{"type":"message","id":"1","text":"\udc00\ud800 x"}"#, false),
        (r#"{"type":"hello","name":"\ud800"}"#, true),
        (r#"{"type":"hello","page":"\udbff x"}"#, true),
        (r#"{"type":"hello","locale":"\udc00"}"#, true),
    ] {
        let mut raw = Raw::open(&server.address, None, raw::V1).await;
        if !hello {
            raw.send(&frame(first::TEXT, br#"{"type":"hello"}"#)).await;
            assert_eq!(raw.json().await["type"], "welcome");
            assert_eq!(raw.json().await["type"], "caught_up");
        }
        raw.send(&frame(first::TEXT, frame_text.as_bytes())).await;
        assert_eq!(raw.json().await["code"], "malformed", "{frame_text}");
        let next = if hello { r#"{"type":"hello"}"# } else { r#"{"type":"message","id":"2","text":"x"}"# };
        raw.send(&frame(first::TEXT, next.as_bytes())).await;
        let answered = raw.json().await["type"].clone();
        assert!(answered == "welcome" || answered == "ack" || answered == "message", "{answered}");
        refused += 1;
    }
    // The same as bytes is not UTF-8, which WebSocket forbids.
    for protocol in ["", raw::V1] {
        let mut raw = Raw::open(&server.address, None, protocol).await;
        raw.send(&frame(first::TEXT, b"\xED\xA0\x80")).await;
        assert_eq!(raw.close().await.0, 1007);
        refused += 1;
    }
    record(
        "white space alone, 10,000 combining marks over the limit, lone surrogates in JSON and as bytes",
        "Refused with a code and a sentence; the connection goes on where the protocol allows it",
        &test_name!(),
        &[("refused", refused)],
    );
}
