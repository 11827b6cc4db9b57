//! Parsing the headers `X-RateLimit-Remaining` and `X-RateLimit-Reset`, and those of
//! tokens. Pure: the time is a parameter.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How many more requests, or tokens, the server accepts until the limit resets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    pub remaining: u64,
    /// The time until the reset.
    pub reset: Duration,
}

/// What the headers of a response say.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct RateLimits {
    pub requests: Option<RateLimit>,
    pub tokens: Option<RateLimit>,
}

/// The names of the two headers for requests: first those of Gravix Layer and most gateways,
/// then those of OpenAI.
pub const HEADERS: &[(&str, &str)] = &[
    ("x-ratelimit-remaining", "x-ratelimit-reset"),
    ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
];

/// The names of the two headers for tokens, as OpenAI and others send them.
pub const TOKEN_HEADERS: &[(&str, &str)] =
    &[("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens")];

/// A number from here on is seconds since the epoch, not a duration.
const MIN_EPOCH_SECONDS: f64 = 1e9;

/// A number from here on is milliseconds since the epoch.
const MIN_EPOCH_MILLISECONDS: f64 = 1e12;

/// Parses the values of the two headers; `None` if either is invalid.
pub fn parse(remaining: &str, reset: &str, now: SystemTime) -> Option<RateLimit> {
    // A negative number means that there is no limit.
    let remaining = remaining.trim().parse().ok().filter(|number: &f64| *number >= 0.0)?;
    Some(RateLimit { remaining: remaining as u64, reset: parse_reset(reset.trim(), now)? })
}

/// Parses the time until a reset: a number of seconds, a time since the epoch
/// in seconds or milliseconds, an HTTP date, or a duration such as `6m0.5s`.
fn parse_reset(reset: &str, now: SystemTime) -> Option<Duration> {
    let since_epoch = |seconds: f64| {
        let now = now.duration_since(UNIX_EPOCH).ok()?;
        Some(Duration::try_from_secs_f64(seconds).ok()?.saturating_sub(now))
    };
    match reset.parse::<f64>() {
        Ok(number) if number >= MIN_EPOCH_MILLISECONDS => since_epoch(number / 1e3),
        Ok(number) if number >= MIN_EPOCH_SECONDS => since_epoch(number),
        Ok(number) => Duration::try_from_secs_f64(number).ok(),
        Err(_) => match httpdate::parse_http_date(reset) {
            Ok(date) => Some(date.duration_since(now).unwrap_or_default()),
            Err(_) => parse_duration(reset),
        },
    }
}

/// Parses a duration in Go's format: numbers, each with its unit.
fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (value, tail) = rest.split_at(number);
        let end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let unit = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        seconds += value.parse::<f64>().ok()? * unit;
        rest = tail;
    }
    Duration::try_from_secs_f64(seconds).ok().filter(|_| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_of_reset_is_parsed() {
        let now = UNIX_EPOCH + Duration::from_secs(1_784_111_777);
        for (reset, seconds) in [
            ("30", Some(30.0)),
            (" 0.5 ", Some(0.5)),
            ("0", Some(0.0)),
            ("1784111787", Some(10.0)),
            ("1784111787500", Some(10.5)),
            ("1784111700", Some(0.0)),
            ("6m0s", Some(360.0)),
            ("1h2m3.5s", Some(3723.5)),
            ("20ms", Some(0.02)),
            ("Wed, 15 Jul 2026 10:36:27 GMT", Some(10.0)),
            ("soon", None),
            ("5x", None),
            ("-1", None),
            ("", None),
        ] {
            let found = parse("3", reset, now);
            let expected =
                seconds.map(|s| RateLimit { remaining: 3, reset: Duration::from_secs_f64(s) });
            assert_eq!(found, expected, "{reset}");
        }
        for remaining in ["many", "-1", "NaN"] {
            assert_eq!(parse(remaining, "1", now), None, "{remaining}");
        }
    }
}
