//! Helpers for JSON that serde_json does not have.

mod only_object;
mod reason;
mod value;

use std::fmt;

use indexmap::IndexMap;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::error::{Error, Result};
pub use crate::json::only_object::OnlyObject;
pub use crate::json::reason::reason;
pub use crate::json::value::{
    JsonError, parse, parse_checkable, parse_leniently, without_lone_surrogates,
};
use crate::wtf8::Text;

/// The fields of an object, in order.
pub type Object = Map<String, Value>;

/// Parses a text of the user's, which error messages call `what`.
///
/// # Errors
/// [`Error::Input`] if `text` cannot be parsed.
pub fn parse_input(text: &str, what: &str) -> Result<Value> {
    parse(text).map_err(|error| Error::Input(format!("{what}: {error}")))
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

/// The values of these fields of an object, each as it came. `None` for a field
/// that is missing or null. Of fields with the same name, the last one counts.
///
/// # Errors
/// If `json` is not the JSON of an object. The whole text is checked here. Strings
/// that are read as bytes later are not checked again, for raw control characters
/// for instance.
pub fn try_fields<'a, const N: usize>(
    json: &'a str,
    names: [&str; N],
) -> Result<[Option<&'a RawValue>; N], serde_json::Error> {
    struct NamedFields<'n, const N: usize>([&'n str; N]);

    impl<'de, const N: usize> Visitor<'de> for NamedFields<'_, N> {
        type Value = [Option<&'de RawValue>; N];

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut found = [None; N];
            while let Some(key) = map.next_key::<&RawValue>()? {
                // Names have no escapes, so the bytes of most keys can be compared.
                let is_plain = !key.get().contains('\\');
                let inside = key.get().trim_matches('"');
                let is_named = |name: &&str| match is_plain {
                    true => inside == *name,
                    false => is_string(key, name),
                };
                match self.0.iter().position(is_named) {
                    Some(position) => found[position] = non_null(map.next_value()?),
                    None => drop(map.next_value::<IgnoredAny>()?),
                }
            }
            Ok(found)
        }
    }

    let mut json = serde_json::Deserializer::from_str(json);
    let found = json.deserialize_map(NamedFields(names))?;
    json.end().map(|()| found)
}

/// The same as [`try_fields`], with `None` for all if `json` is not an object.
pub fn fields<'a, const N: usize>(json: &'a str, names: [&str; N]) -> [Option<&'a RawValue>; N] {
    // Making an error takes longer than reading a small object.
    match json.trim_start().starts_with('{') {
        true => try_fields(json, names).unwrap_or([None; N]),
        false => [None; N],
    }
}

/// The most fields that [`unique_fields`] reads of an object.
const MAX_FIELDS: usize = 1 << 16;

/// All fields of an object, in order, each value as it came. Of fields with the
/// same name, the last one counts. `None` if `json` is not an object, or has more
/// than 65,536 fields.
pub fn unique_fields(json: &str) -> Option<IndexMap<String, &RawValue>> {
    struct Fields;

    impl<'de> Visitor<'de> for Fields {
        type Value = IndexMap<String, &'de RawValue>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut fields = IndexMap::new();
            while let Some(name) = map.next_key::<&RawValue>()? {
                let name = Text::scalar(name).unwrap_or_default().into_utf8();
                fields.insert(name, map.next_value()?);
                if fields.len() > MAX_FIELDS {
                    return Err(A::Error::custom("too many fields"));
                }
            }
            Ok(fields)
        }
    }

    let mut json = serde_json::Deserializer::from_str(json);
    let fields = json.deserialize_map(Fields).ok()?;
    json.end().ok().map(|()| fields)
}

/// A JSON text as it is. `None` if it is not JSON.
pub fn to_raw(text: &str) -> Option<Box<RawValue>> {
    RawValue::from_string(text.to_owned()).ok()
}

/// `text` as a JSON string.
pub fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Calls `visit` with each element of an array until it returns false. A value
/// that is not an array is its own only element.
pub fn each_element<'a>(json: &'a RawValue, visit: impl FnMut(&'a RawValue) -> bool) {
    struct Elements<F>(F);

    impl<'de, F: FnMut(&'de RawValue) -> bool> Visitor<'de> for Elements<F> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array")
        }

        fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
            while let Some(element) = seq.next_element()? {
                if !(self.0)(element) {
                    break;
                }
            }
            Ok(())
        }
    }

    let mut visitor = Elements(visit);
    if json.get().starts_with('[') {
        // Stopping before the end of the array counts as an error.
        let _ = serde_json::Deserializer::from_str(json.get()).deserialize_seq(visitor);
    } else {
        (visitor.0)(json);
    }
}

fn non_null(value: &RawValue) -> Option<&RawValue> {
    Some(value).filter(|value| value.get() != "null")
}

/// Whether a JSON string has this content.
pub fn is_string(json: &RawValue, text: &str) -> bool {
    let quoted = json.get();
    match quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inside) if !inside.contains('\\') => inside == text,
        Some(_) => serde_json::from_str::<String>(quoted).is_ok_and(|string| string == text),
        None => false,
    }
}

