//! JSON texts, as far as serde_json leaves something to do. Knows no chat.

use std::path::Path;

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::files::text;

/// An object's fields, in their order.
pub type Object = Map<String, Value>;

/// The value of an option that takes `FILE|JSON`, as text: itself when it
/// begins with `{`, what is in the file otherwise. And what to call it.
///
/// # Errors
/// [`Error::Unreadable`], and [`Error::Input`] for what is not UTF-8.
pub fn file_or_text(option: &str, value: &str) -> Result<(String, String)> {
    if is_object(value) {
        return Ok((value.to_owned(), option.to_owned()));
    }
    Ok((read(Path::new(value))?, value.to_owned()))
}

/// Whether the value of an option that takes `FILE|JSON` is JSON.
pub fn is_object(value: &str) -> bool {
    value.trim_start().starts_with('{')
}

/// The text of a file that holds JSON.
///
/// # Errors
/// Those of [`file_or_text`].
pub fn read(path: &Path) -> Result<String> {
    let bytes = text::read(path)?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf".as_slice()).unwrap_or(&bytes).to_vec();
    String::from_utf8(bytes).map_err(|_| Error::Input(format!("{}: not UTF-8", path.display())))
}

/// The value that `text` holds, which `what` stands for in the message.
///
/// # Errors
/// [`Error::Input`].
pub fn parse(text: &str, what: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|error| Error::Input(format!("{what}: not JSON: {error}")))
}

/// The object that the value of an option that takes `FILE|JSON` is.
///
/// # Errors
/// Those of [`file_or_text`] and [`parse`], and [`Error::Input`] for a value
/// of another kind.
pub fn object(option: &str, value: &str) -> Result<Object> {
    let (text, what) = file_or_text(option, value)?;
    match parse(&text, &what)? {
        Value::Object(object) => Ok(object),
        other => Err(Error::Input(format!("{what}: {}, not a JSON object", kind(&other)))),
    }
}

/// What is wrong, without the position, which counts lines of its own.
pub fn reason(error: &serde_json::Error) -> String {
    let told = error.to_string();
    told.rsplit_once(" at line ").map_or(told.as_str(), |parts| parts.0).to_owned()
}

/// What kind of value it is, with its article.
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Merges `from` into `into`, level by level; what is no object replaces what
/// was there.
pub fn merge(into: &mut Object, from: Object) {
    for (name, value) in from {
        match (into.get_mut(&name), value) {
            (Some(Value::Object(into)), Value::Object(from)) => merge(into, from),
            (Some(place), value) => *place = value,
            (None, value) => {
                into.insert(name, value);
            }
        }
    }
}

/// `value` with `map` applied to each string in it, names left out.
pub fn map_strings(value: Value, map: &impl Fn(String) -> String) -> Value {
    match value {
        Value::String(text) => map(text).into(),
        Value::Array(items) => items.into_iter().map(|item| map_strings(item, map)).collect(),
        Value::Object(fields) => {
            let mapped = |(name, value)| (name, map_strings(value, map));
            Value::Object(fields.into_iter().map(mapped).collect())
        }
        other => other,
    }
}

/// A JSON text without the white space between its tokens: one line.
pub fn compact(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    let (mut is_string, mut is_escaped) = (false, false);
    for c in text.chars() {
        if !is_string && matches!(c, ' ' | '\t' | '\r' | '\n') {
            continue;
        }
        is_string ^= c == '"' && !is_escaped;
        is_escaped = is_string && c == '\\' && !is_escaped;
        line.push(c);
    }
    line
}

/// The value of a text that may hold lone surrogates, which a string cannot:
/// each of their escapes reads as U+FFFD.
pub fn parse_leniently(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().or_else(|| {
        let mut rest = text;
        let mut mended = String::with_capacity(text.len());
        while let Some(at) = rest.find('\\') {
            let length = if rest[at..].starts_with("\\u") { 6 } else { 2 };
            let escape = rest.get(at..at + length)?;
            mended += &rest[..at];
            let is_surrogate = matches!(escape.as_bytes(), [_, b'u', b'd' | b'D', b'8'..=b'f', ..]);
            mended += if is_surrogate { "\\ufffd" } else { escape };
            rest = &rest[at + length..];
        }
        serde_json::from_str(&(mended + rest)).ok()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_compact_text_keeps_its_strings() {
        let text = "{ \"a b\" :\t[ 1.50 ,\r\n\"x \\\" \\\\\" , \" \" ] }";
        assert_eq!(compact(text), r#"{"a b":[1.50,"x \" \\"," "]}"#);
    }

    #[test]
    fn objects_are_merged_level_by_level() {
        let object = |value: Value| value.as_object().expect("an object").clone();
        let mut into = object(json!({"a": {"b": 1, "c": 2}, "d": [1]}));
        merge(&mut into, object(json!({"a": {"b": 3}, "d": {"e": 4}, "f": null})));
        assert_eq!(Value::from(into), json!({"a": {"b": 3, "c": 2}, "d": {"e": 4}, "f": null}));
    }

    #[test]
    fn lone_surrogates_are_read_as_replacement_characters() {
        assert_eq!(
            parse_leniently(r#"["\ud83d","\\ud83d\n"]"#),
            Some(json!(["\u{fffd}", "\\ud83d\n"]))
        );
        assert_eq!(parse_leniently(r#"["\ud83d\ude00"]"#), Some(json!(["😀"])));
        assert_eq!(parse_leniently("[\"\\ud83d"), None);
    }
}
