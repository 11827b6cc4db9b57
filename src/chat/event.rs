//! The events of a reply.

use serde::{Deserialize, Serialize};

use crate::chat::finish::FinishReason;
use crate::chat::tool_call::CallFragment;

/// One event of a reply, in the order received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Part of the reply's text. Never empty.
    Text(String),
    /// Part of the model's refusal. Never empty.
    Refusal(String),
    /// Part of the model's reasoning, which some servers send apart from the text.
    /// Never empty.
    Reasoning(String),
    /// A tool call, or a fragment of one.
    Call(Box<CallFragment>),
    /// The JSON as the server sent it. Only on request, and before the events
    /// parsed from it.
    Payload(Payload),
    /// A finish reason. Some servers send several; the worst one counts.
    Finish(FinishReason),
    Usage(Usage),
    /// The server sent data and resets the idle timeout: a server-sent event
    /// with data, or 64 KiB of a JSON body. Comments do not count.
    Alive,
    /// Everything received so far was returned. The next event has to be waited
    /// for.
    Waiting,
}

/// JSON as the server sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// The data of one server-sent event.
    Chunk(String),
    /// The whole response body.
    Response(String),
}

impl Payload {
    pub fn text(&self) -> &str {
        let (Self::Chunk(text) | Self::Response(text)) = self;
        text
    }
}

/// Token counts as reported by the server. A missing count is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    pub prompt_tokens: Option<u64>,
    pub completion_tokens: Option<u64>,
    pub total_tokens: Option<u64>,
}
