//! Times, sorted.

use std::time::Duration;

/// Times in order.
pub(crate) struct Sorted(Vec<Duration>);

impl Sorted {
    /// At least one.
    pub(crate) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The time within which this share of all is, in milliseconds.
    pub(crate) fn at(&self, share: f64) -> f64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index"
        )]
        let index = ((self.0.len() - 1) as f64 * share) as usize;
        self.0[index].as_secs_f64() * 1000.0
    }
}

/// Median, 99th percentile and maximum, in milliseconds, as text.
pub(crate) fn summary(times: Vec<Duration>) -> String {
    let times = Sorted::of(times);
    let [p50, p99, p999, most] = [0.5, 0.99, 0.999, 1.0].map(|share| times.at(share));
    format!("p50 {p50:.2} ms, p99 {p99:.2} ms, p99.9 {p999:.2} ms, max {most:.2} ms")
}
