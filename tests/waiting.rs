//! Customers who wait: whatever agents press, and when, somebody is called who must answer them, once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use deskbell_protocol::agent::{Filter, Request, Response};
use deskbell_protocol::entity::{Control, NeedsHuman, NeedsHumanReason, SourceKind, SystemLine};
use deskbell_protocol::responder::{Action, Lesson, LessonKind, Rule, Trigger};
use deskbell_protocol::settings::{Hold, Localized, WhileAway};
use deskbell_protocol::{ConversationId, RuleId, Seq};
use deskbell_tests::agent::Agent;
use deskbell_tests::clock::Clock;
use deskbell_tests::customer::V1;
use deskbell_tests::server::Server;
use futures_util::SinkExt as _;
use serde_json::json;
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::Message;

const REPLY: &str = "Hello, what can we help you with?";

/// A customer who has been greeted and has said this, and the conversation.
async fn asks(server: &Server, agent: &mut Agent, text: &str) -> (V1, ConversationId) {
    let mut customer = V1::connect(&server.address, json!({ "type": "hello", "name": "Ada" })).await;
    customer.say("first", text).await;
    assert_eq!(customer.next_from("automatic").await["seq"], 1, "the greeting");
    let id = agent.snapshot().await.conversations.iter().map(|conversation| conversation.id).max().unwrap();
    (customer, id)
}

/// The conversations that wait for an agent, as the list and the number beside it say.
async fn needs_me(agent: &mut Agent) -> Vec<ConversationId> {
    let request = Request::Conversations { filter: Filter::NeedsMe, before: None, limit: 100 };
    let Response::Conversations { conversations, .. } = agent.ask(request).await else { panic!() };
    let counted = agent.snapshot().await.counts.needs_me;
    assert_eq!(usize::try_from(counted).unwrap(), conversations.len());
    conversations.into_iter().map(|conversation| conversation.id).collect()
}

async fn reason(agent: &mut Agent, id: ConversationId) -> Option<NeedsHumanReason> {
    agent.conversation(id).await.needs_human.map(|needs| needs.reason)
}

/// Waits until the responder has taken control back from an agent who did not answer.
async fn until_returned(agent: &mut Agent, id: ConversationId) {
    let unanswered = |needs: NeedsHuman| needs.reason == NeedsHumanReason::Unanswered;
    let returned = agent.until(|c| c.id == id && c.needs_human.is_some_and(unanswered)).await;
    assert_eq!(returned.control, Control::Automatic);
}

async fn send(agent: &mut Agent, conversation: ConversationId, text: &str) {
    agent.ask(Request::Send { conversation, id: text.to_owned(), text: text.to_owned() }).await;
}

async fn lessons(agent: &mut Agent) -> Vec<Lesson> {
    let Response::Lessons { lessons } = agent.ask(Request::Lessons {}).await else { panic!() };
    lessons
}

#[tokio::test]
async fn who_takes_over_after_a_long_wait_has_the_whole_time_to_answer() {
    let clock = Clock::default();
    let variable = clock.variable();
    let variables = [("DESKBELL_TEST_CLOCK", variable.as_str())];
    let server = Server::start_with(TempDir::new().unwrap(), &variables).await;
    let mut agent = server.agent().await;
    agent.set(|settings| settings.hold = Hold::Ask).await;
    let (_late, late) = asks(&server, &mut agent, "Where is my parcel?").await;
    let (_early, early) = asks(&server, &mut agent, "Where is my lamp?").await;
    agent.ask(Request::TakeOver { conversation: early }).await;
    clock.forward(100_000);
    agent.ask(Request::TakeOver { conversation: late }).await;
    agent.set(|settings| settings.responder.return_after_seconds = 60).await;
    // Who has waited longest is looked at first: once the other has gone back, this one would have.
    until_returned(&mut agent, early).await;
    assert_eq!(agent.conversation(late).await.control, Control::Human);
    let server = Server::start_with(server.stop().await, &variables).await;
    let mut agent = server.agent().await;
    assert_eq!(agent.conversation(late).await.control, Control::Human, "a restart changes nothing");
    clock.forward(100_000);
    until_returned(&mut agent, late).await;
}

#[tokio::test]
async fn what_is_held_when_the_agents_leave_is_sent_once_or_its_customer_is_told_once() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    let expected = [(WhileAway::SendAtOnce, REPLY), (WhileAway::TellAway, "Nobody is here, Ada.")];
    for ((while_away, said), hold) in
        expected.into_iter().zip([Hold::Ask, Hold::Seconds { seconds: 3600 }].into_iter().cycle())
    {
        agent
            .set(|settings| {
                settings.hold = hold;
                settings.responder.while_away = while_away;
                settings.responder.away_text.en = "Nobody is here, {name}.".to_owned();
            })
            .await;
        let (mut customer, id) = asks(&server, &mut agent, "Where is my parcel?").await;
        assert!(agent.conversation(id).await.held.is_some());
        for away in [true, false, true] {
            agent.ask(Request::SetAway { away }).await;
        }
        assert_eq!(customer.next_from("automatic").await["text"], said);
        let left = agent.conversation(id).await;
        assert_eq!((left.held, left.needs_human.is_some()), (None, while_away == WhileAway::TellAway));
        send(&mut agent, id, "I am back.").await;
        assert_eq!(customer.next_of("message").await["text"], "I am back.", "and nothing in between");
    }
}

