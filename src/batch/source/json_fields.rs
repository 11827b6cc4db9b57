//! The fields of a JSON object, with the exact bytes of their values.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The fields of an object in their order, without duplicates.
#[derive(Debug, Default)]
pub struct JsonFields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> JsonFields<'a> {
    pub fn as_slice(&self) -> &[(Cow<'a, str>, &'a RawValue)] {
        &self.0
    }

    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }

    pub fn remove(&mut self, name: &str) -> Option<&'a RawValue> {
        let index = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(index).1)
    }

    /// Removes the line's `custom_id` or `id`. A number counts as the text that
    /// it is written as.
    ///
    /// # Errors
    /// The reason, if it is neither a string nor a number.
    pub fn remove_id(&mut self) -> Result<Option<Cow<'a, str>>, String> {
        let (name, id) = match (self.remove("custom_id"), self.remove("id")) {
            (Some(id), _) => ("custom_id", id),
            (None, Some(id)) => ("id", id),
            (None, None) => return Ok(None),
        };
        match id.get().as_bytes()[0] {
            b'0'..=b'9' | b'-' => Ok(Some(id.get().into())),
            _ => parse_string(name, id).map(Some),
        }
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
            fields.0.push((name, value));
        }
        Ok(fields)
    }
}
