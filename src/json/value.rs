//! Parsing a text into a [`Value`], without the private keys of serde_json.
//!
//! serde_json itself hands on long numbers and raw values as objects with one
//! private key, and reads every object that begins with such a key as what is in
//! it. In a text of a server or of the user it is an object like any other, so
//! that what is checked is what is printed. Hence nothing else in gravix reads a
//! [`Value`].

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::headroom;
use crate::json::reason::reason;

/// Why a text cannot be parsed, or not be checked.
#[derive(Debug)]
pub enum JsonError {
    /// It is not JSON.
    Syntax(serde_json::Error),
    /// An object has this field twice. Other programs may read the one that was
    /// not checked.
    Repeated(String),
    /// It has more than a million values.
    TooManyValues,
    /// There is no memory for its values.
    NoMemory,
}

/// The most values that a text may have: a value takes up to 100 bytes in memory,
/// and 2 bytes in a text.
const MAX_VALUES: usize = 1_000_000;

/// What a value takes in memory, at most, unless it is a long string.
const VALUE_BYTES: usize = 100;

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(error) => {
                let (line, column) = (error.line(), error.column());
                write!(f, "not JSON at line {line}, column {column}: {}", reason(error))
            }
            Self::Repeated(name) => write!(f, "an object has the field '{name}' twice"),
            Self::TooManyValues => write!(f, "it has more than a million values"),
            Self::NoMemory => write!(f, "there is no memory to read it"),
        }
    }
}

/// Parses a text. Numbers keep their digits and fields their order. Of fields with
/// the same name, the last one counts.
///
/// # Errors
/// [`JsonError::Syntax`] if the text is not JSON, is nested more than 127 levels deep,
/// or has the escape of a lone surrogate; [`JsonError::TooManyValues`] or
/// [`JsonError::NoMemory`] if it is too long.
pub fn parse(text: &str) -> Result<Value, JsonError> {
    Reader { allows_repeated: true, ..Reader::default() }.read(text)
}

/// The same as [`parse`], but each escape of a lone surrogate is read as U+FFFD.
/// `None` if the text cannot be parsed.
pub fn parse_leniently(text: &str) -> Option<Value> {
    parse(text).ok().or_else(|| parse(&without_lone_surrogates(text)?).ok())
}

/// The same as [`parse`] for a text that other programs will read too.
///
/// # Errors
/// Any [`JsonError`].
pub fn parse_checkable(text: &str) -> Result<Value, JsonError> {
    Reader::default().read(text)
}

/// A JSON text with U+FFFD in place of lone surrogates. `None` if an escape in it
/// is cut off.
pub fn without_lone_surrogates(json: &str) -> Option<String> {
    let (mut replaced, mut rest) = (String::with_capacity(json.len()), json);
    while let Some(at) = rest.find('\\') {
        let length = if rest[at..].starts_with("\\u") { 6 } else { 2 };
        let escape = rest.get(at..at + length)?;
        let pair = rest.get(at..at + 12).filter(|pair| is_surrogate_pair(pair));
        replaced += &rest[..at];
        replaced += pair.unwrap_or(if is_surrogate(escape) { "\\ufffd" } else { escape });
        rest = &rest[at + pair.map_or(length, str::len)..];
    }
    Some(replaced + rest)
}

/// Whether an escape is that of a surrogate.
fn is_surrogate(escape: &str) -> bool {
    matches!(escape.as_bytes(), [_, b'u', b'd' | b'D', b'8'..=b'9' | b'a'..=b'f' | b'A'..=b'F', ..])
}

/// Whether two escapes are those of a pair of surrogates.
fn is_surrogate_pair(escapes: &str) -> bool {
    let (high, low) = escapes.as_bytes().split_at(6);
    matches!(high, [b'\\', b'u', b'd' | b'D', b'8'..=b'9' | b'a'..=b'b' | b'A'..=b'B', ..])
        && matches!(low, [b'\\', b'u', b'd' | b'D', b'c'..=b'f' | b'C'..=b'F', ..])
}

/// Reads one text.
#[derive(Default)]
struct Reader {
    allows_repeated: bool,
    /// The field that an object has twice, if that is not allowed.
    repeated: Option<String>,
    has_control_in_name: bool,
    /// How many values were read.
    values: usize,
}

