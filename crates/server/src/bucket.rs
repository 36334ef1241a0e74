//! A token bucket: so much at once, and so much a second.

use tokio::time::Instant;

/// How much a bucket holds, and what is given back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    burst: f64,
    per_second: f64,
}

impl Rate {
    /// `burst` at once, `per_second` from then on.
    pub(crate) fn new(burst: u32, per_second: u32) -> Self {
        Self { burst: burst.into(), per_second: per_second.into() }
    }

    /// So many at once, and as many a minute.
    pub(crate) fn per_minute(many: u32) -> Self {
        Self { burst: many.into(), per_second: f64::from(many) / 60.0 }
    }
}

/// What is left.
#[derive(Debug)]
pub(crate) struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    pub(crate) fn full(rate: Rate) -> Self {
        Self { tokens: rate.burst, at: Instant::now() }
    }

    /// Takes `many` if there is as much.
    pub(crate) fn take(&mut self, many: u32, rate: Rate) -> bool {
        self.refill(rate);
        let many = f64::from(many);
        let takes = self.tokens >= many;
        if takes {
            self.tokens -= many;
        }
        takes
    }

    /// Whether nothing was taken lately.
    pub(crate) fn is_full(&mut self, rate: Rate) -> bool {
        self.refill(rate);
        self.tokens >= rate.burst
    }

    fn refill(&mut self, rate: Rate) {
        let now = Instant::now();
        let given = now.duration_since(self.at).as_secs_f64() * rate.per_second;
        self.tokens = (self.tokens + given).min(rate.burst);
        self.at = now;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_then_a_rate_and_never_more_than_a_burst() {
        let rate = Rate::new(10, 2);
        let mut bucket = Bucket::full(rate);
        assert!(bucket.take(10, rate) && !bucket.take(1, rate));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(bucket.take(2, rate) && !bucket.take(1, rate));
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert!(bucket.is_full(rate) && bucket.take(10, rate) && !bucket.take(1, rate));
    }
}
