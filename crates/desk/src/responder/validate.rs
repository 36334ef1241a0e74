//! What an agent wants to save, within its bounds and trimmed, or the refusal of the first bad field.

use std::collections::HashMap;

use deskbell_protocol::responder::{Action, Answer, Rule, Trigger};
use deskbell_protocol::settings::{Language, Localized, ResponderSettings, within};
use deskbell_protocol::{Code, Refusal, limits};

use super::text::{key, normalized};
use super::{fill, hours, pattern};

/// A rule as it can be saved beside these others; the one of the same id is not one of them.
///
/// # Errors
/// [`Code::InvalidSetting`] with the field, such as `trigger.phrases.2`, and a sentence.
pub fn validate_rule(mut rule: Rule, others: &[Rule]) -> Result<Rule, Refusal> {
    let is_new = !others.iter().any(|other| other.id == rule.id);
    if is_new && others.len() >= limits::RULES {
        return Err(Refusal::new(Code::TooLong, format!("At most {} rules.", limits::RULES))
            .in_chinese(format!("最多 {} 条规则。", limits::RULES)));
    }
    rule.name = one_line(&rule.name);
    required("name", &rule.name, limits::NAME_BYTES, ("Give the rule a name.", "请给规则起个名称。"))?;
    rule.page = rule.page.trim().to_owned();
    within("page", &rule.page, limits::PHRASE_BYTES)?;
    distinct(&mut rule.languages);
    let groups = trigger(&mut rule.trigger)?;
    action(&mut rule.action, groups.as_ref())?;
    free_phrases(&rule, others)?;
    Ok(rule)
}

/// What a rule's expression captures: how many groups.
struct Groups(usize);

fn trigger(trigger: &mut Trigger) -> Result<Option<Groups>, Refusal> {
    match trigger {
        Trigger::Phrase { phrases } => words("trigger.phrases", phrases, ("phrase", "短语"))?,
        Trigger::Keywords { keywords, .. } => words("trigger.keywords", keywords, ("keyword", "关键词"))?,
        Trigger::Regex { pattern } => {
            const FIELD: &str = "trigger.pattern";
            *pattern = pattern.trim().to_owned();
            required(
                FIELD,
                pattern,
                limits::PATTERN_BYTES,
                ("Write the regular expression.", "请填写正则表达式。"),
            )?;
            let regex = pattern::compiled(pattern).map_err(|fault| {
                Refusal::of_field(FIELD, fault.to_string()).in_chinese(fault.in_chinese())
            })?;
            return Ok(Some(Groups(regex.captures_len().saturating_sub(1))));
        }
        Trigger::FirstMessage {}
        | Trigger::ReturningCustomer {}
        | Trigger::OutsideHours {}
        | Trigger::Always {} => {}
    }
    Ok(None)
}

/// What they are called, in English and in Chinese.
fn words(field: &str, words: &mut [String], (what, chinese): (&str, &str)) -> Result<(), Refusal> {
    words.iter_mut().for_each(|word| *word = one_line(word));
    if words.is_empty() {
        return Err(Refusal::of_field(field, format!("Add a {what} at least."))
            .in_chinese(format!("请至少添加一个{chinese}。")));
    }
    if words.len() > limits::RULE_WORDS {
        let most = limits::RULE_WORDS;
        return Err(Refusal::of_field(field, format!("At most {most} of them."))
            .in_chinese(format!("最多 {most} 个。")));
    }
    let mut seen = HashMap::new();
    for (nth, word) in words.iter().enumerate() {
        let field = format!("{field}.{nth}");
        let empty = (&*format!("This {what} is empty."), &*format!("这个{chinese}是空的。"));
        required(&field, word, limits::PHRASE_BYTES, empty)?;
        let own = key(&normalized(word)).to_owned();
        if own.is_empty() {
            return Err(Refusal::of_field(&field, format!("This {what} has nothing that shows."))
                .in_chinese(format!("这个{chinese}没有可见的内容。")));
        }
        if seen.insert(own, nth).is_some() {
            let shown = limits::cut(word, 80);
            return Err(Refusal::of_field(&field, format!("“{shown}” is there twice."))
                .in_chinese(format!("“{shown}”重复了。")));
        }
    }
    Ok(())
}

fn action(action: &mut Action, groups: Option<&Groups>) -> Result<(), Refusal> {
    match action {
        Action::Reply { text } => {
            texts(text, groups)?;
            if text.en.is_empty() && text.zh_cn.is_empty() {
                return Err(Refusal::of_field("action.text", "Write the reply, in one language at least.")
                    .in_chinese("请至少用一种语言填写回复。"));
            }
            Ok(())
        }
        Action::NeedsHuman { text } => texts(text, groups),
        Action::Label { label } => {
            *label = one_line(label);
            required("action.label", label, limits::LABEL_BYTES, ("Write the label.", "请填写标签。"))
        }
        Action::Silent {} => Ok(()),
    }
}

