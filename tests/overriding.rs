//! What an agent does to replies after they were sent and while a human has control, seen from real sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use deskbell_protocol::agent::{Request, Response, Update};
use deskbell_protocol::entity::{ChangeKind, Control, NeedsHumanReason, SourceKind, SystemLine};
use deskbell_protocol::responder::{Action, Answer, Lesson, LessonKind, Rule, Trigger, UsageRow};
use deskbell_protocol::settings::{Localized, WhileAway};
use deskbell_protocol::{AnswerId, Code, ConversationId, RuleId, Seq, Timestamp};
use deskbell_tests::agent::Agent;
use deskbell_tests::customer::{Plain, V1};
use deskbell_tests::server::Server;

const GREETING: Seq = Seq(1);

fn answer(question: &str, reply: &str) -> Answer {
    Answer {
        id: AnswerId(0),
        enabled: true,
        questions: vec![question.to_owned()],
        reply: reply.to_owned(),
        languages: Vec::new(),
        labels: vec!["delivery".to_owned()],
    }
}

async fn teach(agent: &mut Agent, answer: Answer) {
    let saved = agent.ask(Request::SaveAnswer { answer, lesson: None }).await;
    assert!(matches!(saved, Response::Saved { .. }));
}

async fn lesson(agent: &mut Agent) -> Lesson {
    agent
        .update(|update| match update {
            Update::Lesson { lesson } => Some(lesson),
            _ => None,
        })
        .await
}

/// The place of the last automatic reply.
async fn last_automatic(agent: &mut Agent, id: ConversationId) -> Seq {
    let thread = agent.thread(id).await;
    thread.iter().rev().find(|m| m.source.is_some()).unwrap().seq
}

async fn only_conversation(agent: &mut Agent) -> ConversationId {
    agent.snapshot().await.conversations[0].id
}

#[tokio::test]
async fn a_correction_replaces_the_text_for_json_clients_and_is_a_new_line_for_plain_ones() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    let mut plain = server.plain().await;
    plain.next().await;
    plain.send("hi").await;
    plain.next().await;
    let id = only_conversation(&mut agent).await;
    let seq = last_automatic(&mut agent, id).await;
    agent.ask(Request::Correct { conversation: id, seq, text: "We open at 9.".to_owned() }).await;
    assert_eq!(plain.next().await, "Correction: We open at 9.");
    agent.ask(Request::Retract { conversation: id, seq }).await;
    assert!(plain.next().await.starts_with("Please disregard this message: “"));

    let mut v1 = V1::connect(&server.address, serde_json::json!({ "type": "hello" })).await;
    v1.say("a", "hi").await;
    let sent = v1.next_from("automatic").await;
    let sent = if sent["seq"] == 1 { v1.next_from("automatic").await } else { sent };
    let id = agent.until(|c| c.stored && c.id != id && c.messages >= 3).await.id;
    let seq = Seq(sent["seq"].as_i64().unwrap());
    agent.ask(Request::Correct { conversation: id, seq, text: "We open at 9.".to_owned() }).await;
    let corrected = v1.next_from("automatic").await;
    assert_eq!((&corrected["seq"], corrected["text"].as_str()), (&sent["seq"], Some("We open at 9.")));
    assert_eq!(corrected["change"], "corrected");
    assert!(corrected["revision"].as_i64() > sent["revision"].as_i64());
    agent.ask(Request::Retract { conversation: id, seq }).await;
    let retracted = v1.next_from("automatic").await;
    assert_eq!((retracted["text"].as_str(), retracted["change"].as_str()), (Some(""), Some("retracted")));
    // The thread keeps the original, and who changed it.
    let thread = agent.thread(id).await;
    let change = thread.iter().find(|m| m.seq == seq).unwrap().change.clone().unwrap();
    assert_eq!(
        (change.kind, change.original.as_str()),
        (ChangeKind::Retracted, sent["text"].as_str().unwrap())
    );
    assert_eq!(change.by, "Agent");
    let again = agent.call(Request::Retract { conversation: id, seq }).await.unwrap_err();
    assert_eq!(again.code, Code::NoSuchMessage);
    let customers = thread.iter().find(|m| m.text == "hi").unwrap().seq;
    let foreign = agent.call(Request::Retract { conversation: id, seq: customers }).await.unwrap_err();
    assert_eq!(foreign.code, Code::NoSuchMessage, "what a customer said is the customer's");
}

