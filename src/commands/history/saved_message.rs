//! A message of a history, as far as it is shown.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::json;

pub struct SavedMessage<'a> {
    pub role: String,
    pub content: Value,
    pub tool_calls: Option<&'a RawValue>,
}

impl<'a> SavedMessage<'a> {
    /// The message on `line`; `None` if it is nested too deeply.
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        let names = ["role", "content", "tool_calls"];
        let [role, content, tool_calls] = json::fields(str::from_utf8(line).ok()?, names);
        let Value::String(role) = json::parse_leniently(role?.get())? else {
            return None;
        };
        let content = match content {
            Some(content) => json::parse_leniently(content.get())?,
            None => Value::Null,
        };
        Some(Self { role, content, tool_calls })
    }

    /// The parts of the content; texts are given to `text`, and others to `other`.
    pub fn parts(
        &self,
        text: impl Fn(&str) -> String,
        other: impl Fn(&Value) -> String,
    ) -> Vec<String> {
        let part = |part: &Value| match &part["text"] {
            Value::String(words) => text(words),
            _ => other(part),
        };
        match &self.content {
            Value::String(words) => vec![text(words)],
            Value::Array(array) => array.iter().map(part).collect(),
            Value::Null => Vec::new(),
            number => vec![text(&number.to_string())],
        }
    }

    /// The text of the content and the tool calls. Other parts are named in
    /// brackets.
    pub fn text(&self) -> String {
        let parts = [Some(self.content_text()), self.calls_text()];
        let has_text = |part: &String| !part.is_empty();
        parts.into_iter().flatten().filter(has_text).collect::<Vec<_>>().join("\n")
    }

    /// The text of the content alone.
    pub fn content_text(&self) -> String {
        let name = |part: &Value| format!("[{}]", kind_of(part).unwrap_or("unknown part"));
        self.parts(str::to_owned, name).join("\n")
    }

    /// The texts of the content, without its other parts.
    pub fn only_text(&self) -> String {
        let parts = self.parts(str::to_owned, |_| String::new());
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
    }

    pub fn calls_text(&self) -> Option<String> {
        self.tool_calls.map(|calls| format!("[tool calls: {calls}]"))
    }
}

/// What kind of part of a message this is, such as `image_url`.
pub fn kind_of(part: &Value) -> Option<&str> {
    part["type"].as_str()
}
