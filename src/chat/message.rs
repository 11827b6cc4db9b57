//! Messages that gravix creates: system, user and assistant.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::chat::tool_call::ToolCall;

/// The content of a user message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Content {
    Text(String),
    /// Text and at least one image, in order.
    Parts(Vec<ContentPart>),
}

/// A content part (OpenAI API, `messages[].content`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ContentPart {
    Text { text: String },
    ImageUrl { image_url: ImageUrl },
}

/// The URL of an image, which may be a data URL (RFC 2397).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImageUrl {
    pub url: String,
}

/// A message as sent to the server and saved in a history.
#[derive(Debug, Serialize)]
pub struct Message<'a> {
    role: &'static str,
    /// Omitted for tool calls without text: llama-cpp-python refuses null.
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<MessageContent<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<&'a RawValue>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum MessageContent<'a> {
    Text(&'a str),
    Content(&'a Content),
}

impl<'a> Message<'a> {
    pub fn system(text: &'a str) -> Self {
        Self { role: "system", content: Some(MessageContent::Text(text)), tool_calls: Vec::new() }
    }

    pub fn user(content: &'a Content) -> Self {
        Self {
            role: "user",
            content: Some(MessageContent::Content(content)),
            tool_calls: Vec::new(),
        }
    }

    /// A message with text, tool calls, or both.
    pub fn assistant(text: &'a str, calls: &'a [ToolCall]) -> Self {
        let has_content = calls.is_empty() || !text.is_empty();
        let content = has_content.then_some(MessageContent::Text(text));
        Self {
            role: "assistant",
            content,
            tool_calls: calls.iter().map(|call| &*call.message).collect(),
        }
    }

    pub fn json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("messages have string keys")
    }

    /// The message as a line of a history file, with its newline.
    pub fn line(&self) -> Vec<u8> {
        let mut line = self.json();
        line.push(b'\n');
        line
    }
}
