//! The messages that gravix writes itself.

use serde::Serialize;

use crate::chat::tool_call::{SavedCall, ToolCall};

/// The content of the user's message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Content {
    Text(String),
    /// Texts and at least one image, in their order.
    Parts(Vec<ContentPart>),
}

/// A part of a content (OpenAI's API, "content parts").
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ContentPart {
    Text { text: String },
    ImageUrl { image_url: ImageUrl },
}

/// Where an image is, or the image itself as a data URL (RFC 2397).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImageUrl {
    pub url: String,
}

/// One message as this program writes it.
#[derive(Debug, Serialize)]
pub struct Message<'a> {
    role: &'static str,
    /// Not there beside calls: some servers refuse null (llama-cpp-python).
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<MessageContent<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<SavedCall<'a>>,
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

    /// The model's own message: a text, calls of tools, or both.
    pub fn assistant(text: &'a str, calls: &'a [ToolCall]) -> Self {
        let is_text = calls.is_empty() || !text.is_empty();
        let content = is_text.then_some(MessageContent::Text(text));
        Self { role: "assistant", content, tool_calls: calls.iter().map(SavedCall::from).collect() }
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
