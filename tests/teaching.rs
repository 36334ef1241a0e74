//! What agents teach a running desk: rules and their order, answers and files of them, labels; and what they look at
//! before they trust it: a trial, a replay, the numbers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use deskbell_protocol::agent::{Request, Response};
use deskbell_protocol::entity::{Author, Conversation, SourceKind};
use deskbell_protocol::responder::{
    Action, Answer, FileFormat, Imported, Outcome, Plan, Question, Replayed, Rule, RuleRow, Trigger,
    UsageRow, Verdict, Why,
};
use deskbell_protocol::settings::{Fallback, Localized};
use deskbell_protocol::{AnswerId, HeldId, RuleId, Timestamp};
use deskbell_tests::agent::Agent;
use deskbell_tests::endpoint::{Endpoint, Script};
use deskbell_tests::server::Server;

const REPLY: &str = "Hello, what can we help you with?";

async fn verdict(agent: &mut Agent, text: &str, ask: bool) -> Verdict {
    let question = Question { text: text.to_owned(), ..Question::default() };
    let Response::Verdict { verdict } = agent.ask(Request::Try { question, ask }).await else { panic!() };
    verdict
}

async fn replay(agent: &mut Agent) -> Vec<Replayed> {
    replay_with(agent, None).await
}

async fn replay_with(agent: &mut Agent, plan: Option<Plan>) -> Vec<Replayed> {
    let Response::Replayed { messages } = agent.ask(Request::Replay { conversations: 10, plan }).await else {
        panic!()
    };
    messages
}

#[tokio::test]
async fn a_trial_tells_every_step_with_its_score_and_says_nothing_to_anyone() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    agent.teach("Do you ship to Norway?", "Yes, in five days.").await;
    let sure = verdict(&mut agent, "do you ship to norway", false).await;
    assert!(matches!(&sure.outcome, Outcome::Reply { text, .. } if text == "Yes, in five days."), "{sure:?}");
    let kinds: Vec<_> = sure.steps.iter().map(|step| (step.source.kind, step.applies)).collect();
    assert_eq!(kinds, [(SourceKind::PersonCalled, false), (SourceKind::Answer, true)]);
    assert!(sure.steps[1].source.score.unwrap() > 0.9);

    let unsure = verdict(&mut agent, "Do you ship pianos?", false).await;
    let below = unsure.steps.iter().find(|step| step.source.kind == SourceKind::Answer).unwrap();
    assert!(
        matches!(below.why, Why::BelowThreshold { threshold } if below.source.score.unwrap() < threshold)
    );
    assert!(
        matches!(&unsure.outcome, Outcome::Reply { text, source } if text == REPLY && source.kind == SourceKind::Fallback)
    );

    let endpoint = Endpoint::start(Script::streams("Pianos, too.")).await;
    let url = endpoint.model_url();
    agent
        .set(|settings| {
            let model = &mut settings.responder.model;
            (model.enabled, model.url, model.model) = (true, url, "test".to_owned());
        })
        .await;
    let asks = verdict(&mut agent, "Do you ship pianos?", false).await;
    assert!(matches!(&asks.outcome, Outcome::Ask { who, .. } if *who == [SourceKind::Model]), "{asks:?}");
    let asked = verdict(&mut agent, "Do you ship pianos?", true).await;
    assert!(
        matches!(&asked.outcome, Outcome::Reply { text, source } if text == "Pianos, too." && source.kind == SourceKind::Model)
    );
    endpoint.always(Script::answers("500 Internal Server Error", "", ""));
    let failed = verdict(&mut agent, "Do you ship pianos?", true).await;
    assert!(failed.steps.iter().any(|step| matches!(&step.why, Why::Failed { message, message_zh }
                if message.contains("fault of its own") && message_zh.contains("自身出错"))));
    assert!(matches!(&failed.outcome, Outcome::Reply { text, .. } if text == REPLY));
    assert!(agent.snapshot().await.conversations.is_empty(), "nobody was asked anything");
}

