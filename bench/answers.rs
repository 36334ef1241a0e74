//! A match among 10,000 answers, what the index costs, and a verdict of a desk that has none. No server: the chain alone.

use std::hint::black_box;
use std::time::{Duration, Instant};

use deskbell_desk::{Responder, starter_answers};
use deskbell_protocol::responder::{Action, Answer, Question, Rule, Trigger};
use deskbell_protocol::settings::{Localized, Settings};
use deskbell_protocol::{AnswerId, RuleId, Timestamp};

use crate::page::Page;
use crate::{memory, percentiles};

const ANSWERS: usize = 10_000;
const QUESTIONS: usize = 20_000;

pub(crate) fn run() {
    let settings = Settings::default();
    let mut page = Page::new(
        "answers",
        "A match among 10,000 answers",
        "What the quick part of the responder takes for one message, and what its index costs. Promised: 2 ms for 99 of 100\n\
         messages such as people write. A message as long as the limit allows is shown apart.",
    );
    let few = Responder::new(rules(), Vec::new());
    let plain: Vec<String> =
        (0..QUESTIONS).map(|number| format!("How long does delivery of number {number} take?")).collect();
    report(&mut page, "a few rules, no answers", times(&few, &settings, &plain));

    let mut words = Words(1);
    let answers: Vec<Answer> = (1..).take(ANSWERS).map(|id| words.answer(id)).collect();
    let mut questions: Vec<String> = Vec::with_capacity(QUESTIONS);
    while questions.len() < QUESTIONS {
        let of = &answers[words.below(ANSWERS)].questions;
        let nth = words.below(of.len());
        questions.push(words.disturbed(&of[nth]));
    }
    // The dictionary of Chinese is read once a process, whatever the number of answers.
    let before = memory::resident_kib(std::process::id());
    let began = Instant::now();
    drop(Responder::new(Vec::new(), starter_answers()));
    let dictionary = began.elapsed();
    let with_dictionary = memory::resident_kib(std::process::id());
    let variants: usize = answers.iter().map(|answer| answer.questions.len()).sum();
    let began = Instant::now();
    let responder = Responder::new(rules(), answers);
    let built = began.elapsed();
    let after = memory::resident_kib(std::process::id());
    page.say(&format!(
        "index of {ANSWERS} answers with {variants} question variants in {:.2} s, {} MiB; once a process, the Chinese dictionary in {:.2} s, {} MiB",
        built.as_secs_f64(),
        (after - with_dictionary) / 1024,
        dictionary.as_secs_f64(),
        (with_dictionary - before) / 1024,
    ));
    report(&mut page, "questions near those of the base", times(&responder, &settings, &questions));
    let strange: Vec<String> = (0..QUESTIONS).map(|_| words.sentence(8, true)).collect();
    report(&mut page, "words of the base in any order", times(&responder, &settings, &strange));
    let long: Vec<String> = (0..200)
        .map(|_| words.sentence(4_000, true))
        .map(|mut text| {
            text.truncate(text.floor_char_boundary(16 * 1024));
            text
        })
        .collect();
    report(&mut page, "messages of 16 KiB", times(&responder, &settings, &long));
    page.write();
}

fn report(page: &mut Page, what: &str, times: Vec<Duration>) {
    let total: Duration = times.iter().sum();
    let mean = total.as_secs_f64() * 1e6 / f64::from(u32::try_from(times.len()).unwrap());
    page.say(&format!("{what}: mean {mean:.1} µs, {}", percentiles::summary(times)));
}

fn times(responder: &Responder, settings: &Settings, questions: &[String]) -> Vec<Duration> {
    let ask = |text: &String| {
        let question = Question { text: text.clone(), ..Question::default() };
        let began = Instant::now();
        black_box(responder.verdict(black_box(&question), settings, Timestamp(0), false));
        began.elapsed()
    };
    questions.iter().take(100).for_each(|text| {
        let _warm = ask(text);
    });
    questions.iter().map(ask).collect()
}

fn rules() -> Vec<Rule> {
    let rule = |id: i64, trigger: Trigger| Rule {
        id: RuleId(id),
        name: format!("Rule {id}"),
        enabled: true,
        trigger,
        languages: Vec::new(),
        page: String::new(),
        action: Action::Reply { text: Localized { en: "Yes.".to_owned(), zh_cn: String::new() } },
    };
    let list = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    vec![
        rule(1, Trigger::Phrase { phrases: list(&["ping", "are you there?"]) }),
        rule(2, Trigger::Keywords { keywords: list(&["wholesale", "reseller", "批发"]), all: false }),
        rule(3, Trigger::Regex { pattern: r"invoice\s+#?(\d{6,})".to_owned() }),
    ]
}

/// Sentences of made-up bases: few words are frequent and many are rare, as in every language.
struct Words(u64);

const FRAMES: [&str; 6] =
    ["how do i X", "where is my X", "can you X please", "what does X cost", "怎么X", "请问X多久"];
const CHINESE: [&str; 24] = [
    "退货",
    "退款",
    "订单",
    "物流",
    "发货",
    "地址",
    "密码",
    "账号",
    "优惠",
    "发票",
    "支付",
    "尺码",
    "颜色",
    "客服",
    "会员",
    "积分",
    "安装",
    "维修",
    "保修",
    "配件",
    "型号",
    "电池",
    "屏幕",
    "说明书",
];
const COMMON: [&str; 16] = [
    "order",
    "delivery",
    "return",
    "refund",
    "account",
    "payment",
    "invoice",
    "password",
    "shipping",
    "product",
    "size",
    "address",
    "voucher",
    "warranty",
    "email",
    "subscription",
];

impl Words {
    /// xorshift64: the same base in every run.
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound).unwrap()).unwrap()
    }

    fn word(&mut self, chinese: bool) -> String {
        let pick = self.below(10);
        if chinese && pick < 4 {
            return CHINESE[self.below(CHINESE.len())].to_owned();
        }
        if pick < 6 {
            return COMMON[self.below(COMMON.len())].to_owned();
        }
        // A product's name.
        const SYLLABLES: [&str; 20] = [
            "ba", "ce", "di", "fo", "gu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo", "zu", "lor",
            "nix", "tam", "ber", "son",
        ];
        (0..3).map(|_| SYLLABLES[self.below(SYLLABLES.len())]).collect()
    }

    fn sentence(&mut self, length: usize, chinese: bool) -> String {
        (0..length).map(|_| self.word(chinese)).collect::<Vec<_>>().join(" ")
    }

    fn answer(&mut self, id: i64) -> Answer {
        let subject = self.sentence(2, true);
        let questions = (0..3)
            .map(|_| {
                let length = 1 + self.below(3);
                let about = format!("{subject} {}", self.sentence(length, true));
                FRAMES[self.below(FRAMES.len())].replace('X', &about)
            })
            .collect();
        Answer {
            id: AnswerId(id),
            enabled: true,
            questions,
            reply: self.sentence(20, false),
            languages: Vec::new(),
            labels: Vec::new(),
        }
    }

    /// A question as a customer puts it: a word more, sometimes a letter less.
    fn disturbed(&mut self, question: &str) -> String {
        let mut text = format!("hello, {question} {}", self.word(true));
        if self.below(3) == 0 {
            let at = text.floor_char_boundary(self.below(text.len()));
            text.remove(at);
        }
        text
    }
}
