//! What agents teach the responder: what is refused and with which sentence, files that go out and come in, hours.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{HashMap, HashSet};

use deskbell_desk::{
    Past, Responder, import_answers, import_starters, is_open, read_answers, replay, starter_answers,
    validate_answer, validate_responder, validate_rule, write_answers,
};
use deskbell_protocol::entity::{Author, Customer, Message, Source, SourceKind};
use deskbell_protocol::responder::{
    Action, Answer, FileFormat, ImportProblem, Outcome, Question, Replayed, Rule, Trigger, Why,
};
use deskbell_protocol::settings::{BusinessHours, Fallback, Language, Localized, Settings, Span};
use deskbell_protocol::{AnswerId, Code, ConversationId, Refusal, Revision, RuleId, Seq, Timestamp};
use proptest::prelude::*;

fn rule(id: i64, trigger: Trigger) -> Rule {
    Rule {
        id: RuleId(id),
        name: format!("Rule {id}"),
        enabled: true,
        trigger,
        languages: Vec::new(),
        page: String::new(),
        action: Action::Reply { text: text("Yes.") },
    }
}

fn phrases(phrases: &[&str]) -> Trigger {
    Trigger::Phrase { phrases: phrases.iter().map(|phrase| (*phrase).to_owned()).collect() }
}

fn pattern(pattern: &str) -> Trigger {
    Trigger::Regex { pattern: pattern.to_owned() }
}

fn text(en: &str) -> Localized {
    Localized { en: en.to_owned(), zh_cn: String::new() }
}

fn answer(id: i64, questions: &[&str], reply: &str) -> Answer {
    Answer {
        id: AnswerId(id),
        enabled: true,
        questions: questions.iter().map(|question| (*question).to_owned()).collect(),
        reply: reply.to_owned(),
        languages: Vec::new(),
        labels: Vec::new(),
    }
}

fn field_and_sentence<T: std::fmt::Debug>(result: Result<T, Refusal>) -> (String, String) {
    let refusal = result.unwrap_err();
    assert_eq!(refusal.code, Code::InvalidSetting);
    // Whichever language the console speaks.
    let chinese = refusal.message_zh.expect(&refusal.message);
    assert!(chinese.ends_with('。') && !chinese.is_ascii(), "{chinese}");
    (refusal.field.unwrap(), refusal.message)
}

#[test]
fn a_bad_expression_is_refused_with_the_place() {
    let (field, sentence) = field_and_sentence(validate_rule(rule(0, pattern(r"order (\d+")), &[]));
    assert_eq!(field, "trigger.pattern");
    assert_eq!(sentence, "This expression cannot be read at character 7: unclosed group.");
    let (_, sentence) = field_and_sentence(validate_rule(rule(0, pattern("订单[号")), &[]));
    assert!(sentence.contains("at character 3: unclosed character class"), "{sentence}");
    let (_, sentence) = field_and_sentence(validate_rule(rule(0, pattern("(?=look)ahead")), &[]));
    assert!(sentence.contains("character 1: look-around"), "{sentence}");
    let (field, sentence) = field_and_sentence(validate_rule(
        Rule { action: Action::Reply { text: text("Order {2}") }, ..rule(0, pattern(r"order (\d+)")) },
        &[],
    ));
    assert_eq!(
        (field.as_str(), sentence.as_str()),
        ("action.text", "The reply uses {2}, but the expression has 1 groups.")
    );
}

#[test]
fn a_phrase_that_another_rule_answers_is_refused_unless_both_can_apply() {
    let other = rule(1, phrases(&["Hello", "good  Morning!"]));
    let check = |rule: Rule| validate_rule(rule, std::slice::from_ref(&other));
    let same = rule(2, phrases(&["hi", "Ｇood morning"]));
    let (field, sentence) = field_and_sentence(check(same.clone()));
    assert_eq!(field, "trigger.phrases.1");
    assert_eq!(sentence, "“good  Morning!” is a phrase of the rule “Rule 1” already.");
    check(Rule { id: RuleId(1), ..same.clone() }).expect("the rule itself is no other");
    check(Rule { enabled: false, ..same.clone() }).expect("switched off");
    check(Rule { page: "/pricing".to_owned(), ..same.clone() }).expect("on another page");
    check(Rule { action: Action::Label { label: "greeting".to_owned() }, ..same.clone() })
        .expect("the chain goes on");
    let english = Rule { languages: vec![Language::En], ..other.clone() };
    let chinese = Rule { languages: vec![Language::ZhCn], ..same.clone() };
    validate_rule(chinese, &[english]).expect("no customer speaks both");
    let (field, sentence) = field_and_sentence(validate_rule(rule(0, phrases(&["Hello", "hello!"])), &[]));
    assert_eq!((field.as_str(), sentence.as_str()), ("trigger.phrases.1", "“hello!” is there twice."));
}

