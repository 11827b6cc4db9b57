//! JSON texts, as far as serde_json leaves something to do. Knows no chat.

use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// An object's fields, in their order.
pub type Object = Map<String, Value>;

/// The value that `text` holds, which `what` stands for in the message.
///
/// # Errors
/// [`Error::Input`].
pub fn parse(text: &str, what: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|error| Error::Input(format!("{what}: not JSON: {error}")))
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
