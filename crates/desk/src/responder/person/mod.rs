//! Whether a customer asks for a person.
//!
//! A phrase such as "agent" is no request wherever it stands: "travel agent brochure" is not one, "get me an agent" is.
//! A phrase counts when nothing stands beside it but polite and leading words, or when words that lead to a request come
//! before it ("talk to a …", "帮我转…") and none that makes it something else comes after ("agent brochure", "人工智能").

mod context;
mod words;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use aho_corasick::AhoCorasick;

use self::context::Context;
use super::text::{key, normalized, stands_alone};

/// Letters from which on a misspelt phrase is recognised.
const LETTERS: usize = 5;
/// Words of a message up to which misspelt phrases are looked for.
const WORDS: usize = 12;

/// Recognises requests for a person. Keeps the phrases of the settings ready while they stay the same.
#[derive(Default)]
pub(crate) struct RequestsForPerson {
    ready: RwLock<Option<Arc<Phrases>>>,
}

/// Phrases, ready to be found.
struct Phrases {
    written: Vec<String>,
    keys: HashMap<String, usize>,
    found: Option<AhoCorasick>,
    /// What each pattern of `found` belongs to.
    of: Vec<usize>,
    /// Single words that are recognised when misspelt.
    words: Vec<(String, usize)>,
}

impl RequestsForPerson {
    /// The phrase with which this message, normalized, asks for a person.
    pub(crate) fn phrase(&self, phrases: &[String], message: &str) -> Option<String> {
        if phrases.is_empty() || message.is_empty() {
            return None;
        }
        let ready = self.ready(phrases);
        let at = ready.asked(message)?;
        ready.written.get(at).cloned()
    }

    fn ready(&self, phrases: &[String]) -> Arc<Phrases> {
        let known = self.ready.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known.filter(|known| known.written == phrases) {
            return known;
        }
        let new = Arc::new(Phrases::new(phrases));
        *self.ready.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&new));
        new
    }
}

impl Phrases {
    fn new(written: &[String]) -> Self {
        let mut phrases: Vec<(String, usize)> = written
            .iter()
            .enumerate()
            .map(|(at, phrase)| (key(&normalized(phrase)).to_owned(), at))
            .filter(|(phrase, _)| !phrase.is_empty())
            .collect();
        // The longest that fits is the one to name.
        phrases.sort_by(|(a, at), (b, bt)| b.len().cmp(&a.len()).then(at.cmp(bt)));
        let words = phrases.iter().filter(|(phrase, _)| is_long_word(phrase)).cloned().collect();
        let found = AhoCorasick::new(phrases.iter().map(|(phrase, _)| phrase)).ok();
        let of = phrases.iter().map(|(_, at)| *at).collect();
        let mut keys = HashMap::new();
        for (phrase, at) in phrases {
            keys.entry(phrase).or_insert(at);
        }
        Self { written: written.to_vec(), keys, found, of, words }
    }

    fn asked(&self, message: &str) -> Option<usize> {
        if let Some(at) = self.keys.get(key(message)) {
            return Some(*at);
        }
        // Patterns are sorted by length: the smallest number is the longest phrase.
        self.found
            .iter()
            .flat_map(|found| found.find_overlapping_iter(message))
            .filter(|hit| stands_alone(message, hit.start(), hit.end()))
            .filter(|hit| Context::of(message, hit.start(), hit.end()).is_request())
            .map(|hit| hit.pattern().as_usize())
            .min()
            .and_then(|pattern| self.of.get(pattern).copied())
            .or_else(|| self.misspelt(message))
    }

    fn misspelt(&self, message: &str) -> Option<usize> {
        if self.words.is_empty() || message.split(' ').nth(WORDS).is_some() {
            return None;
        }
        let mut from = 0;
        for word in message.split(|c: char| !c.is_ascii_alphanumeric()) {
            let start = from;
            from += word.len();
            // The separator that ended this word.
            from += message.get(from..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
            if word.len() + 1 < LETTERS {
                continue;
            }
            for (phrase, at) in &self.words {
                if phrase.len().abs_diff(word.len()) <= 1
                    && strsim::osa_distance(phrase, word) == 1
                    && Context::of(message, start, start + word.len()).is_request()
                {
                    return Some(*at);
                }
            }
        }
        None
    }
}

fn is_long_word(phrase: &str) -> bool {
    phrase.len() >= LETTERS && phrase.bytes().all(|byte| byte.is_ascii_lowercase())
}