#[tokio::test]
async fn a_replay_sets_what_was_said_beside_what_would_be_said_now() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    let mut customer = server.plain().await;
    customer.next().await;
    for question in ["Do you ship to Norway?", "Is it raining?"] {
        customer.send(question).await;
        assert_eq!(customer.next().await, REPLY);
    }
    assert!(replay(&mut agent).await.iter().all(|message| !message.changed), "nothing was changed yet");
    agent.teach("Do you ship to Norway?", "Yes, in five days.").await;
    let replayed = replay(&mut agent).await;
    let told: Vec<_> = replayed
        .iter()
        .map(|message| {
            let then = message.then.as_ref().unwrap();
            assert_eq!(then.author, Author::Automatic);
            let Outcome::Reply { text, .. } = &message.now.outcome else { panic!("{message:?}") };
            (message.question.as_str(), then.text.as_str(), text.as_str(), message.changed)
        })
        .collect();
    let expected = [
        ("Do you ship to Norway?", REPLY, "Yes, in five days.", true),
        ("Is it raining?", REPLY, REPLY, false),
    ];
    assert_eq!(told, expected);
    // What is only planned changes what it would change, and nothing else.
    let rain = Answer {
        id: AnswerId(0),
        enabled: true,
        questions: vec!["Is it raining?".to_owned()],
        reply: "Always.".to_owned(),
        languages: Vec::new(),
        labels: Vec::new(),
    };
    let planned = replay_with(&mut agent, Some(Plan::Answer { answer: rain.clone() })).await;
    let told: Vec<_> = planned.iter().map(|message| (said_now(message).unwrap(), message.changed)).collect();
    assert_eq!(told, [("Yes, in five days.", false), ("Always.", true)]);
    assert_eq!(replay(&mut agent).await, replayed, "nothing was saved");
    let empty = Answer { reply: String::new(), ..rain };
    let plan = Some(Plan::Answer { answer: empty });
    let refusal = agent.call(Request::Replay { conversations: 10, plan }).await.unwrap_err();
    assert_eq!(refusal.field.as_deref(), Some("reply"));
    // Whatever a replay finds, no customer hears of it.
    customer.send("Still there?").await;
    assert_eq!(customer.next().await, REPLY);
    let id = agent.snapshot().await.conversations[0].id;
    assert!(!agent.thread(id).await.iter().any(|message| message.text == "Yes, in five days."));
}

#[tokio::test]
async fn a_replay_knows_what_is_said_once_a_visit_and_who_waits_for_a_person() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    agent.set(|settings| settings.fallback = Fallback::OncePerVisit).await;
    let mut customer = server.v1().await;
    let said = ["Is it raining?", "Is it still raining?", "I want to talk to a human", "Hello?"];
    for text in said {
        customer.say(text, text).await;
        customer.next_of("ack").await;
    }
    let told: Vec<_> = replay(&mut agent)
        .await
        .into_iter()
        .map(|message| (message.then.is_some(), said_now(&message).is_some(), message.changed))
        .collect();
    let (answered, silent) = ((true, true, false), (false, false, false));
    assert_eq!(told, [answered, silent, answered, silent], "the same rules as then");

    agent.set(|settings| settings.fallback = Fallback::EveryMessage).await;
    let changed: Vec<_> = replay(&mut agent)
        .await
        .iter()
        .filter(|message| message.changed)
        .map(|m| m.question.clone())
        .collect();
    assert_eq!(changed, ["Is it still raining?"], "who waits for a person hears nothing more");
}

fn said_now(message: &Replayed) -> Option<&str> {
    match &message.now.outcome {
        Outcome::Reply { text, .. } => Some(text),
        Outcome::NeedsHuman { text, .. } => text.as_deref(),
        _ => None,
    }
}

/// A rule that answers with its name.
fn rule(name: &str, trigger: Trigger) -> Rule {
    Rule {
        id: RuleId(0),
        name: name.to_owned(),
        enabled: true,
        trigger,
        languages: Vec::new(),
        page: String::new(),
        action: Action::Reply { text: Localized { en: format!("{name}."), zh_cn: String::new() } },
    }
}

/// Adds a rule that answers every message that has the word.
async fn add_rule(agent: &mut Agent, name: &str, word: &str) -> Vec<RuleRow> {
    let trigger = Trigger::Keywords { keywords: vec![word.to_owned()], all: true };
    let rule = rule(name, trigger);
    rules(agent, Request::SaveRule { rule, lesson: None }).await
}

