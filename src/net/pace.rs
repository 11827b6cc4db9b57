//! When a try may begin: asked before each, and told what came of it. Knows
//! nothing of what is sent.

use std::thread;
use std::time::{Duration, Instant};

use crate::error::Result;
use crate::net::rate_limit::RateLimit;

/// A try that may begin.
#[derive(Debug, Clone, Copy)]
pub struct Ticket {
    /// Counts from 1 in the order of admission.
    pub number: u64,
    pub at: Instant,
}

/// What an answer says of the server's limits.
#[derive(Debug, Default, Clone, Copy)]
pub struct Signal {
    /// The HTTP status, where there was one.
    pub status: Option<u16>,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
    pub rate_limit: Option<RateLimit>,
    /// No money or allowance is left: waiting does not help.
    pub is_quota: bool,
}

pub trait Pace: Send + Sync {
    /// Waits until a try may begin: the first of a request, or one after the
    /// `first`, which keeps its place among the others. `None` where that
    /// takes more than what is `left` of the request's time.
    ///
    /// # Errors
    /// [`crate::error::Error::Stopped`] when there are to be no more.
    fn admit(&self, first: Option<Ticket>, left: Option<Duration>) -> Result<Option<Ticket>>;

    /// Records what came of a try that was admitted. Returns true if it was
    /// rate limited: such a try does not count as a retry.
    fn record(&self, ticket: Ticket, signal: &Signal) -> bool;

    /// Waits before a request is tried again.
    ///
    /// # Errors
    /// Those of [`Self::admit`].
    fn pause(&self, wait: Duration) -> Result<()>;
}

/// That of a request that is alone: it may begin at once.
pub struct Unpaced;

impl Pace for Unpaced {
    fn admit(&self, _: Option<Ticket>, _: Option<Duration>) -> Result<Option<Ticket>> {
        Ok(Some(Ticket { number: 1, at: Instant::now() }))
    }

    fn record(&self, _: Ticket, _: &Signal) -> bool {
        false
    }

    fn pause(&self, wait: Duration) -> Result<()> {
        thread::sleep(wait);
        Ok(())
    }
}
