//! The knowledge base: which answer fits a message, and how well.
//!
//! BM25 finds the question variants that are likely. Its scores grow with the base and mean nothing to people, so what is
//! shown and compared with the threshold is another figure: how much of what the message and the variant say they say
//! both (a Dice coefficient of weighted words). Rare words count more than common ones, words such as "please" little,
//! and words of the message that the variant does not have count against it, known or not. 1 is the same text.

mod index;
mod likeness;
mod spelling;
mod tokens;
mod words;

use std::collections::{BTreeMap, HashMap, HashSet};

use deskbell_protocol::AnswerId;
use deskbell_protocol::responder::{Answer, Question};
use deskbell_protocol::settings::Language;

use self::index::Index;
use self::likeness::{Bag, Part, parts};
use self::spelling::Spelling;
use self::tokens::{Tokenizer, has_han};
use super::text::{key, normalized};

/// Scores below say nothing.
const LEAST: f32 = 0.05;
/// What is not the same text is not quite sure.
const ALMOST: f32 = 0.99;
/// How much a word counts that was misspelt.
const MISSPELT: f32 = 0.9;
/// Misspelt words that are looked up in a message.
const CORRECTED: usize = 32;

/// All answers, ready to be asked.
pub(crate) struct Knowledge {
    answers: Vec<Answer>,
    by_id: HashMap<AnswerId, usize>,
    /// Of answers that are switched on.
    variants: Vec<Variant>,
    /// Variants by their text.
    exact: HashMap<Box<str>, Vec<u32>>,
    vocabulary: HashMap<Box<str>, u32>,
    /// How much each token of the vocabulary counts for its rarity.
    rarity: Vec<f32>,
    tokenizer: Tokenizer,
    spelling: Spelling,
    index: Index,
}

/// One way to put the question of an answer.
struct Variant {
    answer: usize,
    question: usize,
    bag: Bag,
}

/// An answer that may fit.
pub(crate) struct Candidate<'k> {
    pub(crate) answer: &'k Answer,
    /// The variant that fits best.
    pub(crate) question: &'k str,
    /// 0 to 1, in whole per cent.
    pub(crate) score: f64,
}

impl Knowledge {
    pub(crate) fn new(answers: Vec<Answer>) -> Self {
        let by_id = answers.iter().enumerate().map(|(at, answer)| (answer.id, at)).collect();
        let questions: Vec<(usize, usize, String)> = answers
            .iter()
            .enumerate()
            .filter(|(_, answer)| answer.enabled)
            .flat_map(|(at, answer)| {
                answer.questions.iter().enumerate().map(move |(nth, text)| (at, nth, normalized(text)))
            })
            .filter(|(_, _, text)| !text.is_empty())
            .collect();
        let tokenizer = Tokenizer::new(questions.iter().any(|(_, _, text)| has_han(text)));
        let mut learned = Learned::default();
        for (answer, question, text) in questions {
            learned.variant(answer, question, &text, &tokenizer);
        }
        learned.finished(answers, by_id, tokenizer)
    }

    pub(crate) fn all(&self) -> &[Answer] {
        &self.answers
    }

    pub(crate) fn get(&self, id: AnswerId) -> Option<&Answer> {
        self.by_id.get(&id).and_then(|at| self.answers.get(*at))
    }

    /// The answers that fit best, best first. `text` is the question's, normalized.
    pub(crate) fn best(&self, question: &Question, text: &str, at_most: usize) -> Vec<Candidate<'_>> {
        if self.variants.is_empty() || text.is_empty() {
            return Vec::new();
        }
        let mut best: BTreeMap<usize, (f32, u32)> = BTreeMap::new();
        let mut keep = |variant: u32, score: f32| {
            let Some(found) = self.variant(variant).filter(|found| self.speaks(found, question.language))
            else {
                return;
            };
            let entry = best.entry(found.answer).or_insert((score, variant));
            if score > entry.0 {
                *entry = (score, variant);
            }
        };
        for variant in self.exact.get(key(text)).into_iter().flatten() {
            keep(*variant, 1.0);
        }
        let parts = parts(&question.text, text, |text| self.bag(text));
        let words = parts.first().into_iter().flat_map(|whole| whole.bag.weighted());
        for variant in self.index.likely(words) {
            if let Some(found) = self.variant(variant) {
                keep(variant, parts.iter().map(|part| self.likeness(part, found)).fold(0.0, f32::max));
            }
        }
        self.ranked(best, at_most)
    }

    fn ranked(&self, best: BTreeMap<usize, (f32, u32)>, at_most: usize) -> Vec<Candidate<'_>> {
        let mut ranked: Vec<(f32, u32)> = best.into_values().filter(|(score, _)| *score >= LEAST).collect();
        ranked.sort_by(|(a, at), (b, bt)| b.total_cmp(a).then(at.cmp(bt)));
        ranked
            .into_iter()
            .take(at_most)
            .filter_map(|(score, variant)| {
                let variant = self.variant(variant)?;
                let answer = self.answers.get(variant.answer)?;
                let question = answer.questions.get(variant.question)?;
                Some(Candidate { answer, question, score: f64::from((score * 100.0).round()) / 100.0 })
            })
            .collect()
    }

    fn variant(&self, number: u32) -> Option<&Variant> {
        self.variants.get(usize::try_from(number).ok()?)
    }

    fn speaks(&self, variant: &Variant, language: Language) -> bool {
        self.answers
            .get(variant.answer)
            .is_some_and(|answer| answer.languages.is_empty() || answer.languages.contains(&language))
    }

    /// How alike a part of a message and a variant are.
    fn likeness(&self, part: &Part, variant: &Variant) -> f32 {
        part.share * part.bag.likeness(&variant.bag).min(ALMOST)
    }

    /// A message's words, misspelt ones corrected.
    fn bag(&self, text: &str) -> Bag {
        let mut bag = Bag::default();
        let mut corrections = 0;
        for token in self.tokenizer.tokens(text) {
            let known = self.vocabulary.get(token.text.as_str()).copied();
            if let Some(known) = known {
                bag.add(known, token.weight * self.rarity_of(known));
                continue;
            }
            let corrected = token.written.as_deref().filter(|_| corrections < CORRECTED).and_then(|word| {
                corrections += 1;
                self.spelling.corrected(word)
            });
            match corrected {
                Some(known) => bag.add_misspelt(known, token.weight * self.rarity_of(known), MISSPELT),
                None => bag.add_unknown(token.unknown, &token.text),
            }
        }
        bag.finished()
    }

    fn rarity_of(&self, token: u32) -> f32 {
        usize::try_from(token).ok().and_then(|at| self.rarity.get(at)).copied().unwrap_or(1.0)
    }
}

