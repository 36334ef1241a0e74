//! Rules, made ready: phrases and keywords of all rules are looked up at once, expressions are compiled.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, MatchKind};
use deskbell_protocol::entity::{Source, SourceKind};
use deskbell_protocol::responder::{Action, Question, Rule, Trigger, Why};
use deskbell_protocol::settings::Localized;
use regex::Regex;

use super::fill::fill;
use super::pattern;
use super::text::{folded_width, key, normalized, stands_alone};

/// All rules, in order.
pub(crate) struct Rules {
    rules: Vec<Rule>,
    tests: Vec<Test>,
    /// Which rules have a phrase.
    phrases: HashMap<String, Vec<(usize, usize)>>,
    /// All keywords of all rules; the rule and the keyword's number of each.
    keywords: Option<AhoCorasick>,
    keyword_of: Vec<(usize, usize)>,
}

/// What is left to test once phrases and keywords are looked up.
enum Test {
    Phrase,
    Keywords {
        needed: usize,
    },
    Regex(Box<Regex>),
    First,
    Returning,
    OutsideHours,
    Always,
    /// It cannot be tested, and why, in English and in Chinese.
    Broken(String, String),
}

/// A message, looked at from all sides that rules ask about.
pub(crate) struct Message<'q> {
    pub(crate) question: &'q Question,
    pub(crate) closed: bool,
    page: Option<String>,
    /// For each rule the first phrase or keyword, and how many keywords.
    found: HashMap<usize, (usize, usize)>,
}

/// A rule that applies.
pub(crate) struct Fit {
    /// What of it fitted.
    pub(crate) matched: Option<String>,
    /// What its expression captured.
    captures: Vec<(String, Option<String>)>,
}

impl Rules {
    pub(crate) fn new(rules: Vec<Rule>) -> Self {
        let tests: Vec<Test> = rules.iter().map(|rule| test(&rule.trigger)).collect();
        let mut phrases: HashMap<String, Vec<(usize, usize)>> = HashMap::new();
        let (mut patterns, mut keyword_of) = (Vec::new(), Vec::new());
        for (number, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.enabled) {
            match &rule.trigger {
                Trigger::Phrase { phrases: of_rule } => {
                    for (nth, phrase) in of_rule.iter().enumerate() {
                        phrases.entry(key(&normalized(phrase)).to_owned()).or_default().push((number, nth));
                    }
                }
                Trigger::Keywords { keywords, .. } => {
                    for (nth, keyword) in keywords.iter().enumerate() {
                        let keyword = normalized(keyword);
                        patterns.push(key(&keyword).to_owned());
                        keyword_of.push((number, nth));
                    }
                }
                _ => {}
            }
        }
        let keywords = if patterns.is_empty() {
            None
        } else {
            AhoCorasick::builder().match_kind(MatchKind::Standard).build(&patterns).ok()
        };
        Self { rules, tests, phrases, keywords, keyword_of }
    }

    pub(crate) fn all(&self) -> &[Rule] {
        &self.rules
    }

    /// Looks a message up among all phrases and keywords.
    pub(crate) fn message<'q>(
        &self,
        question: &'q Question,
        normalized: &'q str,
        closed: bool,
    ) -> Message<'q> {
        let mut found = HashMap::new();
        for (rule, nth) in self.phrases.get(key(normalized)).into_iter().flatten() {
            found.entry(*rule).or_insert((*nth, 1));
        }
        if let Some(keywords) = &self.keywords {
            let mut seen = vec![false; self.keyword_of.len()];
            for hit in keywords.find_overlapping_iter(normalized) {
                let at = hit.pattern().as_usize();
                let (Some(seen), Some((rule, nth))) = (seen.get_mut(at), self.keyword_of.get(at)) else {
                    continue;
                };
                if !*seen && stands_alone(normalized, hit.start(), hit.end()) {
                    *seen = true;
                    let entry = found.entry(*rule).or_insert((*nth, 0));
                    *entry = (entry.0.min(*nth), entry.1 + 1);
                }
            }
        }
        let page = question.page.as_deref().map(str::to_lowercase);
        Message { question, closed, page, found }
    }

    /// Each rule with what it makes of a message.
    pub(crate) fn judge<'a>(
        &'a self,
        message: &'a Message<'_>,
    ) -> impl Iterator<Item = (&'a Rule, Result<Fit, Why>)> {
        self.rules
            .iter()
            .zip(&self.tests)
            .enumerate()
            .map(|(number, (rule, test))| (rule, fits(number, rule, test, message)))
    }
}

fn test(trigger: &Trigger) -> Test {
    match trigger {
        Trigger::Phrase { phrases } if has_words(phrases) => Test::Phrase,
        Trigger::Keywords { keywords, all } if has_words(keywords) => {
            Test::Keywords { needed: if *all { keywords.len() } else { 1 } }
        }
        Trigger::Phrase { .. } | Trigger::Keywords { .. } => Test::Broken(
            "It has a phrase or keyword that is empty.".to_owned(),
            "其中有空的短语或关键词。".to_owned(),
        ),
        Trigger::Regex { pattern } => match pattern::compiled(pattern) {
            Ok(regex) => Test::Regex(Box::new(regex)),
            Err(fault) => Test::Broken(fault.to_string(), fault.in_chinese()),
        },
        Trigger::FirstMessage {} => Test::First,
        Trigger::ReturningCustomer {} => Test::Returning,
        Trigger::OutsideHours {} => Test::OutsideHours,
        Trigger::Always {} => Test::Always,
    }
}