fn texts(text: &mut Localized, groups: Option<&Groups>) -> Result<(), Refusal> {
    for text in [&mut text.en, &mut text.zh_cn] {
        *text = text.trim().to_owned();
        within("action.text", text, limits::TEMPLATE_BYTES)?;
        let Some(Groups(groups)) = groups else { continue };
        for (at, _) in text.match_indices('{') {
            let Some((name, _)) = text.get(at..).and_then(fill::placeholder) else { continue };
            if pattern::is_number(name) && name.parse::<usize>().is_ok_and(|number| number > *groups) {
                return Err(Refusal::of_field(
                    "action.text",
                    format!("The reply uses {{{name}}}, but the expression has {groups} groups."),
                )
                .in_chinese(format!("回复用到了 {{{name}}}，但表达式只有 {groups} 个分组。")));
            }
        }
    }
    Ok(())
}

/// Two rules that answer the same phrase to the same customers: the second never would.
fn free_phrases(rule: &Rule, others: &[Rule]) -> Result<(), Refusal> {
    let Trigger::Phrase { phrases } = &rule.trigger else { return Ok(()) };
    if !rule.enabled || super::rules::label(rule).is_some() {
        return Ok(());
    }
    let own: HashMap<String, usize> =
        phrases.iter().enumerate().map(|(nth, phrase)| (key(&normalized(phrase)).to_owned(), nth)).collect();
    let rivals = others.iter().filter(|other| {
        other.id != rule.id
            && other.enabled
            && super::rules::label(other).is_none()
            && other.page.trim().eq_ignore_ascii_case(&rule.page)
            && overlap(&other.languages, &rule.languages)
    });
    for other in rivals {
        let Trigger::Phrase { phrases } = &other.trigger else { continue };
        for phrase in phrases {
            if let Some(nth) = own.get(key(&normalized(phrase))) {
                let (phrase, name) = (limits::cut(phrase, 80), limits::cut(&other.name, 80));
                return Err(Refusal::of_field(
                    &format!("trigger.phrases.{nth}"),
                    format!("“{phrase}” is a phrase of the rule “{name}” already."),
                )
                .in_chinese(format!("“{phrase}”已是规则“{name}”的短语。")));
            }
        }
    }
    Ok(())
}

/// An answer as it can be saved beside these others; the one of the same id is not one of them.
///
/// # Errors
/// [`Code::InvalidSetting`] with the field, such as `questions.1`, and a sentence.
pub fn validate_answer(answer: Answer, others: &[Answer]) -> Result<Answer, Refusal> {
    let is_new = !others.iter().any(|other| other.id == answer.id);
    if is_new && others.len() >= limits::ANSWERS {
        return Err(too_many_answers());
    }
    let answer = bounded(answer)?;
    if answer.enabled {
        let own = Questions::of(std::iter::once(&answer));
        for other in others.iter().filter(|other| other.id != answer.id) {
            if let Some((nth, question)) = own.conflict(other) {
                return Err(taken(nth, question, other));
            }
        }
    }
    Ok(answer)
}

fn too_many_answers() -> Refusal {
    let most = limits::ANSWERS;
    Refusal::new(Code::TooLong, format!("At most {most} answers."))
        .in_chinese(format!("最多 {most} 条答案。"))
}

/// Answers as they can be brought back beside these others.
///
/// # Errors
/// [`Code::InvalidSetting`] with a sentence that names a question, when it is one of another answer by now.
pub fn validate_restored(restored: Vec<Answer>, others: &[Answer]) -> Result<Vec<Answer>, Refusal> {
    if others.len().saturating_add(restored.len()) > limits::ANSWERS {
        return Err(too_many_answers());
    }
    let restored = restored.into_iter().map(bounded).collect::<Result<Vec<_>, _>>()?;
    let mut questions = Questions::of(others.iter());
    for answer in &restored {
        if let Some((own, _, _, other)) = questions.rival(answer) {
            return Err(taken(own, answer.questions.get(own).map_or("", String::as_str), other));
        }
        questions.add(answer);
    }
    Ok(restored)
}

/// The question is one of another answer already.
pub(crate) fn taken(nth: usize, question: &str, other: &Answer) -> Refusal {
    let name = other.questions.first().map_or("", String::as_str);
    let question = limits::cut(question, 80);
    let (sentence, chinese) = if key(&normalized(name)) == key(&normalized(question)) {
        (
            format!("There is an answer to “{question}” already: change that one."),
            format!("“{question}”已有答案，请修改那一条。"),
        )
    } else {
        let name = limits::cut(name, 80);
        (
            format!("“{question}” is a question of the answer “{name}” already."),
            format!("“{question}”已是答案“{name}”的问法。"),
        )
    };
    Refusal::of_field(&format!("questions.{nth}"), sentence).in_chinese(chinese)
}

