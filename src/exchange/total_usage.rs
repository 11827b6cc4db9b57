//! What the requests of a question used together.

use std::fmt;

use crate::chat::event::Usage;
use crate::chat::reply::Reply;
use crate::chat::tokens::{self, TokenCount};

/// The requests of a question and the sum of their usage. Counts that the server
/// did not report are 0 in the sum, and estimated beside it.
#[derive(Debug, Default, Clone, Copy)]
pub struct TotalUsage {
    pub requests: u32,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    pub total_tokens: u64,
    /// The requests for which the server did not report both counts.
    pub unreported: u32,
    /// Estimates of the counts that it did not report.
    pub estimated: TokenCount,
}

impl TotalUsage {
    /// The usage of one request, whose body has so many bytes.
    pub fn of(reply: &Reply, body_bytes: u64) -> Self {
        let count = |count: fn(Usage) -> Option<u64>| reply.usage.and_then(count);
        let prompt = count(|usage| usage.prompt_tokens);
        let completion = count(|usage| usage.completion_tokens);
        Self {
            requests: 1,
            prompt_tokens: prompt.unwrap_or(0),
            completion_tokens: completion.unwrap_or(0),
            total_tokens: count(|usage| usage.total_tokens).unwrap_or(0),
            unreported: u32::from(prompt.is_none() || completion.is_none()),
            estimated: TokenCount {
                prompt: prompt.map_or(tokens::estimate(body_bytes), |_| 0),
                completion: completion.map_or(tokens::estimate(reply.text.len() as u64), |_| 0),
            },
        }
    }

    /// The tokens as far as they are known, and else as they are estimated.
    pub fn likely_tokens(&self) -> TokenCount {
        let Self { prompt_tokens, completion_tokens, estimated, .. } = *self;
        TokenCount {
            prompt: prompt_tokens.saturating_add(estimated.prompt),
            completion: completion_tokens.saturating_add(estimated.completion),
        }
    }

    pub fn add(&mut self, more: Self) {
        self.requests = self.requests.saturating_add(more.requests);
        self.prompt_tokens = self.prompt_tokens.saturating_add(more.prompt_tokens);
        self.completion_tokens = self.completion_tokens.saturating_add(more.completion_tokens);
        self.total_tokens = self.total_tokens.saturating_add(more.total_tokens);
        self.unreported = self.unreported.saturating_add(more.unreported);
        self.estimated.add(more.estimated);
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