/// Whether there is any, and none says nothing.
fn has_words(words: &[String]) -> bool {
    !words.is_empty() && words.iter().all(|word| !normalized(word).is_empty())
}

fn fits(number: usize, rule: &Rule, test: &Test, message: &Message<'_>) -> Result<Fit, Why> {
    let question = message.question;
    if !rule.enabled {
        return Err(Why::SwitchedOff {});
    }
    if !rule.languages.is_empty() && !rule.languages.contains(&question.language) {
        return Err(Why::OtherLanguage {});
    }
    let wanted = rule.page.trim();
    if !wanted.is_empty()
        && !message.page.as_deref().is_some_and(|page| page.contains(&wanted.to_lowercase()))
    {
        return Err(Why::OtherPage {});
    }
    let found = message.found.get(&number);
    let word = |words: &[String]| found.and_then(|(nth, _)| words.get(*nth)).cloned();
    let plain = |applies: bool| {
        if applies { Ok(Fit { matched: None, captures: Vec::new() }) } else { Err(Why::NoMatch {}) }
    };
    match (test, &rule.trigger) {
        (Test::Phrase, Trigger::Phrase { phrases }) => match word(phrases) {
            Some(phrase) => Ok(Fit { matched: Some(phrase), captures: Vec::new() }),
            None => Err(Why::NoMatch {}),
        },
        (Test::Keywords { needed }, Trigger::Keywords { keywords, all }) => match found {
            Some((_, count)) if count >= needed => {
                let matched = if *all { Some(keywords.join(", ")) } else { word(keywords) };
                Ok(Fit { matched, captures: Vec::new() })
            }
            _ => Err(Why::NoMatch {}),
        },
        (Test::Regex(regex), _) => captured(regex, &rule.trigger, &question.text).ok_or(Why::NoMatch {}),
        (Test::First, _) => plain(question.first_message),
        (Test::Returning, _) => plain(question.returning),
        (Test::OutsideHours, _) => plain(message.closed),
        (Test::Always, _) => plain(true),
        (Test::Broken(message, message_zh), _) => {
            Err(Why::Failed { message: message.clone(), message_zh: message_zh.clone() })
        }
        (Test::Phrase | Test::Keywords { .. }, _) => plain(false),
    }
}

fn captured(regex: &Regex, trigger: &Trigger, text: &str) -> Option<Fit> {
    let text = folded_width(text);
    let captures = regex.captures(&text)?;
    let mut values = Vec::new();
    for (number, name) in regex.capture_names().enumerate().skip(1) {
        let value = captures.get(number).map(|m| m.as_str().to_owned());
        values.extend(name.map(|name| (name.to_owned(), value.clone())));
        values.push((number.to_string(), value));
    }
    let matched = match trigger {
        Trigger::Regex { pattern } => Some(pattern.clone()),
        _ => None,
    };
    Some(Fit { matched, captures: values })
}

impl Fit {
    /// A reply with its placeholders filled; `None` when it says nothing.
    pub(crate) fn reply(&self, text: &Localized, question: &Question) -> Option<String> {
        let template = in_language(text, question)?;
        let filled = fill(template, |name| match name {
            "name" => Some(question.name.as_deref()),
            "page" => Some(question.page.as_deref()),
            other => match self.captures.iter().find(|(known, _)| known == other) {
                Some((_, value)) => Some(value.as_deref()),
                None if pattern::is_number(other) => Some(None),
                None => None,
            },
        });
        Some(filled).filter(|text| !text.is_empty())
    }

    /// Where a reply of this rule comes from.
    pub(crate) fn source(&self, rule: &Rule) -> Source {
        Source { matched: self.matched.clone(), ..source(rule) }
    }

    pub(crate) fn why(&self) -> Why {
        match &self.matched {
            Some(what) => Why::Matches { what: what.clone() },
            None => Why::Applies {},
        }
    }
}

/// A rule as a source.
pub(crate) fn source(rule: &Rule) -> Source {
    Source { id: Some(rule.id.0), name: Some(rule.name.clone()), ..Source::of(SourceKind::Rule) }
}

/// The text in the customer's language, or in the other one where that is empty.
fn in_language<'t>(text: &'t Localized, question: &Question) -> Option<&'t str> {
    let own = text.get(question.language);
    let texts = [own, text.en.as_str(), text.zh_cn.as_str()];
    texts.into_iter().find(|text| !text.trim().is_empty())
}

/// Whether a rule's action has something to say or to do.
pub(crate) fn label(rule: &Rule) -> Option<&str> {
    match &rule.action {
        Action::Label { label } => Some(label),
        _ => None,
    }
}
