//! Who answers: take-over, holds and overrides through a real console and real customers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use deskbell_desk::Draft;
use deskbell_protocol::agent::{Request, Response};
use deskbell_protocol::entity::{Author, Control, Source, SourceKind, SystemLine};
use deskbell_protocol::settings::Hold;
use deskbell_protocol::{Code, ConversationId};
use deskbell_server::{Desk, Options};
use deskbell_tests::agent::Agent;
use deskbell_tests::customer::V1;
use deskbell_tests::server::Server;

/// A customer who has written once and was answered, and the console that saw it.
async fn conversation(server: &Server) -> (Agent, V1, ConversationId) {
    let mut agent = server.agent().await;
    let mut customer = server.v1().await;
    customer.say("first", "hi").await;
    customer.next_of("ack").await;
    let id = agent.until(|conversation| conversation.stored).await.id;
    (agent, customer, id)
}

#[tokio::test]
async fn sending_takes_over_and_no_automatic_reply_follows_until_handed_back() {
    let server = Server::start().await;
    let (mut agent, mut customer, id) = conversation(&server).await;
    assert_eq!(customer.next_from("automatic").await["seq"], 3);
    agent.ask(Request::Send { conversation: id, id: "1".to_owned(), text: "Mia here".to_owned() }).await;
    assert_eq!(customer.next_of("message").await["text"], "Mia here");
    assert_eq!(customer.next_of("control").await["control"], "human");
    customer.say("second", "great").await;
    customer.next_of("ack").await;
    agent.ask(Request::Send { conversation: id, id: "2".to_owned(), text: "bye".to_owned() }).await;
    assert_eq!(customer.next_of("message").await["text"], "bye", "nothing automatic came between");
    agent.ask(Request::HandBack { conversation: id }).await;
    customer.say("third", "one more").await;
    assert_eq!(customer.next_of("message").await["author"], "automatic");
    let lines: Vec<_> = agent.thread(id).await.into_iter().filter_map(|message| message.system).collect();
    let by = "Agent".to_owned();
    assert_eq!(
        lines,
        [SystemLine::TookOver { by: by.clone(), stopped: None }, SystemLine::HandedBack { by }]
    );
}

#[tokio::test]
async fn an_agents_message_sent_twice_arrives_once() {
    let server = Server::start().await;
    let (mut agent, mut customer, id) = conversation(&server).await;
    let send = |text: &str| Request::Send { conversation: id, id: "1".to_owned(), text: text.to_owned() };
    let first = agent.ask(send("hello")).await;
    assert_eq!(agent.ask(send("hello")).await, first);
    assert_eq!(agent.call(send("other")).await.unwrap_err().code, Code::IdReused);
    assert_eq!(customer.next_from("agent").await["text"], "hello");
    agent.ask(Request::Send { conversation: id, id: "2".to_owned(), text: "end".to_owned() }).await;
    assert_eq!(customer.next_from("agent").await["text"], "end");
}

#[tokio::test]
async fn a_held_reply_is_sent_by_its_timer_once() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    agent.hold_seconds(1).await;
    let mut customer = server.v1().await;
    customer.say("a", "hi").await;
    let (id, held) = agent.until_held().await;
    assert_eq!((held.hold_ms, held.source.kind), (Some(1000), SourceKind::Fallback));
    assert_eq!(customer.next_from("automatic").await["seq"], 1, "the greeting");
    assert_eq!(customer.next_from("automatic").await["text"], held.text);
    let late = agent.call(Request::SendHeld { conversation: id, held: held.id, text: None }).await;
    assert_eq!(late.unwrap_err().code, Code::StaleReply);
}

#[tokio::test]
async fn a_held_reply_can_be_sent_edited_discarded_and_restored() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    agent.set(|settings| settings.hold = Hold::Ask).await;
    let mut customer = server.v1().await;

    customer.say("a", "one").await;
    let (id, held) = agent.until_held().await;
    assert_eq!((held.due_at, held.hold_ms), (None, None));
    agent.ask(Request::SendHeld { conversation: id, held: held.id, text: None }).await;
    customer.next_from("automatic").await;
    assert_eq!(customer.next_from("automatic").await["text"], held.text);

    customer.say("b", "two").await;
    let (_, held) = agent.until_held().await;
    let text = Some("Edited by hand.".to_owned());
    agent.ask(Request::SendHeld { conversation: id, held: held.id, text }).await;
    assert_eq!(customer.next_from("automatic").await["text"], "Edited by hand.");

    // One with a countdown: an undo must not bring that back as well.
    agent.hold_seconds(3600).await;
    customer.say("c", "three").await;
    let (_, held) = agent.until_held().await;
    assert!(held.due_at.is_some());
    agent.ask(Request::DiscardHeld { conversation: id, held: held.id }).await;
    agent.ask(Request::RestoreHeld { conversation: id, held: held.id }).await;
    let restored = agent.conversation(id).await.held.unwrap();
    assert_eq!((restored.id, restored.due_at), (held.id, None));
    agent.ask(Request::DiscardHeld { conversation: id, held: held.id }).await;
    agent.ask(Request::Send { conversation: id, id: "end".to_owned(), text: "By hand.".to_owned() }).await;
    assert_eq!(customer.next_from("agent").await["text"], "By hand.", "the discarded reply never came");

    let thread = agent.thread(id).await;
    let edited = thread.iter().find(|message| message.text == "Edited by hand.").unwrap();
    assert_eq!(
        (edited.author, edited.source.as_ref().unwrap().edited_by.as_deref()),
        (Author::Automatic, Some("Agent"))
    );
}

