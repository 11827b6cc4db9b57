//! The search for the highest rate that the server accepts: additive increase,
//! multiplicative decrease (AIMD) on status 429. Pure: the time is a parameter.
//!
//! It goes through three phases. Until the first 429 there is no rate. Then the
//! rate is the measured throughput, and each success raises it by a share of
//! itself (the initial search). From the next 429 on it is plain AIMD.

use std::time::{Duration, Instant};

use crate::net::rate_limiter::Ticket;
use crate::net::retry::doubled;

/// A 429 multiplies the rate by this.
const DECREASE: f64 = 0.9;

/// A 429 multiplies the rate by this if less than half of the successes that
/// make up for the last decrease have come since.
const EARLY_DECREASE: f64 = 0.8;

/// The 429 that ends the initial search multiplies the rate by this. The search
/// overshoots by more than the additive increase. With `Retry-After` the
/// decrease is larger, as the next 429 would cost a longer wait.
const SEARCH_DECREASE: f64 = 0.75;
const SEARCH_DECREASE_RETRY_AFTER: f64 = 0.65;

/// The largest decrease, for a rate far above the measured throughput.
const LARGEST_DECREASE: f64 = 0.5;

/// During the initial search each success raises the rate by this share of it,
/// but by at most this many requests per second. An increase of 1 per success
/// doubles the rate in a second. It is 0.5 after a `Retry-After`, which makes
/// the measured rate accurate.
const SEARCH_INCREASE: f64 = 0.08;
const MAX_SEARCH_INCREASE: f64 = 1.0;
const MAX_SEARCH_INCREASE_RETRY_AFTER: f64 = 0.5;

/// A decrease is made up for over at least this many successes, and over at
/// least this many times the wait that the 429 caused, so that probing for a
/// higher rate costs little time.
const MIN_RECOVERY: f64 = 80.0;
const RECOVERY_PER_WAIT: f64 = 20.0;

/// A measured throughput counts only from this many requests on.
const MIN_SAMPLE: u32 = 40;

/// The backoff after a 429 without `Retry-After`: the first; the second, which
/// doubles until a request is accepted; the maximum; and the maximum for the first
/// refusals before the server has accepted any request.
const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const SECOND_BACKOFF: Duration = Duration::from_millis(250);
const MAX_BACKOFF: Duration = Duration::from_secs(8);
const MAX_INITIAL_BACKOFF: Duration = Duration::from_millis(500);
const INITIAL_REFUSALS: u32 = 16;

/// The lowest rate before the server has accepted any request, in requests per
/// second.
const MIN_INITIAL_RATE: f64 = 2.0;

/// A probe counts as accepted if no 429 has come after this time: a server
/// refuses at once, while a reply may take long.
const PROBE_TIMEOUT: Duration = Duration::from_millis(250);

pub struct RateSearch {
    /// Requests per second; `None` before the first 429.
    rate: Option<f64>,
    /// The user set the rate; it never changes.
    is_fixed: bool,
    /// The end of the last backoff. Responses to requests that were sent before
    /// it say nothing about the current rate and are ignored.
    backoff_end: Instant,
    /// When the throughput measurement began.
    measured_since: Instant,
    /// How many requests were sent since then and not refused.
    unrefused: u32,
    /// Successes since the last decrease that were limited by the rate.
    successes: u32,
    /// Refusals since the last acceptance.
    refusals: u32,
    /// When a request was last accepted.
    accepted_at: Option<Instant>,
    /// Each refusal sets the rate to the measured throughput, until a request
    /// is accepted.
    is_measuring: bool,
    /// The measured rate comes from a 429 with `Retry-After`.
    has_retry_after: bool,
    /// This is the initial search: no 429 has come since the rate was measured.
    is_initial: bool,
    /// After a backoff a single request, the probe, is sent before the others.
    is_probing: bool,
    /// The probe, while it is unanswered.
    probe: Option<Ticket>,
    /// How many successes make up for the last decrease.
    recovery: f64,
    /// What each of them adds to the rate (the additive increase).
    step: f64,
}

impl RateSearch {
    /// `fixed` is the rate that the user set, in requests per second.
    pub fn new(fixed: Option<f64>, now: Instant) -> Self {
        Self {
            rate: fixed,
            is_fixed: fixed.is_some(),
            backoff_end: now,
            measured_since: now,
            unrefused: 0,
            successes: 0,
            refusals: 0,
            accepted_at: None,
            is_measuring: true,
            has_retry_after: false,
            is_initial: true,
            is_probing: false,
            probe: None,
            recovery: MIN_RECOVERY,
            step: 0.0,
        }
    }

    /// In requests per second; `None` before the first 429.
    pub fn rate(&self) -> Option<f64> {
        self.rate
    }

    /// Until when other requests wait for the response to a probe.
    pub fn probe_deadline(&self) -> Option<Instant> {
        let probe = self.probe.filter(|_| self.is_probing)?;
        Some(probe.at + PROBE_TIMEOUT)
    }

    /// Records that a request is sent.
    pub fn record_sent(&mut self, ticket: Ticket) {
        // The last probe timed out, which counts as accepted.
        if self.is_probing && self.probe.is_some() {
            self.end_refusals();
        }
        if self.is_probing {
            self.probe = Some(ticket);
        }
        self.unrefused += 1;
    }

