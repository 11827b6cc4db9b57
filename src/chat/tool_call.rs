//! Tool calls: fragments as received, and complete calls.

use std::collections::HashMap;

use serde_json::Value;
use serde_json::value::RawValue;
use thiserror::Error as ThisError;

use crate::chat::held_bytes::HeldBytes;
use crate::chat::joined::JoinedObject;
use crate::chat::joiner::Joiner;
use crate::error::{Error, Result};
use crate::json::{self, Completeness};
use crate::wtf8;

/// A tool call, or a fragment of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallFragment {
    /// The call's index in the reply, from 0. Some servers omit it.
    pub index: Option<u64>,
    /// Usually only in the first fragment of a call; otherwise empty.
    pub id: String,
    /// Usually only in the first fragment of a call; otherwise empty.
    pub name: String,
    /// JSON text as WTF-8, because a fragment may end within a surrogate pair.
    pub arguments: Vec<u8>,
    /// The JSON object that the server sent; empty for a legacy `function_call`.
    pub sent: String,
}

/// A complete tool call.
#[derive(Debug, Clone)]
pub struct ToolCall {
    pub id: String,
    pub name: String,
    /// The parsed arguments, always an object.
    pub arguments: Value,
    /// The call as an assistant message holds it, on one line, with every field
    /// that the server sent: some servers refuse a later turn that lacks one of
    /// them.
    pub message: Box<RawValue>,
}

/// Why a tool call cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub enum CallError {
    /// The call with this number, from 1, has no name.
    #[error("call {0} of the reply has no tool name")]
    Nameless(usize),
    /// The arguments are not a JSON object.
    #[error("the arguments of the call to {name} are {why}")]
    Arguments { name: String, why: String },
    /// No tool of this name was offered.
    #[error("it calls {name}, {}", match offered.as_slice() {
        [] => "but no tools were offered".to_owned(),
        names => format!("which was not offered (offered: {})", names.join(", ")),
    })]
    NotOffered { name: String, offered: Vec<String> },
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Self {
        let reason = error.to_string();
        match error {
            CallError::Nameless(_) => Error::Protocol(reason),
            CallError::Arguments { .. } | CallError::NotOffered { .. } => {
                Error::Format { reason, early_end: None }
            }
        }
    }
}

/// The names of the tools in the fields `tools` and `functions` of a request.
/// `None` if one has no name that can be read, such as a tool of the server.
pub fn offered_names(fields: [Option<&Value>; 2]) -> Option<Vec<String>> {
    let tools = fields.into_iter().flatten().filter_map(Value::as_array).flatten();
    let name = |tool: &Value| {
        let places = [&tool["function"]["name"], &tool["custom"]["name"], &tool["name"]];
        places.into_iter().find_map(Value::as_str).map(str::to_owned)
    };
    tools.map(name).collect()
}

/// What a call takes in memory besides its texts, roughly.
const CALL_BYTES: usize = 512;

/// The tool calls of a reply, joined from the fragments received so far.
#[derive(Debug, Default)]
pub struct ToolCalls {
    calls: Vec<JoinedCall>,
    /// Where the last call with an index is.
    positions: HashMap<u64, usize>,
}

/// A call, joined from its fragments so far.
#[derive(Debug, Default)]
struct JoinedCall {
    id: String,
    name: String,
    /// As WTF-8.
    arguments: Vec<u8>,
    /// Whether the arguments are complete.
    completeness: Completeness,
    /// Every field that the server sent.
    sent: JoinedObject,
}

impl ToolCalls {
    /// Joins a fragment to its call.
    ///
    /// # Errors
    /// Those of a [`Joiner`].
    pub fn add(&mut self, fragment: &CallFragment, held: &mut HeldBytes) -> Result<()> {
        let last = self.calls.len().checked_sub(1);
        let position = fragment.index.map_or(last, |index| self.positions.get(&index).copied());
        // The index does not decide: some servers give every call index 0.
        let known = position.filter(|&position| !self.calls[position].is_followed_by(fragment));
        let position = match known {
            Some(position) => position,
            None => {
                held.add(CALL_BYTES)?;
                self.calls.push(JoinedCall::default());
                self.calls.len() - 1
            }
        };
        if let Some(index) = fragment.index.filter(|_| known.is_none()) {
            self.positions.insert(index, position);
        }
        self.calls[position].join(fragment, held)
    }

    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Name and arguments of each call as received, one per line, valid or not.
    pub fn raw(&self) -> String {
        let line = |call: &JoinedCall| format!("{} {}\n", call.name, call.arguments());
        self.calls.iter().map(line).collect()
    }

