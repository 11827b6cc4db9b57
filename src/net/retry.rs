//! Whether to retry after an error, and how long to wait first. Pure: the time
//! and the jitter are parameters.

use std::time::{Duration, SystemTime};

use crate::blame::Repeat;
use crate::error::Error;

/// The longest wait before the first retry. It doubles with each failure.
const MAX_FIRST_WAIT: Duration = Duration::from_millis(500);

const MAX_WAIT: Duration = Duration::from_secs(8);

/// gravix does not wait for a server that asks for more than this.
pub const LONGEST_REQUESTED_WAIT: Duration = Duration::from_secs(120);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryDecision {
    /// Wait this long, then try again.
    Again(Duration),
    GiveUp,
}

/// Where a request stands after a failure.
#[derive(Debug, Clone, Copy)]
pub struct RetryState {
    /// How many tries have failed, at least 1.
    pub failures: u32,
    /// How many retries are allowed.
    pub retries: u32,
    /// The time until the deadline; `None` without a deadline.
    pub time_left: Option<Duration>,
}

impl RetryState {
    /// What to do after `error`. `jitter` is in 0..1 and scales the backoff, but
    /// not a wait that the server asks for.
    pub fn decide(&self, error: &Error, jitter: f64) -> RetryDecision {
        if error.repeat() != Repeat::Soon {
            return RetryDecision::GiveUp;
        }
        let requested = error.retry_after();
        let wait = requested.unwrap_or_else(|| max_backoff(self.failures).mul_f64(jitter));
        let is_too_long = requested.is_some_and(|wait| wait > LONGEST_REQUESTED_WAIT)
            || self.time_left.is_some_and(|left| wait >= left);
        if self.failures > self.retries || is_too_long {
            RetryDecision::GiveUp
        } else {
            RetryDecision::Again(wait)
        }
    }
}

/// The backoff after this many failures, without jitter.
pub fn max_backoff(failures: u32) -> Duration {
    doubled(MAX_FIRST_WAIT, failures.saturating_sub(1)).min(MAX_WAIT)
}

/// `wait`, doubled this many times, but no more than 16 times.
pub fn doubled(wait: Duration, times: u32) -> Duration {
    wait.saturating_mul(1 << times.min(16))
}

/// How long the server asks to wait: `retry-after-ms` in milliseconds, or else
/// `Retry-After` in seconds, decimals allowed, or as an HTTP date (RFC 9110,
/// section 10.2.3). Invalid values are ignored.
pub fn requested_wait(
    retry_after: Option<&str>,
    retry_after_ms: Option<&str>,
    now: SystemTime,
) -> Option<Duration> {
    let number = |text: &str, scale: f64| {
        let number: f64 = text.trim().parse().ok()?;
        let is_valid = number.is_finite() && number >= 0.0;
        // A finite number that overflows a Duration is longer than any limit.
        let wait = || Duration::try_from_secs_f64(number * scale).unwrap_or(Duration::MAX);
        is_valid.then(wait)
    };
    if let Some(wait) = retry_after_ms.and_then(|text| number(text, 0.001)) {
        return Some(wait);
    }
    let text = retry_after?;
    number(text, 1.0).or_else(|| {
        let date = httpdate::parse_http_date(text.trim()).ok()?;
        Some(date.duration_since(now).unwrap_or(Duration::ZERO))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ServerError;

    fn status(status: u16) -> ServerError {
        ServerError { http_status: Some(status), ..ServerError::default() }
    }

    /// After the first of three tries, without a deadline.
    const FIRST_FAILURE: RetryState = RetryState { failures: 1, retries: 2, time_left: None };

    const HALF_A_SECOND: RetryDecision = RetryDecision::Again(Duration::from_millis(500));

    #[test]
    fn only_what_may_succeed_soon_is_tried_again() {
        let first = |code| FIRST_FAILURE.decide(&status(code).into(), 1.0);
        assert_eq!(first(503), HALF_A_SECOND);
        assert_eq!(first(409), HALF_A_SECOND);
        assert_eq!(first(400), RetryDecision::GiveUp);
        assert_eq!(first(401), RetryDecision::GiveUp);
    }

    #[test]
    fn waits_double_up_to_eight_seconds_and_jitter_shortens_them() {
        let wait = |failures, jitter| {
            let state = RetryState { failures, retries: 20, time_left: None };
            state.decide(&status(503).into(), jitter)
        };
        for (failures, milliseconds) in
            [(1, 500), (2, 1000), (3, 2000), (5, 8000), (6, 8000), (20, 8000)]
        {
            assert_eq!(
                wait(failures, 1.0),
                RetryDecision::Again(Duration::from_millis(milliseconds))
            );
        }
        assert_eq!(wait(3, 0.25), HALF_A_SECOND);
        assert_eq!(wait(1, 0.0), RetryDecision::Again(Duration::ZERO));
    }

    #[test]
    fn no_more_retries_are_made_than_allowed() {
        let decide = |failures, retries| {
            let state = RetryState { failures, retries, time_left: None };
            state.decide(&status(503).into(), 1.0)
        };
        assert_eq!(decide(1, 0), RetryDecision::GiveUp);
        assert_eq!(decide(2, 2), RetryDecision::Again(Duration::from_secs(1)));
        assert_eq!(decide(3, 2), RetryDecision::GiveUp);
    }

    #[test]
    fn a_requested_wait_is_obeyed_up_to_two_minutes_or_the_deadline() {
        let decide = |seconds, left: Option<u64>| {
            let retry_after = Some(Duration::from_secs(seconds));
            let error = ServerError { retry_after, ..status(429) };
            let time_left = left.map(Duration::from_secs);
            RetryState { time_left, ..FIRST_FAILURE }.decide(&error.into(), 0.5)
        };
        assert_eq!(decide(120, None), RetryDecision::Again(Duration::from_secs(120)));
        assert_eq!(decide(121, None), RetryDecision::GiveUp);
        assert_eq!(decide(7, Some(8)), RetryDecision::Again(Duration::from_secs(7)));
        assert_eq!(decide(8, Some(8)), RetryDecision::GiveUp);
        let state = RetryState { time_left: Some(Duration::from_millis(100)), ..FIRST_FAILURE };
        assert_eq!(state.decide(&status(503).into(), 1.0), RetryDecision::GiveUp);
    }

    #[test]
    fn every_format_of_retry_after_is_parsed() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let wait = |text, ms| requested_wait(text, ms, now);
        let seconds = |seconds| Some(Duration::from_secs_f64(seconds));
        assert_eq!(wait(Some("3"), None), seconds(3.0));
        assert_eq!(wait(Some(" 0.25 "), None), seconds(0.25));
        assert_eq!(wait(Some("3"), Some("1500")), seconds(1.5));
        assert_eq!(wait(Some("3"), Some("soon")), seconds(3.0));
        assert_eq!(wait(Some("Sun, 06 Nov 1994 08:49:47 GMT"), None), seconds(10.0));
        assert_eq!(wait(Some("Sunday, 06-Nov-94 08:49:47 GMT"), None), seconds(10.0));
        assert_eq!(wait(Some("Sun Nov  6 08:49:47 1994"), None), seconds(10.0));
        assert_eq!(wait(Some("Sun, 06 Nov 1994 08:49:00 GMT"), None), seconds(0.0));
        assert_eq!(wait(Some("1e300"), None), Some(Duration::MAX));
        for text in ["-1", "NaN", "inf", "soon", ""] {
            assert_eq!(wait(Some(text), None), None, "{text}");
        }
    }
}
