//! What headers say of a server's limits: `X-RateLimit-Remaining` and
//! `X-RateLimit-Reset`. Pure: the time is a parameter.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How many requests a server will still take, and for how long that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    pub remaining: u64,
    pub reset: Duration,
}

/// Names of the two headers: those of Gravix Layer and of most gateways, and
/// those of OpenAI's API.
pub const NAMES: &[(&str, &str)] = &[
    ("x-ratelimit-remaining", "x-ratelimit-reset"),
    ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
];

/// From more seconds on than this a number is a time and no duration.
const EPOCH: f64 = 1e9;

/// From here on it counts milliseconds.
const EPOCH_MS: f64 = 1e12;

/// The allowance that the values of the two headers mean.
pub fn parse(remaining: &str, reset: &str, now: SystemTime) -> Option<RateLimit> {
    // Less than nothing means that there is no limit.
    let remaining = remaining.trim().parse().ok().filter(|number: &f64| *number >= 0.0)?;
    Some(RateLimit { remaining: remaining as u64, reset: until(reset.trim(), now)? })
}

/// How long it is until a reset: a number of seconds, a time since the epoch
/// in seconds or milliseconds, a date, or a duration such as `6m0.5s`.
fn until(reset: &str, now: SystemTime) -> Option<Duration> {
    let since_epoch = |seconds: f64| {
        let now = now.duration_since(UNIX_EPOCH).ok()?;
        Some(Duration::try_from_secs_f64(seconds).ok()?.saturating_sub(now))
    };
    match reset.parse::<f64>() {
        Ok(number) if number >= EPOCH_MS => since_epoch(number / 1e3),
        Ok(number) if number >= EPOCH => since_epoch(number),
        Ok(number) => Duration::try_from_secs_f64(number).ok(),
        Err(_) => match httpdate::parse_http_date(reset) {
            Ok(date) => Some(date.duration_since(now).unwrap_or_default()),
            Err(_) => duration(reset),
        },
    }
}

/// A duration as Go writes it: numbers, each with its unit.
fn duration(text: &str) -> Option<Duration> {
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
    fn every_form_of_reset_is_read() {
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