async fn rules(agent: &mut Agent, request: Request) -> Vec<RuleRow> {
    let Response::Rules { rules } = agent.ask(request).await else { panic!() };
    rules
}

#[tokio::test]
async fn the_order_of_rules_decides_and_lasts_and_a_deleted_one_says_nothing() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    add_rule(&mut agent, "First", "parcel").await;
    let both = add_rule(&mut agent, "Second", "parcel").await;
    let ids: Vec<RuleId> = both.iter().map(|row| row.rule.id).collect();
    let mut customer = server.plain().await;
    customer.next().await;
    customer.send("my parcel").await;
    assert_eq!(customer.next().await, "First.");
    let turned = rules(&mut agent, Request::OrderRules { rules: vec![ids[1], ids[0]] }).await;
    assert_eq!(turned.iter().map(|row| row.rule.name.as_str()).collect::<Vec<_>>(), ["Second", "First"]);
    customer.send("my parcel").await;
    assert_eq!(customer.next().await, "Second.", "from the next message on");
    // Those that are not named follow as they were: another console may have added one meanwhile.
    rules(&mut agent, Request::OrderRules { rules: vec![ids[0]] }).await;
    let turned = rules(&mut agent, Request::OrderRules { rules: vec![ids[1]] }).await;
    assert_eq!(turned.iter().map(|row| row.rule.id).collect::<Vec<_>>(), [ids[1], ids[0]]);

    let server = Server::start_on(server.stop().await).await;
    let mut agent = server.agent().await;
    let mut customer = server.plain().await;
    customer.next().await;
    customer.send("my parcel").await;
    assert_eq!(customer.next().await, "Second.", "and after a restart");
    rules(&mut agent, Request::DeleteRule { rule: ids[1] }).await;
    customer.send("my parcel").await;
    assert_eq!(customer.next().await, "First.");
    let last = rules(&mut agent, Request::DeleteRule { rule: ids[0] }).await;
    assert!(last.is_empty());
    customer.send("my parcel").await;
    assert_eq!(customer.next().await, REPLY);
}

#[tokio::test]
async fn a_rule_that_only_labels_is_used_and_what_is_overridden_is_counted_at_its_rule() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    let answers = add_rule(&mut agent, "Parcels", "parcel").await.remove(0).rule;
    let action = Action::Label { label: "logistics".to_owned() };
    let labels = Rule { id: RuleId(0), name: "Label".to_owned(), action, ..answers.clone() };
    let labels = rules(&mut agent, Request::SaveRule { rule: labels, lesson: None }).await.remove(1).rule;
    // A label does not end the chain, so its rule has to come first.
    rules(&mut agent, Request::OrderRules { rules: vec![labels.id, answers.id] }).await;
    agent.hold_seconds(600).await;
    let mut customer = server.v1().await;
    customer.say("1", "my parcel").await;
    let (conversation, first) = agent.until_held().await;
    let text = Some("By hand.".to_owned());
    agent.ask(Request::SendHeld { conversation, held: first.id, text }).await;
    customer.say("2", "my parcel?").await;
    let second = next_held(&mut agent, first.id).await;
    agent.ask(Request::DiscardHeld { conversation, held: second }).await;
    customer.say("3", "my parcel!").await;
    let third = next_held(&mut agent, second).await;
    agent.ask(Request::SendHeld { conversation, held: third, text: None }).await;
    let sent =
        agent.thread(conversation).await.into_iter().rfind(|message| message.text == "Parcels.").unwrap();
    agent.ask(Request::Correct { conversation, seq: sent.seq, text: "Corrected.".to_owned() }).await;
    assert_eq!(agent.conversation(conversation).await.labels, ["logistics"]);
    let counted: Vec<_> = rules(&mut agent, Request::Rules {})
        .await
        .into_iter()
        .map(|row| (row.rule.name, row.used, row.overridden))
        .collect();
    assert_eq!(counted, [("Label".to_owned(), 3, 0), ("Parcels".to_owned(), 3, 3)]);
}

