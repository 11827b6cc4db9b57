//! The body of a chat-completions request: JSON around the history, which is
//! streamed from its file and never held in memory.

use std::io::{self, Read};
use std::ops::Range;

use serde::Serialize;
use serde_json::Value;

use crate::chat::message::{Content, Message};
use crate::history::messages::HistoryMessages;
use crate::json::Object;

/// The messages of a conversation, oldest first.
pub struct Conversation<'a> {
    pub system: Option<&'a str>,
    pub history: Option<HistoryMessages>,
    /// `None` where there is no new message of the user's.
    pub prompt: Option<&'a Content>,
    /// Messages that the user gave as JSON, in place of all these.
    pub own: &'a [Value],
    /// A reply that was not what it must be, and what was wrong with it.
    pub correction: Option<[Message<'a>; 2]>,
}

/// A request body of known length that can be read any number of times.
pub struct RequestBody {
    parts: Vec<BodyPart>,
    /// Which of the parts are the messages.
    messages: Range<usize>,
}

enum BodyPart {
    Bytes(Vec<u8>),
    History(HistoryMessages),
}

/// A body that is there already.
impl From<Vec<u8>> for RequestBody {
    fn from(body: Vec<u8>) -> Self {
        Self { parts: vec![BodyPart::Bytes(body)], messages: 0..0 }
    }
}

impl RequestBody {
    /// A body of `fields` and the messages of `conversation`.
    pub fn new(fields: &Object, conversation: Conversation) -> Self {
        let history = conversation.history.filter(|history| !history.is_empty());
        let message = |message: Message| BodyPart::Bytes(json(&message));
        let messages = [
            conversation.system.map(|text| message(Message::system(text))),
            history.map(BodyPart::History),
            conversation.prompt.map(|content| message(Message::user(content))),
        ];
        let own: Vec<Vec<u8>> = conversation.own.iter().map(json).collect();
        let own = (!own.is_empty()).then(|| BodyPart::Bytes(own.join(&b',')));
        let corrections = conversation.correction.into_iter().flatten().map(message);
        let messages = messages.into_iter().flatten().chain(own).chain(corrections);
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

fn joined(parts: &[BodyPart]) -> Box<dyn Read + '_> {
    let nothing: Box<dyn Read + '_> = Box::new(io::empty());
    parts.iter().fold(nothing, |before, part| match part {
        BodyPart::Bytes(bytes) => Box::new(before.chain(bytes.as_slice())),
        BodyPart::History(messages) => Box::new(before.chain(messages.reader())),
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
