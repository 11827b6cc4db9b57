//! A bucket of tokens that fills at a rate: what is taken over a long time is at most
//! the rate, and at once no more than the bucket holds. Pure: the time is a parameter.

use std::time::{Duration, Instant};

/// The bucket holds what comes in this time, a tenth of a minute.
const DEPTH: Duration = Duration::from_secs(6);

/// The longest wait. Longer ones overflow clocks.
const MAX_WAIT: Duration = Duration::from_secs(365 * 24 * 3600);

pub struct TokenBucket {
    /// Per second.
    rate: f64,
    capacity: f64,
    /// What it held at `filled_at`; negative if more was taken than it had.
    level: f64,
    filled_at: Instant,
}

impl TokenBucket {
    /// A full bucket. `rate` is in tokens per second.
    pub fn new(rate: f64, now: Instant) -> Self {
        let capacity = rate * DEPTH.as_secs_f64();
        Self { rate, capacity, level: capacity, filled_at: now }
    }

    /// When so many tokens may be taken. More than the bucket holds may be taken once it
    /// is full, and leave a debt.
    pub fn ready_at(&self, now: Instant, tokens: u64) -> Instant {
        let missing = (tokens as f64).min(self.capacity) - self.level_at(now);
        let wait = Duration::try_from_secs_f64((missing / self.rate).max(0.0));
        now + wait.unwrap_or(MAX_WAIT).min(MAX_WAIT)
    }

    pub fn take(&mut self, now: Instant, tokens: u64) {
        self.fill(now);
        self.level -= tokens as f64;
    }

    /// So many tokens were taken for a request that used this many.
    pub fn correct(&mut self, now: Instant, taken: u64, used: u64) {
        self.fill(now);
        self.level = (self.level + taken as f64 - used as f64).min(self.capacity);
    }

    fn fill(&mut self, now: Instant) {
        self.level = self.level_at(now);
        self.filled_at = now;
    }

    fn level_at(&self, now: Instant) -> f64 {
        let time = now.saturating_duration_since(self.filled_at);
        (self.level + time.as_secs_f64() * self.rate).min(self.capacity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    /// Takes so many tokens each time that they are ready. Returns what was taken until
    /// `end`, and at once at the start.
    fn take_all(
        bucket: &mut TokenBucket,
        start: Instant,
        end: Duration,
        tokens: u64,
    ) -> (u64, u64) {
        let (mut now, mut taken, mut at_once) = (start, 0, 0);
        loop {
            now = now.max(bucket.ready_at(now, tokens));
            if now > start + end {
                return (taken, at_once);
            }
            bucket.take(now, tokens);
            taken += tokens;
            at_once += if now == start { tokens } else { 0 };
        }
    }

    #[test]
    fn the_rate_is_kept_over_a_minute_after_a_burst_of_a_tenth_of_it() {
        let start = Instant::now();
        // 10,000 a minute.
        let mut bucket = TokenBucket::new(10_000.0 / 60.0, start);
        let (taken, at_once) = take_all(&mut bucket, start, seconds(60.0), 100);
        assert_eq!(at_once, 1000);
        assert!((10_900..=11_000).contains(&taken), "{taken}");
        // An idle time is followed by no more than such a burst.
        let later = start + seconds(3600.0);
        let (taken, at_once) = take_all(&mut bucket, later, seconds(60.0), 100);
        assert_eq!(at_once, 1000);
        assert!((10_900..=11_000).contains(&taken), "{taken}");
    }

    #[test]
    fn a_request_above_the_capacity_waits_for_a_full_bucket_and_leaves_a_debt() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(100.0, start);
        bucket.take(start, 300);
        assert_eq!(bucket.ready_at(start, 5000), start + seconds(3.0));
        let full = start + seconds(3.0);
        bucket.take(full, 5000);
        // 4,400 too much, and one more token.
        assert_eq!(bucket.ready_at(full, 1), full + seconds(44.01));
        let (taken, _) = take_all(&mut bucket, full, seconds(600.0), 5000);
        assert_eq!(taken, 60_000, "a large one passes each 50 s");
    }

    #[test]
    fn what_a_request_used_corrects_what_was_taken_for_it() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(100.0, start);
        bucket.take(start, 600);
        assert_eq!(bucket.ready_at(start, 200), start + seconds(2.0));
        bucket.correct(start, 600, 500);
        assert_eq!(bucket.ready_at(start, 200), start + seconds(1.0));
        bucket.correct(start, 0, 300);
        assert_eq!(bucket.ready_at(start, 200), start + seconds(4.0));
        // What is given back does not overfill it.
        bucket.correct(start, 1000, 0);
        assert_eq!(bucket.ready_at(start, 600), start);
        bucket.take(start, 600);
        assert_eq!(bucket.ready_at(start, 1), start + seconds(0.01));
    }

    #[test]
    fn a_count_beyond_all_reason_is_a_long_wait_and_no_panic() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(1e-5, start);
        bucket.correct(start, 0, u64::MAX);
        assert_eq!(bucket.ready_at(start, 1), start + MAX_WAIT);
    }
}