/// An answer within its bounds, whatever others there are.
pub(crate) fn bounded(mut answer: Answer) -> Result<Answer, Refusal> {
    answer.questions.iter_mut().for_each(|question| *question = one_line(question));
    let mut seen = std::collections::HashSet::new();
    answer.questions.retain(|question| {
        let normalized = normalized(question);
        !normalized.is_empty() && seen.insert(key(&normalized).to_owned())
    });
    if answer.questions.is_empty() {
        return Err(Refusal::of_field("questions", "Write the question as customers put it.")
            .in_chinese("请按客户的说法填写问题。"));
    }
    if answer.questions.len() > limits::ANSWER_QUESTIONS {
        return Err(Refusal::of_field(
            "questions",
            format!("At most {} variants of a question.", limits::ANSWER_QUESTIONS),
        )
        .in_chinese(format!("一个问题最多 {} 种问法。", limits::ANSWER_QUESTIONS)));
    }
    for (nth, question) in answer.questions.iter().enumerate() {
        within(&format!("questions.{nth}"), question, limits::PHRASE_BYTES)?;
    }
    answer.reply = answer.reply.trim().to_owned();
    required("reply", &answer.reply, limits::TEMPLATE_BYTES, ("Write the reply.", "请填写回复。"))?;
    distinct(&mut answer.languages);
    labels(&mut answer.labels)?;
    Ok(answer)
}

fn labels(labels: &mut Vec<String>) -> Result<(), Refusal> {
    labels.iter_mut().for_each(|label| *label = one_line(label));
    labels.retain(|label| !label.is_empty());
    distinct(labels);
    if labels.len() > limits::ANSWER_LABELS {
        let most = limits::ANSWER_LABELS;
        return Err(Refusal::of_field("labels", format!("At most {most} labels."))
            .in_chinese(format!("最多 {most} 个标签。")));
    }
    for (nth, label) in labels.iter().enumerate() {
        within(&format!("labels.{nth}"), label, limits::LABEL_BYTES)?;
    }
    Ok(())
}

/// The questions of answers that are switched on, by what makes them the same.
pub(crate) struct Questions<'a> {
    of: HashMap<String, Vec<(usize, &'a str, &'a Answer)>>,
}

impl<'a> Questions<'a> {
    pub(crate) fn of(answers: impl Iterator<Item = &'a Answer>) -> Self {
        let mut questions = Self { of: HashMap::new() };
        answers.for_each(|answer| questions.add(answer));
        questions
    }

    pub(crate) fn add(&mut self, answer: &'a Answer) {
        for (nth, question) in answer.questions.iter().enumerate().filter(|_| answer.enabled) {
            let key = key(&normalized(question)).to_owned();
            self.of.entry(key).or_default().push((nth, question, answer));
        }
    }

    /// The first question here that an answer has, too, for customers of the same language.
    pub(crate) fn conflict(&self, answer: &Answer) -> Option<(usize, &'a str)> {
        self.rival(answer).map(|(_, nth, question, _)| (nth, question))
    }

    /// The number of an answer's question that is taken, and where.
    pub(crate) fn rival(&self, answer: &Answer) -> Option<(usize, usize, &'a str, &'a Answer)> {
        if !answer.enabled {
            return None;
        }
        answer.questions.iter().enumerate().find_map(|(own, question)| {
            let taken = self.of.get(key(&normalized(question)))?;
            let (nth, question, other) =
                taken.iter().find(|(_, _, other)| overlap(&other.languages, &answer.languages))?;
            Some((own, *nth, *question, *other))
        })
    }
}

/// What the responder's settings need beyond their plain bounds: a time zone that exists.
///
/// # Errors
/// [`Code::InvalidSetting`] with the field, such as `responder.hours.time_zone`, and a sentence.
pub fn validate_responder(settings: &ResponderSettings) -> Result<(), Refusal> {
    match &settings.hours {
        Some(open) if hours::zone(&open.time_zone).is_none() => {
            let shown = limits::cut(&open.time_zone, 80);
            Err(Refusal::of_field(
                "responder.hours.time_zone",
                format!("“{shown}” is not a time zone: choose one such as Asia/Shanghai."),
            )
            .in_chinese(format!("“{shown}”不是时区，请选择如 Asia/Shanghai 的时区。")))
        }
        _ => Ok(()),
    }
}

/// Whether there is a customer for both; none is any.
fn overlap(a: &[Language], b: &[Language]) -> bool {
    a.is_empty() || b.is_empty() || a.iter().any(|language| b.contains(language))
}

fn distinct<T: PartialEq + Clone>(list: &mut Vec<T>) {
    let mut seen: Vec<T> = Vec::with_capacity(list.len());
    list.retain(|item| {
        let new = !seen.contains(item);
        if new {
            seen.push(item.clone());
        }
        new
    });
}

/// White space as single spaces: lists of these are written one a line.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What is said when it is missing, in English and in Chinese.
fn required(field: &str, text: &str, bytes: usize, (missing, chinese): (&str, &str)) -> Result<(), Refusal> {
    if text.is_empty() {
        return Err(Refusal::of_field(field, missing).in_chinese(chinese));
    }
    within(field, text, bytes)
}
