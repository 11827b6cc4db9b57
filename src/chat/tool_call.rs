//! ToolCalls of tools: fragments of them on the wire, and whole ones.

use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use thiserror::Error as ThisError;

use crate::error::Error;
use crate::json;
use crate::wtf8::Surrogates;

/// A part of a call, or all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallFragment {
    /// The call's place among those of the reply, from 0. Some servers leave
    /// it out.
    pub index: Option<u64>,
    /// Empty where it came before, or never does.
    pub id: String,
    pub name: String,
    /// JSON text, in WTF-8.
    pub arguments: Vec<u8>,
}

/// A whole call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    pub id: String,
    pub name: String,
    /// The arguments as the model wrote them.
    pub text: String,
    /// What the text holds.
    pub arguments: Value,
}

/// Why a call of a tool cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub enum CallError {
    /// The call of this number, from 1, has no name.
    #[error("the reply calls a tool without a name (call {0})")]
    Nameless(usize),
    /// The model did not write a JSON object.
    #[error("the arguments of the call of {name} are {why}")]
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

/// The calls of a reply, as far as they have come.
#[derive(Debug, Default)]
pub struct ToolCalls {
    calls: Vec<CallFragment>,
}

impl ToolCalls {
    pub fn add(&mut self, fragment: CallFragment) {
        let place = match fragment.index {
            Some(index) => self.calls.iter().rposition(|call| call.index == Some(index)),
            None => self.calls.len().checked_sub(1),
        };
        match place.map(|place| &mut self.calls[place]) {
            // Some servers number every call 0.
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

    /// What has come of them, one a line, be they calls or not.
    pub fn raw(&self) -> String {
        let line = |call: &CallFragment| {
            format!("{} {}\n", call.name, String::from_utf8_lossy(&call.arguments))
        };
        self.calls.iter().map(line).collect()
    }

    /// The calls, in the order of their coming.
    ///
    /// # Errors
    /// The first call that is none.
    pub fn finish(&self) -> Result<Vec<ToolCall>, CallError> {
        self.calls.iter().enumerate().map(|(index, call)| call.finish(index)).collect()
    }
}

impl CallFragment {
    /// Its arguments begin and end, so that nothing more belongs to it.
    fn is_complete(&self) -> bool {
        serde_json::from_slice::<IgnoredAny>(&self.arguments).is_ok()
    }

    /// Whether `next`, which may belong here, begins a call of its own: by
    /// its id, or by a name after arguments that are complete.
    fn is_followed_by(&self, next: &Self) -> bool {
        match (self.id.is_empty(), next.id.is_empty()) {
            (false, false) => self.id != next.id,
            _ => !next.name.is_empty() && !self.name.is_empty() && self.is_complete(),
        }
    }

    fn finish(&self, index: usize) -> Result<ToolCall, CallError> {
        let mut surrogates = Surrogates::default();
        let text = surrogates.join(self.arguments.clone()) + &surrogates.end();
        // A tool without parameters is called with nothing by some.
        let text = if text.trim().is_empty() { "{}".to_owned() } else { text };
        let name = self.name.clone();
        if name.is_empty() {
            return Err(CallError::Nameless(index + 1));
        }
        let bad = |why: String| CallError::Arguments { name: self.name.clone(), why };
        let arguments = json::parse_leniently(&text).ok_or_else(|| bad("not JSON".to_owned()))?;
        if !arguments.is_object() {
            return Err(bad(format!("{}, not an object", json::kind(&arguments))));
        }
        // A tool's result must name the call.
        let id = if self.id.is_empty() { format!("call_{index}") } else { self.id.clone() };
        Ok(ToolCall { id, name, text, arguments })
    }
}

/// A call in a message of a history.
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
