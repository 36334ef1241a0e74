//! What an agent's requests do that name something which is not there, each of them.

use std::collections::BTreeSet;

use deskbell_protocol::agent::{Request, Response};
use deskbell_protocol::entity::{Conversation, Message};
use deskbell_protocol::responder::{Action, Answer, AnswerRow, Rule, RuleRow, Trigger};
use deskbell_protocol::settings::{Hold, Localized};
use deskbell_protocol::upkeep::ExportFormat;
use deskbell_protocol::{AnswerId, Code, ConversationId, HeldId, LessonId, RuleId, Seq};
use deskbell_tests::agent::Agent;
use deskbell_tests::server::Server;
use deskbell_tests::test_name;

use super::{count, held};

/// What becomes of a request for something that is not there.
#[derive(Debug, PartialEq, Eq)]
enum Comes {
    /// It names nothing of the kind.
    NamesNothing,
    /// It is refused.
    Refused(Code),
    /// It is answered as if there were nothing to do or to show, and nothing is done.
    Empty,
}

/// A new verb does not compile until it is sorted.
fn comes_of(request: &Request) -> Comes {
    match request {
        Request::Snapshot {}
        | Request::Conversations { .. }
        | Request::Activity { .. }
        | Request::Search { .. }
        | Request::SetAway { .. }
        | Request::WatchActivity { .. }
        | Request::Rules {}
        | Request::Answers { .. }
        | Request::ImportAnswers { .. }
        | Request::ExportAnswers { .. }
        | Request::AddStarterAnswers {}
        | Request::Try { .. }
        | Request::Replay { .. }
        | Request::Lessons {}
        | Request::Usage { .. }
        | Request::ExportUsage { .. }
        | Request::Secrets {}
        | Request::SetSecret { .. }
        | Request::TestModel { .. }
        | Request::TestWebhook { .. }
        | Request::SaveSettings { .. }
        | Request::Listen { .. }
        | Request::Backups {}
        | Request::BackUp {} => Comes::NamesNothing,
        Request::Conversation { .. }
        | Request::Send { .. }
        | Request::Note { .. }
        | Request::TakeOver { .. }
        | Request::HandBack { .. }
        | Request::SetHold { .. }
        | Request::SendHeld { .. }
        | Request::DiscardHeld { .. }
        | Request::RestoreHeld { .. }
        | Request::PauseHeld { .. }
        | Request::ResumeHeld { .. }
        | Request::StopWriting { .. }
        | Request::Resolve { .. }
        | Request::Reopen { .. }
        | Request::MarkRead { .. }
        | Request::DismissNeedsHuman { .. }
        | Request::Correct { .. }
        | Request::Retract { .. }
        | Request::SetLabels { .. }
        | Request::Export { .. }
        | Request::Erase { .. } => Comes::Refused(Code::NoSuchConversation),
        Request::SaveRule { .. }
        | Request::RestoreRule { .. }
        | Request::Answer { .. }
        | Request::SaveAnswer { .. }
        | Request::RestoreAnswers { .. } => Comes::Refused(Code::NoSuchEntry),
        Request::Restore { .. } => Comes::Refused(Code::BackupUnusable),
        // A page without messages; typing that nobody sees; what is gone already, or has no place in the order.
        Request::Thread { .. }
        | Request::Typing { .. }
        | Request::DeleteRule { .. }
        | Request::OrderRules { .. }
        | Request::DeleteAnswers { .. }
        | Request::DismissLesson { .. } => Comes::Empty,
    }
}

/// Verbs that name nothing that could be missing.
const NAME_NOTHING: [&str; 24] = [
    "snapshot",
    "conversations",
    "activity",
    "search",
    "set_away",
    "watch_activity",
    "rules",
    "answers",
    "import_answers",
    "export_answers",
    "add_starter_answers",
    "try",
    "replay",
    "lessons",
    "usage",
    "export_usage",
    "secrets",
    "set_secret",
    "test_model",
    "test_webhook",
    "save_settings",
    "listen",
    "backups",
    "back_up",
];

