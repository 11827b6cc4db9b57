//! Tool calls: fragments as received, and complete calls.

use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use thiserror::Error as ThisError;

use crate::error::Error;
use crate::json;
use crate::wtf8::Surrogates;

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
}

/// A complete tool call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    pub id: String,
    pub name: String,
    /// The arguments as JSON text, as the model wrote them.
    pub text: String,
    /// The parsed arguments, always an object.
    pub arguments: Value,
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
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Self {
        let reason = error.to_string();
        match error {
            CallError::Nameless(_) => Error::Protocol(reason),
            CallError::Arguments { .. } => Error::Format { reason, early_end: None },
        }
    }
}

/// The tool calls of a reply, joined from the fragments received so far.
#[derive(Debug, Default)]
pub struct ToolCalls {
    calls: Vec<CallFragment>,
}

impl ToolCalls {
    pub fn add(&mut self, fragment: CallFragment) {
        let position = match fragment.index {
            Some(index) => self.calls.iter().rposition(|call| call.index == Some(index)),
            None => self.calls.len().checked_sub(1),
        };
        match position.map(|position| &mut self.calls[position]) {
            // The index does not decide: some servers give every call index 0.
            Some(call) if !call.is_followed_by(&fragment) => {
                call.arguments.extend(fragment.arguments);
                if call.id.is_empty() {
                    call.id = fragment.id;
                }
                if call.name.is_empty() {
                    call.name = fragment.name;
                }
            }
            _ => self.calls.push(fragment),
        }
    }

    /// Name and arguments of each call as received, one per line, valid or not.
    pub fn raw(&self) -> String {
        let line = |call: &CallFragment| {
            format!("{} {}\n", call.name, String::from_utf8_lossy(&call.arguments))
        };
        self.calls.iter().map(line).collect()
    }

    /// The complete calls, in the order received.
    ///
    /// # Errors
    /// [`CallError::Nameless`] or [`CallError::Arguments`] for the first call
    /// without a name, or whose arguments are not a JSON object.
    pub fn finish(&self) -> Result<Vec<ToolCall>, CallError> {
        self.calls.iter().enumerate().map(|(index, call)| call.finish(index)).collect()
    }
}

impl CallFragment {
    fn has_complete_arguments(&self) -> bool {
        serde_json::from_slice::<IgnoredAny>(&self.arguments).is_ok()
    }

    /// Whether `next` starts another call: it has a different id, or a name
    /// although the arguments so far are complete.
    fn is_followed_by(&self, next: &Self) -> bool {
        match (self.id.is_empty(), next.id.is_empty()) {
            (false, false) => self.id != next.id,
            _ => !next.name.is_empty() && !self.name.is_empty() && self.has_complete_arguments(),
        }
    }

    fn finish(&self, index: usize) -> Result<ToolCall, CallError> {
        let mut surrogates = Surrogates::default();
        let text = surrogates.join(self.arguments.clone()) + &surrogates.end();
        // Some models send no arguments to a tool without parameters.
        let text = if text.trim().is_empty() { "{}".to_owned() } else { text };
        let name = self.name.clone();
        if name.is_empty() {
            return Err(CallError::Nameless(index + 1));
        }
        let invalid = |why: String| CallError::Arguments { name: self.name.clone(), why };
        let arguments =
            json::parse_leniently(&text).ok_or_else(|| invalid("not JSON".to_owned()))?;
        if !arguments.is_object() {
            return Err(invalid(format!("{}, not an object", json::kind(&arguments))));
        }
        // A tool's result refers to its call by id.
        let id = if self.id.is_empty() { format!("call_{index}") } else { self.id.clone() };
        Ok(ToolCall { id, name, text, arguments })
    }
}

/// A tool call in an assistant message.
#[derive(Debug, Serialize)]
pub struct SavedCall<'a> {
    id: &'a str,
    r#type: &'static str,
    function: SavedFunction<'a>,
}

#[derive(Debug, Serialize)]
struct SavedFunction<'a> {
    name: &'a str,
    arguments: &'a str,
}

impl<'a> From<&'a ToolCall> for SavedCall<'a> {
    fn from(call: &'a ToolCall) -> Self {
        let function = SavedFunction { name: &call.name, arguments: &call.text };
        Self { id: &call.id, r#type: "function", function }
    }
}