#[tokio::test]
async fn what_is_sent_again_after_a_correction_counts_once_all_the_same() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    let mut customer = server.v1().await;
    customer.say("a", "hi").await;
    customer.next_of("ack").await;
    let conversation = only_conversation(&mut agent).await;
    let send = |text: &str| Request::Send { conversation, id: "s".to_owned(), text: text.to_owned() };
    let Response::Sent { seq, .. } = agent.ask(send("At nine.")).await else { panic!() };
    agent.ask(Request::Correct { conversation, seq, text: "At ten.".to_owned() }).await;
    for retracted in [false, true] {
        if retracted {
            agent.ask(Request::Retract { conversation, seq }).await;
        }
        let before = agent.thread(conversation).await;
        // The answer was lost on its way to the console, which sends again what it sent.
        let Response::Sent { seq: again, .. } = agent.ask(send("At nine.")).await else { panic!() };
        assert_eq!(again, seq);
        assert_eq!(agent.call(send("At ten.")).await.unwrap_err().code, Code::IdReused);
        assert_eq!(agent.thread(conversation).await, before, "nothing is changed");
    }
}

#[tokio::test]
async fn a_client_that_was_away_gets_the_corrected_text_and_never_the_retracted_one() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    let mut v1 = V1::connect(&server.address, serde_json::json!({ "type": "hello" })).await;
    let token = v1.token();
    v1.say("a", "hi").await;
    v1.next_of("ack").await;
    v1.next_from("automatic").await;
    let id = agent.until(|c| c.messages >= 3).await.id;
    let seq = last_automatic(&mut agent, id).await;
    drop(v1);
    agent.ask(Request::Correct { conversation: id, seq, text: "At 9.".to_owned() }).await;
    agent.ask(Request::Retract { conversation: id, seq: GREETING }).await;
    let back = V1::resume(&server.address, &token, 3).await;
    let [corrected, retracted] = &back.history[..] else { panic!("{:?}", back.history) };
    assert_eq!((corrected["text"].as_str(), corrected["revision"].as_i64()), (Some("At 9."), Some(4)));
    assert_eq!((retracted["text"].as_str(), retracted["revision"].as_i64()), (Some(""), Some(5)));
}

#[tokio::test]
async fn an_edited_reply_is_offered_as_a_lesson_and_once_accepted_answers_the_next_customer() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    agent.hold_seconds(600).await;
    let mut first = V1::connect(&server.address, serde_json::json!({ "type": "hello" })).await;
    first.say("a", "Do you ship to Norway?").await;
    let (id, held) = agent.until_held().await;
    let text = Some("Yes, in five days.".to_owned());
    agent.ask(Request::SendHeld { conversation: id, held: held.id, text }).await;
    let offered = lesson(&mut agent).await;
    assert_eq!((offered.kind, offered.question.as_str()), (LessonKind::Edited, "Do you ship to Norway?"));
    assert_eq!(offered.reply.as_deref(), Some("Yes, in five days."));
    // Nothing is changed without a person.
    let Response::Answers { total: 0, .. } =
        agent.ask(Request::Answers { query: String::new(), offset: 0, limit: 10 }).await
    else {
        panic!("an answer appeared by itself")
    };
    agent.hold_seconds(0).await;
    let accepted = answer(&offered.question, offered.reply.as_deref().unwrap());
    agent.ask(Request::SaveAnswer { answer: accepted, lesson: Some(offered.id) }).await;
    let Response::Lessons { lessons } = agent.ask(Request::Lessons {}).await else { panic!() };
    assert!(lessons.is_empty(), "dealt with");
    let mut second = server.plain().await;
    second.next().await;
    second.send("do you ship to norway").await;
    assert_eq!(second.next().await, "Yes, in five days.");
    let labelled = agent.until(|c| c.id != id && c.stored).await;
    assert_eq!(labelled.labels, ["delivery"]);
}

#[tokio::test]
async fn what_the_default_reply_caught_and_an_agent_answers_is_offered_once() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    let mut customer = V1::connect(&server.address, serde_json::json!({ "type": "hello" })).await;
    customer.say("a", "Is there a student discount?").await;
    let id = agent.until(|c| c.messages >= 3).await.id;
    let send =
        |n: &str, text: &str| Request::Send { conversation: id, id: n.to_owned(), text: text.to_owned() };
    agent.ask(send("1", "Yes, 10 %.")).await;
    let offered = lesson(&mut agent).await;
    assert_eq!((offered.kind, offered.reply.as_deref()), (LessonKind::Answered, Some("Yes, 10 %.")));
    agent.ask(Request::DismissLesson { lesson: offered.id }).await;
    agent.ask(send("2", "With a card.")).await;
    let Response::Lessons { lessons } = agent.ask(Request::Lessons {}).await else { panic!() };
    assert!(lessons.is_empty(), "offered once: {lessons:?}");
}

