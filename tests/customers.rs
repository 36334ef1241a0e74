//! Customers over real sockets: plain text and `deskbell.v1`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use deskbell_protocol::RuleId;
use deskbell_protocol::agent::Request;
use deskbell_protocol::responder::{Action, Rule, Trigger};
use deskbell_protocol::settings::{Fallback, Localized};
use deskbell_tests::customer::{Plain, V1, next_close, next_text, try_open};
use deskbell_tests::server::Server;
use futures_util::SinkExt as _;
use futures_util::future::join_all;
use serde_json::json;
use tokio_tungstenite::tungstenite::{self, Message};

const GREETING_EN: &str = "Hello, welcome to live support. What can we help you with?";
const REPLY_EN: &str = "Hello, what can we help you with?";
const GREETING_ZH: &str = "你好，欢迎来到在线客服系统，有什么问题需要帮助吗？";
const REPLY_ZH: &str = "您好，您有什么问题需要帮助吗？";
const CHINESE: [(&str, &str); 1] = [("Accept-Language", "fr;q=0.9, zh-TW;q=0.8, en;q=0.1")];

#[tokio::test]
async fn a_plain_customer_is_greeted_and_every_message_is_answered() {
    let server = Server::start().await;
    let mut customer = server.plain().await;
    assert_eq!(customer.next().await, GREETING_EN);
    for text in ["hi", "anyone?", "你好", "🙂"] {
        customer.send(text).await;
        assert_eq!(customer.next().await, REPLY_EN);
    }
}

#[tokio::test]
async fn the_language_is_the_clients_or_the_desks() {
    let server = Server::start().await;
    let mut customer = Plain::connect(&server.address, &CHINESE).await;
    assert_eq!(customer.next().await, GREETING_ZH);
    customer.send("在吗").await;
    assert_eq!(customer.next().await, REPLY_ZH);

    let customer = V1::connect(&server.address, json!({ "type": "hello", "locale": "zh-Hans-CN" })).await;
    assert_eq!(customer.welcome["greeting"], GREETING_ZH);

    let mut agent = server.agent().await;
    agent
        .set(|settings| settings.customer_language = Some(deskbell_protocol::settings::Language::ZhCn))
        .await;
    assert_eq!(server.plain().await.next().await, GREETING_ZH);
    // The client's own outweighs it, in either dialect.
    let english = [("Accept-Language", "en-GB")];
    assert_eq!(Plain::connect(&server.address, &english).await.next().await, GREETING_EN);
    let customer = V1::connect(&server.address, json!({ "type": "hello", "locale": "en" })).await;
    assert_eq!(customer.welcome["greeting"], GREETING_EN);
}

#[tokio::test]
async fn without_a_clients_or_the_desks_language_it_is_the_systems() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start_with(data, &[("LC_ALL", "zh_CN.UTF-8")]).await;
    assert_eq!(server.plain().await.next().await, GREETING_ZH);
    assert_eq!(server.v1().await.welcome["greeting"], GREETING_ZH);
}

#[tokio::test]
async fn changed_texts_hold_for_the_next_message() {
    let server = Server::start().await;
    let mut customer = server.plain().await;
    customer.next().await;
    let mut agent = server.agent().await;
    let mut chinese = Plain::connect(&server.address, &CHINESE).await;
    chinese.next().await;
    agent
        .set(|settings| {
            settings.reply = text("One moment.", "请稍等。");
            settings.greeting = text("Welcome!", "欢迎！");
        })
        .await;
    for (customer, reply) in [(&mut customer, "One moment."), (&mut chinese, "请稍等。")] {
        customer.send("hi").await;
        assert_eq!(customer.next().await, reply);
    }
    assert_eq!(server.plain().await.next().await, "Welcome!");
    assert_eq!(Plain::connect(&server.address, &CHINESE).await.next().await, "欢迎！");
}

fn text(en: &str, zh_cn: &str) -> Localized {
    Localized { en: en.to_owned(), zh_cn: zh_cn.to_owned() }
}

#[tokio::test]
async fn the_default_reply_may_be_limited_to_one_a_visit() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    agent.set(|settings| settings.fallback = Fallback::OncePerVisit).await;
    let mut customer = server.v1().await;
    customer.say("1", "hi").await;
    customer.next_from("automatic").await;
    assert_eq!(customer.next_from("automatic").await["text"], REPLY_EN);
    customer.say("2", "my order?").await;
    customer.next_of("ack").await;
    let marked = agent.until(|conversation| conversation.needs_human.is_some()).await;
    let replies = agent.thread(marked.id).await;
    assert_eq!(replies.iter().filter(|message| message.text == REPLY_EN).count(), 1);
}

