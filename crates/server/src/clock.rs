//! The edge where time comes in.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use deskbell_protocol::Timestamp;

/// The system's clock. Order never depends on it.
#[must_use]
pub fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
    Timestamp(now.saturating_add(test_offset_ms()))
}

/// How far tests have moved the clock of a debug build: the number in the file that `DESKBELL_TEST_CLOCK` names.
#[cfg(debug_assertions)]
fn test_offset_ms() -> i64 {
    use std::path::PathBuf;
    use std::sync::OnceLock;
    static FILE: OnceLock<Option<PathBuf>> = OnceLock::new();
    let file = FILE.get_or_init(|| std::env::var_os("DESKBELL_TEST_CLOCK").map(PathBuf::from)).as_ref();
    file.and_then(|file| std::fs::read_to_string(file).ok()?.trim().parse().ok()).unwrap_or(0)
}

#[cfg(not(debug_assertions))]
fn test_offset_ms() -> i64 {
    0
}

/// A minute of the time without input after which nobody is at the console. Tests of a debug build make it shorter: the
/// milliseconds in `DESKBELL_TEST_MINUTE`.
#[must_use]
pub fn idle_minute() -> Duration {
    #[cfg(debug_assertions)]
    if let Some(milliseconds) = std::env::var("DESKBELL_TEST_MINUTE").ok().and_then(|text| text.parse().ok())
    {
        return Duration::from_millis(milliseconds);
    }
    Duration::from_secs(60)
}

/// What tests put in the place of long intervals in a debug build: the milliseconds in `DESKBELL_TEST_INTERVAL`.
pub(crate) fn test_interval() -> Option<Duration> {
    #[cfg(debug_assertions)]
    if let Ok(milliseconds) = std::env::var("DESKBELL_TEST_INTERVAL") {
        return milliseconds.parse().ok().map(Duration::from_millis);
    }
    None
}