/// `json` with null in place of `NaN`, `Infinity` and `-Infinity`, which Python
/// writes but JSON does not have. `None` if it contains none of them.
pub fn without_non_finite(json: &str) -> Option<String> {
    let mut replaced = String::new();
    let (mut rest, mut is_string) = (json, false);
    while let Some(at) = rest.find(['"', '\\', 'N', 'I', '-']) {
        let found = &rest[at..];
        let names = ["NaN", "Infinity", "-Infinity"];
        let name = names.iter().find(|name| !is_string && found.starts_with(**name));
        // A backslash and the character after it are skipped together.
        let skipped = found.char_indices().nth(if found.starts_with('\\') { 2 } else { 1 });
        let length = name.map_or(skipped.map_or(found.len(), |(end, _)| end), |name| name.len());
        is_string ^= found.starts_with('"');
        replaced += &rest[..at];
        replaced += if name.is_some() { "null" } else { &found[..length] };
        rest = &found[length..];
    }
    replaced += rest;
    (replaced != json).then_some(replaced)
}

/// Whether a JSON value that arrives in pieces may be complete: all its brackets
/// and strings are closed. Linear in the length of the pieces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Completeness {
    depth: usize,
    is_string: bool,
    is_escaped: bool,
    has_begun: bool,
}

impl Completeness {
    pub fn push(&mut self, piece: &[u8]) {
        for &byte in piece {
            self.has_begun |= !byte.is_ascii_whitespace();
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = self.is_string,
                b'"' => self.is_string = !self.is_string,
                b'{' | b'[' if !self.is_string => self.depth += 1,
                b'}' | b']' if !self.is_string => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }

    pub fn is_complete(&self) -> bool {
        self.has_begun && self.depth == 0 && !self.is_string
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn compact_keeps_white_space_in_strings() {
        let text = "{ \"a b\" :\t[ 1.50 ,\r\n\"x \\\" \\\\\" , \" \" ] }";
        assert_eq!(compact(text), r#"{"a b":[1.50,"x \" \\"," "]}"#);
    }

    fn raw(json: &str) -> &RawValue {
        serde_json::from_str(json).expect("JSON")
    }

    #[test]
    fn fields_are_found_by_name_and_the_last_duplicate_counts() {
        let found = |json, name| fields(json, [name])[0].map(RawValue::get);
        let json = r#"{"a":1,"b":null,"a": [2] ,"\u0063":3,"b":4,"a":null,"d":{"e":5}}"#;
        assert_eq!(found(json, "a"), None);
        assert_eq!(found(json, "b"), Some("4"));
        assert_eq!(found(json, "c"), Some("3"));
        assert_eq!(found(json, "e"), None);
        assert_eq!(found("[1]", "a"), None);
        assert_eq!(found("{\"\\ud83d\":1,\"a\":2}", "a"), Some("2"));
    }

    #[test]
    fn a_value_that_is_not_an_array_is_its_own_element() {
        let elements = |json, limit| {
            let mut found = Vec::new();
            each_element(raw(json), |element| {
                found.push(element.get());
                found.len() < limit
            });
            found
        };
        assert_eq!(elements(r#"[1, {"a":2} ,null]"#, 9), ["1", r#"{"a":2}"#, "null"]);
        assert_eq!(elements(r#"[1,2,3]"#, 2), ["1", "2"]);
        assert_eq!(elements(r#"{"a":2}"#, 9), [r#"{"a":2}"#]);
        assert!(elements("[]", 9).is_empty());
    }

    #[test]
    fn numbers_that_json_does_not_have_become_null() {
        for (json, replaced) in [
            (r#"[-Infinity,NaN, Infinity]"#, Some("[null,null, null]")),
            (r#"["NaN \" -Infinity",-1,NaN]"#, Some(r#"["NaN \" -Infinity",-1,null]"#)),
            (r#"["\\",NaN]"#, Some(r#"["\\",null]"#)),
            (r#"["NaN",-1]"#, None),
            ("NaN\\", Some("null\\")),
        ] {
            assert_eq!(without_non_finite(json).as_deref(), replaced, "{json}");
        }
    }

    #[test]
    fn a_value_in_pieces_is_complete_once_its_brackets_are_closed() {
        for (pieces, is_complete) in [
            (&["{", "}"][..], true),
            (&["{\"a\":", "\"}\"", "}"], true),
            (&["{\"a\":\"\\", "\"}"], false),
            (&["{\"a\":[", "}"], false),
            (&["\"{", "\""], true),
            (&[" ", ""], false),
            (&[], false),
        ] {
            let mut completeness = Completeness::default();
            pieces.iter().for_each(|piece| completeness.push(piece.as_bytes()));
            assert_eq!(completeness.is_complete(), is_complete, "{pieces:?}");
        }
    }

    #[test]
    fn objects_are_merged_recursively() {
        let object = |value: Value| value.as_object().expect("an object").clone();
        let mut into = object(json!({"a": {"b": 1, "c": 2}, "d": [1]}));
        merge(&mut into, object(json!({"a": {"b": 3}, "d": {"e": 4}, "f": null})));
        assert_eq!(Value::from(into), json!({"a": {"b": 3, "c": 2}, "d": {"e": 4}, "f": null}));
    }
}
