//! A row of a batch: a request, and how far it has got.

use std::time::Instant;

use crate::batch::rate::outage::Failing;
use crate::batch::source::batch_request::BatchRequest;
use crate::error::Error;
use crate::exchange::Asking;

/// So many refusals for the rate (429) count as one retry: under a tight limit some
/// requests are refused several times before it is their turn.
const REFUSALS_PER_RETRY: u32 = 8;

#[derive(Debug)]
pub struct Row {
    /// Counts from 0 in the order of the input.
    pub index: u64,
    pub request: BatchRequest,
    /// The beginning of the row that is written; empty for other kinds of results.
    pub start: Vec<u8>,
    pub asking: Asking,
    failures: WorldFailures,
}

/// The failures of a row for which the world is to blame, as far as it is known.
#[derive(Debug, Default)]
struct WorldFailures {
    count: u32,
    since: Option<Instant>,
    /// Those that came while other requests succeeded, in parts of a retry.
    own_parts: u32,
}

impl Row {
    pub fn new(index: u64, request: BatchRequest, start: Vec<u8>) -> Self {
        let failures = WorldFailures::default();
        Self { index, request, start, asking: Asking::default(), failures }
    }

    /// Counts a failure. It need not be to blame itself. It may be retried `retries`
    /// times.
    pub fn record_failure(&mut self, now: Instant, retries: u32) -> Failing {
        let WorldFailures { count, since, .. } = &mut self.failures;
        *count += 1;
        Failing { since: *since.get_or_insert(now), is_exhausted: *count > retries }
    }

    /// How often it has failed.
    pub fn failures(&self) -> u32 {
        self.failures.count
    }

    /// Whether it was to blame for a failure.
    pub fn was_blamed(&self) -> bool {
        self.failures.own_parts > 0
    }

    /// Whether it was to blame for more than refusals for the rate, so that another
    /// failure says nothing about the server.
    pub fn is_suspect(&self) -> bool {
        self.failures.own_parts >= REFUSALS_PER_RETRY
    }

    /// The row itself was to blame for `error`, as other requests succeeded. Returns
    /// whether it has used up its `retries`.
    pub fn blame(&mut self, error: &Error, retries: u32) -> bool {
        let is_refusal = matches!(error, Error::Server(server) if server.status() == Some(429));
        self.failures.own_parts += if is_refusal { 1 } else { REFUSALS_PER_RETRY };
        self.failures.own_parts >= REFUSALS_PER_RETRY.saturating_mul(retries.saturating_add(1))
    }
}
