//! The chain's verdict on a table of messages, what holds for any message, and how a running desk tells the chain who
//! asks, when and where. The tables are data: tests/data/.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fmt::Write as _;
use std::sync::LazyLock;
use std::time::Duration;

use deskbell_desk::{Responder, starter_answers, validate_rule};
use deskbell_protocol::agent::Request;
use deskbell_protocol::entity::Source;
use deskbell_protocol::responder::{Action, Answer, Outcome, Question, Rule, Trigger, Verdict};
use deskbell_protocol::settings::{BusinessHours, Language, Localized, Settings, Span};
use deskbell_protocol::{AnswerId, RuleId, Timestamp};
use deskbell_tests::clock::{Clock, HOUR};
use deskbell_tests::customer::V1;
use deskbell_tests::server::Server;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

/// A Monday morning in Berlin, within the table's business hours.
const AT: &str = "2026-03-02T10:00:00+01:00";

#[test]
fn every_message_of_the_table_gets_its_verdict() {
    let table: Value = serde_json::from_str(include_str!("data/verdicts.json")).unwrap();
    let rules: Vec<Rule> = serde_json::from_value(table["rules"].clone()).unwrap();
    let answers: Vec<Answer> = serde_json::from_value(table["answers"].clone()).unwrap();
    let responder = Responder::new(rules, answers);
    let rows = table["rows"].as_array().unwrap();
    assert!(rows.len() >= 80);
    let mut wrong = String::new();
    for (number, row) in rows.iter().enumerate() {
        let mut settings = table["settings"].clone();
        merge(&mut settings, &row["with"]);
        let settings: Settings = serde_json::from_value(settings).unwrap();
        let (question, at) = (question(row), at(row));
        let verdict = responder.verdict(&question, &settings, at, false);
        let explained = responder.verdict(&question, &settings, at, true);
        assert_eq!(explained.outcome, verdict.outcome, "explaining changes nothing: {row}");
        assert_eq!(explained.labels, verdict.labels);
        assert!(verdict.steps.is_empty() && !explained.steps.is_empty());
        explains(&explained, row);
        let (found, expected) = (summary(&verdict, &row["expect"]), &row["expect"]);
        if found != *expected {
            let shown: String = question.text.chars().take(60).collect();
            let best = explained.steps.iter().find_map(|step| step.source.score);
            writeln!(
                wrong,
                "row {number} “{shown}”\n  expected {expected}\n  found    {found} (best score {best:?})"
            )
            .unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// The last step that applies is the winner, and says the same as the outcome.
fn explains(verdict: &Verdict, row: &Value) {
    let winner = verdict.steps.iter().rfind(|step| step.applies).map(|step| &step.source);
    match &verdict.outcome {
        Outcome::Reply { source, .. } | Outcome::NeedsHuman { source, .. } | Outcome::Silent { source } => {
            assert_eq!(winner, Some(source), "{row}");
        }
        Outcome::Ask { who, .. } => {
            assert_eq!(winner.map(|source| source.kind), who.last().copied(), "{row}")
        }
        Outcome::Nothing {} => assert!(verdict.steps.last().is_some_and(|step| !step.applies), "{row}"),
    }
}

fn question(row: &Value) -> Question {
    let mut text = row["says"].as_str().unwrap().to_owned();
    if let Some(characters) = row["repeat"].as_u64() {
        text = text.chars().cycle().take(usize::try_from(characters).unwrap()).collect();
    }
    let owned = |name: &str| row[name].as_str().map(str::to_owned);
    Question {
        text,
        language: row["language"].as_str().map_or(Language::En, |tag| Language::of_tag(tag).unwrap()),
        name: owned("name"),
        page: owned("page"),
        first_message: row["first"] == true,
        returning: row["returning"] == true,
    }
}

fn at(row: &Value) -> Timestamp {
    let at: jiff::Timestamp = row["at"].as_str().unwrap_or(AT).parse().unwrap();
    Timestamp(at.as_millisecond())
}

/// JSON Merge Patch (RFC 7396), as far as the table needs it.
fn merge(into: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else { return };
    let into = into.as_object_mut().unwrap();
    for (name, value) in patch {
        match into.get_mut(name).filter(|old| old.is_object() && value.is_object()) {
            Some(old) => merge(old, value),
            None => drop(into.insert(name.clone(), value.clone())),
        }
    }
}

/// A verdict as the table writes it. What was matched and the score only where the table says something about them.
fn summary(verdict: &Verdict, expected: &Value) -> Value {
    let outcome = serde_json::to_value(&verdict.outcome).unwrap();
    let source = &outcome["source"];
    let mut summary = Map::new();
    for name in ["kind", "text", "reason", "who", "grounding", "otherwise"] {
        summary.insert(name.to_owned(), outcome[name].clone());
    }
    summary.insert("source".to_owned(), source["kind"].clone());
    summary.insert("name".to_owned(), source["name"].clone());
    summary.insert(
        "labels".to_owned(),
        if verdict.labels.is_empty() { Value::Null } else { json!(verdict.labels) },
    );
    for name in ["matched", "score"] {
        if expected.get(name).is_some() {
            let value = source[name].as_f64().map_or(source[name].clone(), |score| {
                if score.fract() == 0.0 { json!(score as i64) } else { json!(score) }
            });
            summary.insert(name.to_owned(), value);
        }
    }
    summary.retain(|_, value| !value.is_null());
    Value::Object(summary)
}

/// The starter set as a desk has it, against how people really ask.
#[test]
fn the_starter_set_answers_what_it_should_and_nothing_else() {
    let answers =
        starter_answers().into_iter().zip(1..).map(|(answer, id)| Answer { id: AnswerId(id), ..answer });
    let responder = Responder::new(Vec::new(), answers.collect());
    let settings = Settings::default();
    let rows: Vec<(String, Option<String>)> =
        serde_json::from_str(include_str!("data/starter_questions.json")).unwrap();
    let mut wrong = String::new();
    for (says, expected) in rows {
        let question = Question { text: says.clone(), ..Question::default() };
        let verdict = responder.verdict(&question, &settings, Timestamp(0), true);
        let found = match verdict.outcome {
            Outcome::Reply { source, .. } => source.name,
            _ => None,
        };
        if found != expected {
            let best = verdict.steps.iter().map(|step| &step.source).find(|source| source.score.is_some());
            writeln!(wrong, "“{says}”: expected {expected:?}, found {found:?} (best {best:?})").unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// Anything that a customer may write, with words that the chain knows strewn in.
fn text() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        3 => "\\PC{0,12}",
        2 => proptest::sample::select(vec![
            "delivery", "delivry", "refund", "human", "agent", "price", "order 12345-6", "my name is", "{name}", "{1}", "{who}",
            "人工", "转人工", "怎么退货", "订单号：", "SOS", "怎么退货。要多久？", "policy error", "👍", "👩‍👩‍👧", "é", "ﬁ", "İ", "ǅ", "ß", "Ａ", "\u{200d}", "\u{202e}", "'", "’s",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    proptest::collection::vec(word, 0..12).prop_map(|words| words.join(" "))
}

fn any_question() -> impl Strategy<Value = Question> {
    let page = proptest::option::of(prop_oneof![
        Just("/pricing".to_owned()),
        Just("/beta".to_owned()),
        "\\PC{0,20}"
    ]);
    (text(), any::<bool>(), proptest::option::of("\\PC{0,20}"), page, any::<bool>(), any::<bool>()).prop_map(
        |(text, chinese, name, page, first_message, returning)| Question {
            text,
            language: if chinese { Language::ZhCn } else { Language::En },
            name,
            page,
            first_message,
            returning,
        },
    )
}

static ONE: LazyLock<(Responder, Settings)> = LazyLock::new(table);
static OTHER: LazyLock<(Responder, Settings)> = LazyLock::new(table);

fn table() -> (Responder, Settings) {
    let table: Value = serde_json::from_str(include_str!("data/verdicts.json")).unwrap();
    let of = |name: &str| table[name].clone();
    let responder = Responder::new(
        serde_json::from_value(of("rules")).unwrap(),
        serde_json::from_value(of("answers")).unwrap(),
    );
    (responder, serde_json::from_value(of("settings")).unwrap())
}

fn said(outcome: &Outcome) -> Option<(&str, Option<&Source>)> {
    match outcome {
        Outcome::Reply { text, source } => Some((text, Some(source))),
        Outcome::NeedsHuman { text, source, .. } => Some((text.as_deref()?, Some(source))),
        Outcome::Ask { otherwise, .. } => Some((otherwise.as_deref()?, None)),
        Outcome::Silent { .. } | Outcome::Nothing {} => None,
    }
}

fn bare(text: &str) -> String {
    text.replace(['{', '}'], "")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn any_message_gets_the_same_verdict_twice_and_never_a_panic(questions in proptest::collection::vec(any_question(), 1..8)) {
        let ((one, settings), (other, _)) = (&*ONE, &*OTHER);
        for question in &questions {
            let verdict = one.verdict(question, settings, Timestamp(0), true);
            prop_assert_eq!(&verdict, &other.verdict(question, settings, Timestamp(0), true));
            let score = verdict.steps.iter().filter_map(|step| step.source.score);
            prop_assert!(score.into_iter().all(|score| (0.0..=1.0).contains(&score)));
        }
    }

    #[test]
    fn no_placeholder_that_is_known_is_left_in_a_reply(mut question in any_question()) {
        let (responder, settings) = &*ONE;
        question.text = bare(&question.text);
        question.name = question.name.as_deref().map(bare);
        question.page = question.page.as_deref().map(bare);
        let verdict = responder.verdict(&question, settings, Timestamp(0), false);
        if let Some((text, _)) = said(&verdict.outcome) {
            for known in ["{name}", "{page}", "{1}", "{2}", "{9}", "{number}", "{who}"] {
                prop_assert!(!text.contains(known), "{}", text);
            }
            prop_assert!(!text.trim().is_empty());
        }
    }

    #[test]
    fn what_is_filled_in_stays_text(
        captured in r"([a-z{}<>0-9 ]|\{(name|page|all|1|2)\}){1,40}",
        name in r"([a-z{}<>]|\{(name|page|all|1|2)\}){1,20}",
    ) {
        let rule = Rule {
            id: RuleId(1),
            name: "Echo".to_owned(),
            enabled: true,
            trigger: Trigger::Regex { pattern: "^(?<all>.*)$".to_owned() },
            languages: Vec::new(),
            page: String::new(),
            action: Action::Reply { text: Localized { en: "[{all}|{1}|{name}|{page}|{2}]".to_owned(), zh_cn: String::new() } },
        };
        let settings = Settings { responder: Default::default(), ..Settings::default() };
        let question = Question { text: format!("x{captured}x"), name: Some(name.clone()), ..Question::default() };
        let responder = Responder::new(vec![rule], Vec::new());
        let verdict = responder.verdict(&question, &settings, Timestamp(0), false);
        let expected = format!("[x{captured}x|x{captured}x|{name}||]");
        let found = said(&verdict.outcome).map(|(text, _)| text.to_owned());
        prop_assert_eq!(found, Some(expected));
    }
}

#[test]
fn what_is_filled_in_stands_on_one_line_without_what_nobody_sees() {
    let responder = Responder::new(vec![named("Hello {name}!", Trigger::Always {}, "")], Vec::new());
    let name = Some(" Ann\nBob\u{202e}by\u{200b} ".to_owned());
    let question = Question { name, ..Question::default() };
    let verdict = responder.verdict(&question, &Settings::default(), Timestamp(0), false);
    assert_eq!(said(&verdict.outcome).map(|(text, _)| text), Some("Hello Ann Bobby!"));
}

/// With an engine that goes back, each of these takes longer than the universe is old.
#[test]
fn no_expression_is_catastrophic() {
    let patterns = [
        "(a+)+$",
        "(a|a)*b",
        "(a|aa)+$",
        "(.*a){20}b",
        "(?:a?){50}a{50}b",
        "((a*)*)*b",
        r"(\w+\s?)*!$",
        "(x+x+)+y",
    ];
    let rule = |(pattern, id): (&str, i64)| Rule {
        id: RuleId(id),
        name: pattern.to_owned(),
        enabled: true,
        trigger: Trigger::Regex { pattern: pattern.to_owned() },
        languages: Vec::new(),
        page: String::new(),
        action: Action::Label { label: "matched".to_owned() },
    };
    let rules: Vec<Rule> = patterns.into_iter().zip(1..).map(rule).collect();
    for rule in &rules {
        validate_rule(rule.clone(), &[]).unwrap();
    }
    let responder = Responder::new(rules, Vec::new());
    let texts = [
        "a".repeat(16 * 1024),
        "a".repeat(16 * 1024 - 1) + "?",
        "x".repeat(16 * 1024),
        "a ".repeat(8 * 1024),
    ];
    // On a thread that nobody has to wait for: with such an engine this would not fail, but never end.
    let (count, (done, verdicts)) = (texts.len(), std::sync::mpsc::sync_channel(texts.len()));
    std::thread::spawn(move || {
        for text in texts {
            let question = Question { text, ..Question::default() };
            done.send(responder.verdict(&question, &Settings::default(), Timestamp(0), true)).unwrap();
        }
    });
    for _ in 0..count {
        let verdict = verdicts.recv_timeout(Duration::from_secs(60)).expect("a verdict within a minute");
        assert!(matches!(verdict.outcome, Outcome::Reply { .. }));
    }
    let refusal = validate_rule(rule((r"((\w{500}){500}){500}", 9)), &[]).unwrap_err();
    assert_eq!(refusal.field.as_deref(), Some("trigger.pattern"));
    assert!(refusal.message.contains("too large"), "{refusal}");
}

/// A rule that answers with its name, on pages that contain this.
fn named(name: &str, trigger: Trigger, page: &str) -> Rule {
    Rule {
        id: RuleId(0),
        name: name.to_owned(),
        enabled: true,
        trigger,
        languages: Vec::new(),
        page: page.to_owned(),
        action: Action::Reply { text: Localized { en: name.to_owned(), zh_cn: String::new() } },
    }
}

/// What is answered to this.
async fn says(customer: &mut V1, text: &str) -> String {
    customer.say(text, text).await;
    customer.next_of("ack").await;
    customer.next_from("automatic").await["text"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_running_desk_knows_who_is_new_who_comes_back_what_time_it_is_and_on_which_page() {
    let clock = Clock::default();
    // A Wednesday far ahead.
    let wednesday: jiff::Timestamp = "2030-01-09T10:00:00Z".parse().unwrap();
    clock.forward(wednesday.as_millisecond() - deskbell_server::now().0);
    let data = TempDir::new().unwrap();
    let server = Server::start_with(data, &[("DESKBELL_TEST_CLOCK", &clock.variable())]).await;
    let mut agent = server.agent().await;
    let nine_to_five = vec![Span { from: 9 * 60, to: 17 * 60 }];
    let hours = BusinessHours { time_zone: "Etc/UTC".to_owned(), days: vec![nine_to_five; 7] };
    agent.set(|settings| settings.responder.hours = Some(hours)).await;
    for rule in [
        named("Welcome.", Trigger::FirstMessage {}, ""),
        named("Welcome back.", Trigger::ReturningCustomer {}, ""),
        named("Prices.", Trigger::Always {}, "/pricing"),
        named("Closed.", Trigger::OutsideHours {}, ""),
        named("Lamps.", Trigger::Always {}, "/lamp"),
    ] {
        agent.ask(Request::SaveRule { rule, lesson: None }).await;
    }
    let hello = |page: &str| json!({ "type": "hello", "page": format!("https://shop.example{page}") });
    let mut customer = V1::connect(&server.address, hello("/lamp")).await;
    assert_eq!(says(&mut customer, "one").await, "Welcome.");
    assert_eq!(says(&mut customer, "two").await, "Lamps.");
    let (token, came) = (customer.token(), agent.snapshot().await.conversations[0].customer.last_seen_at);

    // Half an hour begins when the last connection ends, not when it began.
    clock.forward(HOUR);
    drop(customer);
    agent.until(|conversation| conversation.customer.last_seen_at > came).await;
    clock.forward(31 * 60 * 1000);
    let again = |page: &str| {
        let mut hello = hello(page);
        hello["token"] = json!(token);
        hello
    };
    let mut customer = V1::connect(&server.address, again("/lamp")).await;
    assert_eq!(says(&mut customer, "three").await, "Welcome back.");
    assert_eq!(says(&mut customer, "four").await, "Lamps.");
    // A second tab is on another page, and no other visit.
    let mut tab = V1::connect(&server.address, again("/pricing?lamp")).await;
    assert_eq!(says(&mut tab, "five").await, "Prices.");
    clock.forward(7 * HOUR);
    assert_eq!(says(&mut tab, "six").await, "Prices.");
    assert_eq!(says(&mut customer, "seven").await, "Closed.");
}
