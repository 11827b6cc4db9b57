//! The interface of a rate limiter: every try asks it for a ticket before it
//! is sent and reports the server's response afterwards.

use std::time::{Duration, Instant};

use crate::blame::Blame;
use crate::chat::tokens::TokenCount;
use crate::error::Result;
use crate::interrupt;
use crate::net::rate_limit::RateLimits;

/// Permission to send one try.
#[derive(Debug, Clone, Copy)]
pub struct Ticket {
    /// Counts from 1, in the order in which tickets were issued.
    pub number: u64,
    /// When it was issued.
    pub at: Instant,
}

/// What a response says about the server's limits.
#[derive(Debug, Default, Clone, Copy)]
pub struct Feedback {
    /// The number of the request's first ticket, by which its tries are recognized.
    pub request: u64,
    /// The HTTP status; `None` if the try got no response.
    pub status: Option<u16>,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
    pub rate_limits: RateLimits,
    /// What is to blame if it failed.
    pub blame: Option<Blame>,
}

pub trait RateLimiter: Send + Sync {
    /// Blocks until a try may be sent and returns its ticket, or `None` if
    /// `timeout` passes first. A retry passes the ticket of the request's
    /// first try, which puts it ahead of requests that were started later.
    /// `prompt_tokens` is an estimate.
    ///
    /// # Errors
    /// [`crate::error::Error::Stopped`] if nothing more is to be sent.
    fn acquire(
        &self,
        first: Option<Ticket>,
        prompt_tokens: u64,
        timeout: Option<Duration>,
    ) -> Result<Option<Ticket>>;

    /// Records the response to the try that `ticket` was issued for.
    fn record(&self, ticket: Ticket, feedback: &Feedback);

    /// Records the end of the reply to the try that `ticket` was issued for, after its
    /// response. `used` is `None` if the reply failed.
    fn settle(&self, ticket: Ticket, used: Option<TokenCount>);

    /// Blocks for `wait` before a retry.
    ///
    /// # Errors
    /// [`crate::error::Error::Stopped`] if nothing more is to be sent, and
    /// [`crate::error::Error::Interrupted`].
    fn pause(&self, wait: Duration) -> Result<()>;
}

/// A rate limiter that never makes a try wait.
pub struct Unlimited;

impl RateLimiter for Unlimited {
    fn acquire(&self, _: Option<Ticket>, _: u64, _: Option<Duration>) -> Result<Option<Ticket>> {
        Ok(Some(Ticket { number: 1, at: Instant::now() }))
    }

    fn record(&self, _: Ticket, _: &Feedback) {}

    fn settle(&self, _: Ticket, _: Option<TokenCount>) {}

    fn pause(&self, wait: Duration) -> Result<()> {
        interrupt::sleep(wait)
    }
}