    /// Records that a request got a response or failed.
    pub fn record_end(&mut self, ticket: Ticket) {
        self.probe.take_if(|probe| probe.number == ticket.number);
    }

    /// Records a success. `is_rate_bound` says that the rate limited how much
    /// was sent; otherwise the success is no reason to raise it.
    pub fn record_accepted(&mut self, now: Instant, ticket: Ticket, is_rate_bound: bool) {
        self.accepted_at = Some(now);
        if ticket.at < self.backoff_end {
            return;
        }
        if self.refusals > 0 {
            self.end_refusals();
        }
        let Some(rate) = self.rate.filter(|_| is_rate_bound && !self.is_fixed) else {
            return;
        };
        self.successes += 1;
        let max_increase = match self.has_retry_after {
            true => MAX_SEARCH_INCREASE_RETRY_AFTER,
            false => MAX_SEARCH_INCREASE,
        };
        let increase = match self.is_initial {
            true => (rate * SEARCH_INCREASE).min(max_increase),
            false => {
                // Once the decrease is made up for, the limit may have risen.
                let doublings = (f64::from(self.successes) / self.recovery).floor();
                self.step * doublings.min(8.0).exp2()
            }
        };
        self.rate = Some(rate + increase);
    }

    /// Records a 429 with its `Retry-After`. Returns until when to send
    /// nothing; `None` if the request was sent before the last backoff ended:
    /// all 429s of requests in flight count as one.
    pub fn record_refused(
        &mut self,
        now: Instant,
        ticket: Ticket,
        retry_after: Option<Duration>,
    ) -> Option<Instant> {
        if ticket.at >= self.measured_since {
            self.unrefused = self.unrefused.saturating_sub(1);
        }
        if ticket.at < self.backoff_end {
            return None;
        }
        self.refusals += 1;
        // Servers round the wait down: `Retry-After: 0` counts as absent, and
        // one that was too short the last time is raised to our backoff.
        let retry_after = retry_after.filter(|wait| !wait.is_zero());
        let backoff = self.backoff();
        let wait = match retry_after {
            Some(retry_after) if self.refusals > 1 => retry_after.max(backoff),
            retry_after => retry_after.unwrap_or(backoff),
        };
        let backoff_end = now + wait;
        self.is_probing = true;
        if !self.is_fixed {
            let rate = self.decreased_rate(now, backoff_end, retry_after);
            self.rate = Some(rate);
            self.successes = 0;
            self.recovery = MIN_RECOVERY.max(RECOVERY_PER_WAIT * wait.as_secs_f64() * rate);
            // Two thirds of a decrease are made up for at this step, and the
            // rest at twice the step.
            self.step = rate * (1.0 / DECREASE - 1.0) / self.recovery / 1.5;
        }
        self.backoff_end = backoff_end;
        Some(backoff_end)
    }

    /// The server accepts requests again: starts a new measurement.
    fn end_refusals(&mut self) {
        self.refusals = 0;
        // Only the probe was sent since the backoff ended.
        self.unrefused = 1;
        self.measured_since = self.backoff_end;
        self.is_measuring = false;
        self.is_probing = false;
    }

    /// How long to wait after a 429 without `Retry-After`.
    fn backoff(&self) -> Duration {
        let half_interval = self.rate.map_or(0.0, |rate| 0.5 / rate).min(1.0);
        let first = FIRST_BACKOFF.max(Duration::from_secs_f64(half_interval));
        let max = match self.accepted_at {
            None if self.refusals <= INITIAL_REFUSALS => MAX_INITIAL_BACKOFF,
            _ => MAX_BACKOFF,
        };
        match self.refusals {
            0 | 1 => first,
            more => doubled(first.max(SECOND_BACKOFF), more - 2).min(max),
        }
    }

    /// The rate after a 429.
    fn decreased_rate(
        &mut self,
        now: Instant,
        backoff_end: Instant,
        retry_after: Option<Duration>,
    ) -> f64 {
        let throughput = |until: Instant| {
            let time = until.saturating_duration_since(self.measured_since);
            f64::from(self.unrefused.max(1)) / time.as_secs_f64().max(1e-3)
        };
        let rate = match self.rate {
            Some(rate) if !self.is_measuring => rate,
            _ => {
                self.has_retry_after = retry_after.is_some();
                let min = if self.accepted_at.is_none() { MIN_INITIAL_RATE } else { 0.0 };
                return throughput(backoff_end).max(min);
            }
        };
        if self.refusals > 1 {
            return rate;
        }
        let factor = match self.is_initial {
            true if self.has_retry_after => SEARCH_DECREASE_RETRY_AFTER,
            true => SEARCH_DECREASE,
            false if f64::from(self.successes) < self.recovery / 2.0 => EARLY_DECREASE,
            false => DECREASE,
        };
        // A server may ask for a longer wait than it needs, which would make
        // the throughput look too low.
        let throughput = throughput(if retry_after.is_some() { now } else { backoff_end });
        let is_far_too_high =
            !self.is_initial && self.unrefused >= MIN_SAMPLE && throughput < rate * SEARCH_DECREASE;
        self.is_initial = false;
        match is_far_too_high {
            true => throughput.max(rate * LARGEST_DECREASE),
            false => rate * factor,
        }
    }
}