impl Reader {
    fn read(mut self, text: &str) -> Result<Value, JsonError> {
        // A text has no more values than these bytes, and one.
        let begins = |byte: &u8| matches!(byte, b',' | b'[' | b'{');
        let values = text.bytes().filter(begins).take(MAX_VALUES).count();
        headroom::ensure(values * VALUE_BYTES).map_err(|_| JsonError::NoMemory)?;
        let value = self.read_value(text);
        match self.repeated {
            Some(name) => Err(JsonError::Repeated(name)),
            None if self.values > MAX_VALUES => Err(JsonError::TooManyValues),
            None => value.map_err(JsonError::Syntax),
        }
    }

    fn read_value(&mut self, text: &str) -> Result<Value, serde_json::Error> {
        let mut json = serde_json::Deserializer::from_str(text);
        let value = ValueReader(self).deserialize(&mut json)?;
        json.end()?;
        // An escaped control character is JSON and a bare one is not. Names are
        // read as bytes, which makes no difference between the two.
        if self.has_control_in_name {
            serde_json::from_str::<IgnoredAny>(text)?;
        }
        Ok(value)
    }
}

struct ValueReader<'a>(&'a mut Reader);

impl<'de> DeserializeSeed<'de> for ValueReader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        self.0.values += 1;
        if self.0.values > MAX_VALUES {
            return Err(D::Error::custom(JsonError::TooManyValues));
        }
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueReader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(element) = elements.next_element_seed(ValueReader(self.0))? {
            array.push(element);
        }
        Ok(array.into())
    }

    /// An object, or a number: serde_json hands on numbers as maps.
    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = fields.next_key_seed(KeyReader)? {
            let Key::Name(name) = key else {
                let digits: String = fields.next_value()?;
                let number: Number = digits.parse().map_err(A::Error::custom)?;
                return Ok(number.into());
            };
            if !self.0.allows_repeated && object.contains_key(&name) {
                self.0.repeated = Some(name);
                return Err(A::Error::custom("a repeated field"));
            }
            self.0.has_control_in_name |= name.bytes().any(|byte| byte < b' ');
            object.insert(name, fields.next_value_seed(ValueReader(self.0))?);
        }
        Ok(object.into())
    }
}

/// The key of a map.
enum Key {
    Name(String),
    /// serde_json's key for the digits of a number.
    Number,
}

struct KeyReader;

impl<'de> DeserializeSeed<'de> for KeyReader {
    type Value = Key;

    /// If bytes are asked for, the names of a text come as bytes, and serde_json's
    /// own key still as a string.
    fn deserialize<D: Deserializer<'de>>(self, key: D) -> Result<Key, D::Error> {
        key.deserialize_bytes(self)
    }
}