#[tokio::test]
async fn taking_over_stops_a_held_reply_and_a_newer_message_replaces_it() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    agent.hold_seconds(3600).await;
    let mut customer = server.v1().await;
    customer.say("a", "one").await;
    let (id, first) = agent.until_held().await;
    customer.say("b", "two").await;
    let second = agent.until(|c| c.held.as_ref().is_some_and(|held| held.id != first.id)).await;
    let stale = Request::SendHeld { conversation: id, held: first.id, text: None };
    assert_eq!(agent.call(stale).await.unwrap_err().code, Code::StaleReply);
    agent.ask(Request::TakeOver { conversation: id }).await;
    let taken = agent.conversation(id).await;
    assert_eq!((taken.control, taken.held), (Control::Human, None));
    let stopped = second.held.unwrap().text;
    let last = agent.thread(id).await.pop().unwrap();
    assert_eq!(last.system, Some(SystemLine::TookOver { by: "Agent".to_owned(), stopped: Some(stopped) }));
}

#[tokio::test]
async fn resolving_stops_a_held_reply_for_good_and_the_thread_quotes_it() {
    let server = Server::start().await;
    let (mut agent, mut customer, id) = conversation(&server).await;
    agent.ask(Request::SetHold { conversation: id, hold: Some(Hold::Ask) }).await;
    customer.say("b", "two").await;
    let (_, held) = agent.until_held().await;
    agent.ask(Request::Resolve { conversation: id }).await;
    let last = agent.thread(id).await.pop().unwrap();
    let resolved = SystemLine::Resolved { by: "Agent".to_owned(), stopped: Some(held.text) };
    assert_eq!(last.system, Some(resolved));
    assert_eq!(agent.conversation(id).await.held, None);
    let stale = Request::SendHeld { conversation: id, held: held.id, text: None };
    assert_eq!(agent.call(stale).await.unwrap_err().code, Code::StaleReply);
}

#[tokio::test]
async fn a_conversations_own_hold_wins_over_the_desks() {
    let server = Server::start().await;
    let (mut agent, mut customer, id) = conversation(&server).await;
    agent.ask(Request::SetHold { conversation: id, hold: Some(Hold::Ask) }).await;
    customer.say("b", "two").await;
    agent.until_held().await;
    let mut other = server.v1().await;
    other.say("a", "hi").await;
    other.next_from("automatic").await;
    assert_eq!(other.next_from("automatic").await["seq"], 3, "the desk's hold is none");
    let too_long = Some(Hold::Seconds { seconds: 3601 });
    let refusal = agent.call(Request::SetHold { conversation: id, hold: too_long }).await.unwrap_err();
    assert_eq!(refusal.code, Code::InvalidSetting);
}

#[tokio::test]
async fn an_agent_may_write_first() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    let mut customer = server.v1().await;
    let visitor =
        agent.until(|conversation| !conversation.stored && !conversation.connections.is_empty()).await;
    let text = "Can I help?".to_owned();
    agent.ask(Request::Send { conversation: visitor.id, id: "1".to_owned(), text }).await;
    assert_eq!(customer.next_from("automatic").await["seq"], 1, "the greeting that the customer saw");
    assert_eq!(customer.next_from("agent").await["text"], "Can I help?");
    let back = V1::resume(&server.address, &customer.token(), 0).await;
    assert_eq!(back.history.len(), 2);
}

#[tokio::test]
async fn a_visitor_without_a_word_leaves_no_trace() {
    use deskbell_protocol::agent::Update;
    let server = Server::start().await;
    let mut agent = server.agent().await;
    let visitor = server.v1().await;
    let id = agent.until(|conversation| !conversation.stored).await.id;
    drop(visitor);
    agent
        .update(|update| matches!(update, Update::Gone { conversation } if conversation == id).then_some(()))
        .await;
    assert!(agent.snapshot().await.conversations.is_empty());
    assert_eq!(
        agent.call(Request::TakeOver { conversation: id }).await.unwrap_err().code,
        Code::NoSuchConversation
    );
}

