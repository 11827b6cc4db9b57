//! When to try again, and how long to wait first. Pure: clock and chance are
//! parameters.

use std::time::{Duration, SystemTime};

use crate::error::{Error, NetworkError, ServerError};

/// The first wait at its longest; it doubles with each failure.
const FIRST_WAIT: Duration = Duration::from_millis(500);

const LONGEST_WAIT: Duration = Duration::from_secs(8);

/// A server that asks for more than this is not waited for.
pub const LONGEST_REQUESTED_WAIT: Duration = Duration::from_secs(120);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryDecision {
    /// Wait this long, then try again.
    Again(Duration),
    /// Give up.
    Never,
}

/// What to do after `error`, the failure number `failures` (from 1), when
/// `retries` further tries are allowed and `left` is what remains of the
/// deadline. `chance` is in 0..1.
pub fn after(
    error: &Error,
    failures: u32,
    retries: u32,
    left: Option<Duration>,
    chance: f64,
) -> RetryDecision {
    let requested = match error {
        Error::Server(server) if is_worth_it(server) => server.retry_after,
        Error::Network(
            NetworkError::Connect { .. }
            | NetworkError::ConnectTimeout(_)
            | NetworkError::Proxy { is_final: false, .. }
            | NetworkError::Tls { .. }
            | NetworkError::Unanswered,
        ) => None,
        Error::Network(NetworkError::Resolve { is_temporary: true, .. }) => None,
        _ => return RetryDecision::Never,
    };
    let wait = requested.unwrap_or_else(|| backoff(failures).mul_f64(chance));
    let is_too_long = requested.is_some_and(|wait| wait > LONGEST_REQUESTED_WAIT)
        || left.is_some_and(|left| wait >= left);
    if failures > retries || is_too_long {
        RetryDecision::Never
    } else {
        RetryDecision::Again(wait)
    }
}

/// The longest wait after so many failures, before chance shortens it.
fn backoff(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    FIRST_WAIT.saturating_mul(1 << doublings).min(LONGEST_WAIT)
}

fn is_worth_it(server: &ServerError) -> bool {
    if server.is_quota() {
        return false;
    }
    let is_temporary =
        matches!(server.http_status, Some(408 | 409 | 425 | 429 | 500 | 502 | 503 | 504 | 529));
    // An error without a status came inside a reply, which may be billed.
    server.http_status.is_some() && server.should_retry.unwrap_or(is_temporary)
}

/// How long a server asks to wait: `retry-after-ms` in milliseconds, or else
/// `Retry-After` in seconds, with decimals if need be, or as a date (RFC 9110
/// 10.2.3). What is neither is no request.
pub fn requested_wait(
    retry_after: Option<&str>,
    retry_after_ms: Option<&str>,
    now: SystemTime,
) -> Option<Duration> {
    let number = |text: &str, scale: f64| {
        let number: f64 = text.trim().parse().ok()?;
        let is_wait = number.is_finite() && number >= 0.0;
        // What is too long to be counted is for ever.
        let wait = || Duration::try_from_secs_f64(number * scale).unwrap_or(Duration::MAX);
        is_wait.then(wait)
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

    /// The verdict on a first failure of three tries, at the longest wait.
    fn first(error: ServerError) -> RetryDecision {
        after(&error.into(), 1, 2, None, 1.0)
    }

    const HALF_A_SECOND: RetryDecision = RetryDecision::Again(Duration::from_millis(500));

    #[test]
    fn each_status_is_tried_again_or_is_not() {
        for code in [408, 409, 425, 429, 500, 502, 503, 504, 529] {
            assert_eq!(first(status(code)), HALF_A_SECOND, "{code}");
        }
        for code in [400, 401, 403, 404, 405, 410, 413, 418, 422, 451, 501, 505] {
            assert_eq!(first(status(code)), RetryDecision::Never, "{code}");
        }
    }

    #[test]
    fn the_servers_own_wish_is_obeyed() {
        let wish = |code, should_retry| ServerError { should_retry, ..status(code) };
        assert_eq!(first(wish(503, Some(false))), RetryDecision::Never);
        assert_eq!(first(wish(400, Some(true))), HALF_A_SECOND);
    }

    #[test]
    fn an_empty_purse_is_not_asked_twice() {
        let quota = "insufficient_quota".to_owned();
        let by_code = ServerError { code: Some(quota.clone()), ..status(429) };
        assert_eq!(first(by_code), RetryDecision::Never);
        let by_type = ServerError { kind: Some(quota), should_retry: Some(true), ..status(429) };
        assert_eq!(first(by_type), RetryDecision::Never);
        assert_eq!(first(ServerError { is_exceeded: true, ..status(429) }), RetryDecision::Never);
    }

    #[test]
    fn an_error_inside_a_reply_is_final() {
        let code = Some("503".to_owned());
        assert_eq!(first(ServerError { code, ..ServerError::default() }), RetryDecision::Never);
    }

    #[test]
    fn only_failures_before_an_answer_are_tried_again() {
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
            assert_eq!(after(&error.into(), 1, 2, None, 1.0), HALF_A_SECOND);
        }
        for error in [
            NetworkError::Silence(Duration::from_secs(1)),
            NetworkError::Deadline(Duration::from_secs(1)),
            NetworkError::Cut(String::new()),
            resolve(false),
        ] {
            assert_eq!(after(&error.into(), 1, 2, None, 1.0), RetryDecision::Never);
        }
        assert_eq!(after(&Error::Protocol(String::new()), 1, 2, None, 1.0), RetryDecision::Never);
    }

    #[test]
    fn waits_double_to_eight_seconds_and_chance_shortens_them() {
        let wait = |failures, chance| after(&status(503).into(), failures, 20, None, chance);
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
    fn tries_are_counted() {
        let verdict = |failures, retries| after(&status(503).into(), failures, retries, None, 1.0);
        assert_eq!(verdict(1, 0), RetryDecision::Never);
        assert_eq!(verdict(2, 2), RetryDecision::Again(Duration::from_secs(1)));
        assert_eq!(verdict(3, 2), RetryDecision::Never);
    }

    #[test]
    fn a_requested_wait_is_kept_up_to_two_minutes_or_the_deadline() {
        let verdict = |seconds, left: Option<u64>| {
            let retry_after = Some(Duration::from_secs(seconds));
            let error = ServerError { retry_after, ..status(429) };
            after(&error.into(), 1, 2, left.map(Duration::from_secs), 0.5)
        };
        assert_eq!(verdict(120, None), RetryDecision::Again(Duration::from_secs(120)));
        assert_eq!(verdict(121, None), RetryDecision::Never);
        assert_eq!(verdict(7, Some(8)), RetryDecision::Again(Duration::from_secs(7)));
        assert_eq!(verdict(8, Some(8)), RetryDecision::Never);
        let left = Some(Duration::from_millis(100));
        assert_eq!(after(&status(503).into(), 1, 2, left, 1.0), RetryDecision::Never);
    }

    #[test]
    fn every_form_of_retry_after_is_read() {
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
