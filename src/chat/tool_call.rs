//! Tool calls: fragments as received, and complete calls.

use serde_json::{Value, json};
use thiserror::Error as ThisError;

use crate::chat::delta;
use crate::error::Error;
use crate::json::{self, Completeness, Object};
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
    /// All fields as the server sent them; empty for a legacy `function_call`.
    pub fields: Object,
}

/// A complete tool call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    pub id: String,
    pub name: String,
    /// The parsed arguments, always an object.
    pub arguments: Value,
    /// The call as an assistant message holds it, with every field that the
    /// server sent: some servers refuse a later turn that lacks one of them.
    pub message: Object,
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

/// The tool calls of a reply, joined from the fragments received so far.
#[derive(Debug, Default)]
pub struct ToolCalls {
    calls: Vec<JoinedCall>,
}

/// A call, joined from its fragments so far.
#[derive(Debug)]
struct JoinedCall {
    joined: CallFragment,
    arguments: Completeness,
}

impl ToolCalls {
    pub fn add(&mut self, fragment: CallFragment) {
        let position = match fragment.index {
            Some(index) => self.calls.iter().rposition(|call| call.joined.index == Some(index)),
            None => self.calls.len().checked_sub(1),
        };
        match position.map(|position| &mut self.calls[position]) {
            // The index does not decide: some servers give every call index 0.
            Some(call) if !call.is_followed_by(&fragment) => call.join(fragment),
            _ => self.calls.push(JoinedCall::new(fragment)),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Name and arguments of each call as received, one per line, valid or not.
    pub fn raw(&self) -> String {
        let line = |call: &CallFragment| {
            format!("{} {}\n", call.name, String::from_utf8_lossy(&call.arguments))
        };
        self.calls.iter().map(|call| line(&call.joined)).collect()
    }

    /// The complete calls, in the order received. `offered` are the names of the
    /// tools that may be called; `None` if they are not known.
    ///
    /// # Errors
    /// For the first call that is not valid: [`CallError::Nameless`] if it has no
    /// name, [`CallError::NotOffered`] if it is to another tool,
    /// [`CallError::Arguments`] if its arguments are not a JSON object.
    pub fn finish(&self, offered: Option<&[String]>) -> Result<Vec<ToolCall>, CallError> {
        let finish = |(index, call): (usize, &JoinedCall)| call.joined.finish(index, offered);
        self.calls.iter().enumerate().map(finish).collect()
    }
}

impl JoinedCall {
    fn new(first: CallFragment) -> Self {
        let mut arguments = Completeness::default();
        arguments.push(&first.arguments);
        Self { joined: first, arguments }
    }

    /// Whether `next` starts another call: it has a different id, or a name
    /// although the arguments so far are complete. A fragment that only repeats
    /// the name does not.
    fn is_followed_by(&self, next: &CallFragment) -> bool {
        let Self { joined, arguments } = self;
        if !joined.id.is_empty() && !next.id.is_empty() {
            return joined.id != next.id;
        }
        let is_repeated = joined.name == next.name && next.arguments.is_empty();
        let has_names = !joined.name.is_empty() && !next.name.is_empty();
        has_names && !is_repeated && arguments.is_complete()
    }

    fn join(&mut self, next: CallFragment) {
        let joined = &mut self.joined;
        self.arguments.push(&next.arguments);
        joined.arguments.extend(next.arguments);
        if joined.id.is_empty() {
            joined.id = next.id;
        }
        // A name may come in pieces. Some servers repeat the whole name instead.
        if joined.name != next.name {
            joined.name += &next.name;
        }
        for (name, value) in next.fields {
            delta::join(&mut joined.fields, name, value);
        }
    }
}

impl CallFragment {
    fn finish(&self, index: usize, offered: Option<&[String]>) -> Result<ToolCall, CallError> {
        let mut surrogates = Surrogates::default();
        let text = surrogates.join(self.arguments.clone()) + &surrogates.end();
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
    fn message(&self, id: &str, arguments: &str) -> Object {
        let mut call = self.fields.clone();
        // Only fragments have an index.
        call.shift_remove("index");
        call.insert("id".to_owned(), id.into());
        call.entry("type").or_insert_with(|| "function".into());
        let function = call.entry("function").or_insert_with(|| json!({}));
        if let Value::Object(function) = function {
            function.insert("name".to_owned(), self.name.as_str().into());
            let sent = function.get("arguments");
            if sent.is_none_or(|sent| sent.is_string() || sent.is_null()) {
                function.insert("arguments".to_owned(), arguments.into());
            }
        }
        call
    }
}

/// Parses arguments. Some models encode them twice: as a string of JSON.
fn parse_arguments(text: &str) -> Option<Value> {
    match json::parse_leniently(text)? {
        Value::String(inner) => json::parse_leniently(&inner).or(Some(Value::String(inner))),
        arguments => Some(arguments),
    }
}
