//! Whether to retry after an error, and how long to wait first. Pure: the time
//! and the jitter are parameters.

use std::time::{Duration, SystemTime};

use crate::error::{Error, NetworkError, ServerError};

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
        let requested = match error {
            Error::Server(server) if is_retryable(server) => server.retry_after,
            Error::Network(
                NetworkError::Connect { .. }
                | NetworkError::ConnectTimeout(_)
                | NetworkError::Proxy { is_final: false, .. }
                | NetworkError::Resolve { is_temporary: true, .. }
                | NetworkError::Tls { .. }
                | NetworkError::Unanswered,
            ) => None,
            _ => return RetryDecision::GiveUp,
        };
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
fn max_backoff(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    MAX_FIRST_WAIT.saturating_mul(1 << doublings).min(MAX_WAIT)
}

fn is_retryable(server: &ServerError) -> bool {
    if server.is_quota() {
        return false;
    }
    match server.http_status {
        // An error without a status came inside a reply, which may have been
        // billed, and so may the reply that Cloudflare did not wait for.
        None | Some(501 | 524) => false,
        Some(status) => {
            let is_temporary =
                matches!(status, 408 | 409 | 425 | 429 | 500 | 502 | 503 | 504 | 521..=523 | 529);
            server.should_retry.unwrap_or(is_temporary)
        }
    }
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
    use std::io;

    use super::*;

    fn status(status: u16) -> ServerError {
        ServerError { http_status: Some(status), ..ServerError::default() }
    }

    /// After the first of three tries, without a deadline.
    const FIRST_FAILURE: RetryState = RetryState { failures: 1, retries: 2, time_left: None };

    /// The decision after the first failure, with the longest backoff.
    fn first(error: impl Into<Error>) -> RetryDecision {
        FIRST_FAILURE.decide(&error.into(), 1.0)
    }

    const HALF_A_SECOND: RetryDecision = RetryDecision::Again(Duration::from_millis(500));

    #[test]
    fn only_temporary_statuses_are_retried() {
        for code in [408, 409, 425, 429, 500, 502, 503, 504, 521, 522, 523, 529] {
            assert_eq!(first(status(code)), HALF_A_SECOND, "{code}");
        }
        for code in [
            400, 401, 402, 403, 404, 405, 410, 413, 418, 422, 451, 501, 505, 520, 524, 525, 526,
            530,
        ] {
            assert_eq!(first(status(code)), RetryDecision::GiveUp, "{code}");
        }
    }

    #[test]
    fn x_should_retry_overrides_the_status() {
        let with = |code, should_retry| ServerError { should_retry, ..status(code) };
        assert_eq!(first(with(503, Some(false))), RetryDecision::GiveUp);
        assert_eq!(first(with(400, Some(true))), HALF_A_SECOND);
        for code in [402, 501, 524] {
            assert_eq!(first(with(code, Some(true))), RetryDecision::GiveUp, "{code}");
        }
    }

    #[test]
    fn quota_errors_are_not_retried() {
        let quota = "insufficient_quota".to_owned();
        let by_code = ServerError { code: Some(quota.clone()), ..status(429) };
        assert_eq!(first(by_code), RetryDecision::GiveUp);
        let by_type = ServerError { kind: Some(quota), should_retry: Some(true), ..status(429) };
        assert_eq!(first(by_type), RetryDecision::GiveUp);
        assert_eq!(first(ServerError { is_exceeded: true, ..status(429) }), RetryDecision::GiveUp);
    }

    #[test]
    fn an_error_inside_a_reply_is_not_retried() {
        let code = Some("503".to_owned());
        assert_eq!(first(ServerError { code, ..ServerError::default() }), RetryDecision::GiveUp);
    }

    #[test]
    fn only_failures_before_a_response_are_retried() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let target = "h".to_owned();
        let resolve = |is_temporary| {
            let (host, reason) = ("h".to_owned(), String::new());
            NetworkError::Resolve { host, reason, is_temporary }
        };
        for error in [
            NetworkError::Connect { target, is_proxied: false, source: refused },
            NetworkError::ConnectTimeout(Duration::from_secs(1)),
            NetworkError::Unanswered,
            resolve(true),
        ] {
            assert_eq!(first(error), HALF_A_SECOND);
        }
        for error in [
            NetworkError::Silence(Duration::from_secs(1)),
            NetworkError::Deadline(Duration::from_secs(1)),
            NetworkError::Cut(String::new()),
            resolve(false),
        ] {
            assert_eq!(first(error), RetryDecision::GiveUp);
        }
        assert_eq!(first(Error::Protocol(String::new())), RetryDecision::GiveUp);
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
