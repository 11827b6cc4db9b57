//! The body of a chat-completions request. The history in it is streamed from
//! its file, so that memory does not grow with it.

use std::io::{self, Read};
use std::ops::Range;

use serde::Serialize;
use serde_json::Value;

use crate::chat::message::{Content, Message};
use crate::history::messages::HistoryMessages;
use crate::json::Object;

/// The messages of a request, in this order.
pub struct Conversation<'a> {
    pub system: Option<&'a str>,
    pub history: Option<HistoryMessages>,
    /// `None` if the user adds no message.
    pub prompt: Option<&'a Content>,
    /// Messages that the user gave as JSON, instead of the fields above.
    pub raw_messages: &'a [Value],
    /// An invalid reply, and the message that asks the model to correct it.
    pub correction: Option<[Message<'a>; 2]>,
}

/// A request body of known length that can be read again for each retry.
pub struct RequestBody {
    parts: Vec<BodyPart>,
    /// The range of `parts` inside the `messages` array.
    messages: Range<usize>,
}

enum BodyPart {
    Bytes(Vec<u8>),
    History(HistoryMessages),
}

/// A body without messages, as given.
impl From<Vec<u8>> for RequestBody {
    fn from(body: Vec<u8>) -> Self {
        Self { parts: vec![BodyPart::Bytes(body)], messages: 0..0 }
    }
}

impl RequestBody {
    /// A JSON object with `fields`, which are not empty, and the messages of
    /// `conversation`.
    pub fn new(fields: &Object, conversation: Conversation) -> Self {
        let history = conversation.history.filter(|history| !history.is_empty());
        let message = |message: Message| BodyPart::Bytes(json(&message));
        let messages = [
            conversation.system.map(|text| message(Message::system(text))),
            history.map(BodyPart::History),
            conversation.prompt.map(|content| message(Message::user(content))),
        ];
        let raw: Vec<Vec<u8>> = conversation.raw_messages.iter().map(json).collect();
        let raw = (!raw.is_empty()).then(|| BodyPart::Bytes(raw.join(&b',')));
        let corrections = conversation.correction.into_iter().flatten().map(message);
        let messages = messages.into_iter().flatten().chain(raw).chain(corrections);
        let mut head = json(fields);
        head.pop();
        head.extend_from_slice(b",\"messages\":[");
        let mut parts = vec![BodyPart::Bytes(head)];
        for (index, part) in messages.enumerate() {
            if index > 0 {
                parts.push(BodyPart::Bytes(b",".to_vec()));
            }
            parts.push(part);
        }
        parts.push(BodyPart::Bytes(b"]}".to_vec()));
        Self { messages: 1..parts.len() - 1, parts }
    }

    /// The length in bytes.
    pub fn content_length(&self) -> u64 {
        let length = |part: &BodyPart| match part {
            BodyPart::Bytes(bytes) => bytes.len() as u64,
            BodyPart::History(messages) => messages.len(),
        };
        self.parts.iter().map(length).sum()
    }

    /// Reads the body from the start. Each read fills the buffer if it can, so
    /// that small parts are sent in one packet.
    pub fn reader(&self) -> impl Read + '_ {
        FullReads(joined(&self.parts))
    }

    /// Reads only the messages, separated by commas.
    pub fn messages(&self) -> impl Read + '_ {
        joined(&self.parts[self.messages.clone()])
    }
}

fn joined(parts: &[BodyPart]) -> Box<dyn Read + '_> {
    let empty: Box<dyn Read + '_> = Box::new(io::empty());
    parts.iter().fold(empty, |before, part| match part {
        BodyPart::Bytes(bytes) => Box::new(before.chain(bytes.as_slice())),
        BodyPart::History(messages) => Box::new(before.chain(messages.reader())),
    })
}

/// A reader that fills the buffer with several reads.
struct FullReads<R>(R);

impl<R: Read> Read for FullReads<R> {
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

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("maps have string keys")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_read_returns_several_small_parts() {
        let parts = [b"one".as_slice(), b"", b"two"].map(|part| BodyPart::Bytes(part.to_vec()));
        let body = RequestBody { parts: parts.into(), messages: 0..0 };
        let mut buffer = [0; 5];
        let mut reader = body.reader();
        assert_eq!(reader.read(&mut buffer).expect("memory"), 5);
        assert_eq!(reader.read(&mut buffer).expect("memory"), 1);
        assert_eq!(reader.read(&mut buffer).expect("memory"), 0);
        assert_eq!(body.content_length(), 6);
    }
}
