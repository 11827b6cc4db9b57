//! The fields of an error that say what it is: its code, its type, and the ids
//! and waits beside them.

use std::time::Duration;

use crate::error::{ErrorClass, ServerError};
use crate::wire::loose_json::{Fields, LooseValue, is_named};

/// Names of fields, in lower case and without underscores.
pub type Names = &'static [&'static str];

const CODES: Names = &["code", "errorcode", "statuscode", "errcode", "httpcode"];

const KINDS: Names = &["type", "errortype", "status"];

/// Values of [`KINDS`] that only say that it is an error.
const NO_KINDS: [&str; 5] = ["error", "fail", "failed", "failure", "about:blank"];

/// Fields in which servers send back what they were sent.
const ECHOES: Names = &[
    "args",
    "body",
    "content",
    "context",
    "ctx",
    "data",
    "headers",
    "history",
    "input",
    "inputvalue",
    "inputs",
    "kwargs",
    "messages",
    "parameters",
    "params",
    "payload",
    "prompt",
    "query",
    "request",
    "requestbody",
    "text",
    "value",
];

/// MiniMax's codes in `base_resp`. Other servers use the numbers for other
/// errors.
const BASE_RESP_KINDS: [(&str, &str); 7] = [
    ("1004", "authentication_error"),
    ("1008", "insufficient_balance"),
    ("1026", "content_filter"),
    ("1027", "content_filter"),
    ("1039", "rate_limit_error"),
    ("2013", "invalid_parameter"),
    ("2049", "invalid_api_key"),
];

/// Adds to `error` what these fields say and it does not know yet. The code and
/// the type are those of the first object that has either: the server's own, not
/// those of a provider behind it.
pub fn add(fields: &Fields, error: &mut ServerError) {
    let text = |name: &&str| fields.get(name)?.as_text();
    let owned = |text: &str| text.to_owned();
    if error.code.is_none() && error.kind.is_none() {
        error.code = code(fields).map(owned);
        error.kind = kind(fields).map(owned);
    }
    let id = text(&"requestid").or_else(|| fields.get("meta")?.field("requestid")?.as_text());
    error.request_id = error.request_id.take().or_else(|| id.map(owned));
    error.is_exceeded |= matches!(fields.get("exceeded"), Some(LooseValue::List(_)));
    error.retry_after = error.retry_after.or_else(|| retry_delay(fields));
}

fn code(fields: &Fields) -> Option<&str> {
    let text = |name: &&str| fields.get(name)?.as_text();
    let is_status = |status: &&str| status.parse::<u16>().is_ok();
    let code = CODES.iter().filter_map(text).find(|code| !matches!(*code, "" | "0" | "200"));
    code.or_else(|| text(&"status").filter(is_status)).or_else(|| base_resp_code(fields))
}

fn base_resp_code(fields: &Fields) -> Option<&str> {
    fields.get("baseresp")?.field("statuscode")?.as_text()
}

fn kind(fields: &Fields) -> Option<&str> {
    let text = |name: &&str| fields.get(name)?.as_text();
    let is_kind = |kind: &&str| {
        let is_number = kind.starts_with(|c: char| c.is_ascii_digit());
        let is_url = kind.contains("//");
        let says_nothing = NO_KINDS.iter().any(|no_kind| kind.eq_ignore_ascii_case(no_kind));
        !kind.is_empty() && !is_number && !is_url && !says_nothing
    };
    let is_known_word = |word: &&str| !word.contains(' ') && ErrorClass::of_word(word).is_some();
    let base_resp = || {
        let code = base_resp_code(fields)?;
        BASE_RESP_KINDS.iter().find(|(known, _)| *known == code).map(|(_, kind)| *kind)
    };
    let kind = KINDS.iter().filter_map(text).find(is_kind);
    // `{"error":"Unauthorized","message":…}`
    kind.or_else(|| text(&"error").filter(is_known_word)).or_else(base_resp)
}

/// The wait in Google's `RetryInfo`, such as `34s`.
fn retry_delay(fields: &Fields) -> Option<Duration> {
    let Some(LooseValue::List(details)) = fields.get("details") else { return None };
    let delay = details.iter().find_map(|detail| detail.field("retrydelay")?.as_text())?;
    Duration::try_from_secs_f64(delay.strip_suffix('s')?.parse().ok()?).ok()
}

/// Parts of the names of fields that hold the server's own words.
const WORDY: [&str; 10] =
    ["cause", "desc", "error", "explanation", "hint", "info", "message", "msg", "reason", "title"];

/// The names and values of all fields, but for those that may be the user's or
/// that [`add`] knows. For an error without a message. Of fields with unknown
/// names, only single words are listed: a sentence may be the prompt.
pub fn listed(error: &LooseValue) -> Option<String> {
    let mut fields = Vec::new();
    list("", error, &mut fields);
    (!fields.is_empty()).then(|| fields.join(", "))
}

fn list(name: &str, value: &LooseValue, listed: &mut Vec<String>) {
    let lower = name.to_lowercase();
    let mut found = Found::default();
    found.add(value, WORDY.iter().any(|part| lower.contains(part)));
    if !name.is_empty() && !found.words.is_empty() {
        listed.push(format!("{name}: {}", found.words.join(", ")));
    }
    let is_hidden =
        |name| ECHOES.iter().chain(CODES).chain(KINDS).any(|known| is_named(name, known));
    let fields = found.objects.into_iter().flat_map(Fields::iter);
    let shown = fields.filter(|(name, _)| !is_hidden(name));
    shown.for_each(|(name, value)| list(name, value, listed));
}

/// What is in a value, or in a list of values.
#[derive(Default)]
struct Found<'a> {
    words: Vec<&'a str>,
    objects: Vec<&'a Fields>,
}

impl<'a> Found<'a> {
    fn add(&mut self, value: &'a LooseValue, is_wordy: bool) {
        match value {
            LooseValue::Object(fields) => self.objects.push(fields),
            LooseValue::List(items) => items.iter().for_each(|item| self.add(item, is_wordy)),
            LooseValue::Text(text) | LooseValue::Number(text) => {
                let is_blank = text.trim().is_empty();
                if !is_blank && (is_wordy || !text.contains(char::is_whitespace)) {
                    self.words.push(text);
                }
            }
            LooseValue::Other => {}
        }
    }
}