    /// The complete calls, in the order received. `offered` are the names of the
    /// tools that may be called; `None` if they are not known.
    ///
    /// # Errors
    /// For the first call that is not valid: [`CallError::Nameless`] if it has no
    /// name, [`CallError::NotOffered`] if it is to another tool,
    /// [`CallError::Arguments`] if its arguments are not a JSON object.
    pub fn finish(&self, offered: Option<&[String]>) -> Result<Vec<ToolCall>, CallError> {
        let finish = |(index, call): (usize, &JoinedCall)| call.finish(index, offered);
        self.calls.iter().enumerate().map(finish).collect()
    }
}

impl JoinedCall {
    /// Whether `next` starts another call: it has a different id, or a name
    /// although the arguments so far are complete. A fragment that only repeats
    /// the name does not.
    fn is_followed_by(&self, next: &CallFragment) -> bool {
        if !self.id.is_empty() && !next.id.is_empty() {
            return self.id != next.id;
        }
        let is_repeated = self.name == next.name && next.arguments.is_empty();
        let has_names = !self.name.is_empty() && !next.name.is_empty();
        has_names && !is_repeated && self.completeness.is_complete()
    }

    fn join(&mut self, next: &CallFragment, held: &mut HeldBytes) -> Result<()> {
        held.add(next.arguments.len() + next.name.len())?;
        self.completeness.push(&next.arguments);
        self.arguments.extend(&next.arguments);
        if self.id.is_empty() {
            self.id.clone_from(&next.id);
        }
        // A name may come in pieces. Some servers repeat the whole name instead.
        if self.name != next.name {
            self.name += &next.name;
        }
        match json::to_raw(&next.sent) {
            Some(sent) => Joiner::new(held).join_all(&mut self.sent, &sent),
            None => Ok(()),
        }
    }

    /// The arguments so far, with U+FFFD for lone surrogates.
    fn arguments(&self) -> String {
        wtf8::to_utf8(self.arguments.clone())
    }

    fn finish(&self, index: usize, offered: Option<&[String]>) -> Result<ToolCall, CallError> {
        let text = self.arguments();
        // Some models send no arguments to a tool without parameters.
        let text = if text.trim().is_empty() { "{}".to_owned() } else { text };
        let name = self.name.clone();
        if name.is_empty() {
            return Err(CallError::Nameless(index + 1));
        }
        if let Some(offered) = offered.filter(|offered| !offered.contains(&name)) {
            return Err(CallError::NotOffered { name, offered: offered.to_vec() });
        }
        let invalid = |why: String| CallError::Arguments { name: self.name.clone(), why };
        let arguments = parse_arguments(&text).ok_or_else(|| invalid("not JSON".to_owned()))?;
        if !arguments.is_object() {
            return Err(invalid(format!("{}, not an object", json::kind(&arguments))));
        }
        // A tool's result refers to its call by id.
        let id = if self.id.is_empty() { format!("call_{index}") } else { self.id.clone() };
        let message = self.message(&id, &text);
        Ok(ToolCall { id, name, arguments, message })
    }

    /// The call in an assistant message: all that the server sent, with what it
    /// left out. Joined strings come from the fragments, which were joined with
    /// more care.
    fn message(&self, id: &str, arguments: &str) -> Box<RawValue> {
        let function = self.sent.get("function");
        let function = function.and_then(|sent| JoinedObject::parse(&sent)).unwrap_or_default();
        let mut changes = vec![("name", Some(json::quoted(&self.name)))];
        if function.is_null("arguments")
            || function.get("arguments").is_some_and(|sent| sent.starts_with('"'))
        {
            changes.push(("arguments", Some(json::quoted(arguments))));
        }
        // Only fragments have an index.
        let mut call = vec![("index", None), ("id", Some(json::quoted(id)))];
        if !self.sent.contains("type") {
            call.push(("type", Some(json::quoted("function"))));
        }
        call.push(("function", Some(function.to_json(&changes))));
        let json = json::without_lone_surrogates(&self.sent.to_json(&call)).unwrap_or_default();
        RawValue::from_string(json).unwrap_or_default()
    }
}

/// Parses arguments. Some models encode them twice: as a string of JSON.
fn parse_arguments(text: &str) -> Option<Value> {
    match json::parse_leniently(text)? {
        Value::String(inner) => json::parse_leniently(&inner).or(Some(Value::String(inner))),
        arguments => Some(arguments),
    }
}