#[tokio::test]
async fn a_customer_who_asks_for_a_person_is_marked() {
    let server = Server::start().await;
    let (mut agent, mut customer, id) = conversation(&server).await;
    customer.send(serde_json::json!({ "type": "request_human" })).await;
    let marked = agent.until(|conversation| conversation.needs_human.is_some()).await;
    assert_eq!(marked.id, id);
    agent.ask(Request::TakeOver { conversation: id }).await;
    assert_eq!(agent.conversation(id).await.needs_human, None);
}

#[tokio::test]
async fn a_message_reopens_what_was_resolved() {
    let server = Server::start().await;
    let (mut agent, mut customer, id) = conversation(&server).await;
    agent.ask(Request::Resolve { conversation: id }).await;
    assert_eq!(agent.snapshot().await.counts.resolved, 1);
    customer.say("again", "still there?").await;
    agent.until(|conversation| conversation.last_seq.0 > 5).await;
    let counts = agent.snapshot().await.counts;
    assert_eq!((counts.open, counts.resolved), (1, 0));
}

#[tokio::test]
async fn a_search_finds_people_and_messages_in_both_languages() {
    let server = Server::start().await;
    let (mut agent, mut customer, id) = conversation(&server).await;
    customer.say("b", "我的桌子 100% 坏了").await;
    customer.next_of("ack").await;
    for (query, expected) in [("桌子", 1), ("100%", 1), ("0_%", 0), ("nothing like it", 0)] {
        let found = agent.ask(Request::Search { query: query.to_owned() }).await;
        let Response::Found { hits } = found else { panic!("{found:?}") };
        assert_eq!(hits.len(), expected, "{query}");
        assert!(hits.iter().all(|hit| hit.conversation.id == id && hit.message.is_some()));
    }
}

#[tokio::test]
async fn a_slow_responders_late_proposal_is_refused_by_the_running_desk() {
    let data = tempfile::tempdir().unwrap();
    let options = Options {
        data_dir: data.path().to_owned(),
        listen: Some("127.0.0.1:0".to_owned()),
        console: |_| None,
    };
    let desk = Desk::open(options).await.unwrap();
    let deskbell_protocol::entity::Listening::Listening { address, .. } = desk.listen().await else {
        panic!()
    };
    let mut customer = V1::connect(&address, serde_json::json!({ "type": "hello" })).await;
    let Ok(Response::Settings { .. }) = desk
        .call(Request::SaveSettings {
            settings: Box::new(deskbell_protocol::settings::Settings {
                reply: deskbell_protocol::settings::Localized { en: String::new(), zh_cn: String::new() },
                ..desk.settings()
            }),
        })
        .await
    else {
        panic!()
    };
    customer.say("a", "hard question").await;
    let seq = deskbell_protocol::Seq(customer.next_of("ack").await["seq"].as_i64().unwrap());
    let draft = || Draft { text: "Late.".to_owned(), source: Source::of(SourceKind::Model) };
    let id = ConversationId(1);
    desk.call(Request::TakeOver { conversation: id }).await.unwrap();
    assert_eq!(desk.propose(id, seq, 0, draft()).await.unwrap_err().code, Code::StaleReply);
    desk.call(Request::HandBack { conversation: id }).await.unwrap();
    assert_eq!(desk.propose(id, seq, 0, draft()).await.unwrap_err().code, Code::StaleReply);
    desk.propose(id, seq, 2, draft()).await.unwrap();
    assert_eq!(customer.next_from("automatic").await["text"], "Late.");
    desk.close().await;
}

#[tokio::test]
async fn who_presses_the_button_for_a_person_is_told_once_and_gets_no_more_chatter() {
    let server = Server::start().await;
    let (mut agent, mut customer, id) = conversation(&server).await;
    customer.next_from("automatic").await;
    customer.send(serde_json::json!({ "type": "request_human" })).await;
    let told = customer.next_from("automatic").await;
    assert_eq!(told["text"], "A colleague has been called and will answer you here.");
    customer.send(serde_json::json!({ "type": "request_human" })).await;
    customer.say("second", "Hello?").await;
    customer.next_of("ack").await;
    agent.ask(Request::Send { conversation: id, id: "1".to_owned(), text: "Mia here.".to_owned() }).await;
    assert_eq!(customer.next_of("message").await["text"], "Mia here.", "and nothing in between");
}

#[tokio::test]
async fn resolving_gives_control_back_unless_the_setting_says_otherwise() {
    let server = Server::start().await;
    let (mut agent, _customer, id) = conversation(&server).await;
    for (returns, control) in [(false, Control::Human), (true, Control::Automatic)] {
        agent.set(|settings| settings.responder.return_on_resolve = returns).await;
        agent.ask(Request::TakeOver { conversation: id }).await;
        agent.ask(Request::Resolve { conversation: id }).await;
        assert_eq!(agent.conversation(id).await.control, control);
        agent.ask(Request::Reopen { conversation: id }).await;
    }
    let last = agent.thread(id).await.into_iter().rev().filter_map(|message| message.system).nth(1);
    assert_eq!(last, Some(SystemLine::Returned { after_seconds: None }));
}