#[tokio::test]
async fn three_customers_at_once_get_their_own_replies() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    let rule = Rule {
        id: RuleId(0),
        name: "By name".to_owned(),
        enabled: true,
        trigger: Trigger::Regex { pattern: "I am (\\w+)".to_owned() },
        languages: Vec::new(),
        page: String::new(),
        action: Action::Reply { text: text("Nice to meet you, {1}.", "") },
    };
    agent.ask(Request::SaveRule { rule, lesson: None }).await;
    let talks = ["ann", "bo", "cy"].map(|name| {
        let server = &server;
        async move {
            let mut customer = server.plain().await;
            customer.next().await;
            customer.send(&format!("I am {name}")).await;
            assert_eq!(customer.next().await, format!("Nice to meet you, {name}."));
            (name, customer)
        }
    });
    let mut customers = join_all(talks).await;
    let listed = agent.snapshot().await.conversations;
    for (name, _) in &customers {
        let text = format!("I am {name}");
        let mut found = None;
        for conversation in &listed {
            if agent.thread(conversation.id).await.iter().any(|message| message.text == text) {
                found = Some(conversation.id);
            }
        }
        let request = Request::Send {
            conversation: found.unwrap(),
            id: (*name).to_owned(),
            text: format!("Hello {name}"),
        };
        agent.ask(request).await;
    }
    for (name, customer) in &mut customers {
        assert_eq!(customer.next().await, format!("Hello {name}"));
    }
}

#[tokio::test]
async fn v1_acknowledges_once_and_in_order() {
    let server = Server::start().await;
    let mut customer = server.v1().await;
    assert_eq!(customer.welcome["greeting"], GREETING_EN);
    customer.say("a", "hi").await;
    let greeting = customer.next().await;
    assert_eq!(
        (&greeting["seq"], &greeting["revision"], &greeting["text"]),
        (&json!(1), &json!(1), &json!(GREETING_EN))
    );
    let ack = customer.next().await;
    assert_eq!(
        (&ack["type"], &ack["id"], &ack["seq"], &ack["revision"]),
        (&json!("ack"), &json!("a"), &json!(2), &json!(2))
    );
    let reply = customer.next().await;
    assert_eq!((&reply["seq"], &reply["revision"], &reply["text"]), (&json!(3), &json!(3), &json!(REPLY_EN)));
    customer.say("a", "hi").await;
    assert_eq!(customer.next().await, ack, "the same id again gets the first acknowledgement");
    customer.say("a", "other").await;
    let error = customer.next().await;
    assert_eq!((&error["code"], &error["id"]), (&json!("id_reused"), &json!("a")));
    customer.say("b", "more").await;
    assert_eq!(customer.next().await["seq"], 4, "nothing was stored in between");
}

#[tokio::test]
async fn a_client_resumes_from_its_revision_and_other_tabs_hear_everything() {
    let server = Server::start().await;
    let mut first = server.v1().await;
    let token = first.token();
    first.say("a", "one").await;
    first.next_from("automatic").await;
    first.next_from("automatic").await;
    let mut second = V1::resume(&server.address, &token, 0).await;
    let had: Vec<_> = second.history.iter().map(|message| message["revision"].as_i64().unwrap()).collect();
    assert_eq!(had, [1, 2, 3]);
    first.say("b", "two").await;
    assert_eq!(second.next_of("message").await["text"], "two");
    assert_eq!(second.next_of("message").await["author"], "automatic");
    drop(first);
    let third = V1::resume(&server.address, &token, 3).await;
    let had: Vec<_> = third.history.iter().map(|message| message["revision"].as_i64().unwrap()).collect();
    assert_eq!(had, [4, 5]);
    assert_eq!(third.welcome["resumed"], true);
}

#[tokio::test]
async fn a_visitor_with_two_tabs_is_one_conversation_before_the_first_word() {
    let server = Server::start().await;
    let mut first = server.v1().await;
    let mut second = V1::resume(&server.address, &first.token(), 0).await;
    assert_eq!(second.welcome["resumed"], true);
    first.say("a", "hi").await;
    assert_eq!(second.next_of("message").await["text"], GREETING_EN);
    assert_eq!(second.next_of("message").await["text"], "hi");
}

#[tokio::test]
async fn an_unknown_token_opens_a_new_conversation_and_no_other() {
    let server = Server::start().await;
    let mut owner = server.v1().await;
    owner.say("a", "secret").await;
    owner.next_of("ack").await;
    let unknown = "A-token-that-nobody-was-given-000000000000";
    let stranger = V1::resume(&server.address, unknown, 0).await;
    assert_eq!((&stranger.welcome["resumed"], stranger.history.len()), (&json!(false), 0));
    assert_ne!(stranger.token(), owner.token());
    // Nor is it made one: whoever has made it up for somebody would know their token.
    assert_ne!(stranger.token(), unknown);
}

#[tokio::test]
async fn another_epoch_brings_everything_again() {
    let server = Server::start().await;
    let mut first = server.v1().await;
    first.say("a", "one").await;
    first.next_of("ack").await;
    let hello =
        json!({ "type": "hello", "token": first.token(), "revision": 3, "epoch": "before the restore" });
    assert_eq!(V1::connect(&server.address, hello).await.history.len(), 3);
}