#[tokio::test]
async fn under_human_control_the_responder_drafts_for_the_agent_and_sends_nothing() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    teach(&mut agent, answer("Where is my parcel?", "On its way.")).await;
    let mut customer = V1::connect(&server.address, serde_json::json!({ "type": "hello" })).await;
    customer.say("a", "hello there").await;
    let id = agent.until(|c| c.messages >= 3).await.id;
    agent.ask(Request::TakeOver { conversation: id }).await;
    customer.next_of("control").await;
    customer.say("b", "Where is my parcel?").await;
    let suggested = agent.until(|c| c.suggestion.is_some()).await.suggestion.unwrap();
    assert_eq!((suggested.text.as_str(), suggested.source.kind), ("On its way.", SourceKind::Answer));
    agent.ask(Request::Send { conversation: id, id: "1".into(), text: "Tomorrow.".into() }).await;
    // The next thing that the customer hears is the agent's.
    assert_eq!(customer.next_from("agent").await["text"], "Tomorrow.");
    let thread = agent.thread(id).await;
    assert!(!thread.iter().any(|m| m.text == "On its way."), "a draft was sent by itself");
    assert_eq!(agent.conversation(id).await.suggestion, None);
    customer.say("c", "Where is my parcel?").await;
    agent.until(|c| c.suggestion.is_some()).await;
    agent.ask(Request::HandBack { conversation: id }).await;
    assert_eq!(agent.conversation(id).await.suggestion, None, "who has control needs none");
}

#[tokio::test]
async fn an_agent_who_does_not_answer_loses_control_and_the_customer_gets_an_answer() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    agent.set(|settings| settings.responder.return_after_seconds = 1).await;
    teach(&mut agent, answer("Where is my parcel?", "On its way.")).await;
    let mut customer = V1::connect(&server.address, serde_json::json!({ "type": "hello" })).await;
    customer.say("a", "hello there").await;
    let id = agent.until(|c| c.messages >= 3).await.id;
    agent.ask(Request::TakeOver { conversation: id }).await;
    customer.say("b", "Where is my parcel?").await;
    let returned = agent.until(|c| c.control == Control::Automatic && c.needs_human.is_some()).await;
    assert_eq!(returned.needs_human.unwrap().reason, NeedsHumanReason::Unanswered);
    let told = agent.thread(id).await;
    assert!(told.iter().any(|m| m.system == Some(SystemLine::Returned { after_seconds: Some(1) })));
    assert_eq!(told.iter().filter(|m| m.text == "On its way.").count(), 1);
}

#[tokio::test]
async fn while_nobody_is_at_the_console_held_replies_leave_or_the_customer_is_told() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    agent.hold_seconds(600).await;
    agent.ask(Request::SetAway { away: true }).await;
    let mut plain = server.plain().await;
    plain.next().await;
    plain.send("hi").await;
    assert_eq!(plain.next().await, "Hello, what can we help you with?");
    agent.set(|settings| settings.responder.while_away = WhileAway::TellAway).await;
    plain.send("hello?").await;
    assert!(plain.next().await.starts_with("Nobody is at the desk right now."));
    let told = agent.until(|c| c.needs_human.is_some()).await;
    assert_eq!(told.needs_human.unwrap().reason, NeedsHumanReason::Away);
    // Once a visit: then the conversation waits, marked.
    plain.send("hello??").await;
    agent.until(|c| c.unread == 3).await;
    agent.ask(Request::TakeOver { conversation: told.id }).await;
    assert!(!agent.snapshot().await.away, "who acts is here");
    agent.ask(Request::Send { conversation: told.id, id: "1".into(), text: "I am back.".into() }).await;
    assert_eq!(plain.next().await, "I am back.");
}

#[tokio::test]
async fn a_customer_who_asks_for_a_person_is_told_once_and_gets_no_more_chatter() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    let mut plain = Plain::connect(&server.address, &[("Accept-Language", "zh-CN")]).await;
    plain.next().await;
    plain.send("转人工").await;
    assert_eq!(plain.next().await, "已为您呼叫人工客服，请稍候，客服会在这里回复您。");
    let marked = agent.until(|c| c.needs_human.is_some()).await;
    assert_eq!(marked.needs_human.unwrap().reason, NeedsHumanReason::CustomerAsked);
    plain.send("在吗").await;
    agent.until(|c| c.unread == 2).await;
    agent.ask(Request::Send { conversation: marked.id, id: "1".into(), text: "来了".into() }).await;
    assert_eq!(plain.next().await, "来了", "nothing was said in between");
}

