//! What a text is cut into: English words by their stems, Chinese words by a dictionary and their characters.

use std::sync::LazyLock;

use jieba_rs::Jieba;
use rust_stemmers::{Algorithm, Stemmer};

use super::words::{ASKING, CHINESE, ENGLISH};
use crate::responder::text::{is_han, is_unspaced};

/// Its dictionary takes a moment and some memory; it is read when the first Chinese text needs it.
static JIEBA: LazyLock<Jieba> = LazyLock::new(Jieba::new);

/// How much a token counts before its rarity does.
const WORD: f32 = 1.0;
/// A word within a longer word: 客服 in 人工客服.
const PART: f32 = 0.5;
/// A Chinese character: words that share one are often near in meaning, and segmentations differ.
const CHARACTER: f32 = 0.25;
/// A word that asks: how much, when, where.
const ASKS: f32 = 0.6;
/// A word that says little.
const LITTLE: f32 = 0.1;
/// An order's number and the like, which no answer can know.
const NUMBER: f32 = 0.2;
/// What has digits and is shorter means something: "error 404".
const NUMBER_LETTERS: usize = 5;

/// One token of a text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    /// What is compared.
    pub(super) text: String,
    /// As it was written, where a misspelling can be told: words of Latin letters.
    pub(super) written: Option<String>,
    /// How much it counts.
    pub(super) weight: f32,
    /// How much it counts when no answer has it.
    pub(super) unknown: f32,
}

/// Cuts texts into tokens.
pub(super) struct Tokenizer {
    stemmer: Stemmer,
    /// Whether Chinese is cut into words, or only into characters.
    segments: bool,
}

impl Tokenizer {
    pub(super) fn new(segments: bool) -> Self {
        Self { stemmer: Stemmer::create(Algorithm::English), segments }
    }

    /// The tokens of a normalized text.
    pub(super) fn tokens(&self, text: &str) -> Vec<Token> {
        let mut tokens = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let kind = Kind::of(first);
            let run = rest.find(|c| Kind::of(c) != kind).unwrap_or(rest.len());
            let (run, after) = rest.split_at_checked(run).unwrap_or((rest, ""));
            match kind {
                Kind::Word => self.word(run, &mut tokens),
                Kind::Han if self.segments => chinese(run, &mut tokens),
                Kind::Han | Kind::Unspaced => {
                    tokens.extend(run.chars().map(|c| token(c.to_string(), PART)));
                }
                Kind::Other => {}
            }
            rest = after;
        }
        tokens
    }

    fn word(&self, run: &str, tokens: &mut Vec<Token>) {
        let word = run.replace('\'', "");
        let word = match run.strip_suffix("'s") {
            Some(owner) if !ENGLISH.contains(word.as_str()) => owner.replace('\'', ""),
            _ => word,
        };
        if word.is_empty() {
            return;
        }
        if ENGLISH.contains(word.as_str()) {
            return tokens.push(token(word, LITTLE));
        }
        if ASKING.contains(word.as_str()) {
            return tokens.push(token(word, ASKS));
        }
        let is_number = word.chars().any(|c| c.is_ascii_digit()) && word.len() >= NUMBER_LETTERS;
        let text = self.stemmer.stem(&word).into_owned();
        let written = word.bytes().all(|byte| byte.is_ascii_lowercase()).then_some(word);
        let unknown = if is_number { NUMBER } else { WORD };
        tokens.push(Token { text, written, weight: WORD, unknown });
    }
}

fn token(text: String, weight: f32) -> Token {
    Token { text, written: None, weight, unknown: weight }
}

fn chinese(run: &str, tokens: &mut Vec<Token>) {
    // Words within a word come before it.
    let mut covered = (0, 0);
    for found in JIEBA.cut_for_search(run, true).iter().rev() {
        let inside = covered.0 <= found.byte_start && found.byte_end <= covered.1;
        let weight = if CHINESE.contains(found.word) {
            LITTLE
        } else if ASKING.contains(found.word) {
            ASKS
        } else if inside {
            PART
        } else {
            WORD
        };
        tokens.push(token(found.word.to_owned(), weight));
        if inside {
            continue;
        }
        covered = (found.byte_start, found.byte_end);
        if weight >= WORD && found.end - found.start > 1 {
            tokens.extend(found.word.chars().map(|c| token(c.to_string(), CHARACTER)));
        }
    }
}

/// Whether a text has Chinese characters.
pub(super) fn has_han(text: &str) -> bool {
    text.chars().any(is_han)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Word,
    Han,
    Unspaced,
    Other,
}

impl Kind {
    fn of(c: char) -> Self {
        if is_han(c) {
            Self::Han
        } else if is_unspaced(c) {
            Self::Unspaced
        } else if c.is_alphanumeric() || c == '\'' {
            Self::Word
        } else {
            Self::Other
        }
    }
}
