//! When a try may begin: asked before each, and told what came of it. Knows
//! nothing of what is sent.

use std::thread;
use std::time::{Duration, Instant};

use super::limits::Allowance;
use crate::error::Result;

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
    pub allowance: Option<Allowance>,
    /// No money or allowance is left: waiting does not help.
    pub is_quota: bool,
}

pub trait Pace: Send + Sync {
    /// Waits until a try may begin.
    ///
    /// # Errors
    /// [`crate::error::Error::Stopped`] when there are to be no more.
    fn admit(&self) -> Result<Ticket>;

    /// Hears what came of a try that was admitted.
    fn hear(&self, ticket: Ticket, signal: &Signal);

    /// Waits before a request is tried again that was answered so.
    ///
    /// # Errors
    /// Those of [`Self::admit`].
    fn pause(&self, wait: Duration, signal: &Signal) -> Result<()>;
}

/// That of a request that is alone: it may begin at once.
pub struct Alone;

impl Pace for Alone {
    fn admit(&self) -> Result<Ticket> {
        Ok(Ticket { number: 1, at: Instant::now() })
    }

    fn hear(&self, _: Ticket, _: &Signal) {}

    fn pause(&self, wait: Duration, _: &Signal) -> Result<()> {
        thread::sleep(wait);
        Ok(())
    }
}
