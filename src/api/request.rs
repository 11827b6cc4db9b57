//! The body of a chat-completions request: JSON around the history, which is
//! streamed from its file and never held in memory.

use std::io::{self, Read};

use serde::Serialize;

use crate::cli::ModelArgs;
use crate::history::Messages;

/// One message as this program writes it.
#[derive(Debug, Serialize)]
pub struct Message<'a> {
    pub role: &'a str,
    pub content: &'a str,
}

/// The fields beside the messages, each sent only when given.
#[derive(Debug, Serialize)]
struct Fields<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
}

/// The messages of a conversation, oldest first.
pub struct Conversation<'a> {
    pub system: Option<&'a str>,
    pub history: Option<Messages>,
    /// `None` where the history is to be carried on as it is.
    pub prompt: Option<&'a str>,
}

/// A request body of known length that can be read any number of times.
pub struct Body {
    parts: Vec<Part>,
}

enum Part {
    Bytes(Vec<u8>),
    History(Messages),
}

impl Body {
    pub fn new(model: &str, args: &ModelArgs, stream: bool, conversation: Conversation) -> Self {
        let fields = Fields {
            model,
            temperature: args.temperature,
            top_p: args.top_p,
            max_tokens: args.max_tokens,
            stop: &args.stop,
            seed: args.seed,
            presence_penalty: args.presence_penalty,
            frequency_penalty: args.frequency_penalty,
            stream,
        };
        let mut head = json(&fields);
        head.pop();
        head.extend_from_slice(b",\"messages\":[");
        let message = |role, content| Part::Bytes(json(&Message { role, content }));
        let history = conversation.history.filter(|history| !history.is_empty());
        let messages = [
            conversation.system.map(|text| message("system", text)),
            history.map(Part::History),
            conversation.prompt.map(|text| message("user", text)),
        ];
        let mut parts = vec![Part::Bytes(head)];
        for (index, part) in messages.into_iter().flatten().enumerate() {
            if index > 0 {
                parts.push(Part::Bytes(b",".to_vec()));
            }
            parts.push(part);
        }
        parts.push(Part::Bytes(b"]}".to_vec()));
        Self { parts }
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
        let nothing: Box<dyn Read + '_> = Box::new(io::empty());
        Filling(self.parts.iter().fold(nothing, |before, part| match part {
            Part::Bytes(bytes) => Box::new(before.chain(bytes.as_slice())),
            Part::History(messages) => Box::new(before.chain(messages.reader())),
        }))
    }
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

/// A message as a line of a history file, with its newline.
pub fn line(role: &str, content: &str) -> Vec<u8> {
    let mut line = json(&Message { role, content });
    line.push(b'\n');
    line
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
        let body = Body { parts: parts.into() };
        let mut buffer = [0; 5];
        let mut reader = body.reader();
        assert_eq!(reader.read(&mut buffer).expect("memory"), 5);
        assert_eq!(reader.read(&mut buffer).expect("memory"), 1);
        assert_eq!(reader.read(&mut buffer).expect("memory"), 0);
        assert_eq!(body.len(), 6);
    }
}
