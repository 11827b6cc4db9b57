//! The decoded text, calls and finish reason of a reply, which replace those that
//! were joined from its chunks.

use crate::chat::finish::FinishReason;
use crate::chat::joined::JoinedObject;
use crate::chat::tool_call::ToolCall;
use crate::json;

/// The JSON of a field that is set, or `None` to leave it out.
pub type Change = (&'static str, Option<String>);

/// What was decoded of choice 0. It was decoded with more care than chunks are
/// joined: chunks can cut a surrogate pair in two,
/// some servers give every call index 0, and the last finish reason is not always
/// the one that counts.
pub struct DecodedMessage<'a> {
    pub content: &'a str,
    pub calls: &'a [ToolCall],
    pub finish: Option<&'a FinishReason>,
}

impl DecodedMessage<'_> {
    /// `is_sent` if the server sent a content, even an empty one.
    pub fn content_change(&self, is_sent: bool) -> Option<Change> {
        let is_set = is_sent || !self.content.is_empty();
        is_set.then(|| ("content", Some(json::quoted(self.content))))
    }

    pub fn call_changes(&self, message: &JoinedObject) -> Vec<Change> {
        let mut changes = Vec::new();
        // A legacy `function_call` stays one. Its name may have come in pieces.
        let function = message.get("function_call").and_then(|json| JoinedObject::parse(&json));
        if let (Some(function), [call]) = (function, self.calls) {
            let name = ("name", Some(json::quoted(&call.name)));
            changes.push(("function_call", Some(function.to_json(&[name]))));
        }
        if !message.is_null("tool_calls") && !self.calls.is_empty() {
            let calls: Vec<&str> = self.calls.iter().map(|call| call.message.get()).collect();
            changes.push(("tool_calls", Some(format!("[{}]", calls.join(",")))));
        }
        changes
    }
}
