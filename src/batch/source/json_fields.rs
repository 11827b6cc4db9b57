//! The fields of a JSON object, with the exact bytes of their values.

use std::borrow::Cow;
use std::fmt;

use indexmap::IndexMap;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::json;

/// The fields of an object in their order, without duplicates.
#[derive(Debug, Default)]
pub struct JsonFields<'a>(IndexMap<Cow<'a, str>, &'a RawValue>);

impl<'a> JsonFields<'a> {
    pub fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), *value))
    }

    /// The object again.
    pub fn to_json(&self) -> String {
        let field = |(name, value): (&str, &RawValue)| format!("{}:{value}", json::quoted(name));
        let fields: Vec<String> = self.iter().map(field).collect();
        format!("{{{}}}", fields.join(","))
    }

    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.get(name).copied()
    }

    pub fn remove(&mut self, name: &str) -> Option<&'a RawValue> {
        self.0.shift_remove(name)
    }

    /// The `custom_id` or `id`. A number counts as the text that it is written as.
    ///
    /// # Errors
    /// The reason, if it is neither a string nor a number.
    pub fn id(&self) -> Result<Option<Cow<'a, str>>, String> {
        let (name, id) = match (self.get("custom_id"), self.get("id")) {
            (Some(id), _) => ("custom_id", id),
            (None, Some(id)) => ("id", id),
            (None, None) => return Ok(None),
        };
        match id.get().as_bytes()[0] {
            b'0'..=b'9' | b'-' => Ok(Some(id.get().into())),
            _ => parse_string(name, id).map(Some),
        }
    }

    /// Removes [`id`](Self::id) and the fields that it may be in.
    ///
    /// # Errors
    /// The same.
    pub fn remove_id(&mut self) -> Result<Option<Cow<'a, str>>, String> {
        let id = self.id();
        self.remove("custom_id");
        self.remove("id");
        id
    }
}

/// Parses the value of the field `name`, which must be a string.
///
/// # Errors
/// The reason, if it is not a string.
pub fn parse_string<'a>(name: &str, value: &'a RawValue) -> Result<Cow<'a, str>, String> {
    #[derive(serde::Deserialize)]
    struct JsonString<'a>(#[serde(borrow)] Cow<'a, str>);
    let text = serde_json::from_str::<JsonString>(value.get());
    text.map(|text| text.0).map_err(|_| format!("its {name} is not a string"))
}

impl<'de: 'a, 'a> Deserialize<'de> for JsonFields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = JsonFields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<JsonFields<'de>, A::Error> {
        #[derive(serde::Deserialize)]
        struct Name<'a>(#[serde(borrow)] Cow<'a, str>);
        let mut fields = JsonFields::default();
        while let Some((Name(name), value)) = map.next_entry::<Name, &RawValue>()? {
            if fields.contains(&name) {
                return Err(A::Error::custom(format_args!("the field {name} appears twice")));
            }
            fields.0.insert(name, value);
        }
        Ok(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_fields_do_not_take_for_ever() {
        let field = |number: u32| format!(r#""f{number}":{number}"#);
        let line = (0..50_000).map(field).collect::<Vec<_>>().join(",");
        let line = format!("{{{line}}}");
        let fields = serde_json::from_str::<JsonFields>(&line).expect("an object");
        assert_eq!(fields.get("f49999").map(RawValue::get), Some("49999"));
    }
}
