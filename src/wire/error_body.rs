//! Error bodies of servers, in all known shapes.

use indexmap::IndexSet;

use crate::error::ServerError;
use crate::wire::embedded_json::{self, TextPart};
use crate::wire::error_fields::{self, Names};
use crate::wire::loose_json::{self, Fields, LooseValue};
use crate::wire::markup;

/// How many texts inside texts are read.
const LEVELS: u8 = 8;

/// How much of a text is searched for JSON, in characters.
const TEXT_LIMIT: usize = 64 << 10;

/// Fields that hold the error, or a list of errors.
const ENVELOPES: Names = &["error", "errors", "baseresp", "fault"];

/// Fields with the server's message, the best first.
const MESSAGES: Names = &[
    "message",
    "msg",
    "errormessage",
    "errormsg",
    "errmsg",
    "statusmsg",
    "statusmessage",
    "errordescription",
    "faultstring",
    "detail",
];

/// Fields that are a message in an error, but in other objects something else.
const WEAK_MESSAGES: Names = &["reason", "description", "title"];

/// Parses an error body of any known shape, JSON or not. The message is the
/// innermost one, because proxies wrap the errors of others, and it is empty if
/// the body has no words. What the server sends back of the request is left out.
pub fn parse(payload: &[u8]) -> ServerError {
    let text = String::from_utf8_lossy(payload);
    let text = text.trim_start_matches('\u{feff}').trim();
    let mut finder = WordFinder::default();
    let level = Level { left: LEVELS, is_prose: false };
    let value = match text.starts_with(['{', '[', '"']) {
        true => loose_json::parse(text),
        false => None,
    };
    let message = match value {
        Some((value, rest)) if value.has_object() || rest.is_empty() => {
            finder.words_of(&value, level).or_else(|| match value.field("choices") {
                Some(_) => None,
                None => error_fields::listed(value.field("error").unwrap_or(&value)),
            })
        }
        _ => finder.words_of_plain(text, level),
    };
    let mut error = finder.found;
    let message = message.or_else(|| error.kind.clone().filter(|_| error.code.is_none()));
    error.message = one_line(&message.unwrap_or_default());
    // LM Studio's, with status 200.
    if error.kind.is_none() && error.message.to_lowercase().starts_with("unexpected endpoint") {
        error.kind = Some("unexpected_endpoint".to_owned());
    }
    error
}

/// The message in a body, or all of it if it has none.
pub fn words(body: &[u8]) -> String {
    match parse(body).message {
        none if none.is_empty() => String::from_utf8_lossy(body).trim().to_owned(),
        message => message,
    }
}

/// How much deeper texts inside texts are read.
#[derive(Clone, Copy)]
struct Level {
    left: u8,
    /// The value stands between words, so that it need not be an error.
    is_prose: bool,
}

/// Looks for the innermost message, and keeps the outermost code and type on the
/// way there.
#[derive(Default)]
struct WordFinder {
    found: ServerError,
}

impl WordFinder {
    fn words_of(&mut self, value: &LooseValue, level: Level) -> Option<String> {
        match value {
            LooseValue::Text(text) => self.words_in(text, level),
            LooseValue::List(items) => {
                joined(items.iter().filter_map(|item| self.words_of(item, level)))
            }
            LooseValue::Object(fields) => self.words_of_object(fields, level),
            LooseValue::Number(_) | LooseValue::Other => None,
        }
    }

    fn words_of_object(&mut self, fields: &Fields, level: Level) -> Option<String> {
        if let Some(LooseValue::List(location)) = fields.get("loc") {
            return self.words_of_location(location, fields, level);
        }
        error_fields::add(fields, &mut self.found);
        if let Some(words) = self.words_of_envelope(fields, level) {
            return Some(words);
        }
        // OpenRouter: what the provider said.
        let raw = fields.get("metadata").and_then(|metadata| metadata.field("raw"));
        if let Some(words) = raw.and_then(|raw| self.words_of(raw, level)) {
            return Some(words);
        }
        let weak = if level.is_prose { &[] } else { WEAK_MESSAGES };
        let message = MESSAGES.iter().find_map(|name| self.words_of(fields.get(name)?, level));
        let message = message.or_else(|| self.words_of(text_of(fields, "error")?, level));
        let message = message
            .or_else(|| weak.iter().find_map(|name| self.words_of(fields.get(name)?, level)));
        let reason = match fields.get("details") {
            Some(LooseValue::Object(details)) => {
                text_of(details, "reason").or_else(|| text_of(details, "message"))
            }
            _ => text_of(fields, "details"),
        };
        let reason = reason.and_then(|reason| self.words_of(reason, level));
        with_reason(message, reason)
    }