#[tokio::test]
async fn rules_come_before_answers_and_every_use_is_counted() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    teach(&mut agent, answer("What are your prices?", "See the list.")).await;
    let reply = Localized { en: "From 9 {name}".to_owned(), zh_cn: String::new() };
    let rule = Rule {
        id: RuleId(0),
        name: "prices".to_owned(),
        enabled: true,
        trigger: Trigger::Keywords { keywords: vec!["prices".to_owned()], all: true },
        languages: Vec::new(),
        page: String::new(),
        action: Action::Reply { text: reply },
    };
    let Response::Rules { rules } = agent.ask(Request::SaveRule { rule, lesson: None }).await else {
        panic!()
    };
    let mut bad = rules[0].rule.clone();
    bad.trigger = Trigger::Regex { pattern: "(".to_owned() };
    let refused = agent.call(Request::SaveRule { rule: bad, lesson: None }).await.unwrap_err();
    assert_eq!(refused.field.as_deref(), Some("trigger.pattern"));
    let mut v1: V1 =
        V1::connect(&server.address, serde_json::json!({ "type": "hello", "name": "Ada" })).await;
    v1.say("a", "what are your prices?").await;
    let greeting = v1.next_from("automatic").await;
    assert_eq!(greeting["seq"], 1);
    assert_eq!(v1.next_from("automatic").await["text"], "From 9 Ada");
    let id = agent.until(|c| c.messages >= 3).await.id;
    let seq = last_automatic(&mut agent, id).await;
    agent.ask(Request::Correct { conversation: id, seq, text: "From 10.".to_owned() }).await;
    let hour = 3_600_000;
    let now = agent.snapshot().await.now;
    let (from, to) = (Timestamp(now.0 - hour), Timestamp(now.0 + 2 * hour));
    let Response::Usage { rows } = agent.ask(Request::Usage { from, to }).await else { panic!() };
    let row: &UsageRow = rows.iter().find(|row| row.source.kind == SourceKind::Rule).unwrap();
    assert_eq!(row.source.name.as_deref(), Some("prices"));
    assert_eq!((row.used, row.sent, row.corrected, row.edited), (1, 1, 1, 0));
    assert_eq!(row.over_time.iter().sum::<u32>(), 1);
    let Response::File { content, .. } = agent.ask(Request::ExportUsage { from, to }).await else { panic!() };
    assert!(content.contains("rule,1,\"prices\",1,1,0,0,1,0,0"), "{content}");
}

#[tokio::test]
async fn what_was_deleted_comes_back_to_its_place_with_its_numbers() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    teach(&mut agent, answer("What are your prices?", "See the list.")).await;
    for name in ["first", "second"] {
        let rule = Rule {
            id: RuleId(0),
            name: name.to_owned(),
            enabled: true,
            trigger: Trigger::Phrase { phrases: vec![name.to_owned()] },
            languages: Vec::new(),
            page: String::new(),
            action: Action::Reply { text: Localized { en: "Yes.".to_owned(), zh_cn: String::new() } },
        };
        agent.ask(Request::SaveRule { rule, lesson: None }).await;
    }
    let mut customer = server.plain().await;
    customer.next().await;
    for (asked, answered) in [("What are your prices?", "See the list."), ("first", "Yes.")] {
        customer.send(asked).await;
        assert_eq!(customer.next().await, answered);
    }
    let all = Request::Answers { query: String::new(), offset: 0, limit: 10 };
    let (Response::Rules { rules }, Response::Answers { answers, .. }) =
        (agent.ask(Request::Rules {}).await, agent.ask(all.clone()).await)
    else {
        panic!()
    };
    assert_eq!((rules[0].used, answers[0].used), (1, 1));
    let (rule, known) = (rules[0].rule.clone(), answers[0].answer.clone());
    agent.ask(Request::DeleteRule { rule: rule.id }).await;
    agent.ask(Request::DeleteAnswers { answers: vec![known.id] }).await;
    agent.ask(Request::RestoreRule { rule: rule.clone(), place: 0 }).await;
    agent.ask(Request::RestoreAnswers { answers: vec![known.clone()] }).await;
    assert_eq!(agent.ask(Request::Rules {}).await, Response::Rules { rules });
    assert_eq!(agent.ask(all).await, Response::Answers { answers, total: 1 });
    customer.send("first").await;
    assert_eq!(customer.next().await, "Yes.", "and it answers again");

    // What is there, or never was, is not brought back: the next new one will have that id.
    let next = Answer { id: AnswerId(known.id.0 + 1), ..answer("Anything new?", "No.") };
    for (request, code) in [
        (Request::RestoreRule { rule: rule.clone(), place: 0 }, Code::NoSuchEntry),
        (Request::RestoreAnswers { answers: vec![next] }, Code::NoSuchEntry),
        (
            Request::RestoreAnswers { answers: vec![Answer { id: AnswerId(i64::MAX), ..known.clone() }] },
            Code::InvalidSetting,
        ),
    ] {
        assert_eq!(agent.call(request).await.unwrap_err().code, code);
    }
}