#[test]
fn a_rule_within_its_bounds_is_trimmed_and_others_are_refused() {
    let trimmed = Rule {
        name: "  Ping \n rule ".to_owned(),
        page: " /a ".to_owned(),
        ..rule(0, phrases(&[" ping\tpong "]))
    };
    let valid = validate_rule(trimmed, &[]).unwrap();
    assert_eq!((valid.name.as_str(), valid.page.as_str()), ("Ping rule", "/a"));
    assert_eq!(valid.trigger, phrases(&["ping pong"]));
    let long = |bytes: usize| "x".repeat(bytes);
    let base = || rule(0, phrases(&["ping"]));
    let keywords = |keywords: Vec<String>| Trigger::Keywords { keywords, all: false };
    for (field, bad) in [
        ("name", Rule { name: "  ".to_owned(), ..base() }),
        ("name", Rule { name: long(129), ..base() }),
        ("page", Rule { page: long(513), ..base() }),
        ("trigger.phrases", rule(0, phrases(&[]))),
        ("trigger.phrases.1", rule(0, phrases(&["a", " "]))),
        ("trigger.phrases.0", rule(0, phrases(&["\u{200b}"]))),
        ("trigger.keywords.0", rule(0, keywords(vec![long(513)]))),
        ("trigger.keywords", rule(0, keywords((0..101).map(|n| n.to_string()).collect()))),
        ("trigger.pattern", rule(0, pattern(""))),
        ("trigger.pattern", rule(0, pattern(&long(1025)))),
        ("action.text", Rule { action: Action::Reply { text: text(" ") }, ..base() }),
        ("action.text", Rule { action: Action::NeedsHuman { text: text(&long(4097)) }, ..base() }),
        ("action.label", Rule { action: Action::Label { label: " ".to_owned() }, ..base() }),
        ("action.label", Rule { action: Action::Label { label: long(65) }, ..base() }),
    ] {
        let (found, sentence) = field_and_sentence(validate_rule(bad, &[]));
        assert_eq!(found, field, "{sentence}");
        assert!(sentence.ends_with('.'), "{sentence}");
    }
    let full: Vec<Rule> = (1..=500).map(|id| rule(id, Trigger::Always {})).collect();
    assert_eq!(validate_rule(base(), &full).unwrap_err().code, Code::TooLong);
    validate_rule(rule(500, Trigger::Always {}), &full).expect("changing one is always possible");
}

#[test]
fn a_stored_rule_that_cannot_be_read_stays_in_the_list_and_says_so() {
    let responder = Responder::new(vec![rule(1, pattern("(")), rule(2, phrases(&["ping"]))], Vec::new());
    assert_eq!(responder.rules().len(), 2);
    let question = Question { text: "ping".to_owned(), ..Question::default() };
    let verdict = responder.verdict(&question, &Settings::default(), Timestamp(0), true);
    assert!(matches!(&verdict.steps[1].why, Why::Failed { message, message_zh }
        if message.contains("unclosed group") && message_zh.contains("无法识别")));
    assert_eq!(verdict.steps[2].source.id, Some(2));
}

#[test]
fn an_answer_whose_question_is_taken_is_refused_with_the_name_of_the_other() {
    let other = answer(1, &["How do I pay?", "Payment"], "By card.");
    let check = |answer: Answer| validate_answer(answer, std::slice::from_ref(&other));
    let (field, sentence) = field_and_sentence(check(answer(0, &["Costs", "payment!"], "…")));
    assert_eq!(field, "questions.1");
    assert_eq!(sentence, "“payment!” is a question of the answer “How do I pay?” already.");
    let (_, sentence) = field_and_sentence(check(answer(0, &["how do i pay"], "…")));
    assert_eq!(sentence, "There is an answer to “how do i pay” already: change that one.");
    check(answer(1, &["Payment"], "…")).expect("the answer itself is no other");
    let valid = check(answer(0, &[" Costs\n today ", "costs today?", " "], " ok ")).unwrap();
    assert_eq!((valid.questions, valid.reply.as_str()), (vec!["Costs today".to_owned()], "ok"));
    for (field, bad) in [
        ("questions", answer(0, &[" "], "x")),
        ("questions.0", answer(0, &[&"x".repeat(513)], "x")),
        ("reply", answer(0, &["x"], " ")),
        ("reply", answer(0, &["x"], &"x".repeat(4097))),
        ("labels", Answer { labels: (0..9).map(|n| n.to_string()).collect(), ..answer(0, &["x"], "x") }),
        ("labels.0", Answer { labels: vec!["x".repeat(65)], ..answer(0, &["x"], "x") }),
    ] {
        assert_eq!(field_and_sentence(validate_answer(bad, &[])).0, field);
    }
}

