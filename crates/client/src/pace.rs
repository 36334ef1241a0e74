//! How fast messages leave: below what the desk allows one connection, so that it never has to refuse.

use std::time::Duration;

use tokio::time::Instant;

#[derive(Debug)]
pub(crate) struct Pace {
    /// One message a gap, after a burst.
    gap: Duration,
    burst: Duration,
    /// When the burst would be used up had nothing been sent since; moves on by a gap with each message.
    used_until: Instant,
}

impl Pace {
    /// So many at once, and so many a second from then on.
    pub(crate) fn new((burst, per_second): (u32, u32)) -> Self {
        let gap = Duration::from_secs(1) / per_second.max(1);
        Self { gap, burst: gap.saturating_mul(burst.max(1)), used_until: Instant::now() }
    }

    /// When the next message may leave.
    pub(crate) fn next(&self) -> Instant {
        (self.used_until + self.gap).checked_sub(self.burst).unwrap_or_else(Instant::now)
    }

    /// One has left.
    pub(crate) fn count(&mut self) {
        self.used_until = self.used_until.max(Instant::now()) + self.gap;
    }

    /// The desk asks to wait.
    pub(crate) fn pause(&mut self, pause: Duration) {
        self.used_until = self.used_until.max(Instant::now() + pause + self.burst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_leaves_at_once_and_the_rest_at_its_pace() {
        let began = Instant::now();
        let mut pace = Pace::new((3, 10));
        let mut left = Vec::new();
        for _ in 0..5 {
            tokio::time::sleep_until(pace.next()).await;
            left.push(began.elapsed().as_millis());
            pace.count();
        }
        assert_eq!(left, [0, 0, 0, 100, 200]);
        pace.pause(Duration::from_secs(2));
        assert!(pace.next().duration_since(Instant::now()) >= Duration::from_secs(2));
    }
}
