//! The values of options, and their parsers.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use clap::ValueEnum;

/// Where the model's reasoning goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReasoningTarget {
    /// Print reasoning on stderr as it arrives, dim on a terminal
    Stderr,
    /// Drop reasoning
    Drop,
}

/// When Markdown is rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MarkdownWhen {
    /// If standard output is a terminal
    Auto,
    /// Into pipes and files too
    Always,
    Never,
}

/// What is done with requests that have changed since they were answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ChangedAction {
    /// Send them again
    Redo,
    /// Keep their old results
    Keep,
}

/// Which failed requests are sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailureKind {
    /// Those that may succeed the next time
    Temporary,
    /// All of them
    All,
}

/// Parses a number from `LOW` to `HIGH`, both included. NaN is refused.
pub fn within<const LOW: i8, const HIGH: i8>(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (f64::from(LOW)..=f64::from(HIGH)).contains(&number) {
        Ok(number)
    } else {
        Err(format!("not between {LOW} and {HIGH}"))
    }
}

/// Parses the name of a shell, such as `bash`.
pub fn shell_name(text: &str) -> Result<String, String> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
    match !text.is_empty() && text.chars().all(is_allowed) {
        true => Ok(text.to_owned()),
        false => Err("not the name of a shell, such as bash".to_owned()),
    }
}

/// Parses a key in a shell's notation, which is visible text.
pub fn key(text: &str) -> Result<String, String> {
    match !text.is_empty() && !text.contains(char::is_control) {
        true => Ok(text.to_owned()),
        false => Err("not the name of a key".to_owned()),
    }
}

/// Longer times count as a year, because they overflow clocks.
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// Parses a time: a number of seconds, or numbers with units such as `90s`, `8h` or
/// `1h 30m`.
pub fn time(text: &str) -> Result<Duration, String> {
    let time = match text.parse::<f64>() {
        Ok(seconds) if seconds.is_nan() => None,
        Ok(seconds) => Duration::try_from_secs_f64(seconds.min(YEAR.as_secs_f64())).ok(),
        Err(_) => humantime::parse_duration(text).ok(),
    };
    let time = time.map(|time| time.min(YEAR));
    time.ok_or_else(|| "not a time: write 90, 90s, 10m or 8h".to_owned())
}

/// Parses a positive number of seconds; decimals are allowed. More than a year
/// counts as a year.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    match Duration::try_from_secs_f64(number.min(YEAR.as_secs_f64())) {
        Ok(duration) if !duration.is_zero() && number.is_finite() => Ok(duration),
        _ => Err("not a positive number of seconds".to_owned()),
    }
}

/// When a line of progress is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgressInterval {
    Every(Duration),
    Never,
}

/// Parses a number of seconds, or `never`.
pub fn progress_interval(text: &str) -> Result<ProgressInterval, String> {
    match text {
        "never" => Ok(ProgressInterval::Never),
        text => seconds(text)
            .map(ProgressInterval::Every)
            .map_err(|reason| format!("{reason} or 'never'")),
    }
}

/// The name and the value of a variable of a template.
pub type Variable = (String, OsString);

/// Parses `NAME=VALUE`. Blanks around the name are dropped.
pub fn variable(text: OsString) -> Result<Variable, String> {
    let bytes = text.as_bytes();
    let end = bytes.iter().position(|&byte| byte == b'=');
    let name = end.and_then(|end| str::from_utf8(&bytes[..end]).ok()).map(str::trim);
    match (name, end) {
        (Some(name), Some(end)) if !name.is_empty() => {
            Ok((name.to_owned(), OsStr::from_bytes(&bytes[end + 1..]).to_owned()))
        }
        _ => Err("not in the form NAME=VALUE, such as lang=French".to_owned()),
    }
}

/// The name and value of a request header.
pub type Header = (String, String);

/// Parses `Name: value` (RFC 9110 5.1, 5.5).
pub fn header(text: &str) -> Result<Header, String> {
    let (name, value) = text.split_once(':').ok_or("it is not in the format 'Name: value'")?;
    let value = value.trim();
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() {
        return Err("its name is empty".to_owned());
    }
    if !name.bytes().all(is_token) {
        return Err(format!("{name:?} is not a header name"));
    }
    if value.chars().any(char::is_control) {
        return Err(format!("the value of {name} contains a control character"));
    }
    match name.to_ascii_lowercase().as_str() {
        "authorization" => {
            Err("Authorization is made from GRAVIXLAYER_API_KEY; set that instead".to_owned())
        }
        "accept-encoding" | "connection" | "content-length" | "expect" | "host"
        | "transfer-encoding" => Err(format!("gravix sets {name} itself")),
        _ => Ok((name.to_owned(), value.to_owned())),
    }
}