/// The reply that is held after this one.
async fn next_held(agent: &mut Agent, last: HeldId) -> HeldId {
    let held = |conversation: &Conversation| conversation.held.as_ref().map(|held| held.id);
    let conversation = agent.until(|conversation| held(conversation).is_some_and(|id| id > last)).await;
    held(&conversation).unwrap()
}

#[tokio::test]
async fn of_two_consoles_that_save_the_same_phrase_one_is_refused() {
    let server = Server::start().await;
    let (mut one, mut other) = (server.agent().await, server.agent().await);
    for round in 0..10 {
        let save = |name: &str| {
            let phrases = vec![format!("phrase {round}")];
            Request::SaveRule { rule: rule(name, Trigger::Phrase { phrases }), lesson: None }
        };
        let (first, second) = tokio::join!(one.call(save("One")), other.call(save("Other")));
        assert_ne!(first.is_ok(), second.is_ok(), "round {round}: {first:?} {second:?}");
    }
    assert_eq!(rules(&mut one, Request::Rules {}).await.len(), 10);
}

async fn import(agent: &mut Agent, content: &str, dry_run: bool) -> Imported {
    let request = Request::ImportAnswers { format: FileFormat::Csv, content: content.to_owned(), dry_run };
    let Response::Imported { imported } = agent.ask(request).await else { panic!() };
    imported
}

async fn export(agent: &mut Agent, format: FileFormat) -> String {
    let Response::File { content, .. } = agent.ask(Request::ExportAnswers { format }).await else { panic!() };
    content
}

async fn answers(agent: &mut Agent, query: &str) -> (Vec<Answer>, u32) {
    let request = Request::Answers { query: query.to_owned(), offset: 0, limit: 200 };
    let Response::Answers { answers, total } = agent.ask(request).await else { panic!() };
    (answers.into_iter().map(|row| row.answer).collect(), total)
}

#[tokio::test]
async fn answers_come_from_a_file_go_into_one_and_are_deleted() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    let file = "questions,reply\nDo you ship to Norway?,Yes to Norway.\n你们寄到挪威吗？,寄。\n";
    let planned = import(&mut agent, file, true).await;
    assert_eq!((planned.added, answers(&mut agent, "").await.1), (2, 0), "only said");
    let broken = import(&mut agent, &format!("{file}Question without a reply,\n"), false).await;
    assert_eq!((broken.problems.len(), answers(&mut agent, "").await.1), (1, 0), "all of them or none");
    assert_eq!(import(&mut agent, file, false).await.added, 2);
    assert_eq!(import(&mut agent, file, false).await.unchanged, 2, "there already");
    let mut customer = server.plain().await;
    customer.next().await;
    customer.send("do you ship to norway").await;
    assert_eq!(customer.next().await, "Yes to Norway.");
    customer.send("你们寄到挪威吗").await;
    assert_eq!(customer.next().await, "寄。");

    let (csv, json) = (export(&mut agent, FileFormat::Csv).await, export(&mut agent, FileFormat::Json).await);
    let (found, total) = answers(&mut agent, "Norway").await;
    assert_eq!((found.len(), total), (1, 1));
    agent.ask(Request::DeleteAnswers { answers: vec![found[0].id] }).await;
    customer.send("do you ship to norway").await;
    assert_eq!(customer.next().await, REPLY, "from the next message on");
    assert_eq!(answers(&mut agent, "").await.1, 1);
    // What was exported brings it back, in either format.
    assert!(json.contains("Yes to Norway.") && csv.contains("Yes to Norway."));
    assert_eq!(import(&mut agent, &csv, false).await.added, 1);
    customer.send("do you ship to norway").await;
    assert_eq!(customer.next().await, "Yes to Norway.");
}

#[tokio::test]
async fn the_starter_set_is_added_once_and_answers_in_both_languages() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    for added in [true, false] {
        let Response::Imported { imported } = agent.ask(Request::AddStarterAnswers {}).await else {
            panic!()
        };
        assert_eq!(imported.added > 0, added, "{imported:?}");
    }
    let mut customer = server.plain().await;
    customer.next().await;
    for question in ["how can i pay?", "怎么付款？"] {
        let wanted = verdict(&mut agent, question, false).await;
        let Outcome::Reply { text, source } = wanted.outcome else { panic!("{wanted:?}") };
        assert_eq!(source.kind, SourceKind::Answer, "{question}");
        customer.send(question).await;
        assert_eq!(customer.next().await, text);
    }
}

