//! The deltas of a stream, joined field by field into the message they make.
//! What needs no joining stays the JSON that the server sent: as a tree of
//! values, `[{},{}]` takes twenty times the memory.

use std::collections::HashMap;

use indexmap::IndexMap;
use serde_json::value::RawValue;

use crate::chat::held_bytes::HeldBytes;
use crate::error::{Error, Result};
use crate::json;

/// What a field or an element takes in memory besides its text, roughly.
const PART_BYTES: usize = 128;

/// How deeply values that need joining may be nested.
const MAX_DEPTH: usize = 100;

/// An object, joined so far. Its fields are in the order in which they came.
#[derive(Debug, Default)]
pub struct JoinedObject {
    fields: IndexMap<String, Joined>,
}

/// A value, joined so far.
#[derive(Debug)]
enum Joined {
    /// As the server sent it.
    Sent(Box<str>),
    /// The content of a string, with the escapes that the server sent.
    Text(String),
    Array(Box<JoinedArray>),
    Object(Box<JoinedObject>),
}

#[derive(Debug, Default)]
struct JoinedArray {
    elements: Vec<Element>,
    /// Where the elements with an `index` are, by its JSON.
    positions: HashMap<Box<str>, usize>,
}

#[derive(Debug)]
enum Element {
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

    /// Joins every field of an object to this one.
    ///
    /// # Errors
    /// [`Error::ReplyTooLong`] if more is held than allowed,
    /// [`Error::CannotJoin`] if the object has too many fields or levels.
    pub fn join_all(&mut self, object: &RawValue, held: &mut HeldBytes) -> Result<()> {
        Joiner { held, depth: 0 }.join_fields(self, object)
    }

    /// Joins a field of a delta to the same field of earlier deltas. Strings and
    /// arrays are appended, objects are joined field by field, other values replace
    /// the earlier one, and null replaces nothing.
    ///
    /// # Errors
    /// Those of [`Self::join_all`].
    pub fn join(&mut self, name: &str, value: &RawValue, held: &mut HeldBytes) -> Result<()> {
        Joiner { held, depth: 0 }.join_field(self, name, value)
    }

    /// Sets a field to this value. Null replaces nothing.
    ///
    /// # Errors
    /// [`Error::ReplyTooLong`] if more is held than allowed.
    pub fn replace(&mut self, name: &str, value: &RawValue, held: &mut HeldBytes) -> Result<()> {
        Joiner { held, depth: 0 }.replace_field(self, name, value)
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

/// Joins values, and counts what is held of them.
struct Joiner<'a> {
    held: &'a mut HeldBytes,
    depth: usize,
}

impl Joiner<'_> {
    fn join_fields(&mut self, into: &mut JoinedObject, object: &RawValue) -> Result<()> {
        if self.depth > MAX_DEPTH {
            return Err(Error::CannotJoin);
        }
        let fields = json::unique_fields(object.get()).ok_or(Error::CannotJoin)?;
        fields.into_iter().try_for_each(|(name, value)| self.join_field(into, &name, value))
    }

    fn join_field(&mut self, into: &mut JoinedObject, name: &str, value: &RawValue) -> Result<()> {
        // Servers that repeat these fields repeat the complete value.
        let is_complete = matches!(name, "role" | "id" | "type" | "name" | "format");
        match into.fields.get_mut(name) {
            Some(known) if known.first_byte() == first_byte(value) => match first_byte(value) {
                b'"' if !is_complete => self.append_text(known, value),
                b'[' => self.append_elements(known, value),
                b'{' => self.join_object(known, value),
                _ => self.replace_field(into, name, value),
            },
            _ => self.replace_field(into, name, value),
        }
    }

    fn replace_field(
        &mut self,
        into: &mut JoinedObject,
        name: &str,
        value: &RawValue,
    ) -> Result<()> {
        let length = value.get().len();
        match into.fields.get_mut(name) {
            None => {
                self.held.add(PART_BYTES + name.len() + length)?;
                into.fields.insert(name.to_owned(), Joined::sent(value));
            }
            Some(_) if value.get() == "null" => {}
            Some(known) => {
                self.held.add(length)?;
                self.held.remove(known.sent_len());
                *known = Joined::sent(value);
            }
        }
        Ok(())
    }

