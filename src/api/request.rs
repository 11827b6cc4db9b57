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
    pub prompt: &'a str,
}

/// A request body of known length that can be read any number of times.
pub struct Body {
    before: Vec<u8>,
    history: Option<Messages>,
    after: Vec<u8>,
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
        let mut before = json(&fields);
        before.pop();
        before.extend_from_slice(b",\"messages\":[");
        let history = conversation.history.filter(|history| !history.is_empty());
        if let Some(content) = conversation.system {
            before.extend(json(&Message { role: "system", content }));
            before.push(b',');
        }
        let mut after = Vec::new();
        if history.is_some() {
            after.push(b',');
        }
        after.extend(json(&Message { role: "user", content: conversation.prompt }));
        after.extend_from_slice(b"]}");
        Self { before, history, after }
    }

    /// The length in bytes.
    pub fn len(&self) -> u64 {
        let history = self.history.as_ref().map_or(0, Messages::len);
        self.before.len() as u64 + history + self.after.len() as u64
    }

    /// Reads the body from its beginning.
    pub fn reader(&self) -> impl Read + '_ {
        let history: Box<dyn Read> = match &self.history {
            Some(history) => Box::new(history.reader()),
            None => Box::new(io::empty()),
        };
        self.before.chain(history).chain(self.after.as_slice())
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
