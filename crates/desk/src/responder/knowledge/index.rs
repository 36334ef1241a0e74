//! Which question variants share words with a message, the likeliest first: BM25.

use bm25::{Embedder, EmbedderBuilder, Embedding, Scorer, TokenEmbedder, TokenEmbedding};

/// Variants that BM25 ranks, those that share most with the message. Its own search would rank all that share a word: a
/// word that half of the base has would take milliseconds.
const RANKED: usize = 160;
/// Of those, the ones that are compared.
const COMPARED: usize = 64;
/// Words of a message that rank, the rarest.
const RANKING: usize = 24;
/// Places of words that are looked at for one message; common words are left out first.
const PLACES: usize = 100_000;

/// Variants by their tokens.
pub(super) struct Index {
    scorer: Scorer<u32, u32>,
    /// For each token the variants that have it.
    places: Vec<Vec<u32>>,
    variants: usize,
}

/// Tokens are numbers here: our own vocabulary gave them, and none is taken for another.
struct Numbers;

impl bm25::Tokenizer for Numbers {
    fn tokenize(&self, text: &str) -> Vec<String> {
        text.split(' ').filter(|number| !number.is_empty()).map(str::to_owned).collect()
    }
}

impl TokenEmbedder for Numbers {
    type EmbeddingSpace = u32;

    fn embed(token: &str) -> u32 {
        token.parse().unwrap_or(u32::MAX)
    }
}

impl Index {
    /// Of variants, each a list of tokens below `vocabulary`.
    pub(super) fn new(variants: &[Vec<u32>], vocabulary: usize) -> Self {
        let texts: Vec<String> = variants
            .iter()
            .map(|tokens| tokens.iter().map(u32::to_string).collect::<Vec<_>>().join(" "))
            .collect();
        let corpus: Vec<&str> = texts.iter().map(String::as_str).collect();
        let embedder: Embedder<Numbers, Numbers> =
            EmbedderBuilder::with_tokenizer_and_fit_to_corpus(Numbers, &corpus).build();
        let mut scorer = Scorer::new();
        let mut places = vec![Vec::new(); vocabulary];
        for ((variant, text), tokens) in (0..).zip(&texts).zip(variants) {
            scorer.upsert(&variant, embedder.embed(text));
            for token in tokens {
                if let Some(places) = at(*token).and_then(|at| places.get_mut(at)) {
                    places.push(variant);
                }
            }
        }
        places.iter_mut().for_each(Vec::shrink_to_fit);
        Self { scorer, places, variants: variants.len() }
    }

    /// The variants that are worth comparing with a message of these tokens and weights, the likeliest first.
    pub(super) fn likely(&self, words: impl Iterator<Item = (u32, f32)>) -> Vec<u32> {
        let mut rarest: Vec<(usize, u32, f32)> =
            words.map(|(token, weight)| (self.having(token).len(), token, weight)).collect();
        rarest.sort_unstable_by_key(|(count, token, _)| (*count, *token));
        let mut total = 0_usize;
        rarest.retain(|(count, _, _)| {
            total = total.saturating_add(*count);
            total <= PLACES || total == *count
        });
        let query = rarest
            .iter()
            .take(RANKING)
            .map(|(_, token, _)| TokenEmbedding { index: *token, value: 1.0 })
            .collect();
        let query = Embedding(query);
        let score = |variant: u32| self.scorer.score(&variant, &query).unwrap_or_default();
        let mut found: Vec<(f32, u32)> =
            self.sharing(&rarest).into_iter().map(|variant| (score(variant), variant)).collect();
        found.sort_unstable_by(|(a, at), (b, bt)| b.total_cmp(a).then(at.cmp(bt)));
        found.into_iter().take(COMPARED).map(|(_, variant)| variant).collect()
    }

    /// The variants that share most with these words.
    fn sharing(&self, words: &[(usize, u32, f32)]) -> Vec<u32> {
        let mut shared = vec![0.0_f32; self.variants];
        let mut touched = Vec::new();
        for (_, token, weight) in words {
            for variant in self.having(*token) {
                let Some(sum) = at(*variant).and_then(|at| shared.get_mut(at)) else { continue };
                if *sum == 0.0 {
                    touched.push(*variant);
                }
                *sum += weight;
            }
        }
        let sum = |variant: &u32| at(*variant).and_then(|at| shared.get(at)).copied().unwrap_or_default();
        if touched.len() > RANKED {
            touched.select_nth_unstable_by(RANKED, |a, b| sum(b).total_cmp(&sum(a)).then(a.cmp(b)));
            touched.truncate(RANKED);
        }
        touched
    }

    fn having(&self, token: u32) -> &[u32] {
        at(token).and_then(|at| self.places.get(at)).map_or(&[], Vec::as_slice)
    }
}

fn at(number: u32) -> Option<usize> {
    usize::try_from(number).ok()
}
