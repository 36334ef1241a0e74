//! Which question variants share words with a message, the likeliest first: BM25.

use bm25::{Embedder, EmbedderBuilder, Embedding, Scorer, TokenEmbedder, TokenEmbedding};

/// Variants that are looked at for one message. Words that almost all variants have lead nowhere, and would take long.
const LOOKED_AT: usize = 3_000;
/// Of those, the ones that are compared.
const COMPARED: usize = 600;

/// Variants by their tokens.
pub(super) struct Index {
    scorer: Scorer<u32, u32>,
    /// How many variants have each token.
    frequency: Vec<u32>,
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
        let mut frequency = vec![0_u32; vocabulary];
        for (variant, text) in (0..).zip(&texts) {
            scorer.upsert(&variant, embedder.embed(text));
        }
        for token in variants.iter().flatten() {
            if let Some(count) = usize::try_from(*token).ok().and_then(|at| frequency.get_mut(at)) {
                *count = count.saturating_add(1);
            }
        }
        Self { scorer, frequency }
    }

    /// The variants that are worth comparing with a message of these tokens, the likeliest first.
    pub(super) fn likely(&self, tokens: &[u32]) -> Vec<u32> {
        let count = |token: &u32| usize::try_from(*token).ok().and_then(|at| self.frequency.get(at)).copied();
        let mut rarest: Vec<(u32, u32)> =
            tokens.iter().map(|token| (count(token).unwrap_or(0), *token)).collect();
        rarest.sort_unstable();
        rarest.dedup();
        let mut total = 0_usize;
        let query = rarest
            .into_iter()
            .take_while(|(count, _)| {
                let first = total == 0;
                total = total.saturating_add(usize::try_from(*count).unwrap_or(usize::MAX));
                total <= LOOKED_AT || (first && total <= 4 * LOOKED_AT)
            })
            .map(|(_, token)| TokenEmbedding { index: token, value: 1.0 })
            .collect();
        let mut found = self.scorer.matches(&Embedding(query));
        // Equals come in no order from there.
        found.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.id.cmp(&b.id)));
        found.into_iter().take(COMPARED).map(|found| found.id).collect()
    }
}
