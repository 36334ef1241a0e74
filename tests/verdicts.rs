//! The chain's verdict on tables of messages. The tables are data: tests/data/.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use deskbell_desk::{Responder, starter_answers};
use deskbell_protocol::Timestamp;
use deskbell_protocol::entity::SourceKind;
use deskbell_protocol::responder::{Answer, Outcome, Question, Rule, Verdict};
use deskbell_protocol::settings::{Language, Settings};

#[test]
#[ignore]
fn probe() {
    let mut answers = starter_answers();
    for (i, a) in answers.iter_mut().enumerate() {
        a.id.0 = i as i64 + 1;
    }
    println!("{}", answers.len());
    let responder = Responder::new(vec![], answers);
    let settings = Settings::default();
    for line in std::fs::read_to_string("/tmp/probe.txt").unwrap().lines() {
        let q = Question { text: line.to_owned(), ..Default::default() };
        let v = responder.verdict(&q, &settings, Timestamp(0), true);
        let o = match &v.outcome {
            Outcome::Reply { source, .. } => format!("{:?} {:?}", source.kind, source.name),
            o => format!("{o:?}").chars().take(60).collect(),
        };
        println!("\n{line}\n   => {o}");
        for s in v.steps.iter().filter(|s| s.source.kind == SourceKind::Answer).take(3) {
            println!("      {:?} {:?} / {:?}", s.source.score, s.source.name, s.source.matched);
        }
    }
}