/// All verbs there are, as serde knows them.
fn all_verbs() -> BTreeSet<String> {
    let error = serde_json::from_str::<Request>(r#"{"type":"?"}"#).unwrap_err().to_string();
    let (_, list) = error.split_once("expected one of").unwrap();
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn verb(request: &Request) -> String {
    serde_json::to_value(request).unwrap()["type"].as_str().unwrap().to_owned()
}

/// Every verb about a conversation, with this one.
fn about(conversation: ConversationId) -> Vec<Request> {
    let (id, text, held) = ("x".to_owned(), "x".to_owned(), HeldId(77));
    let (seq, format) = (Seq(1), ExportFormat::Json);
    vec![
        Request::Conversation { conversation },
        Request::Thread { conversation, before_seq: None, limit: 10 },
        Request::Send { conversation, id: id.clone(), text: text.clone() },
        Request::Note { conversation, id, text: text.clone() },
        Request::TakeOver { conversation },
        Request::HandBack { conversation },
        Request::SetHold { conversation, hold: Some(Hold::Ask) },
        Request::SendHeld { conversation, held, text: None },
        Request::DiscardHeld { conversation, held },
        Request::RestoreHeld { conversation, held },
        Request::PauseHeld { conversation, held },
        Request::ResumeHeld { conversation, held },
        Request::StopWriting { conversation, held },
        Request::Resolve { conversation },
        Request::Reopen { conversation },
        Request::MarkRead { conversation, seq },
        Request::DismissNeedsHuman { conversation },
        Request::Typing { conversation },
        Request::Correct { conversation, seq, text },
        Request::Retract { conversation, seq },
        Request::SetLabels { conversation, labels: vec!["x".to_owned()] },
        Request::Export { conversation, format, after: None },
        Request::Erase { conversation },
    ]
}

fn rule(id: i64) -> Rule {
    Rule {
        id: RuleId(id),
        name: "x".to_owned(),
        enabled: true,
        trigger: Trigger::Phrase { phrases: vec![format!("phrase {id}")] },
        languages: Vec::new(),
        page: String::new(),
        action: Action::Reply { text: Localized { en: "x".to_owned(), zh_cn: "x".to_owned() } },
    }
}

fn answer(id: i64) -> Answer {
    Answer {
        id: AnswerId(id),
        enabled: true,
        questions: vec![format!("Question {id}?")],
        reply: "x".to_owned(),
        languages: Vec::new(),
        labels: Vec::new(),
    }
}

/// Every verb about something that is taught or kept, with this id.
fn of_entry(id: i64) -> Vec<Request> {
    vec![
        Request::SaveRule { rule: rule(id), lesson: None },
        Request::RestoreRule { rule: rule(id), place: 0 },
        Request::DeleteRule { rule: RuleId(id) },
        Request::OrderRules { rules: vec![RuleId(id)] },
        Request::Answer { answer: AnswerId(id) },
        Request::SaveAnswer { answer: answer(id), lesson: None },
        Request::RestoreAnswers { answers: vec![answer(id)] },
        Request::DeleteAnswers { answers: vec![AnswerId(id)] },
        Request::DismissLesson { lesson: LessonId(id) },
        Request::Restore { name: format!("{id:05}-2026-01-01T00.00.00Z-asked.db") },
    ]
}

/// All that there is: the conversation, its thread, the rules and the answers.
async fn everything(
    agent: &mut Agent,
    id: ConversationId,
) -> (Conversation, Vec<Message>, Vec<RuleRow>, Vec<AnswerRow>) {
    let conversation = agent.conversation(id).await;
    let thread = agent.thread(id).await;
    let Response::Rules { rules } = agent.ask(Request::Rules {}).await else { panic!() };
    let all = Request::Answers { query: String::new(), offset: 0, limit: 200 };
    let Response::Answers { answers, .. } = agent.ask(all).await else { panic!() };
    (conversation, thread, rules, answers)
}

#[tokio::test]
async fn every_verb_of_an_agent_with_an_id_that_is_not_there_changes_nothing() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    let mut customer = server.v1().await;
    customer.say("a", "hi").await;
    customer.next_of("ack").await;
    customer.next_from("automatic").await;
    // Its greeting, message and answer have reached it: nothing changes by itself any more.
    let real = agent.until(|conversation| conversation.delivered_seq == Seq(3)).await.id;
    agent.ask(Request::SaveRule { rule: rule(0), lesson: None }).await;
    agent.ask(Request::SaveAnswer { answer: answer(0), lesson: None }).await;
    agent.ask(Request::MarkRead { conversation: real, seq: Seq(3) }).await;
    let before = everything(&mut agent, real).await;

    let (mut refused, mut empty) = (BTreeSet::new(), BTreeSet::new());
    for id in [i64::MAX, 99, -1] {
        for request in about(ConversationId(id)).into_iter().chain(of_entry(id)) {
            let (name, verb, comes) = (format!("{request:?}"), verb(&request), comes_of(&request));
            match (comes, agent.call(request).await) {
                (Comes::Refused(code), Err(refusal)) => {
                    assert_eq!(refusal.code, code, "{name}: {refusal}");
                    refused.insert(verb);
                }
                (Comes::Empty, Ok(response)) => {
                    if let Response::Thread { messages, .. } = response {
                        assert!(messages.is_empty(), "{name}");
                    }
                    empty.insert(verb);
                }
                (comes, came) => panic!("{name}: {came:?}, and not {comes:?}"),
            }
        }
    }
    let mut sorted: BTreeSet<String> = NAME_NOTHING.into_iter().map(str::to_owned).collect();
    sorted.extend(refused.iter().chain(&empty).cloned());
    assert_eq!(sorted, all_verbs(), "every verb was tried, or names nothing");
    assert!(everything(&mut agent, real).await == before, "nothing was changed");

    // In a conversation that is there, replies and messages that are not, beside a reply that is held and one that was
    // discarded: those must not be taken for them.
    agent.set(|settings| settings.hold = Hold::Ask).await;
    customer.say("b", "And?").await;
    let seq = Seq(customer.next_of("ack").await["seq"].as_i64().unwrap());
    agent.ask(Request::MarkRead { conversation: real, seq }).await;
    let mut other = server.v1().await;
    other.say("a", "hi").await;
    other.next_of("ack").await;
    let waiting = agent.until(|conversation| conversation.id != real && conversation.held.is_some()).await;
    let (discarded, reply) = (waiting.id, waiting.held.unwrap().id);
    agent.ask(Request::DiscardHeld { conversation: discarded, held: reply }).await;
    let before = everything(&mut agent, real).await;
    assert!(before.0.held.is_some());
    let held_reply = HeldId(77);
    for (request, code) in [
        (Request::SendHeld { conversation: real, held: held_reply, text: None }, Code::StaleReply),
        (Request::DiscardHeld { conversation: real, held: held_reply }, Code::StaleReply),
        (Request::RestoreHeld { conversation: discarded, held: held_reply }, Code::StaleReply),
        (Request::PauseHeld { conversation: real, held: held_reply }, Code::StaleReply),
        (Request::ResumeHeld { conversation: real, held: held_reply }, Code::StaleReply),
        (Request::StopWriting { conversation: real, held: held_reply }, Code::StaleReply),
    ] {
        let name = format!("{request:?}");
        let refusal = agent.call(request).await.err().unwrap_or_else(|| panic!("{name} was done"));
        assert_eq!(refusal.code, code, "{name}");
    }
    for seq in [Seq(i64::MAX), Seq(99), Seq(0), Seq(-1)] {
        for request in [
            Request::Correct { conversation: real, seq, text: "x".to_owned() },
            Request::Retract { conversation: real, seq },
        ] {
            let name = format!("{request:?}");
            let refusal = agent.call(request).await.err().unwrap_or_else(|| panic!("{name} was done"));
            assert_eq!(refusal.code, Code::NoSuchMessage, "{name}");
        }
        // More than there is cannot have been read: what is there has been.
        agent.ask(Request::MarkRead { conversation: real, seq }).await;
    }
    let after = everything(&mut agent, real).await;
    assert!(after == before, "nothing was changed: {before:?} {after:?}");
    assert_eq!(agent.conversation(discarded).await.discarded.map(|held| held.id), Some(reply));
    assert_eq!(agent.snapshot().await.conversations.len(), 2);
    held(
        "an agent's every verb with a foreign id",
        "Refused, or answered as if there were nothing; nothing is changed",
        &test_name!(),
        &[("verbs refused", count(refused.len())), ("answered emptily", count(empty.len()))],
    );
}