/// Parses a media type such as `image/png` (RFC 6838 4.2).
pub fn media_type(text: &str) -> Result<String, String> {
    let is_name = |name: &str| {
        name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
            && !name.is_empty()
    };
    match text.split_once('/') {
        Some((kind, subtype)) if is_name(kind) && is_name(subtype) => Ok(text.to_owned()),
        _ => Err("not a media type such as image/png".to_owned()),
    }
}

/// Parses a number of bytes such as `65536`, `64K`, `256M` or `1G`. Units are
/// powers of 1024.
pub fn bytes(text: &str) -> Result<usize, String> {
    let (number, shift) = match text.split_at_checked(text.len().saturating_sub(1)) {
        Some((number, "k" | "K")) => (number, 10),
        Some((number, "m" | "M")) => (number, 20),
        Some((number, "g" | "G")) => (number, 30),
        _ => (text, 0),
    };
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("not a number of bytes such as 65536, 64K, 256M or 1G".to_owned());
    }
    // Digits fail to parse only if they are too many.
    let bytes = number.parse::<usize>().ok().and_then(|number| number.checked_mul(1 << shift));
    match bytes {
        Some(0) => Err("must be at least 1".to_owned()),
        Some(bytes) => Ok(bytes),
        None => Err("more than this machine can address".to_owned()),
    }
}

/// Parses a count.
pub fn count(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| "not a whole number of 0 or more".to_owned())
}

/// Parses a count of at least one.
pub fn positive(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(number @ 1..) => Ok(number),
        _ => Err("not a whole number of 1 or more".to_owned()),
    }
}

/// Each job is a thread.
const MAX_JOBS: u16 = 10_000;

/// Parses a number of jobs.
pub fn jobs(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(number @ 1..=MAX_JOBS) => Ok(number),
        _ => Err(format!("not a whole number from 1 to {MAX_JOBS}")),
    }
}

/// Parses a rate such as `100/m` into requests per second.
pub fn rate(text: &str) -> Result<f64, String> {
    let parsed = text
        .split_once('/')
        .and_then(|(number, unit)| Some(number.parse::<f64>().ok()? / seconds_in(unit)?));
    // From about one a day to more than any server accepts.
    let parsed = parsed.filter(|rate| (1e-5..=1e6).contains(rate));
    parsed.ok_or_else(|| "not a rate such as 5/s, 100/m or 1000/h".to_owned())
}

/// Parses a rate such as `10k/m` into tokens per second.
pub fn token_rate(text: &str) -> Result<f64, String> {
    let parsed = text.split_once('/').and_then(|(number, unit)| {
        let (number, factor) = match number.split_at_checked(number.len().saturating_sub(1)) {
            Some((number, "k" | "K")) => (number, 1e3),
            Some((number, "M")) => (number, 1e6),
            _ => (number, 1.0),
        };
        Some(number.parse::<f64>().ok()? * factor / seconds_in(unit)?)
    });
    let parsed = parsed.filter(|rate| (1e-5..=1e12).contains(rate));
    parsed.ok_or_else(|| "not a rate such as 500/s, 10k/m or 2M/h".to_owned())
}

/// The seconds of the unit of a rate.
fn seconds_in(unit: &str) -> Option<f64> {
    match unit {
        "s" => Some(1.0),
        "m" => Some(60.0),
        "h" => Some(3600.0),
        _ => None,
    }
}

/// Parses an amount of money, without a currency.
pub fn sum(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(sum) if sum > 0.0 && sum.is_finite() => Ok(sum),
        _ => Err("not a number above 0, such as 2.50".to_owned()),
    }
}

/// Parses a shard such as `2/8` into its number, counted from 1, and the
/// number of shards.
pub fn shard(text: &str) -> Result<(u64, u64), String> {
    let parsed = text.split_once('/').and_then(|(number, count)| {
        let (number, count) = (number.parse().ok()?, count.parse().ok()?);
        (1..=count).contains(&number).then_some((number, count))
    });
    parsed.ok_or_else(|| "not in the form I/N with I from 1 to N, such as 2/8".to_owned())
}
