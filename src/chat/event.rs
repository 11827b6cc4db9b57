//! What a reply is made of, event by event.

use serde::{Deserialize, Serialize};

use crate::chat::tool_call::CallFragment;

/// What a reply is made of, in the order of its coming.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Part of the reply's text; never empty.
    Text(String),
    /// Part of the words in which the model refused; never empty.
    Refusal(String),
    /// Part of the call of a tool, or all of it.
    Call(CallFragment),
    /// What the server sent, as JSON; before the events that it means, and
    /// only where it is asked for.
    Payload(Payload),
    Finish(FinishReason),
    Usage(Usage),
    /// The server sent something that counts: an event with data, or as much
    /// of a JSON body as [`SIGN_OF_LIFE`].
    Alive,
    /// All that has arrived was given out: the next event may take its time.
    Waiting,
}

/// What the server sent at once, as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// The data of an event of a stream.
    Chunk(String),
    /// All of the response.
    Response(String),
}

impl Payload {
    pub fn text(&self) -> &str {
        let (Self::Chunk(text) | Self::Response(text)) = self;
        text
    }
}

/// Why the model stopped, when it said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinishReason {
    Stop,
    Length,
    ContentFilter,
    ToolCalls,
}

impl FinishReason {
    /// The API's word for it.
    pub fn name(self) -> &'static str {
        match self {
            FinishReason::Stop => "stop",
            FinishReason::Length => "length",
            FinishReason::ContentFilter => "content_filter",
            FinishReason::ToolCalls => "tool_calls",
        }
    }
}

/// How many tokens the server counted, as far as it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    pub prompt_tokens: Option<u64>,
    pub completion_tokens: Option<u64>,
    pub total_tokens: Option<u64>,
}
