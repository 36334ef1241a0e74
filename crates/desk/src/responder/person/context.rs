//! What stands around a phrase that may be a request for a person.

use super::LETTERS;
use super::words::{
    BETWEEN, BETWEEN_CHINESE, COULD, DOING, FOLLOWING, FOLLOWING_CHINESE, LEADING, LEADING_CHINESE,
    NEGATIONS, NEGATIONS_CHINESE, POLITE, POLITE_CHINESE, PRESSING, PRESSING_CHINESE, WISHING,
    WISHING_CHINESE,
};
use crate::responder::text::is_han;

/// Bytes looked at before and after a phrase: a request is near by, and a long message costs no more than a short one.
const AROUND: usize = 120;

/// A phrase and the sentence that it is in.
pub(super) struct Context<'m> {
    /// Its sentence up to the phrase.
    before: &'m str,
    phrase: &'m str,
    /// Its sentence after the phrase.
    after: &'m str,
    /// Whether the sentence is longer than what was looked at.
    cut: bool,
}

impl<'m> Context<'m> {
    /// The phrase at `message[start..end]`.
    pub(super) fn of(message: &'m str, start: usize, end: usize) -> Self {
        let from = message.ceil_char_boundary(start.saturating_sub(AROUND));
        let to = message.floor_char_boundary(end.saturating_add(AROUND));
        let before = message.get(from..start).unwrap_or_default();
        let after = message.get(end..to).unwrap_or_default();
        let sentence_before = before.rsplit(ends_sentence).next().unwrap_or_default();
        let sentence_after = after.split(ends_sentence).next().unwrap_or_default();
        let cut = (from > 0 && sentence_before.len() == before.len())
            || (to < message.len() && sentence_after.len() == after.len());
        let phrase = message.get(start..end).unwrap_or_default();
        Self { before: sentence_before, phrase, after: sentence_after, cut }
    }

    pub(super) fn is_request(&self) -> bool {
        self.is_all_there_is() || self.is_pressed() || (self.is_led_to() && self.ends()) || self.could()
    }

    /// Nothing else in the sentence but polite words.
    fn is_all_there_is(&self) -> bool {
        !self.cut && is_polite(self.before) && is_polite(self.after)
    }

    /// Nothing else in the part of the sentence, and it is pressing: "agent please, my order is lost".
    fn is_pressed(&self) -> bool {
        let before = clause_before(self.before);
        let after = self.after.split(ends_clause).next().unwrap_or_default();
        let presses = words(before).chain(words(after)).any(|word| PRESSING.contains(&word))
            || PRESSING_CHINESE.iter().any(|word| before.contains(word) || after.contains(word));
        presses && !self.cut && is_polite(before) && is_polite(after)
    }

    /// Words that lead to a person stand before it, and nothing turns them round.
    fn is_led_to(&self) -> bool {
        let before = clause_before(self.before);
        if before.trim_end().ends_with(is_han)
            || (before.trim().is_empty() && self.phrase.starts_with(is_han))
        {
            return self.is_led_to_in_chinese(before.trim_end());
        }
        let mut back: Vec<&str> = words(before).collect();
        let leads_itself = words(self.phrase).next().is_some_and(leads);
        if !leads_itself {
            while back.last().is_some_and(|word| BETWEEN.contains(word)) {
                back.pop();
            }
            if !back.pop().is_some_and(leads) {
                return false;
            }
        }
        while back.last().is_some_and(|word| WISHING.contains(word)) {
            back.pop();
        }
        !back.last().is_some_and(|word| NEGATIONS.contains(word))
    }

    fn is_led_to_in_chinese(&self, before: &str) -> bool {
        let leads_itself = LEADING_CHINESE.iter().any(|word| self.phrase.starts_with(word));
        let between = without_endings(before, &BETWEEN_CHINESE);
        // The longest first: 转接 rather than 接.
        let lead = LEADING_CHINESE
            .iter()
            .filter_map(|word| between.strip_suffix(word))
            .min_by_key(|rest| rest.len());
        let rest = match lead {
            Some(rest) => rest,
            None if leads_itself || before.is_empty() && self.phrase.starts_with('我') => before,
            None => return false,
        };
        let rest = without_endings(rest, &WISHING_CHINESE);
        !NEGATIONS_CHINESE.iter().any(|word| rest.ends_with(word))
    }

    /// Nothing after it makes it something else.
    fn ends(&self) -> bool {
        let after = self.after.trim_start();
        match after.chars().next() {
            None => true,
            Some('-' | '\'' | '/' | '@' | '_') => false,
            Some(c) if is_han(c) => FOLLOWING_CHINESE.iter().any(|word| after.starts_with(word)),
            Some(c) if c.is_alphanumeric() => {
                words(after).next().is_some_and(|word| FOLLOWING.contains(&word))
            }
            Some(_) => true,
        }
    }

    /// "Can an agent call me?"
    fn could(&self) -> bool {
        let mut back: Vec<&str> = words(clause_before(self.before)).collect();
        while back.last().is_some_and(|word| BETWEEN.contains(word)) {
            back.pop();
        }
        back.last().is_some_and(|word| COULD.contains(word))
            && words(self.after).next().is_some_and(|word| DOING.contains(&word))
            && !self.after.starts_with(['-', '\''])
    }
}

/// Whether a word leads to a person, rightly spelt or nearly so.
fn leads(word: &str) -> bool {
    let nearly = |known: &&&str| known.len() >= LETTERS && strsim::osa_distance(known, word) == 1;
    LEADING.contains(&word) || (word.len() >= LETTERS && LEADING.iter().any(|known| nearly(&known)))
}

fn ends_sentence(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | ';' | '。' | '…')
}

fn ends_clause(c: char) -> bool {
    ends_sentence(c) || matches!(c, ',' | ':' | '(' | ')' | '、' | '"' | '“' | '”' | '—' | '–')
}

fn clause_before(before: &str) -> &str {
    before.rsplit(ends_clause).next().unwrap_or_default()
}

/// Latin words, in order.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '\'') || is_han(c)).filter(|word| !word.is_empty())
}

/// Whether there is nothing but polite words.
fn is_polite(text: &str) -> bool {
    words(text).all(|word| POLITE.contains(&word))
        && text.split(|c: char| !is_han(c)).all(is_polite_chinese)
        && !text.starts_with(['-', '\'', '/', '@', '_'])
        && !text.ends_with(['-', '\'', '/', '@', '_'])
}

fn is_polite_chinese(run: &str) -> bool {
    let mut rest = run;
    while !rest.is_empty() {
        let polite = POLITE_CHINESE.iter().filter_map(|word| rest.strip_prefix(word));
        match polite.min_by_key(|rest| rest.len()) {
            Some(shorter) => rest = shorter,
            None => return false,
        }
    }
    true
}

/// The text without these words at its end.
fn without_endings<'t>(text: &'t str, endings: &[&str]) -> &'t str {
    let mut text = text;
    while let Some(shorter) =
        endings.iter().filter_map(|ending| text.strip_suffix(ending)).min_by_key(|t| t.len())
    {
        text = shorter;
    }
    text
}
