//! How long to wait before the next try: a random part of a time that doubles. So a thousand clients that were cut off at
//! the same moment do not come back at the same moment.

use std::time::Duration;

use crate::Randomness;

const FIRST: Duration = Duration::from_millis(250);
const MOST: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The next wait.
    pub(crate) fn next(&mut self, randomness: &mut Randomness) -> Duration {
        let most = FIRST.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX)).min(MOST);
        self.failures = self.failures.saturating_add(1).min(30);
        most.mul_f64(part(randomness()))
    }

    /// It worked.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

/// A number from 0 to 1.
#[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
fn part(random: u64) -> f64 {
    (random >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_half_a_minute_and_begin_anew() {
        let mut most: Randomness = Box::new(|| u64::MAX);
        let mut backoff = Backoff::default();
        let seconds: Vec<f64> =
            (0..10).map(|_| (backoff.next(&mut most).as_secs_f64() * 100.0).round() / 100.0).collect();
        assert_eq!(seconds, [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]);
        backoff.reset();
        assert!(backoff.next(&mut most) <= FIRST);
    }

    #[test]
    fn the_wait_is_spread_over_all_of_its_time() {
        let mut random = 0_u64;
        let mut spread: Randomness = Box::new(move || {
            random = random.wrapping_add(u64::MAX / 4);
            random
        });
        let waits: Vec<u128> = (0..3).map(|_| Backoff::default().next(&mut spread).as_millis()).collect();
        assert_eq!(waits, [62, 125, 187]);
    }
}
