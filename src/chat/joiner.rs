//! Joining the deltas of a stream, field by field, into the message they make.

use serde_json::value::RawValue;

use crate::chat::held_bytes::HeldBytes;
use crate::chat::joined::{Element, Joined, JoinedArray, JoinedObject};
use crate::error::{Error, Result};
use crate::json;

/// What a field or an element takes in memory besides its text, roughly.
const PART_BYTES: usize = 128;

/// How deeply values that need joining may be nested.
const MAX_DEPTH: usize = 100;

/// Joins values, and counts what is held of them. Its errors are
/// [`Error::ReplyTooLong`] if more is held than allowed, and [`Error::CannotJoin`]
/// if an object has too many fields or levels.
pub struct Joiner<'a> {
    held: &'a mut HeldBytes,
    depth: usize,
}

impl<'a> Joiner<'a> {
    pub fn new(held: &'a mut HeldBytes) -> Self {
        Self { held, depth: 0 }
    }

    /// Joins every field of an object to those of another.
    ///
    /// # Errors
    /// Those of a [`Joiner`].
    pub fn join_all(&mut self, into: &mut JoinedObject, object: &RawValue) -> Result<()> {
        if self.depth > MAX_DEPTH {
            return Err(Error::CannotJoin);
        }
        let fields = json::unique_fields(object.get()).ok_or(Error::CannotJoin)?;
        fields.into_iter().try_for_each(|(name, value)| self.join(into, &name, value))
    }

    /// Joins a field of a delta to the same field of earlier deltas. Strings and
    /// arrays are appended, objects are joined field by field, other values replace
    /// the earlier one, and null replaces nothing.
    ///
    /// # Errors
    /// Those of a [`Joiner`].
    pub fn join(&mut self, into: &mut JoinedObject, name: &str, value: &RawValue) -> Result<()> {
        // Servers that repeat these fields repeat the complete value.
        let is_complete = matches!(name, "role" | "id" | "type" | "name" | "format");
        match into.fields.get_mut(name) {
            Some(known) if known.first_byte() == first_byte(value) => match first_byte(value) {
                b'"' if !is_complete => self.append_text(known, value),
                b'[' | b'{' => self.join_parts(known, value),
                _ => self.replace(into, name, value),
            },
            _ => self.replace(into, name, value),
        }
    }

    /// Sets a field to this value. Null replaces nothing.
    ///
    /// # Errors
    /// Those of a [`Joiner`].
    pub fn replace(&mut self, into: &mut JoinedObject, name: &str, value: &RawValue) -> Result<()> {
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

    /// Joins an object to an object, or an array to an array.
    fn join_parts(&mut self, known: &mut Joined, value: &RawValue) -> Result<()> {
        self.depth += 1;
        if let Some(sent) = known.unfold() {
            self.held.remove(sent.get().len());
            self.add_parts(known, &sent)?;
        }
        self.add_parts(known, value)?;
        self.depth -= 1;
        Ok(())
    }

    fn add_parts(&mut self, known: &mut Joined, value: &RawValue) -> Result<()> {
        match known {
            Joined::Object(known) => self.join_all(known, value),
            Joined::Array(known) => self.add_elements(known, value),
            Joined::Sent(_) | Joined::Text(_) => Ok(()),
        }
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
            Some(Element::Indexed(known)) => self.join_parts(known, element),
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
