//! The JSON of a reply, parsed so that what is checked is what is printed.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Why a text cannot be checked.
#[derive(Debug)]
pub enum UncheckableJson {
    /// It is not JSON.
    Syntax(serde_json::Error),
    /// An object has this field twice. Other programs may read the one that was
    /// not checked.
    Repeated(String),
}

impl fmt::Display for UncheckableJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(error) => write!(f, "not JSON: {error}"),
            Self::Repeated(name) => write!(f, "an object has the field '{name}' twice"),
        }
    }
}

/// # Errors
/// The text is not JSON, or an object in it has a field twice.
pub fn parse(text: &str) -> Result<Value, UncheckableJson> {
    let syntax = UncheckableJson::Syntax;
    // Names that are read as bytes may have control characters, and JSON forbids
    // them.
    serde_json::from_str::<IgnoredAny>(text).map_err(syntax)?;
    let mut repeated = None;
    let mut json = serde_json::Deserializer::from_str(text);
    let value = ReplyValue(&mut repeated).deserialize(&mut json);
    match (value, repeated) {
        (_, Some(name)) => Err(UncheckableJson::Repeated(name)),
        (value, None) => value.map_err(syntax),
    }
}

/// Reads a value, and stops at a field that an object has twice.
struct ReplyValue<'a>(&'a mut Option<String>);

impl<'de> DeserializeSeed<'de> for ReplyValue<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ReplyValue<'_> {
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
        while let Some(element) = elements.next_element_seed(ReplyValue(self.0))? {
            array.push(element);
        }
        Ok(array.into())
    }

    /// An object, or a number: serde_json hands on numbers as maps, whose key no
    /// object can have.
    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = fields.next_key_seed(FieldName)? {
            let Some(name) = name else {
                let digits: String = fields.next_value()?;
                let number: Number = digits.parse().map_err(A::Error::custom)?;
                return Ok(number.into());
            };
            if object.contains_key(&name) {
                *self.0 = Some(name);
                return Err(A::Error::custom("a repeated field"));
            }
            object.insert(name, fields.next_value_seed(ReplyValue(self.0))?);
        }
        Ok(object.into())
    }
}

/// Reads the name of a field; `None` for the key of a number.
struct FieldName;

impl<'de> DeserializeSeed<'de> for FieldName {
    type Value = Option<String>;

    /// Names come as bytes if bytes are asked for, but not the key of a number,
    /// so that an object may have a field of the same name.
    fn deserialize<D: Deserializer<'de>>(self, key: D) -> Result<Self::Value, D::Error> {
        key.deserialize_bytes(self)
    }
}

impl Visitor<'_> for FieldName {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    fn visit_bytes<E: Error>(self, name: &[u8]) -> Result<Self::Value, E> {
        let name = std::str::from_utf8(name).map_err(|_| E::custom("a field name is not UTF-8"))?;
        Ok(Some(name.to_owned()))
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_the_text() {
        for text in [
            "null",
            "true",
            "1e400",
            "-0.10",
            "12345678901234567890123",
            r#""a\u00e9\n""#,
            r#"[[],{},{"a":[1,{"b":"c"}]}]"#,
            r#"{"$serde_json::private::Number":"5"}"#,
            r#"[{"$serde_json::private::RawValue":"5","é\n":1}]"#,
        ] {
            let value = parse(text).expect(text);
            assert_eq!(value.is_object(), text.starts_with('{'), "{text}");
            assert_eq!(value.is_number(), text.parse::<f64>().is_ok(), "{text}");
            assert_eq!(parse(&value.to_string()).expect(text), value, "{text}");
        }
    }

    #[test]
    fn a_text_that_others_may_read_differently_is_refused() {
        for (text, reason) in [
            (r#"{"a":1,"a":2}"#, "'a' twice"),
            (r#"[{"b":{"a":1,"\u0061":2}}]"#, "'a' twice"),
            ("{\"a\nb\":1}", "control character"),
            ("[1] 2", "trailing"),
            ("[1", "EOF"),
            ("", "EOF"),
            (r#""\ud800""#, "hex escape"),
            (r#"{"\ud800":1}"#, "UTF-8"),
        ] {
            let error = parse(text).expect_err(text).to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