#[test]
fn no_cell_of_a_spreadsheet_is_a_formula() {
    let evil = Answer {
        labels: vec!["@SUM(A1)".to_owned()],
        ..answer(3, &["=cmd|' /C calc'!A0", "-2+3"], "+49 30 123\n=HYPERLINK(\"http://x\")")
    };
    let quoted = answer(4, &["'=quoted already"], "'plain");
    let answers = vec![evil, quoted];
    let csv = write_answers(FileFormat::Csv, &answers);
    let mut reader = csv::Reader::from_reader(csv.trim_start_matches('\u{feff}').as_bytes());
    assert_eq!(
        reader.headers().unwrap().iter().collect::<Vec<_>>().join(","),
        "id,enabled,questions,reply,languages,labels"
    );
    for record in reader.records().map(Result::unwrap) {
        for cell in &record {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
        }
    }
    assert_eq!(read_answers(FileFormat::Csv, &csv).unwrap(), answers);
}

#[test]
fn files_of_spreadsheets_are_read_whatever_their_separators_and_columns() {
    let semicolons = "\u{feff}Reply;Questions;Enabled\r\nBy card.;\"How do I pay?\nPayment\";FALSE\r\n;;\r\n";
    let problems = read_answers(FileFormat::Csv, semicolons).unwrap_err();
    assert_eq!(problems, [problem(2, "Write the question as customers put it.", "请按客户的说法填写问题。")]);
    let read = read_answers(FileFormat::Csv, semicolons.trim_end_matches(";;\r\n")).unwrap();
    assert_eq!(read, [Answer { enabled: false, ..answer(0, &["How do I pay?", "Payment"], "By card.") }]);
    let tabs = "questions\treply\tlanguages\tlabels\nHow?\tSo.\ten zh\tone\n";
    let read = read_answers(FileFormat::Csv, tabs).unwrap();
    assert_eq!(read[0].languages, [Language::En, Language::ZhCn]);
    assert_eq!(read[0].labels, ["one"]);
    let bad = "id,questions,reply,languages,enabled\nx,q,r,,\n1,q,r,fr,\n1,q,r,,maybe\n";
    let problems = read_answers(FileFormat::Csv, bad).unwrap_err();
    assert_eq!(problems.iter().map(|problem| problem.record).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(problems[1].message.contains("“fr” is not a language here"));
    all_in_chinese(&problems);
    let (nothing, json) = (read_answers(FileFormat::Csv, ""), read_answers(FileFormat::Json, "{\"a\":1}"));
    let (nothing, json) = (nothing.unwrap_err(), json.unwrap_err());
    assert_eq!(nothing[0].record, 0);
    assert!(json[0].message.starts_with("This is not a JSON array of answers"));
    assert_eq!(json[0].message_zh, "这不是由答案组成的 JSON 数组：第 1 行第 0 列有误。");
    all_in_chinese(&nothing);
    let partly =
        r#"[{"questions":["How?"],"reply":"So."},{"questions":"no list","reply":"x"},{"reply":"x"}]"#;
    let problems = read_answers(FileFormat::Json, partly).unwrap_err();
    assert_eq!(problems.iter().map(|problem| problem.record).collect::<Vec<_>>(), [2, 3]);
    all_in_chinese(&problems);
    let many: String =
        std::iter::once("questions,reply\n".to_owned()).chain((0..300).map(|_| "q,\n".to_owned())).collect();
    assert_eq!(read_answers(FileFormat::Csv, &many).unwrap_err().len(), 100);
}

fn problem(record: u32, message: &str, message_zh: &str) -> ImportProblem {
    ImportProblem { record, message: message.to_owned(), message_zh: message_zh.to_owned() }
}

fn all_in_chinese(problems: &[ImportProblem]) {
    for ImportProblem { message_zh, .. } in problems {
        assert!(message_zh.ends_with('。') && !message_zh.is_ascii(), "{message_zh}");
    }
}

#[test]
fn an_import_changes_what_is_known_adds_what_is_not_and_does_nothing_with_a_problem() {
    let there =
        vec![answer(1, &["Pay?"], "Card."), answer(2, &["Ship?"], "Yes."), answer(7, &["Tall?"], "Very.")];
    let import = import_answers(
        &there,
        vec![
            answer(1, &["Pay?"], "Card."),
            answer(2, &["Ship?", "Sail?"], "Yes."),
            answer(99, &["New?"], "Yes."),
            answer(0, &["Tall?"], "Very."),
        ],
    );
    let numbers = &import.imported;
    assert_eq!((numbers.added, numbers.changed, numbers.unchanged), (1, 1, 2));
    assert_eq!(import.added, [answer(0, &["New?"], "Yes.")]);
    assert_eq!(import.changed, [answer(2, &["Ship?", "Sail?"], "Yes.")]);
    // Two records swap their questions: neither is taken.
    let swapped = import_answers(&there, vec![answer(1, &["Ship?"], "a"), answer(2, &["Pay?"], "b")]);
    assert_eq!((swapped.imported.changed, swapped.imported.problems.len()), (2, 0));
    let import = import_answers(
        &there,
        vec![
            answer(0, &["Ok?"], "Ok."),
            answer(0, &["pay"], "Cash."),
            answer(0, &["ok"], "Twice."),
            answer(7, &["a"], "b"),
            answer(7, &["c"], "d"),
        ],
    );
    assert_eq!(import.imported.problems.iter().map(|problem| problem.record).collect::<Vec<_>>(), [2, 3, 5]);
    assert!(import.added.is_empty() && import.changed.is_empty());
    assert_eq!(import.imported.problems[2].message, "Another record has the id 7, too.");
    all_in_chinese(&import.imported.problems);
}

/// What happened in a conversation, for a replay: who, what, and the customer's visit.
fn past(happened: &[(Author, &str, u32)]) -> (Vec<Message>, HashMap<Seq, u32>) {
    let mut visits = HashMap::new();
    let mut thread = Vec::new();
    for ((author, text, visit), seq) in happened.iter().zip(1..) {
        let seq = Seq(seq);
        if *visit > 0 {
            visits.insert(seq, *visit);
        }
        thread.push(Message {
            seq,
            revision: Revision(seq.0),
            at: Timestamp(seq.0),
            author: *author,
            text: (*text).to_owned(),
            name: None,
            client_id: None,
            source: (*author == Author::Automatic).then(|| Source::of(SourceKind::Fallback)),
            system: None,
            change: None,
        });
    }
    (thread, visits)
}

fn replayed(settings: &Settings, rules: Vec<Rule>, happened: &[(Author, &str, u32)]) -> Vec<Replayed> {
    let (thread, visits) = past(happened);
    let customer = Customer::default();
    let past =
        Past { conversation: ConversationId(1), customer: &customer, thread: &thread, visits: &visits };
    replay(&Responder::new(rules, Vec::new()), settings, &past)
}

#[test]
fn a_replay_begins_each_visit_anew() {
    use Author::{Automatic, Customer as Them};
    const REPLY: &str = "Hello, what can we help you with?";
    let once = Settings { fallback: Fallback::OncePerVisit, ..Settings::default() };
    let happened = [
        (Them, "one", 1),
        (Automatic, REPLY, 0),
        (Them, "two", 1),
        (Them, "three", 2),
        (Automatic, REPLY, 0),
        (Them, "four", 2),
    ];
    let now = replayed(&once, Vec::new(), &happened);
    assert!(now.iter().all(|message| !message.changed), "{now:?}");
    let said: Vec<_> =
        now.iter().map(|message| matches!(message.now.outcome, Outcome::Reply { .. })).collect();
    assert_eq!(said, [true, false, true, false]);
    // Who came back is one to rules, too; who wrote first is not.
    let back =
        Rule { action: Action::Reply { text: text("Back!") }, ..rule(1, Trigger::ReturningCustomer {}) };
    let changed: Vec<_> =
        replayed(&once, vec![back], &happened).into_iter().map(|message| message.changed).collect();
    // In that visit the default reply was not used yet: it is for the message after.
    assert_eq!(changed, [false, false, true, true]);
    // Of visits that nobody noted, nothing is taken to have been said before.
    let unknown = happened.map(|(author, text, _)| (author, text, 0));
    let said = replayed(&once, Vec::new(), &unknown);
    assert!(said.iter().all(|message| matches!(message.now.outcome, Outcome::Reply { .. })), "{said:?}");
}

#[test]
fn what_a_model_would_say_again_is_no_change() {
    let mut asks = Settings::default();
    (asks.responder.model.enabled, asks.responder.model.model) = (true, "test".to_owned());
    let (mut thread, visits) = past(&[(Author::Customer, "one", 1), (Author::Automatic, "Yes.", 0)]);
    let customer = Customer::default();
    for (kind, changed) in [(SourceKind::Model, false), (SourceKind::Rule, true)] {
        thread[1].source = Some(Source::of(kind));
        let past =
            Past { conversation: ConversationId(1), customer: &customer, thread: &thread, visits: &visits };
        let now = replay(&Responder::default(), &asks, &past);
        assert_eq!((now.len(), now[0].changed), (1, changed), "{kind:?}");
        assert!(matches!(now[0].now.outcome, Outcome::Ask { .. }));
    }
}

#[test]
fn the_starter_set_is_valid_free_of_doubles_and_added_once() {
    let starters = starter_answers();
    let chinese = starters.iter().filter(|answer| !answer.questions[0].is_ascii()).count();
    assert!(chinese >= 20 && starters.len() - chinese >= 20, "{chinese} of {}", starters.len());
    let questions: Vec<&String> = starters.iter().flat_map(|answer| &answer.questions).collect();
    assert_eq!(questions.iter().collect::<HashSet<_>>().len(), questions.len());
    let first = import_starters(&[]);
    assert_eq!((first.added.len(), first.imported.problems.len()), (starters.len(), 0));
    let mut there: Vec<Answer> =
        first.added.into_iter().zip(1..).map(|(answer, id)| Answer { id: AnswerId(id), ..answer }).collect();
    there[0].reply = "Changed by the agent.".to_owned();
    there.remove(1);
    let again = import_starters(&there);
    assert_eq!(again.added, [Answer { id: AnswerId(0), ..starters[1].clone() }]);
    assert_eq!(again.imported.unchanged as usize, starters.len() - 1);
}

#[test]
fn hours_follow_the_clock_on_the_wall() {
    let all_day =
        |time_zone: &str, days: Vec<Vec<Span>>| BusinessHours { time_zone: time_zone.to_owned(), days };
    let nine_to_five = vec![vec![Span { from: 540, to: 1020 }]; 7];
    let open = |hours: &BusinessHours, at: &str| {
        is_open(hours, Timestamp(at.parse::<jiff::Timestamp>().unwrap().as_millisecond()))
    };
    let shanghai = all_day("Asia/Shanghai", nine_to_five.clone());
    assert!(open(&shanghai, "2026-07-01T01:00:00Z") && !open(&shanghai, "2026-07-01T00:59:59Z"));
    let new_york = all_day("America/New_York", nine_to_five.clone());
    // Clocks go forward on 8 March and back on 1 November 2026.
    assert!(!open(&new_york, "2026-03-06T13:30:00Z") && open(&new_york, "2026-03-09T13:30:00Z"));
    assert!(open(&new_york, "2026-10-30T13:30:00Z") && !open(&new_york, "2026-11-02T13:30:00Z"));
    // An hour that is there twice is open twice; one that is not there at all is no error.
    let night = all_day("Europe/Berlin", vec![vec![Span { from: 120, to: 180 }]; 7]);
    assert!(open(&night, "2026-10-25T00:30:00Z") && open(&night, "2026-10-25T01:30:00Z"));
    assert!(!open(&night, "2026-03-29T00:59:00Z") && !open(&night, "2026-03-29T01:00:00Z"));
    let always = all_day("utc", vec![vec![Span { from: 0, to: 1440 }]; 7]);
    assert!(open(&always, "2026-01-01T23:59:59.999Z"));
    assert!(!open(&all_day("UTC", vec![Vec::new(); 7]), "2026-01-01T12:00:00Z"));
    for odd in ["Mars/Base", ""] {
        assert!(open(&all_day(odd, nine_to_five.clone()), "2026-01-01T03:00:00Z"));
    }
    assert!(is_open(&shanghai, Timestamp(i64::MAX)) && is_open(&shanghai, Timestamp(i64::MIN)));
}

#[test]
fn settings_of_the_responder_are_refused_field_by_field() {
    let check = |change: &dyn Fn(&mut Settings)| {
        let mut settings = Settings::default();
        change(&mut settings);
        settings.validated().and_then(|settings| validate_responder(&settings.responder).map(|()| settings))
    };
    let week = |spans: Vec<(u32, u32)>| {
        let spans: Vec<Span> = spans.into_iter().map(|(from, to)| Span { from, to }).collect();
        Some(BusinessHours { time_zone: "Europe/Berlin".to_owned(), days: vec![spans; 7] })
    };
    let zone =
        |time_zone: &str| Some(BusinessHours { time_zone: time_zone.to_owned(), days: vec![Vec::new(); 7] });
    type Change<'a> = &'a dyn Fn(&mut Settings);
    let bad: [(&str, Change<'_>); 16] = [
        ("threshold_percent", &|s| s.responder.threshold_percent = 0),
        ("threshold_percent", &|s| s.responder.threshold_percent = 101),
        ("human_phrases.0", &|s| s.responder.human_phrases = vec!["x".repeat(129)]),
        ("human_phrases", &|s| s.responder.human_phrases = vec!["x".to_owned(); 101]),
        ("person_called.zh-CN", &|s| s.responder.person_called.zh_cn = "x".repeat(4097)),
        ("away_text.en", &|s| s.responder.away_text.en = "x".repeat(4097)),
        ("model.url", &|s| s.responder.model.url = "localhost:11434".to_owned()),
        ("model.url", &|s| s.responder.model.url = "http://user:key@host/v1".to_owned()),
        ("model.model", &|s| s.responder.model.enabled = true),
        ("model.deadline_seconds", &|s| s.responder.model.deadline_seconds = 0),
        ("model.max_tokens", &|s| s.responder.model.max_tokens = 5),
        ("webhook.url", &|s| s.responder.webhook.enabled = true),
        ("away_after_minutes", &|s| s.responder.away_after_minutes = 1441),
        ("hours.days.0.1", &|s| s.responder.hours = week(vec![(540, 720), (700, 800)])),
        ("hours.days.0.0", &|s| s.responder.hours = week(vec![(1380, 1500)])),
        ("hours.time_zone", &|s| s.responder.hours = zone("Europe/Atlantis")),
    ];
    for (field, change) in bad {
        let (found, sentence) = field_and_sentence(check(change));
        assert_eq!(found, format!("responder.{field}"), "{sentence}");
        assert!(sentence.ends_with('.'), "{sentence}");
    }
    let good = check(&|s| {
        s.responder.hours = week(vec![(0, 720), (720, 1440)]);
        s.responder.human_phrases = vec!["  boss ".to_owned(), " ".to_owned()];
        s.responder.model.url = " http://[::1]:11434/v1/ ".to_owned();
    });
    let good = good.unwrap().responder;
    assert_eq!(
        (good.human_phrases, good.model.url.as_str()),
        (vec!["boss".to_owned()], "http://[::1]:11434/v1")
    );
}

fn any_answer() -> impl Strategy<Value = Answer> {
    let line = "[=+@',;\"a-z的 -]{0,8}[a-z的]";
    (
        any::<bool>(),
        proptest::collection::vec(line, 1..4),
        "[=+@'\\-\",;a-z的\n\r\t ]{0,20}[a-z]",
        proptest::collection::vec(proptest::sample::select(vec![Language::En, Language::ZhCn]), 0..3),
        proptest::collection::vec(line, 0..3),
    )
        .prop_map(|(enabled, questions, reply, languages, labels)| Answer {
            id: AnswerId(0),
            enabled,
            questions,
            reply: reply.replace('\r', ""),
            languages,
            labels,
        })
}

proptest! {
    #[test]
    fn what_goes_out_comes_back(answers in proptest::collection::vec(any_answer(), 0..6)) {
        let valid: Vec<Answer> =
            answers.into_iter().filter_map(|answer| validate_answer(answer, &[]).ok()).collect();
        for format in [FileFormat::Csv, FileFormat::Json] {
            prop_assert_eq!(&read_answers(format, &write_answers(format, &valid)).unwrap(), &valid);
        }
    }

    #[test]
    fn no_file_makes_the_desk_panic(content in "[\\PC\r\n\",;]{0,200}", header in any::<bool>()) {
        let content = if header { format!("id,enabled,questions,reply,languages,labels\n{content}") } else { content };
        for format in [FileFormat::Csv, FileFormat::Json] {
            if let Ok(answers) = read_answers(format, &content) {
                let import = import_answers(&[], answers);
                prop_assert!(import.imported.problems.len() <= 100);
            }
        }
    }
}