#[tokio::test]
async fn what_an_agent_edits_is_left_alone_when_the_agents_leave() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    for hold in [Hold::Ask, Hold::Seconds { seconds: 3600 }] {
        agent.set(|settings| settings.hold = hold).await;
        let (_edited, edited) = asks(&server, &mut agent, "Where is my parcel?").await;
        let held = agent.conversation(edited).await.held.unwrap().id;
        agent.ask(Request::PauseHeld { conversation: edited, held }).await;
        let (mut other, _) = asks(&server, &mut agent, "Where is my lamp?").await;
        agent.ask(Request::SetAway { away: true }).await;
        assert_eq!(other.next_from("automatic").await["text"], REPLY);
        // What would have been sent with it is in the store before this is.
        agent.ask(Request::ResumeHeld { conversation: edited, held }).await;
        let resumed = agent.conversation(edited).await.held.unwrap();
        assert_eq!(resumed.due_at.is_some(), hold != Hold::Ask);
        agent.ask(Request::DiscardHeld { conversation: edited, held }).await;
    }
}

#[tokio::test]
async fn a_reply_that_only_an_agent_will_send_is_listed_among_what_needs_me() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    agent.set(|settings| settings.hold = Hold::Ask).await;
    let (_ask, ask) = asks(&server, &mut agent, "Where is my parcel?").await;
    agent.hold_seconds(3600).await;
    let (_timed, _) = asks(&server, &mut agent, "Where is my lamp?").await;
    assert_eq!(needs_me(&mut agent).await, [ask]);
    let held = agent.conversation(ask).await.held.unwrap().id;
    agent.ask(Request::SendHeld { conversation: ask, held, text: None }).await;
    assert_eq!(needs_me(&mut agent).await, []);
}

#[tokio::test]
async fn the_button_for_a_person_calls_one_whoever_has_control() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    let button = || json!({ "type": "request_human" });
    let (mut customer, id) = asks(&server, &mut agent, "Where is my parcel?").await;
    assert_eq!(customer.next_from("automatic").await["text"], REPLY);
    customer.send(button()).await;
    agent.until(|conversation| conversation.id == id && conversation.needs_human.is_some()).await;
    customer.next_from("automatic").await;
    // That the agent has come is not yet an answer.
    agent.ask(Request::TakeOver { conversation: id }).await;
    assert_eq!(reason(&mut agent, id).await, None);
    assert_eq!(needs_me(&mut agent).await, [id]);
    send(&mut agent, id, "It left today.").await;
    assert_eq!(needs_me(&mut agent).await, []);
    assert_eq!(customer.next_of("message").await["text"], "It left today.");

    customer.send(button()).await;
    let asked = agent.until(|c| c.control == Control::Human && c.needs_human.is_some()).await;
    assert_eq!(asked.needs_human.unwrap().reason, NeedsHumanReason::CustomerAsked);
    assert!(asked.waiting_since.is_some());
    send(&mut agent, id, "I am here.").await;
    assert_eq!(customer.next_of("message").await["text"], "I am here.", "nothing automatic came between");
    assert_eq!(needs_me(&mut agent).await, []);
}

#[tokio::test]
async fn control_goes_back_from_who_has_only_the_button_to_answer() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    let mut customer = server.v1().await;
    customer.send(json!({ "type": "request_human" })).await;
    let id = agent.until(|conversation| conversation.needs_human.is_some()).await.id;
    agent.ask(Request::TakeOver { conversation: id }).await;
    agent.set(|settings| settings.responder.return_after_seconds = 1).await;
    until_returned(&mut agent, id).await;
}

#[tokio::test]
async fn a_discarded_reply_and_the_only_answer_taken_back_leave_a_mark() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    agent.set(|settings| settings.hold = Hold::Ask).await;
    let (_customer, id) = asks(&server, &mut agent, "Where is my parcel?").await;
    let held = agent.conversation(id).await.held.unwrap().id;
    agent.ask(Request::DiscardHeld { conversation: id, held }).await;
    assert_eq!(reason(&mut agent, id).await, Some(NeedsHumanReason::NoAnswer));
    agent.ask(Request::RestoreHeld { conversation: id, held }).await;
    assert_eq!(reason(&mut agent, id).await, None, "an undo takes the mark back");
    agent.ask(Request::SendHeld { conversation: id, held, text: None }).await;

    let thread = agent.thread(id).await;
    let automatic = thread.iter().rfind(|message| message.text == REPLY).unwrap().seq;
    send(&mut agent, id, "It left today.").await;
    agent.ask(Request::HandBack { conversation: id }).await;
    let by_hand = agent.thread(id).await.iter().rfind(|m| m.text == "It left today.").unwrap().seq;
    agent.ask(Request::Retract { conversation: id, seq: Seq(1) }).await;
    agent.ask(Request::Retract { conversation: id, seq: automatic }).await;
    assert_eq!(reason(&mut agent, id).await, None, "another answer stands");
    agent.ask(Request::Retract { conversation: id, seq: by_hand }).await;
    assert_eq!(reason(&mut agent, id).await, Some(NeedsHumanReason::NoAnswer));
    assert_eq!(needs_me(&mut agent).await, [id]);
}

