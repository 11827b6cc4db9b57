//! What the requests of a question used together.

use std::fmt;

use crate::chat::event::Usage;
use crate::chat::reply::Reply;

/// The requests of a question and the sum of their usage. Counts that the server
/// did not report are 0.
#[derive(Debug, Default, Clone, Copy)]
pub struct TotalUsage {
    pub requests: u32,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    pub total_tokens: u64,
}

impl TotalUsage {
    /// The usage of one request.
    pub fn of(reply: &Reply) -> Self {
        let tokens = |count: fn(Usage) -> Option<u64>| reply.usage.and_then(count).unwrap_or(0);
        Self {
            requests: 1,
            prompt_tokens: tokens(|usage| usage.prompt_tokens),
            completion_tokens: tokens(|usage| usage.completion_tokens),
            total_tokens: tokens(|usage| usage.total_tokens),
        }
    }

    pub fn add(&mut self, more: Self) {
        self.requests = self.requests.saturating_add(more.requests);
        self.prompt_tokens = self.prompt_tokens.saturating_add(more.prompt_tokens);
        self.completion_tokens = self.completion_tokens.saturating_add(more.completion_tokens);
        self.total_tokens = self.total_tokens.saturating_add(more.total_tokens);
    }
}

/// The total of several requests. Empty for a single one, whose usage is
/// reported with its reply.
impl fmt::Display for TotalUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.requests {
            0 | 1 => Ok(()),
            requests => {
                let tokens = if self.total_tokens == 1 { "token" } else { "tokens" };
                write!(f, "{} {tokens} in {requests} requests", self.total_tokens)
            }
        }
    }
}
