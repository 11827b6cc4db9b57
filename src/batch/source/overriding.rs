//! Options that were typed, and lines that have fields or a system prompt of their
//! own: which of them wins, and whether the user should know.

use std::borrow::Cow;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use serde_json::value::RawValue;

use crate::batch::source::instruction::is_system;
use crate::batch::source::read_options::ReadOptions;
use crate::batch::source::records::Records;
use crate::batch::source::request_line::RequestLine;
use crate::error::Result;
use crate::json::{self, Object};

/// What was typed and overrides what lines say.
#[derive(Debug, Default)]
pub struct Overriding {
    /// Names of fields of the request body.
    pub fields: Vec<String>,
    pub system: bool,
}

impl Overriding {
    pub fn has(&self, field: &str) -> bool {
        self.fields.iter().any(|name| name == field)
    }
}

/// Finds out which fields that were typed every line overrides.
#[derive(Debug)]
pub struct OverriddenFields(Mutex<Overridden>);

#[derive(Debug)]
struct Overridden {
    /// How many lines were seen.
    lines: u64,
    /// The fields that all of them have.
    fields: Vec<String>,
}

impl OverriddenFields {
    /// `typed` are names of fields of the request body.
    pub fn new(typed: Vec<String>) -> Self {
        Self(Overridden { lines: 0, fields: typed }.into())
    }

    /// Looks at a line that is sent.
    pub fn see(&self, line: &RequestLine) {
        let mut overridden = self.lock();
        overridden.lines += 1;
        overridden.fields.retain(|name| line.fields.contains(name));
    }

    /// Looks at the lines of a file that this run sends, until one of them
    /// overrides nothing. The file has passed its preflight.
    ///
    /// # Errors
    /// [`Error::Unreadable`](crate::error::Error::Unreadable).
    pub fn see_file(&self, input: &Records, options: &ReadOptions) -> Result<()> {
        let mut reader = input.reader(options)?;
        while !self.lock().fields.is_empty()
            && let Some(record) = reader.next_record().map_err(|error| input.error(error))?
        {
            if let Ok(Some(request)) = RequestLine::parse(&record, options)
                && options.selection.has(record.place.number)
            {
                self.see(&request);
            }
        }
        Ok(())
    }

    /// How many lines were seen, and the fields that all of them have, which are not
    /// watched any longer. `None` if there is no such field.
    pub fn take(&self) -> Option<(u64, Vec<String>)> {
        let mut overridden = self.lock();
        let is_any = overridden.lines > 0 && !overridden.fields.is_empty();
        is_any.then(|| (overridden.lines, std::mem::take(&mut overridden.fields)))
    }

    fn lock(&self) -> MutexGuard<'_, Overridden> {
        // A panic cannot leave the fields half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The JSON of a field that was typed, over the line's own value. Objects are
/// merged.
pub fn over<'a>(own: Option<&RawValue>, typed: &'a str) -> Cow<'a, str> {
    let object = |json: &str| match json::parse_leniently(json) {
        Some(Value::Object(object)) if json.starts_with('{') => Some(object),
        _ => None,
    };
    let own = own.filter(|_| typed.starts_with('{')).and_then(|own| object(own.get()));
    let merged = own.zip(object(typed)).map(|(mut merged, typed): (Object, Object)| {
        json::merge(&mut merged, typed);
        Value::from(merged).to_string()
    });
    merged.map_or(Cow::Borrowed(typed), Cow::Owned)
}

/// The messages of a JSON array, separated by commas, without a system message at
/// their start.
pub fn without_leading_system(messages: &str) -> String {
    // The line was parsed before, so the array is one.
    let messages = serde_json::from_str::<Vec<&RawValue>>(messages).unwrap_or_default();
    let skipped = usize::from(messages.first().is_some_and(|message| is_system(message)));
    messages[skipped..].iter().map(|message| message.get()).collect::<Vec<_>>().join(",")
}
