//! Looking for a rate that a server takes, by what it refuses: additive
//! increase, multiplicative decrease. Pure: the time is a parameter.

use std::time::{Duration, Instant};

use crate::net::rate_limiter::Ticket;

/// What a refusal leaves of the rate.
const DECREASE: f64 = 0.9;

/// The same where the refusal came soon after another.
const SHARP_DECREASE: f64 = 0.8;

/// The same where the rate was still being looked for, and where the server
/// told how long to wait then: the next refusal costs more.
const FIRST_DECREASE: f64 = 0.75;
const FIRST_TOLD_DECREASE: f64 = 0.65;

/// The least that is left of a rate that was far too high.
const DEEPEST_DECREASE: f64 = 0.5;

/// So much faster each success makes a rate that is still being looked for,
/// and what it adds at most, in requests a second: twice as fast in a second,
/// or slower where the server told how long to wait, as that is a good measure.
const FIRST_INCREASE: f64 = 0.08;
const STEEPEST_INCREASE: f64 = 1.0;
const STEEPEST_TOLD_INCREASE: f64 = 0.5;

/// How many successes win back what a refusal took, and over how many times
/// the wait that it cost; beyond that the increase doubles each time.
const REGAIN: f64 = 80.0;
const REGAIN_WAITS: f64 = 20.0;

/// So many successes in a row measure a rate.
const MEASURE: u32 = 40;

/// Waits after refusals that come without `Retry-After`: the first; the next
/// one, which doubles while nothing is taken; the longest; and the longest of
/// a server that took nothing yet.
const FIRST_HOLD: Duration = Duration::from_millis(50);
const SECOND_HOLD: Duration = Duration::from_millis(250);
const LONGEST_HOLD: Duration = Duration::from_secs(8);
const LONGEST_FIRST_HOLD: Duration = Duration::from_millis(500);

/// A server that took nothing yet is asked this often, in requests a second.
const LEAST_FIRST_RATE: f64 = 2.0;

/// A request that is not refused in this time is taken: refusals come at once.
const PROBE: Duration = Duration::from_millis(250);

pub struct Search {
    /// Requests a second; `None` while no refusal has shown that there is a
    /// limit.
    rate: Option<f64>,
    /// The rate is the user's, and stays as it is.
    is_given: bool,
    /// Refusals of what was sent before this tell nothing new, nor do
    /// successes.
    since: Instant,
    /// When the count of what was taken began.
    counted_since: Instant,
    /// How many were sent since then and not refused.
    taken: u32,
    /// How many were accepted since the last refusal, while the rate was what
    /// held them back.
    regained: u32,
    /// How many refusals came without an acceptance between.
    refusals: u32,
    /// When something was accepted last, if ever.
    accepted_at: Option<Instant>,
    /// The rate is measured anew by each refusal until something is taken.
    is_measuring: bool,
    /// The server told how long to wait when the rate was measured.
    is_told: bool,
    /// No refusal has shown yet that the measured rate is too high.
    is_first: bool,
    /// One request is to show whether the server takes any again.
    is_probing: bool,
    /// That request.
    probe: Option<Ticket>,
    /// How many successes win back the last decrease.
    regain: f64,
    /// What a success adds to the rate.
    step: f64,
}

impl Search {
    /// `given` is the user's rate.
    pub fn new(given: Option<f64>, now: Instant) -> Self {
        Self {
            rate: given,
            is_given: given.is_some(),
            since: now,
            counted_since: now,
            taken: 0,
            regained: 0,
            refusals: 0,
            accepted_at: None,
            is_measuring: true,
            is_told: false,
            is_first: true,
            is_probing: false,
            probe: None,
            regain: REGAIN,
            step: 0.0,
        }
    }

    /// In requests a second.
    pub fn rate(&self) -> Option<f64> {
        self.rate
    }

    /// When something was accepted last, if ever.
    pub fn accepted_at(&self) -> Option<Instant> {
        self.accepted_at
    }

    /// Until when the others wait for what becomes of a request that was sent
    /// ahead.
    pub fn probed_until(&self) -> Option<Instant> {
        let probe = self.probe.filter(|_| self.is_probing)?;
        Some(probe.at + PROBE)
    }

    /// A request is sent.
    pub fn send(&mut self, ticket: Ticket) {
        if self.is_probing && self.probe.is_some() {
            self.resume();
        }
        if self.is_probing {
            self.probe = Some(ticket);
        }
        self.taken += 1;
    }

