//! How alike two texts are by their weighted words.

/// Bytes of a message that are compared; what comes after only counts against it. No variant is longer.
const COMPARED_BYTES: usize = 2_048;
/// Sentences of a message that are compared on their own.
const SENTENCES: usize = 6;
/// What a sentence keeps of its score when it is next to nothing of the message.
const SENTENCE: f32 = 0.5;

/// Words with their weights.
#[derive(Default)]
pub(super) struct Bag {
    /// By token.
    words: Vec<Word>,
    /// The weight of all, unknown ones included.
    total: f32,
    unknown: Vec<Box<str>>,
}

struct Word {
    token: u32,
    weight: f32,
    /// 1, or less for what was misspelt.
    credit: f32,
}

impl Bag {
    pub(super) fn add(&mut self, token: u32, weight: f32) {
        self.words.push(Word { token, weight, credit: 1.0 });
    }

    pub(super) fn add_misspelt(&mut self, token: u32, weight: f32, credit: f32) {
        self.words.push(Word { token, weight, credit });
    }

    /// A word that no variant has.
    pub(super) fn add_unknown(&mut self, weight: f32, text: &str) {
        if !self.unknown.iter().any(|known| **known == *text) {
            self.unknown.push(text.into());
            self.total += weight;
        }
    }

    /// Each word once, with its greatest weight.
    pub(super) fn finished(mut self) -> Self {
        self.words.sort_by(|a, b| a.token.cmp(&b.token).then(b.weight.total_cmp(&a.weight)));
        self.words.dedup_by_key(|word| word.token);
        self.words.shrink_to_fit();
        self.total += self.words.iter().map(|word| word.weight).sum::<f32>();
        self.unknown = Vec::new();
        self
    }

    /// Its tokens that are known, in order.
    pub(super) fn known(&self) -> impl Iterator<Item = u32> {
        self.words.iter().map(|word| word.token)
    }

    /// The same, with their weights.
    pub(super) fn weighted(&self) -> impl Iterator<Item = (u32, f32)> {
        self.words.iter().map(|word| (word.token, word.weight))
    }

    /// 0 to 1: twice what both have, of what there is.
    pub(super) fn likeness(&self, other: &Self) -> f32 {
        let total = self.total + other.total;
        if total <= 0.0 {
            return 0.0;
        }
        let mut both = 0.0;
        let mut others = other.words.iter().peekable();
        for word in &self.words {
            while others.next_if(|other| other.token < word.token).is_some() {}
            if let Some(other) = others.next_if(|other| other.token == word.token) {
                both += word.weight.min(other.weight) * word.credit.min(other.credit);
            }
        }
        2.0 * both / total
    }
}

/// A message or one of its sentences.
pub(super) struct Part {
    pub(super) bag: Bag,
    /// What is left of its score for what else the message says: 1 for all of it.
    pub(super) share: f32,
}

/// The whole of a message, then its sentences: a question may come with a greeting and a story.
pub(super) fn parts(text: &str, normalized: &str, bag: impl Fn(&str) -> Bag) -> Vec<Part> {
    let compared = deskbell_protocol::limits::cut(normalized, COMPARED_BYTES);
    let mut whole = bag(compared);
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    let longer = normalized.len().max(1) as f32 / compared.len().max(1) as f32;
    whole.total *= longer;
    let total = whole.total;
    let mut parts = vec![Part { bag: whole, share: 1.0 }];
    if text.len() > COMPARED_BYTES {
        return parts;
    }
    let sentences: Vec<&str> = sentences(text).take(SENTENCES).collect();
    if sentences.len() > 1 {
        parts.extend(sentences.into_iter().map(|sentence| {
            let bag = bag(&crate::responder::text::normalized(sentence));
            let share = if total > 0.0 { (bag.total / total).min(1.0) } else { 1.0 };
            Part { share: SENTENCE + (1.0 - SENTENCE) * share, bag }
        }));
    }
    parts
}

/// A dot or a comma ends a sentence only before a space; Chinese signs, and commas there, always do.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = text.char_indices().find(|(at, c)| match c {
            '!' | '?' | ';' | '\n' | '。' | '！' | '？' | '；' | '，' | '…' => true,
            '.' => text.get(at + 1..).is_some_and(|after| after.starts_with(char::is_whitespace)),
            _ => false,
        });
        match end {
            Some((at, c)) => {
                rest = text.get(at + c.len_utf8()..);
                text.get(..at)
            }
            None => rest.take(),
        }
    })
    .filter(|sentence| sentence.chars().any(char::is_alphanumeric))
}
