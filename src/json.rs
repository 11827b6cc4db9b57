//! Helpers for JSON that serde_json does not have.

use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// The fields of an object, in order.
pub type Object = Map<String, Value>;

/// Parses `text`, which error messages call `what`.
///
/// # Errors
/// [`Error::Input`] if `text` is not JSON.
pub fn parse(text: &str, what: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|error| Error::Input(format!("{what}: not JSON: {error}")))
}

/// The reason of a parse error without its position. The position is relative to
/// the parsed text, which is misleading if that text is one line of a file.
pub fn reason(error: &serde_json::Error) -> String {
    let message = error.to_string();
    message.rsplit_once(" at line ").map_or(message.as_str(), |parts| parts.0).to_owned()
}

/// The type of a value with its article, for messages.
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

/// Merges `from` into `into`. Objects are merged recursively, and any other value
/// replaces the one that was there.
pub fn merge(into: &mut Object, from: Object) {
    for (name, value) in from {
        match (into.get_mut(&name), value) {
            (Some(Value::Object(into)), Value::Object(from)) => merge(into, from),
            (Some(old), value) => *old = value,
            (None, value) => {
                into.insert(name, value);
            }
        }
    }
}

/// Applies `map` to each string in `value`, but not to the names of fields.
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

/// Removes the white space between the tokens of a JSON text, so that it is one
/// line.
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

/// Parses a text that may contain escapes of lone surrogates, which serde_json
/// refuses. In such a text, every surrogate escape is read as U+FFFD.
pub fn parse_leniently(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().or_else(|| {
        let mut rest = text;
        let mut replaced = String::with_capacity(text.len());
        while let Some(at) = rest.find('\\') {
            let length = if rest[at..].starts_with("\\u") { 6 } else { 2 };
            let escape = rest.get(at..at + length)?;
            replaced += &rest[..at];
            let is_surrogate = matches!(escape.as_bytes(), [_, b'u', b'd' | b'D', b'8'..=b'f', ..]);
            replaced += if is_surrogate { "\\ufffd" } else { escape };
            rest = &rest[at + length..];
        }
        serde_json::from_str(&(replaced + rest)).ok()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn compact_keeps_white_space_in_strings() {
        let text = "{ \"a b\" :\t[ 1.50 ,\r\n\"x \\\" \\\\\" , \" \" ] }";
        assert_eq!(compact(text), r#"{"a b":[1.50,"x \" \\"," "]}"#);
    }

    #[test]
    fn objects_are_merged_recursively() {
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