impl Visitor<'_> for KeyReader {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    fn visit_bytes<E: Error>(self, name: &[u8]) -> Result<Key, E> {
        let name = std::str::from_utf8(name)
            .map_err(|_| E::custom("lone surrogate in the name of a field"))?;
        Ok(Key::Name(name.to_owned()))
    }

    fn visit_str<E>(self, _: &str) -> Result<Key, E> {
        Ok(Key::Number)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_with_a_private_key_of_serde_json_stays_an_object() {
        for text in [
            r#"{"$serde_json::private::Number":"5"}"#,
            r#"{"$serde_json::private::Number":5,"b":6}"#,
            r#"{"$serde_json::private::RawValue":"5"}"#,
            r#"{"$serde_json::private::RawValue":"[1"}"#,
            r#"{"a":[{"$serde_json::private::RawValue":{"$serde_json::private::Number":"x"}}]}"#,
            r#"{"$serde_json::private::Number":null,"$serde_json::private::RawValue":[]}"#,
        ] {
            let escaped = text.replace('$', "\\u0024").replace("Raw", "\\u0052aw");
            for value in [parse(text), parse(&escaped), parse_checkable(text)] {
                assert_eq!(value.expect(text).to_string(), text);
            }
            assert_eq!(parse_leniently(text).expect(text).to_string(), text);
        }
    }

    #[test]
    fn a_text_has_at_most_a_million_values() {
        let array = |values: usize| format!("[{}0]", "0,".repeat(values - 2));
        assert!(parse(&array(MAX_VALUES)).is_ok());
        let long = array(MAX_VALUES + 1);
        for error in [
            parse(&long).expect_err("too long").to_string(),
            parse_checkable(&long).expect_err("too long").to_string(),
        ] {
            assert_eq!(error, "it has more than a million values");
        }
    }

    #[test]
    fn numbers_keep_their_digits_and_fields_their_order() {
        for text in [
            "1e+400",
            "-0.10",
            "1e-5",
            "12345678901234567890123",
            r#"{"b":1,"a":{"d":[],"c":null},"":0.10}"#,
        ] {
            assert_eq!(parse(text).expect(text).to_string(), text);
        }
        assert_eq!(parse(r#"{"a":1,"b":2,"a":3}"#).expect("JSON").to_string(), r#"{"a":3,"b":2}"#);
    }

    #[test]
    fn a_text_that_others_may_read_differently_is_uncheckable() {
        for (text, reason) in [
            (r#"{"a":1,"a":2}"#, "'a' twice"),
            (r#"[{"b":{"a":1,"\u0061":2}}]"#, "'a' twice"),
            ("{\"a\nb\":1}", "control character"),
            ("{\"a\\n\nb\":1}", "control character"),
            ("[1] 2", "goes on after"),
            ("[1", "ends before the array"),
            ("", "ends where a value"),
            (r#""\ud800""#, "hex escape"),
            (r#"{"\ud800":1}"#, "lone surrogate in the name"),
        ] {
            let error = parse_checkable(text).expect_err(text).to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
        assert_eq!(parse_checkable(r#"{"a\nb":1}"#).expect("JSON"), json!({"a\nb": 1}));
    }

    #[test]
    fn lone_surrogates_are_read_as_replacement_characters() {
        assert_eq!(
            parse_leniently(r#"["\ud83d","\\ud83d\n"]"#),
            Some(json!(["\u{fffd}", "\\ud83d\n"]))
        );
        assert_eq!(
            parse_leniently(r#"["\ud83d\uDE00 \uD83D \ude00\ud83d\ud83d\ude00"]"#),
            Some(json!(["😀 \u{fffd} \u{fffd}\u{fffd}😀"]))
        );
        assert_eq!(parse_leniently(r#"{"\ude00a":1}"#), Some(json!({"\u{fffd}a": 1})));
        assert_eq!(parse_leniently(r#"["\ud83d\ude00"]"#), Some(json!(["😀"])));
        assert_eq!(parse_leniently("[\"\\ud83d"), None);
    }

    /// Texts that are JSON, or nearly.
    fn text() -> impl Strategy<Value = String> {
        let token = prop_oneof![
            Just("null".to_owned()),
            Just("true".to_owned()),
            "-?[0-9]{1,25}(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,3})?",
            "\"(a|é|\\\\n|\\\\u00e9|\\\\ud83d\\\\ude00|\\\\ud83d|\n|\\\\\"){0,3}\"",
        ];
        token.prop_recursive(5, 40, 4, |inner| {
            let name = "\"(a|b|\\\\u0061|\\\\n|\n|\\\\ud83d|\\$serde_json){0,2}\" ?";
            let field = (name, inner.clone()).prop_map(|(name, value)| format!("{name}: {value}"));
            prop_oneof![
                prop::collection::vec(inner, 0..4)
                    .prop_map(|items| format!("[{}]", items.join(","))),
                prop::collection::vec(field, 0..4)
                    .prop_map(|fields| format!("{{{}}}", fields.join(", "))),
            ]
        })
    }

    proptest! {
        #[test]
        fn other_texts_are_read_as_serde_json_reads_them(text in text(), cut in 0..200_usize) {
            let end = (0..=cut.min(text.len())).rfind(|&end| text.is_char_boundary(end));
            for text in [text.as_str(), &text[..end.unwrap_or_default()]] {
                match (parse(text), serde_json::from_str::<Value>(text)) {
                    (Ok(value), Ok(expected)) => {
                        prop_assert_eq!(value.to_string(), expected.to_string(), "{}", text);
                    }
                    (Err(_), Err(_)) => {}
                    (value, expected) => prop_assert!(false, "{text}: {value:?}, {expected:?}"),
                }
            }
        }
    }
}