    fn append_text(&mut self, known: &mut Joined, string: &RawValue) -> Result<()> {
        let content = content(string.get());
        self.held.add(content.len())?;
        match known {
            Joined::Text(text) => text.push_str(content),
            Joined::Sent(sent) => *known = Joined::Text([self::content(sent), content].concat()),
            _ => {}
        }
        Ok(())
    }

    fn join_object(&mut self, known: &mut Joined, object: &RawValue) -> Result<()> {
        self.depth += 1;
        let sent = known.unfold(|| Joined::Object(Box::default()));
        if let Joined::Object(known) = known {
            if let Some(sent) = sent {
                self.held.remove(sent.get().len());
                self.join_fields(known, &sent)?;
            }
            self.join_fields(known, object)?;
        }
        self.depth -= 1;
        Ok(())
    }

    fn append_elements(&mut self, known: &mut Joined, array: &RawValue) -> Result<()> {
        self.depth += 1;
        let sent = known.unfold(|| Joined::Array(Box::default()));
        if let Joined::Array(known) = known {
            if let Some(sent) = sent {
                self.held.remove(sent.get().len());
                self.add_elements(known, &sent)?;
            }
            self.add_elements(known, array)?;
        }
        self.depth -= 1;
        Ok(())
    }

    fn add_elements(&mut self, into: &mut JoinedArray, array: &RawValue) -> Result<()> {
        let mut added = Ok(());
        json::each_element(array, |element| {
            added = self.add_element(into, element);
            added.is_ok()
        });
        added
    }

    /// Joins an element with an `index` to the element of the same index, such as
    /// a fragment of a tool call. Other elements are appended.
    fn add_element(&mut self, into: &mut JoinedArray, element: &RawValue) -> Result<()> {
        let [index] = json::fields(element.get(), ["index"]);
        let Some(index) = index.filter(|index| is_number(index)) else {
            return self.add_other(&mut into.elements, element.get());
        };
        match into.positions.get(index.get()).map(|&position| &mut into.elements[position]) {
            Some(Element::Indexed(known)) => self.join_object(known, element),
            _ => {
                self.held.add(PART_BYTES + index.get().len() + element.get().len())?;
                into.positions.insert(index.get().into(), into.elements.len());
                into.elements.push(Element::Indexed(Joined::sent(element)));
                Ok(())
            }
        }
    }

    fn add_other(&mut self, elements: &mut Vec<Element>, element: &str) -> Result<()> {
        self.held.add(element.len() + 1)?;
        match elements.last_mut() {
            Some(Element::Others(others)) => {
                others.push(',');
                others.push_str(element);
            }
            _ => {
                self.held.add(PART_BYTES)?;
                elements.push(Element::Others(element.to_owned()));
            }
        }
        Ok(())
    }
}

impl Joined {
    fn sent(value: &RawValue) -> Self {
        Self::Sent(value.get().into())
    }

    fn sent_len(&self) -> usize {
        match self {
            Self::Sent(sent) => sent.len(),
            Self::Text(text) => text.len(),
            Self::Array(_) | Self::Object(_) => 0,
        }
    }

    fn is_null(&self) -> bool {
        matches!(self, Self::Sent(sent) if &**sent == "null")
    }

    fn first_byte(&self) -> u8 {
        match self {
            Self::Sent(sent) => sent.as_bytes().first().copied().unwrap_or_default(),
            Self::Text(_) => b'"',
            Self::Array(_) => b'[',
            Self::Object(_) => b'{',
        }
    }

    /// Puts an empty value in place of one that is still as it was sent, and returns
    /// that.
    fn unfold(&mut self, empty: impl Fn() -> Self) -> Option<Box<RawValue>> {
        let Self::Sent(sent) = self else {
            return None;
        };
        let sent = RawValue::from_string(std::mem::take(sent).into()).ok();
        *self = empty();
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

/// What is between the quotes of a string.
fn content(string: &str) -> &str {
    string.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default()
}

fn first_byte(value: &RawValue) -> u8 {
    value.get().as_bytes().first().copied().unwrap_or_default()
}

fn is_number(value: &RawValue) -> bool {
    matches!(first_byte(value), b'-' | b'0'..=b'9')
}