    /// The words of the error in an envelope, or of the errors.
    fn words_of_envelope(&mut self, fields: &Fields, level: Level) -> Option<String> {
        let level = Level { is_prose: false, ..level };
        let words = ENVELOPES.iter().find_map(|name| match fields.get(name)? {
            LooseValue::Text(_) => None,
            LooseValue::Object(errors) if *name == "errors" => {
                // Words of any of its fields, which may be called `title`.
                let is_prose = Level { is_prose: true, ..level };
                self.words_of_object(errors, is_prose)
                    .or_else(|| self.words_of_fields(errors, level))
            }
            error => self.words_of(error, level),
        });
        words.or_else(|| {
            let Some(LooseValue::List(choices)) = fields.get("choices") else { return None };
            choices.iter().find_map(|choice| self.words_of(choice.field("error")?, level))
        })
    }

    /// FastAPI's and pydantic's errors of one field, such as `model: field
    /// required`. Their types are kinds of fields, not of errors.
    fn words_of_location(
        &mut self,
        location: &[LooseValue],
        fields: &Fields,
        level: Level,
    ) -> Option<String> {
        let words = self.words_of(fields.get("msg").or_else(|| fields.get("message"))?, level)?;
        let mut parts: Vec<&str> = location.iter().filter_map(LooseValue::as_text).collect();
        if let Some(&("body" | "query" | "path" | "header")) = parts.first() {
            parts.remove(0);
        }
        Some(if parts.is_empty() { words } else { format!("{}: {words}", parts.join(".")) })
    }

    /// The errors of Rails and .NET: messages for each field.
    fn words_of_fields(&mut self, errors: &Fields, level: Level) -> Option<String> {
        joined(errors.iter().filter_map(|(name, messages)| {
            let texts = match messages {
                LooseValue::List(texts) => texts.as_slice(),
                text => std::slice::from_ref(text),
            };
            let texts = texts.iter().filter(|text| matches!(text, LooseValue::Text(_)));
            let words = joined(texts.filter_map(|text| self.words_of(text, level)))?;
            Some(if name.is_empty() { words } else { format!("{name}: {words}") })
        }))
    }

    /// The words of a body that is not JSON: those of its first line.
    fn words_of_plain(&mut self, text: &str, level: Level) -> Option<String> {
        if text.starts_with('<') {
            return markup::words(text);
        }
        // Cloudflare's answer to programs that want no HTML.
        if let Some(code) = text.strip_prefix("error code: ")
            && code.parse::<u16>().is_ok()
        {
            self.found.code = Some(code.to_owned());
            return None;
        }
        let words = self.words_in(text, level).filter(|words| words != "null")?;
        words.lines().next().map(str::to_owned)
    }

    /// The message inside a text that is JSON, or has JSON or HTML in it; or else
    /// the text, in which objects are left out: they may be the user's.
    fn words_in(&mut self, text: &str, level: Level) -> Option<String> {
        let end = text.char_indices().nth(TEXT_LIMIT).map_or(text.len(), |(end, _)| end);
        let text = text[..end].trim();
        let html = markup::html_start(text);
        if html.is_some() || text.starts_with("<?xml") {
            let before = &text[..html.unwrap_or_default()];
            let before = || has_words(before).then(|| before.trim().to_owned());
            return markup::words(text).or_else(before);
        }
        let text = without_input(text);
        let (mut shown, mut messages) = (String::new(), Vec::new());
        for part in embedded_json::split(&text) {
            match part {
                TextPart::Words(words) => shown += words,
                TextPart::Json(value) => {
                    match self.words_of_embedded(&value, level, has_words(&shown)) {
                        Some(words) => messages.push(words),
                        None => shown += "{…}",
                    }
                }
            }
        }
        let shown = has_words(&shown).then(|| shown.trim().to_owned());
        joined(messages.into_iter()).or(shown)
    }