#[tokio::test]
async fn labels_are_set_by_hand_and_last() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    let mut customer = server.plain().await;
    customer.next().await;
    customer.send("hi").await;
    customer.next().await;
    let id = agent.snapshot().await.conversations[0].id;
    let set = |labels: &[&str]| Request::SetLabels {
        conversation: id,
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
    };
    agent.ask(set(&["vip", " refund ", "vip"])).await;
    assert_eq!(agent.conversation(id).await.labels, ["vip", "refund"]);
    let refusal = agent.call(set(&["x", " "])).await.unwrap_err();
    assert_eq!(refusal.field.as_deref(), Some("labels"));
    let server = Server::start_on(server.stop().await).await;
    assert_eq!(server.agent().await.conversation(id).await.labels, ["vip", "refund"]);
}

/// The numbers of the default reply in these hours.
async fn numbers(agent: &mut Agent, from: i64, to: i64) -> Option<UsageRow> {
    let request = Request::Usage { from: Timestamp(from), to: Timestamp(to) };
    let Response::Usage { rows } = agent.ask(request).await else { panic!() };
    rows.into_iter().find(|row| row.source.kind == SourceKind::Fallback)
}

#[tokio::test]
async fn what_became_of_each_reply_is_counted_over_the_period_that_is_asked_for() {
    const HOUR: i64 = 3_600_000;
    let server = Server::start().await;
    let mut agent = server.agent().await;
    agent.hold_seconds(600).await;
    let mut customer = server.v1().await;
    let text = || Some("By hand.".to_owned());
    // Edited, discarded, sent as proposed, and that one then corrected and taken back.
    customer.say("1", "one").await;
    let (conversation, held) = agent.until_held().await;
    agent.ask(Request::SendHeld { conversation, held: held.id, text: text() }).await;
    customer.say("2", "two").await;
    let (_, held) = agent.until_held().await;
    agent.ask(Request::DiscardHeld { conversation, held: held.id }).await;
    customer.say("3", "three").await;
    let (_, held) = agent.until_held().await;
    agent.ask(Request::SendHeld { conversation, held: held.id, text: None }).await;
    let sent = agent.thread(conversation).await.into_iter().rfind(|message| message.text == REPLY).unwrap();
    agent.ask(Request::Correct { conversation, seq: sent.seq, text: "Corrected.".to_owned() }).await;
    agent.ask(Request::Retract { conversation, seq: sent.seq }).await;
    // And one after which the agent took over.
    agent.hold_seconds(0).await;
    customer.say("4", "four").await;
    while customer.next_of("ack").await["id"] != "4" {}
    agent.ask(Request::TakeOver { conversation }).await;
    let now = agent.snapshot().await.now.0;
    let row = numbers(&mut agent, now - HOUR, now + HOUR).await.unwrap();
    let counted =
        (row.used, row.sent, row.edited, row.discarded, row.corrected, row.retracted, row.led_to_human);
    assert_eq!(counted, (4, 2, 1, 1, 1, 1, 1));
    assert_eq!(row.over_time.iter().sum::<u32>(), row.used);
    let day = numbers(&mut agent, now - 24 * HOUR, now + HOUR).await.unwrap().over_time;
    assert!(day[..day.len() / 2].iter().all(|used| *used == 0), "only now: {day:?}");
    assert!(numbers(&mut agent, now - 9 * HOUR, now - 3 * HOUR).await.is_none(), "nothing then");
    let (from, to) = (Timestamp(now - HOUR), Timestamp(now + HOUR));
    let Response::File { content, name } = agent.ask(Request::ExportUsage { from, to }).await else {
        panic!()
    };
    assert!(content.contains(",4,2,1,1,1,1,1"), "{content}");
    assert!(name.ends_with(".csv"), "{name}");
}
