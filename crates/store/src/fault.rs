//! Places where tests make a debug build fail. In a release build there are none.

/// Ends the process here, as a crash would, when `DESKBELL_TEST_CRASH` names this place; with `NAME#3`, at the third
/// time.
pub(crate) fn point(name: &str) {
    #[cfg(debug_assertions)]
    debug::point(name);
    #[cfg(not(debug_assertions))]
    let _ = name;
}

/// Panics, as a mistake of ours would, when what is decided has the word of `DESKBELL_TEST_WRITER_PANIC_ON`.
#[cfg(debug_assertions)]
#[expect(clippy::panic, reason = "that is the fault")]
pub(crate) fn panic_on(text: &str) {
    use std::sync::OnceLock;
    static WORD: OnceLock<Option<String>> = OnceLock::new();
    let word = WORD.get_or_init(|| std::env::var("DESKBELL_TEST_WRITER_PANIC_ON").ok());
    if word.as_deref().is_some_and(|word| text.contains(word)) {
        panic!("a fault on purpose");
    }
}

#[cfg(not(debug_assertions))]
pub(crate) fn panic_on(_text: &str) {}

/// What tests put in the place of a value: `DESKBELL_TEST_SYNCHRONOUS` in that of `synchronous`.
pub(crate) fn value<T: std::str::FromStr>(name: &str, usual: T) -> T {
    #[cfg(debug_assertions)]
    if let Ok(other) = std::env::var(format!("DESKBELL_TEST_{}", name.to_uppercase())) {
        return other.parse().unwrap_or(usual);
    }
    let _ = name;
    usual
}

#[cfg(debug_assertions)]
mod debug {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// The place, and how often it is still to be passed.
    static CRASH: OnceLock<Option<(String, AtomicU32)>> = OnceLock::new();

    pub(super) fn point(name: &str) {
        let crash = CRASH.get_or_init(|| {
            let wanted = std::env::var("DESKBELL_TEST_CRASH").ok()?;
            let (place, times) = wanted.split_once('#').unwrap_or((&wanted, "1"));
            Some((place.to_owned(), AtomicU32::new(times.parse().unwrap_or(1))))
        });
        if let Some((place, left)) = crash
            && place == name
            && left.fetch_sub(1, Ordering::SeqCst) == 1
        {
            std::process::abort();
        }
    }
}