    fn words_of_embedded(
        &mut self,
        value: &LooseValue,
        outer: Level,
        is_prose: bool,
    ) -> Option<String> {
        let level = Level { left: outer.left.checked_sub(1)?, is_prose };
        let (code, kind) = (self.found.code.clone(), self.found.kind.clone());
        let words = self.words_of(value, level);
        if words.is_none() {
            // Not an error, so its fields mean something else.
            (self.found.code, self.found.kind) = (code, kind);
        }
        words
    }
}

fn text_of<'a>(fields: &'a Fields, name: &str) -> Option<&'a LooseValue> {
    fields.get(name).filter(|value| matches!(value, LooseValue::Text(_)))
}

fn has_words(text: &str) -> bool {
    text.contains(char::is_alphanumeric)
}

/// A message and the reason in its details, each once.
fn with_reason(message: Option<String>, reason: Option<String>) -> Option<String> {
    let (Some(message), Some(reason)) = (&message, &reason) else {
        return message.or(reason);
    };
    if message.contains(reason.as_str()) {
        return Some(message.clone());
    }
    if reason.contains(message.as_str()) {
        return Some(reason.clone());
    }
    Some(format!("{}: {reason}", message.trim_end_matches(['.', ':'])))
}

fn one_line(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(" ")
}

/// Several messages as one, each once.
fn joined(messages: impl Iterator<Item = String>) -> Option<String> {
    let unique: Vec<String> = messages.collect::<IndexSet<_>>().into_iter().collect();
    (!unique.is_empty()).then(|| unique.join("; "))
}

