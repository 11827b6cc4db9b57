//! The body of a chat-completions request: JSON around the history, which is
//! streamed from its file and never held in memory.

use std::io::{self, Read};
use std::ops::Range;

use serde::Serialize;
use serde_json::Value;

use super::call::{Call, SavedCall};
use crate::history::Messages;
use crate::json::Object;

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
    pub fn assistant(text: &'a str, calls: &'a [Call]) -> Self {
        let is_text = calls.is_empty() || !text.is_empty();
        let content = is_text.then_some(MessageContent::Text(text));
        Self { role: "assistant", content, tool_calls: calls.iter().map(SavedCall::from).collect() }
    }

    pub fn json(&self) -> Vec<u8> {
        json(self)
    }

    /// The message as a line of a history file, with its newline.
    pub fn line(&self) -> Vec<u8> {
        let mut line = self.json();
        line.push(b'\n');
        line
    }
}

/// The messages of a conversation, oldest first.
pub struct Conversation<'a> {
    pub system: Option<&'a str>,
    pub history: Option<Messages>,
    /// `None` where there is no new message of the user's.
    pub prompt: Option<&'a Content>,
    /// Messages that the user gave as JSON, in place of all these.
    pub own: &'a [Value],
    /// A reply that was not what it must be, and what was wrong with it.
    pub correction: Option<[Message<'a>; 2]>,
}

/// A request body of known length that can be read any number of times.
pub struct Body {
    parts: Vec<Part>,
    /// Which of the parts are the messages.
    messages: Range<usize>,
}

enum Part {
    Bytes(Vec<u8>),
    History(Messages),
}

/// A body that is there already.
impl From<Vec<u8>> for Body {
    fn from(body: Vec<u8>) -> Self {
        Self { parts: vec![Part::Bytes(body)], messages: 0..0 }
    }
}

impl Body {
    /// A body of `fields` and the messages of `conversation`.
    pub fn new(fields: &Object, conversation: Conversation) -> Self {
        let history = conversation.history.filter(|history| !history.is_empty());
        let message = |message: Message| Part::Bytes(json(&message));
        let messages = [
            conversation.system.map(|text| message(Message::system(text))),
            history.map(Part::History),
            conversation.prompt.map(|content| message(Message::user(content))),
        ];
        let own: Vec<Vec<u8>> = conversation.own.iter().map(json).collect();
        let own = (!own.is_empty()).then(|| Part::Bytes(own.join(&b',')));
        let corrections = conversation.correction.into_iter().flatten().map(message);
        let messages = messages.into_iter().flatten().chain(own).chain(corrections);
        let mut head = json(fields);
        head.pop();
        head.extend_from_slice(b",\"messages\":[");
        let mut parts = vec![Part::Bytes(head)];
        for (index, part) in messages.enumerate() {
            if index > 0 {
                parts.push(Part::Bytes(b",".to_vec()));
            }
            parts.push(part);
        }
        parts.push(Part::Bytes(b"]}".to_vec()));
        Self { messages: 1..parts.len() - 1, parts }
    }

    /// The length in bytes.
    pub fn len(&self) -> u64 {
        let length = |part: &Part| match part {
            Part::Bytes(bytes) => bytes.len() as u64,
            Part::History(messages) => messages.len(),
        };
        self.parts.iter().map(length).sum()
    }

    /// Reads the body from its beginning. Each read gives as much as fits,
    /// so that small parts leave in one packet.
    pub fn reader(&self) -> impl Read + '_ {
        Filling(joined(&self.parts))
    }

    /// Reads the messages alone, with the commas between them.
    pub fn messages(&self) -> impl Read + '_ {
        joined(&self.parts[self.messages.clone()])
    }
}

fn joined(parts: &[Part]) -> Box<dyn Read + '_> {
    let nothing: Box<dyn Read + '_> = Box::new(io::empty());
    parts.iter().fold(nothing, |before, part| match part {
        Part::Bytes(bytes) => Box::new(before.chain(bytes.as_slice())),
        Part::History(messages) => Box::new(before.chain(messages.reader())),
    })
}

struct Filling<R>(R);

impl<R: Read> Read for Filling<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.0.read(&mut buffer[filled..])? {
                0 => break,
                read => filled += read,
            }
        }
        Ok(filled)
    }
}

/// Serialises a value whose maps have string keys, which cannot fail.
fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("a value without maps of other keys than strings")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_parts_are_read_at_once() {
        let parts = [b"one".as_slice(), b"", b"two"].map(|part| Part::Bytes(part.to_vec()));
        let body = Body { parts: parts.into(), messages: 0..0 };
        let mut buffer = [0; 5];
        let mut reader = body.reader();
        assert_eq!(reader.read(&mut buffer).expect("memory"), 5);
        assert_eq!(reader.read(&mut buffer).expect("memory"), 1);
        assert_eq!(reader.read(&mut buffer).expect("memory"), 0);
        assert_eq!(body.len(), 6);
    }
}