/// Tokens with their weights.
type Weighted = Vec<(u32, f32)>;

/// What is learned from the variants before their words' rarity is known.
#[derive(Default)]
struct Learned {
    /// Answer, question and tokens with their weights.
    variants: Vec<(usize, usize, Weighted)>,
    exact: HashMap<Box<str>, Vec<u32>>,
    vocabulary: HashMap<Box<str>, u32>,
    /// How many answers have each token, and the last one that was counted.
    frequency: Vec<(u32, usize)>,
    written: HashSet<(Box<str>, u32)>,
    answers: HashSet<usize>,
}

impl Learned {
    fn variant(&mut self, answer: usize, question: usize, text: &str, tokenizer: &Tokenizer) {
        let Ok(number) = u32::try_from(self.variants.len()) else { return };
        self.answers.insert(answer);
        self.exact.entry(key(text).into()).or_default().push(number);
        let mut tokens = Vec::new();
        for token in tokenizer.tokens(text) {
            let known = self.token(&token.text, answer);
            if let Some(written) = token.written {
                self.written.insert((written.into(), known));
            }
            tokens.push((known, token.weight));
        }
        self.variants.push((answer, question, tokens));
    }

    fn token(&mut self, text: &str, answer: usize) -> u32 {
        let next = u32::try_from(self.vocabulary.len()).unwrap_or(u32::MAX);
        let token = match self.vocabulary.get(text) {
            Some(token) => *token,
            None => {
                self.vocabulary.insert(text.into(), next);
                self.frequency.push((0, usize::MAX));
                next
            }
        };
        if let Some((count, last)) = usize::try_from(token).ok().and_then(|at| self.frequency.get_mut(at))
            && *last != answer
        {
            *last = answer;
            *count = count.saturating_add(1);
        }
        token
    }

    fn finished(
        self,
        answers: Vec<Answer>,
        by_id: HashMap<AnswerId, usize>,
        tokenizer: Tokenizer,
    ) -> Knowledge {
        let all = self.answers.len();
        let rarity: Vec<f32> = self.frequency.iter().map(|(count, _)| rarity(*count, all)).collect();
        let of =
            |token: u32| usize::try_from(token).ok().and_then(|at| rarity.get(at)).copied().unwrap_or(1.0);
        let mut lists = Vec::with_capacity(self.variants.len());
        let mut variants = Vec::with_capacity(self.variants.len());
        for (answer, question, tokens) in self.variants {
            let mut bag = Bag::default();
            tokens.iter().for_each(|(token, weight)| bag.add(*token, weight * of(*token)));
            let bag = bag.finished();
            lists.push(bag.known().collect());
            variants.push(Variant { answer, question, bag });
        }
        let index = Index::new(&lists, self.vocabulary.len());
        let mut written: Vec<(Box<str>, u32)> = self.written.into_iter().collect();
        written.sort_unstable();
        Knowledge {
            answers,
            by_id,
            variants,
            exact: self.exact,
            vocabulary: self.vocabulary,
            rarity,
            tokenizer,
            spelling: Spelling::new(written),
            index,
        }
    }
}

/// How much a word counts that so many of all answers have: all of it up to one in fifty, then less, and 0.4 from one in
/// two. A small base counts as if it were larger, or its every word would be common.
fn rarity(having: u32, all: usize) -> f32 {
    const RARE: f32 = 0.02;
    const COMMON: f32 = 0.5;
    const LEAST: f32 = 0.4;
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    let share = having as f32 / (all as f32 + 50.0);
    let common = (share / RARE).ln() / (COMMON / RARE).ln();
    1.0 - (1.0 - LEAST) * common.clamp(0.0, 1.0)
}
