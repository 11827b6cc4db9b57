//! A message or a response that is being joined from the deltas of a stream. What
//! needs no joining stays the JSON that the server sent: as a tree of values,
//! `[{},{}]` takes twenty times the memory.

use std::collections::HashMap;

use indexmap::IndexMap;
use serde_json::value::RawValue;

use crate::json;

/// An object, joined so far. Its fields are in the order in which they came.
#[derive(Debug, Default)]
pub struct JoinedObject {
    pub(super) fields: IndexMap<String, Joined>,
}

/// A value, joined so far.
#[derive(Debug)]
pub(super) enum Joined {
    /// As the server sent it.
    Sent(Box<str>),
    /// The content of a string, with the escapes that the server sent.
    Text(String),
    Array(Box<JoinedArray>),
    Object(Box<JoinedObject>),
}

#[derive(Debug, Default)]
pub(super) struct JoinedArray {
    pub elements: Vec<Element>,
    /// Where the elements with an `index` are, by its JSON.
    pub positions: HashMap<Box<str>, usize>,
}

#[derive(Debug)]
pub(super) enum Element {
    /// An element with an `index`, to which others are joined.
    Indexed(Joined),
    /// Other elements as the server sent them, with commas between them.
    Others(String),
}

impl JoinedObject {
    /// An object as it was sent. `None` if `json` is not an object, or has too many
    /// fields.
    pub fn parse(json: &str) -> Option<Self> {
        let fields = json::unique_fields(json)?.into_iter();
        let joined = |(name, value)| (name, Joined::sent(value));
        Some(Self { fields: fields.map(joined).collect() })
    }

    pub fn contains(&self, name: &str) -> bool {
        self.fields.contains_key(name)
    }

    /// Whether a field is missing or null.
    pub fn is_null(&self, name: &str) -> bool {
        self.fields.get(name).is_none_or(Joined::is_null)
    }

    /// The JSON of a field.
    pub fn get(&self, name: &str) -> Option<String> {
        let mut json = String::new();
        self.fields.get(name)?.write(&mut json);
        Some(json)
    }

    /// The object as JSON on one line. Each change is the JSON of a field that is
    /// replaced or added, or `None` for one that is left out.
    pub fn to_json(&self, changes: &[(&str, Option<String>)]) -> String {
        let mut json = "{".to_owned();
        let mut add = |name: &str, write: &dyn Fn(&mut String)| {
            if json.len() > 1 {
                json.push(',');
            }
            json += &json::quoted(name);
            json.push(':');
            write(&mut json);
        };
        for (name, value) in &self.fields {
            match changes.iter().find(|(changed, _)| changed == name) {
                None => add(name, &|json| value.write(json)),
                Some((_, Some(new))) => add(name, &|json| json.push_str(new)),
                Some((_, None)) => {}
            }
        }
        for (name, value) in changes {
            if let Some(new) = value.as_ref().filter(|_| !self.contains(name)) {
                add(name, &|json| json.push_str(new));
            }
        }
        json.push('}');
        json
    }
}

impl Joined {
    pub fn sent(value: &RawValue) -> Self {
        Self::Sent(value.get().into())
    }

    pub fn sent_len(&self) -> usize {
        match self {
            Self::Sent(sent) => sent.len(),
            Self::Text(text) => text.len(),
            Self::Array(_) | Self::Object(_) => 0,
        }
    }

    fn is_null(&self) -> bool {
        matches!(self, Self::Sent(sent) if &**sent == "null")
    }

    pub fn first_byte(&self) -> u8 {
        match self {
            Self::Sent(sent) => sent.as_bytes().first().copied().unwrap_or_default(),
            Self::Text(_) => b'"',
            Self::Array(_) => b'[',
            Self::Object(_) => b'{',
        }
    }

    /// Puts an empty object or array in place of one that is still as it was sent,
    /// and returns that.
    pub fn unfold(&mut self) -> Option<Box<RawValue>> {
        let is_object = self.first_byte() == b'{';
        let Self::Sent(sent) = self else {
            return None;
        };
        let sent = RawValue::from_string(std::mem::take(sent).into()).ok();
        *self = match is_object {
            true => Self::Object(Box::default()),
            false => Self::Array(Box::default()),
        };
        sent
    }

    fn write(&self, json: &mut String) {
        match self {
            Self::Sent(sent) => json.push_str(&json::compact(sent)),
            Self::Text(text) => json.extend(["\"", text, "\""]),
            Self::Array(array) => {
                json.push('[');
                for (index, element) in array.elements.iter().enumerate() {
                    if index > 0 {
                        json.push(',');
                    }
                    match element {
                        Element::Indexed(element) => element.write(json),
                        Element::Others(others) => json.push_str(&json::compact(others)),
                    }
                }
                json.push(']');
            }
            Self::Object(object) => json.push_str(&object.to_json(&[])),
        }
    }
}