    /// Something came of a request, whatever it was.
    pub fn heard_from(&mut self, ticket: Ticket) {
        self.probe.take_if(|probe| probe.number == ticket.number);
    }

    /// A request was accepted; the rate was what held requests back.
    pub fn accepted(&mut self, now: Instant, ticket: Ticket, is_bound: bool) {
        self.accepted_at = Some(now);
        if ticket.at < self.since {
            return;
        }
        if self.refusals > 0 {
            self.resume();
        }
        let Some(rate) = self.rate.filter(|_| is_bound && !self.is_given) else {
            return;
        };
        self.regained += 1;
        let steepest = if self.is_told { STEEPEST_TOLD_INCREASE } else { STEEPEST_INCREASE };
        let increase = match self.is_first {
            true => (rate * FIRST_INCREASE).min(steepest),
            false => {
                let doublings = (f64::from(self.regained) / self.regain).floor();
                self.step * doublings.min(8.0).exp2()
            }
        };
        self.rate = Some(rate + increase);
    }

    /// A request was refused; the server asks to wait so long. Gives until
    /// when nothing is to be sent: refusals of what was on its way already
    /// are one.
    pub fn refused(
        &mut self,
        now: Instant,
        ticket: Ticket,
        asked: Option<Duration>,
    ) -> Option<Instant> {
        if ticket.at >= self.counted_since {
            self.taken = self.taken.saturating_sub(1);
        }
        if ticket.at < self.since {
            return None;
        }
        self.refusals += 1;
        // A wait that is rounded to nothing, or is not enough, is none.
        let asked = asked.filter(|wait| !wait.is_zero());
        let own = self.own_hold();
        let wait = match asked {
            Some(asked) if self.refusals > 1 => asked.max(own),
            asked => asked.unwrap_or(own),
        };
        let held_until = now + wait;
        self.is_probing = true;
        if !self.is_given {
            let rate = self.decreased(now, held_until, asked);
            self.rate = Some(rate);
            self.regained = 0;
            self.regain = REGAIN.max(REGAIN_WAITS * wait.as_secs_f64() * rate);
            self.step = rate * (1.0 / DECREASE - 1.0) / self.regain / 1.5;
        }
        self.since = held_until;
        Some(held_until)
    }

    /// The server takes requests again.
    fn resume(&mut self) {
        self.refusals = 0;
        // No more than the probe was sent since then.
        self.taken = 1;
        self.counted_since = self.since;
        self.is_measuring = false;
        self.is_probing = false;
    }

    fn own_hold(&self) -> Duration {
        let interval = self.rate.map_or(0.0, |rate| 0.5 / rate).min(1.0);
        let first = FIRST_HOLD.max(Duration::from_secs_f64(interval));
        let longest = match self.accepted_at {
            Some(_) => LONGEST_HOLD,
            None => LONGEST_FIRST_HOLD,
        };
        match self.refusals {
            0 | 1 => first,
            more => {
                let doublings = (more - 2).min(16);
                first.max(SECOND_HOLD).saturating_mul(1 << doublings).min(longest)
            }
        }
    }

    /// The rate after a refusal.
    fn decreased(&mut self, now: Instant, held_until: Instant, asked: Option<Duration>) -> f64 {
        // What was taken since the limit was met before, or at all.
        let measured = |until: Instant| {
            let time = until.saturating_duration_since(self.counted_since);
            f64::from(self.taken.max(1)) / time.as_secs_f64().max(1e-3)
        };
        let rate = match self.rate {
            Some(rate) if !self.is_measuring => rate,
            _ => {
                self.is_told = asked.is_some();
                let least = if self.accepted_at.is_none() { LEAST_FIRST_RATE } else { 0.0 };
                return measured(held_until).max(least);
            }
        };
        if self.refusals > 1 {
            return rate;
        }
        let decrease = match self.is_first {
            true if self.is_told => FIRST_TOLD_DECREASE,
            true => FIRST_DECREASE,
            false if f64::from(self.regained) < self.regain / 2.0 => SHARP_DECREASE,
            false => DECREASE,
        };
        // A wait that the server asks for may be longer than need be.
        let measured = measured(if asked.is_some() { now } else { held_until });
        let is_far_too_high =
            !self.is_first && self.taken >= MEASURE && measured < rate * FIRST_DECREASE;
        self.is_first = false;
        if is_far_too_high { measured.max(rate * DEEPEST_DECREASE) } else { rate * decrease }
    }
}
