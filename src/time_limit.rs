//! A limit for a wait, which counts only while this process runs. A process can
//! be stopped by Ctrl-Z, a freezer or a suspended machine, and what it waits for
//! goes on meanwhile.

use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

/// Shorter slices would only cost wake-ups.
const MIN_SLICE: Duration = Duration::from_millis(10);

/// A limit for a wait, and how much of it is used. Waits are cut into slices, and
/// a slice that took much longer than asked shows that the process was stopped.
#[derive(Debug, Clone, Copy)]
pub struct TimeLimit {
    limit: Duration,
    used: Duration,
}

impl TimeLimit {
    pub fn new(limit: Duration) -> Self {
        Self { limit, used: Duration::ZERO }
    }

    pub fn limit(&self) -> Duration {
        self.limit
    }

    pub fn left(&self) -> Duration {
        self.limit.saturating_sub(self.used)
    }

    /// How long to wait at once: a hundredth of the limit, so that a stop uses
    /// little of it. At the default idle timeout that is a wake-up every 3 s.
    pub fn slice(&self) -> Duration {
        (self.limit / 100).max(MIN_SLICE).min(self.left())
    }

    /// Counts a wait that was to last for `slice` and took `time`. It counts at
    /// most twice: Linux rounds a timeout up by an eighth, and a busy machine
    /// wakes a thread late, but the rest is time in which the process was stopped.
    pub fn add(&mut self, slice: Duration, time: Duration) {
        self.used = self.used.saturating_add(time.min(slice.saturating_mul(2)));
    }

    /// Starts anew.
    pub fn reset(&mut self) {
        self.used = Duration::ZERO;
    }

    /// Lowers the limit to at most `limit`.
    pub fn shorten(&mut self, limit: Duration) {
        self.limit = self.limit.min(limit);
    }

    /// Calls `wait` with one slice after another until it returns something.
    /// Returns `None` if the limit passes first.
    pub fn wait<T>(&mut self, mut wait: impl FnMut(Duration) -> Option<T>) -> Option<T> {
        while !self.left().is_zero() {
            let (slice, began) = (self.slice(), Instant::now());
            if let Some(outcome) = wait(slice) {
                return Some(outcome);
            }
            self.add(slice, began.elapsed());
        }
        // What happened while the process was stopped.
        wait(Duration::ZERO)
    }

    /// Receives from a channel. Returns `None` if the limit passes first, or if
    /// no sender is left.
    pub fn receive<T>(&mut self, receiver: &Receiver<T>) -> Option<T> {
        use std::sync::mpsc::RecvTimeoutError::Timeout;
        self.wait(|slice| match receiver.recv_timeout(slice) {
            Err(Timeout) => None,
            received => Some(received.ok()),
        })
        .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_wait_counts_at_most_twice_as_long_as_it_was_to_last() {
        let mut limit = TimeLimit::new(100 * SECOND);
        for (slice, time, left) in [
            (SECOND, SECOND / 2, 99_500),
            (SECOND, SECOND * 9 / 8, 98_375),
            (SECOND, 3600 * SECOND, 96_375),
            (2 * SECOND, Duration::MAX, 92_375),
        ] {
            limit.add(slice, time);
            assert_eq!(limit.left(), Duration::from_millis(left));
        }
        limit.reset();
        assert_eq!(limit.left(), 100 * SECOND);
    }

    #[test]
    fn a_stop_uses_little_of_a_limit() {
        for limit in [SECOND, 300 * SECOND, 86_400 * SECOND] {
            let mut limit = TimeLimit::new(limit);
            limit.add(limit.slice(), 1_000_000 * SECOND);
            assert!(limit.left() >= limit.limit() * 98 / 100, "{limit:?}");
        }
    }

    #[test]
    fn slices_are_neither_tiny_nor_longer_than_what_is_left() {
        let slice = |limit| TimeLimit::new(limit).slice();
        assert_eq!(slice(300 * SECOND), 3 * SECOND);
        assert_eq!(slice(SECOND / 10), MIN_SLICE);
        assert_eq!(slice(Duration::from_millis(4)), Duration::from_millis(4));
        assert_eq!(slice(Duration::ZERO), Duration::ZERO);
        assert!(slice(Duration::MAX) > SECOND);
    }

    #[test]
    fn what_happened_during_a_stop_counts_even_if_the_limit_has_passed() {
        let mut slices = Vec::new();
        let mut limit = TimeLimit::new(MIN_SLICE);
        let outcome = limit.wait(|slice| {
            slices.push(slice);
            std::thread::sleep(slice);
            slice.is_zero().then_some("ready")
        });
        assert_eq!(outcome, Some("ready"));
        assert_eq!(slices, [MIN_SLICE, Duration::ZERO]);
    }

    #[test]
    fn a_channel_without_senders_ends_the_wait() {
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        drop(sender);
        assert_eq!(TimeLimit::new(3600 * SECOND).receive(&receiver), None);
        let (_sender, receiver) = std::sync::mpsc::channel::<()>();
        assert_eq!(TimeLimit::new(MIN_SLICE).receive(&receiver), None);
    }
}
