//! Misspelt words: those that differ from a known one in one letter, or by two that changed places.
//!
//! Two words are at most one edit apart only if some deletion of one letter makes them the same, or one the other. So
//! all deletions of known words are kept, hashed and sorted, and those of a message's word are looked up.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// Shorter words are too easily another word: "coat" and "cost".
const LETTERS: usize = 5;
/// A word this short only lacks a letter: "mony".
const LETTERS_WITH_ONE_LOST: usize = LETTERS - 1;

/// Known words by their deletions.
pub(super) struct Spelling {
    words: Vec<(Box<str>, u32)>,
    /// Hash of a deletion and the word's number.
    deletions: Vec<(u32, u32)>,
}

impl Spelling {
    /// Of these words, each with its token.
    pub(super) fn new(words: Vec<(Box<str>, u32)>) -> Self {
        let mut deletions = Vec::new();
        for (number, (word, _)) in (0..).zip(&words) {
            if word.len() >= LETTERS_WITH_ONE_LOST {
                for_each_deletion(word, |hash| deletions.push((hash, number)));
            }
        }
        deletions.sort_unstable();
        deletions.dedup();
        Self { words, deletions }
    }

    /// The token of the known word that was probably meant.
    pub(super) fn corrected(&self, word: &str) -> Option<u32> {
        if word.len() < LETTERS_WITH_ONE_LOST {
            return None;
        }
        let fits = |known: &str| {
            (word.len() >= LETTERS || known.len() > word.len()) && strsim::osa_distance(known, word) <= 1
        };
        let mut best: Option<(&str, u32)> = None;
        for_each_deletion(word, |hash| {
            let from = self.deletions.partition_point(|(known, _)| *known < hash);
            let same =
                self.deletions.get(from..).unwrap_or_default().iter().take_while(|(known, _)| *known == hash);
            for (_, number) in same {
                let Some((known, token)) = usize::try_from(*number).ok().and_then(|at| self.words.get(at))
                else {
                    continue;
                };
                // The first in the alphabet, so that the same word is always taken for the same one.
                if fits(known) && best.is_none_or(|(best, _)| **known < *best) {
                    best = Some((known, *token));
                }
            }
        });
        best.map(|(_, token)| token)
    }
}

/// The word and what is left of it without one letter, hashed.
fn for_each_deletion(word: &str, mut each: impl FnMut(u32)) {
    let bytes = word.as_bytes();
    for left_out in 0..=bytes.len() {
        let mut hasher = DefaultHasher::new();
        for (at, byte) in bytes.iter().enumerate() {
            if at != left_out {
                byte.hash(&mut hasher);
            }
        }
        let hash = hasher.finish();
        each(u32::try_from(hash & u64::from(u32::MAX)).unwrap_or_default());
    }
}