#[tokio::test]
async fn what_the_default_reply_caught_teaches_whatever_is_pressed_before_the_answer() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    let (_customer, id) = asks(&server, &mut agent, "Is there a student discount?").await;
    agent.ask(Request::TakeOver { conversation: id }).await;
    let server = Server::start_on(server.stop().await).await;
    let mut agent = server.agent().await;
    send(&mut agent, id, "Yes, 10 %.").await;
    let offered = lessons(&mut agent).await.pop().unwrap();
    assert_eq!((offered.kind, offered.reply.as_deref()), (LessonKind::Answered, Some("Yes, 10 %.")));

    agent.set(|settings| settings.hold = Hold::Ask).await;
    let (_other, id) = asks(&server, &mut agent, "Do you ship pianos?").await;
    let held = agent.conversation(id).await.held.unwrap().id;
    agent.ask(Request::DiscardHeld { conversation: id, held }).await;
    agent.ask(Request::TakeOver { conversation: id }).await;
    send(&mut agent, id, "Only small ones.").await;
    let offered = lessons(&mut agent).await.into_iter().find(|lesson| lesson.conversation == id).unwrap();
    assert_eq!((offered.kind, offered.reply.as_deref()), (LessonKind::Discarded, Some("Only small ones.")));
    assert_eq!(offered.proposed.as_deref(), Some(REPLY));
}

#[tokio::test]
async fn who_takes_over_has_the_stopped_reply_as_a_suggestion_that_nobody_sends() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    agent.teach("Where is my parcel?", "On its way.").await;
    agent.hold_seconds(3600).await;
    let (mut customer, id) = asks(&server, &mut agent, "Where is my parcel?").await;
    agent.ask(Request::TakeOver { conversation: id }).await;
    let taken = agent.conversation(id).await;
    let suggestion = taken.suggestion.unwrap();
    assert_eq!((suggestion.text.as_str(), suggestion.source.kind), ("On its way.", SourceKind::Answer));
    let last = agent.thread(id).await.pop().unwrap();
    let stopped = Some("On its way.".to_owned());
    assert_eq!(last.system, Some(SystemLine::TookOver { by: "Agent".to_owned(), stopped }));
    agent.ask(Request::HandBack { conversation: id }).await;
    assert_eq!(agent.conversation(id).await.suggestion, None);
    send(&mut agent, id, "It left today.").await;
    assert_eq!(customer.next_of("message").await["text"], "It left today.", "and nothing before it");

    agent.set(|settings| settings.responder.suggestions = false).await;
    let (_other, id) = asks(&server, &mut agent, "Where is my parcel?").await;
    agent.ask(Request::TakeOver { conversation: id }).await;
    assert_eq!(agent.conversation(id).await.suggestion, None, "they are switched off");
}

#[tokio::test]
async fn of_two_messages_at_once_one_is_the_first() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    let welcome = Localized { en: "Welcome.".to_owned(), zh_cn: String::new() };
    let rule = Rule {
        id: RuleId(0),
        name: "welcome".to_owned(),
        enabled: true,
        trigger: Trigger::FirstMessage {},
        languages: Vec::new(),
        page: String::new(),
        action: Action::Reply { text: welcome },
    };
    agent.ask(Request::SaveRule { rule, lesson: None }).await;
    let mut customer = server.plain().await;
    customer.next().await;
    for text in ["Hello", "Are you there?"] {
        customer.socket.feed(Message::text(text)).await.unwrap();
    }
    customer.socket.flush().await.unwrap();
    assert_eq!(customer.next().await, "Welcome.");
    assert_eq!(customer.next().await, REPLY);
}

#[tokio::test]
async fn who_presses_the_button_is_called_by_name() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    let text = "Someone comes to {page}, {name}.".to_owned();
    agent.set(|settings| settings.responder.person_called.en = text).await;
    for (hello, told) in [
        (
            json!({ "type": "hello", "name": "Ada", "page": "https://shop.example/" }),
            "Someone comes to https://shop.example/, Ada.",
        ),
        (json!({ "type": "hello" }), "Someone comes to."),
    ] {
        let mut customer = V1::connect(&server.address, hello).await;
        customer.send(json!({ "type": "request_human" })).await;
        customer.next_from("automatic").await;
        assert_eq!(customer.next_from("automatic").await["text"], told);
    }
}