/// `text` without the values that pydantic shows of its input, as in
/// `[type=missing, input_value={…}, input_type=dict]`.
fn without_input(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, value)) = rest.split_once("input_value=") {
        shown = shown + before + "input_value=…";
        rest = value.find(", input_type=").map_or("", |end| &value[end..]);
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::error::ErrorClass;

    /// A body and its message, code and type.
    type Case<'a> = (&'a str, &'a str, Option<&'a str>, Option<&'a str>);

    #[track_caller]
    fn ensure(cases: &[Case<'_>]) {
        for (payload, message, code, kind) in cases {
            let error = parse(payload.as_bytes());
            let found = (error.message.as_str(), error.code.as_deref(), error.kind.as_deref());
            assert_eq!(found, (*message, *code, *kind), "{payload}");
        }
    }

    #[track_caller]
    fn ensure_message(cases: &[(&str, &str)]) {
        for (payload, message) in cases {
            assert_eq!(parse(payload.as_bytes()).message, *message, "{payload}");
        }
    }

    #[test]
    fn every_shape_of_error_yields_its_message() {
        ensure_message(&[
            (r#"{"error":"boom"}"#, "boom"),
            (r#"{"detail":"Not Found"}"#, "Not Found"),
            (r#"{"error":true,"message":"the reason"}"#, "the reason"),
            (r#"{"type":"error","message":"m"}"#, "m"),
            (r#"{"errors":["a","b","a"]}"#, "a; b"),
            (r#"{"fault":{"faultstring":"m"}}"#, "m"),
            (r#""boom""#, "boom"),
            ("\u{feff}{\"error\":\"boom\"}", "boom"),
            ("Service Unavailable\nat once\n", "Service Unavailable"),
        ]);
    }

    #[test]
    fn every_shape_of_error_yields_its_code_and_its_type() {
        ensure(&[
            (
                r#"{"error":{"message":"m","type":"server_error","code":503}}"#,
                "m",
                Some("503"),
                Some("server_error"),
            ),
            (r#"[{"error":{"code":429,"message":"m"}}]"#, "m", Some("429"), None),
            (r#"{"object":"error","message":"m","code":400}"#, "m", Some("400"), None),
            (r#"{"message":"m","code":500}"#, "m", Some("500"), None),
            (r#"{"code":1311,"msg":"m"}"#, "m", Some("1311"), None),
            (r#"{"error_code":17,"error_msg":"m"}"#, "m", Some("17"), None),
            (
                r#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#,
                "m",
                None,
                Some("overloaded_error"),
            ),
            (
                r#"{"success":false,"errors":[{"code":41,"message":"a"},{"message":"b"}]}"#,
                "a; b",
                Some("41"),
                None,
            ),
            (
                r#"{"title":"t","status":400,"errors":{"model":["is required"],"":["x"]}}"#,
                "model: is required; x",
                Some("400"),
                None,
            ),
            (
                r#"{"type":"https://e.org/x","title":"t","detail":"m","status":403}"#,
                "m",
                Some("403"),
                None,
            ),
            (
                r#"{"base_resp":{"status_code":1004,"status_msg":"m"}}"#,
                "m",
                Some("1004"),
                Some("authentication_error"),
            ),
            (
                r#"{"choices":[{"delta":{"content":"x"},"error":{"code":502,"message":"m"}}]}"#,
                "m",
                Some("502"),
                None,
            ),
            (
                r#"{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED"}}"#,
                "m",
                Some("429"),
                Some("RESOURCE_EXHAUSTED"),
            ),
            (
                r#"{"statusCode":401,"error":"Unauthorized","message":["m"]}"#,
                "m",
                Some("401"),
                Some("Unauthorized"),
            ),
            (
                r#"{"Message":"m","__type":"ThrottlingException"}"#,
                "m",
                None,
                Some("ThrottlingException"),
            ),
            (
                r#"{"error":"invalid_token","error_description":"m"}"#,
                "m",
                None,
                Some("invalid_token"),
            ),
        ]);
    }

    #[test]
    fn the_innermost_message_wins() {
        ensure_message(&[
            (r#"{"error":{"message":"Provider error","metadata":{"raw":"m"}}}"#, "m"),
            (r#"{"error":{"message":"Provider error","metadata":{"raw":{"detail":"m"}}}}"#, "m"),
            (r#"{"error":{"message":"m","metadata":{"raw":""}}}"#, "m"),
            (r#"{"error":{"message":"No.","details":{"reason":"no tail"}}}"#, "No: no tail"),
            (r#"{"error":{"message":"no tail: x","details":{"reason":"no tail"}}}"#, "no tail: x"),
            (r#"{"error":"Bad","details":"no tail"}"#, "Bad: no tail"),
            (r#"{"message":"it said {\\\"error\\\":{\\\"message\\\":\\\"m\\\"}}"}"#, "m"),
            (r#"Error: {"message":"m"} for "x""#, "m"),
            (r#"{"message":{"error":{"message":"m"}}}"#, "m"),
            (r#"{"error":{"message":"<html><title>502 Bad</title>x"}}"#, "502 Bad"),
            (r#"{"error":{"message":"upstream sent <html><p>"}}"#, "upstream sent"),
        ]);
        ensure(&[
            (
                r#"{"error":{"message":"x","code":400,"metadata":{"raw":"{\"error\":{\"message\":\"m\",\"code\":\"E\"}}"}}}"#,
                "m",
                Some("400"),
                None,
            ),
            (r#"{"error":"{\"error\":{\"message\":\"m\",\"code\":\"c\"}}"}"#, "m", Some("c"), None),
            (
                r#"{"error":{"message":"litellm.BadRequestError: OpenAIException - Error code: 400 - {'error': {'message': \"it's m\", 'type': 'x', 'param': None}}","code":"400"}}"#,
                "it's m",
                Some("400"),
                None,
            ),
        ]);
        let mut nested = r#"{"message":"m"}"#.to_owned();
        for _ in 0..5 {
            nested = format!(r#"{{"error":{}}}"#, serde_json::Value::from(nested));
        }
        ensure_message(&[(&nested, "m")]);
    }

    #[test]
    fn what_the_user_sent_is_not_shown() {
        ensure_message(&[
            (
                r#"{"detail":[{"type":"missing","loc":["body","model"],"msg":"give a kite","input":{"messages":"otter"}},{"loc":["body","messages",0,"role"],"msg":"no","ctx":{"a":"otter"}}]}"#,
                "model: give a kite; messages.0.role: no",
            ),
            (
                r#"{"message":"[{'type': 'missing', 'loc': ('body', 'model'), 'msg': 'Field required', 'input': {'messages': 'otter'}}]"}"#,
                "model: Field required",
            ),
            // The body is cut off within what was sent.
            (
                r#"{"detail":[{"type":"missing","loc":["body"],"msg":"no","input":{"messages":"ott"#,
                "no",
            ),
            (
                r#"{"message":"cannot read {\"messages\":[{\"content\":\"otter\"}]} today"}"#,
                "cannot read {…} today",
            ),
            (
                r#"{"message":"1 error\nmodel\r\n  Field required [type=missing, input_value={'a': 'otter'}, input_type=dict]"}"#,
                "1 error model Field required [type=missing, input_value=…, input_type=dict]",
            ),
            (
                r#"{"message":"bad schema {'type': 'object', 'description': 'otter'}: no"}"#,
                "bad schema {…}: no",
            ),
            (r#"{"error":{"request":{"messages":"otter"},"prompt":"otter","x":1}}"#, "x: 1"),
            (r#"{"error":{"message":null,"original":"violet otter","y":"z"}}"#, "y: z"),
            (r#"{"choices":[{"message":{"content":"otter"},"error":{"code":5}}]}"#, ""),
        ]);
    }

    #[test]
    fn an_error_without_a_message_yields_what_there_is() {
        ensure_message(&[
            (r#"{"error":{"explanation":"no kite","code":"E1"}}"#, "explanation: no kite"),
            (r#"{"error":{"type":"overloaded_error"}}"#, "overloaded_error"),
            (r#"{"error":{"code":"E1"}}"#, ""),
            (r#"{"error":true}"#, ""),
            ("<html><head><title>403 Forbidden</title></head></html>", "403 Forbidden"),
            ("<center>x</center>", ""),
            ("null", ""),
            ("", ""),
        ]);
        ensure(&[("error code: 1020", "", Some("1020"), None)]);
    }

    #[test]
    fn what_else_the_body_says_is_kept() {
        let error = parse(br#"{"error":{"message":"m"},"meta":{"request_id":"r"}}"#);
        assert_eq!(error.request_id.as_deref(), Some("r"));
        assert!(parse(br#"{"error":"q","exceeded":[]}"#).is_exceeded);
        let delay = r#"{"error":{"message":"m","details":[{"a":1},{"retryDelay":"34.5s"}]}}"#;
        let wait = Duration::from_secs_f64(34.5);
        assert_eq!(parse(delay.as_bytes()).retry_after, Some(wait));
        let unexpected = parse(br#"{"error":"Unexpected endpoint or method. (POST /x)"}"#);
        assert_eq!(unexpected.class(), ErrorClass::Protocol);
    }

    #[test]
    fn hostile_bodies_do_not_take_for_ever() {
        for part in [
            r#"{"error":"#,
            r#"{"errors":"#,
            r#"{"errors":{"error":"#,
            r#"{"loc":[],"msg":"#,
            "[",
            "['a',",
            "<title",
            "input_value=",
        ] {
            parse(part.repeat(100_000).as_bytes());
            let text = format!("x {}", part.repeat(20_000));
            parse(serde_json::json!({ "error": text }).to_string().as_bytes());
        }
        let field = |number: u32| format!(r#""f{number}":"m{number}","#);
        let fields: String = (0..50_000).map(field).collect();
        parse(format!(r#"{{"errors":{{{fields}}}}}"#).as_bytes());
    }

    #[test]
    fn a_message_is_no_longer_than_what_the_server_sent() {
        let name = "info".repeat(1000);
        let items = format!("[{}]", ["1"; 32].join(","));
        let lists = format!("[{}]", [items.as_str(); 32].join(","));
        let body = format!(r#"{{"error":{{"{name}":{lists}}}}}"#);
        let message = parse(body.as_bytes()).message;
        assert!(message.starts_with(&format!("{name}: 1, 1, 1")), "{message}");
        assert!(message.len() < 2 * body.len(), "{}", message.len());
    }
}
