//! A fault on purpose, for tests, by the environment. Debug builds only: a release build has none of this.

/// Panics when a customer's frame has the word of `DESKBELL_TEST_PANIC_ON`.
#[cfg(debug_assertions)]
#[expect(clippy::panic, reason = "that is the fault")]
pub(crate) fn panic_on(text: &str) {
    use std::sync::OnceLock;
    static WORD: OnceLock<Option<String>> = OnceLock::new();
    let word = WORD.get_or_init(|| std::env::var("DESKBELL_TEST_PANIC_ON").ok());
    if word.as_deref().is_some_and(|word| text.contains(word)) {
        panic!("a fault on purpose");
    }
}

#[cfg(not(debug_assertions))]
pub(crate) fn panic_on(_text: &str) {}