#[tokio::test]
async fn frames_that_make_no_sense_are_refused_with_a_code() {
    let server = Server::start().await;
    let mut customer = server.v1().await;
    for (frame, code) in [
        ("{", "malformed"),
        ("[]", "malformed"),
        (r#"{"type":"message"}"#, "malformed"),
        (r#"{"type":"teleport"}"#, "unknown_type"),
        (r#"{"type":"hello"}"#, "hello_expected"),
        (r#"{"type":"message","id":"x","text":"  "}"#, "empty"),
        (r#"{"type":"message","id":"","text":"x"}"#, "empty"),
    ] {
        customer.socket.send(Message::text(frame)).await.unwrap();
        let error = customer.next().await;
        assert_eq!(error["code"], code, "{frame}: {error}");
        assert!(error["message"].as_str().unwrap().ends_with(['.', ':']), "{error}");
    }
    let unknown_field = json!({ "type": "message", "id": "y", "text": "hi", "colour": "red" });
    customer.send(unknown_field).await;
    customer.next_of("ack").await;
}

#[tokio::test]
async fn repeated_abuse_ends_with_a_reason() {
    let server = Server::start().await;
    let mut customer = server.v1().await;
    for _ in 0..10 {
        customer.socket.send(Message::text("{")).await.unwrap();
    }
    let (code, reason) = next_close(&mut customer.socket).await;
    assert_eq!(code, 1008);
    assert!(reason.contains("Too many refused frames"), "{reason}");
}

#[tokio::test]
async fn other_frames_before_hello_are_refused() {
    let server = Server::start().await;
    let mut socket = V1::open(&server.address).await;
    socket.send(Message::text(r#"{"type":"typing"}"#)).await.unwrap();
    let error: serde_json::Value = serde_json::from_str(&next_text(&mut socket).await.unwrap()).unwrap();
    assert_eq!(error["code"], "hello_expected");
}

#[tokio::test]
async fn what_is_too_long_is_refused() {
    let server = Server::start().await;
    let mut customer = server.v1().await;
    customer.say("long", &"x".repeat(16 * 1024 + 1)).await;
    let error = customer.next_of("error").await;
    assert_eq!((&error["code"], &error["id"]), (&json!("too_long"), &json!("long")));
    customer.say("fits", &"x".repeat(16 * 1024)).await;
    customer.next_of("ack").await;
    customer.socket.send(Message::text("x".repeat(64 * 1024 + 1))).await.unwrap();
    assert_eq!(next_close(&mut customer.socket).await.0, 1009);
}

#[tokio::test]
async fn a_plain_customer_is_refused_in_their_own_language_and_stays() {
    let server = Server::start().await;
    for (language, is_right) in [
        ("zh-CN", (|said: &str| !said.is_ascii()) as fn(&str) -> bool),
        ("en", |said: &str| said.is_ascii() && said.contains(' ')),
    ] {
        let mut customer = Plain::connect(&server.address, &[("Accept-Language", language)]).await;
        customer.next().await;
        let long = "x".repeat(16 * 1024 + 1);
        for frame in [Message::text("  "), Message::text(long), Message::binary(vec![0_u8])] {
            customer.socket.send(frame).await.unwrap();
            let said = customer.next().await;
            assert!(is_right(&said), "{language}: {said}");
        }
        customer.send("hi").await;
        assert_eq!(customer.next().await, if language == "en" { REPLY_EN } else { REPLY_ZH });
    }
}

#[tokio::test]
async fn what_an_agent_reads_and_a_customer_types_is_shown_to_the_other() {
    use deskbell_protocol::agent::{Request, Update};
    let server = Server::start().await;
    let mut agent = server.agent().await;
    let mut customer = server.v1().await;
    customer.say("a", "hi").await;
    let conversation = agent.until(|conversation| conversation.unread == 1).await;
    let id = conversation.id;
    customer.send(json!({ "type": "typing" })).await;
    agent
        .update(|update| {
            matches!(update, Update::Typing { conversation } if conversation == id).then_some(())
        })
        .await;
    agent.ask(Request::Typing { conversation: id }).await;
    assert_eq!(customer.next_of("typing").await["author"], "agent");
    agent.ask(Request::MarkRead { conversation: id, seq: conversation.last_seq }).await;
    assert_eq!(customer.next_of("read").await["seq"], conversation.last_seq.0);
    customer.send(json!({ "type": "read", "seq": 3 })).await;
    agent.until(|conversation| conversation.customer_read_seq.0 == 3).await;
}

#[tokio::test]
async fn a_page_of_another_site_is_refused_until_the_agent_allows_it() {
    use deskbell_protocol::agent::{Request, Update};
    use deskbell_protocol::entity::ActivityKind;
    let server = Server::start().await;
    let mut agent = server.agent().await;
    agent.ask(Request::WatchActivity { on: true }).await;
    let shop = [("Origin", "https://shop.example")];
    let refused = try_open(&server.address, "/", &shop).await.unwrap_err();
    let tungstenite::Error::Http(response) = refused else { panic!("{refused}") };
    assert_eq!(response.status(), 403);
    let origin = agent
        .update(|update| match update {
            Update::Activity { event } => match event.kind {
                ActivityKind::Refused { origin, .. } => origin,
                _ => None,
            },
            _ => None,
        })
        .await;
    agent.set(|settings| settings.allowed_origins.push(origin)).await;
    assert_eq!(Plain::connect(&server.address, &shop).await.next().await, GREETING_EN);
}
