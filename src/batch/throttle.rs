//! How fast requests may be sent: a rate that the user gives, or one that is
//! found by what the server refuses. Pure: the time is a parameter.

use std::time::{Duration, Instant};

use crate::api::pace::{Signal, Ticket};

/// A server that asks for more than this is not waited for by all.
const LONGEST_HOLD: Duration = Duration::from_secs(120);

/// What was missed of a rate may be made up for, as far as this reaches back.
const CATCH_UP: Duration = Duration::from_millis(2);

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
/// one, which doubles while nothing is accepted; and the longest.
const FIRST_HOLD: Duration = Duration::from_millis(50);
const SECOND_HOLD: Duration = Duration::from_millis(250);
const LONGEST_OWN_HOLD: Duration = Duration::from_secs(8);

/// So many requests are sent at once at first; until something is heard their
/// number doubles in this time: many jobs do not meet a limit all at once.
const FIRST_SENT: f64 = 8.0;
const RAMP: Duration = Duration::from_millis(100);

/// A request that is not refused in this time is taken: refusals come at once.
const PROBE: Duration = Duration::from_millis(250);

/// When the next request may be sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Ready {
    Now,
    /// Not before this, or something that is heard.
    At(Instant),
}

pub struct Throttle {
    /// Requests a second; `None` while nothing limits them.
    rate: Option<f64>,
    /// The rate is the user's, and stays as it is.
    is_given: bool,
    /// When the rate allows the next request.
    next: Instant,
    /// Until when the server asks for silence.
    held_until: Instant,
    began: Instant,
    /// How many requests were sent.
    sent: u64,
    /// An answer came to one of them.
    has_heard: bool,
    /// The last request that the server will take, by number, and until when
    /// that holds.
    allowed: Option<(u64, Instant)>,
    search: Search,
}

/// What is known of a limit that the server does not tell.
struct Search {
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
    /// The rate is measured anew by each refusal until something is accepted.
    is_measuring: bool,
    /// The server told how long to wait when the rate was measured.
    is_told: bool,
    /// No refusal has shown yet that the measured rate is too high.
    is_first: bool,
    /// One request is to show whether the server takes any again.
    is_probing: bool,
    /// That request.
    probe: Option<Ticket>,
    /// The last request waited for the rate, and not for a worker.
    is_bound: bool,
    /// How many successes win back the last decrease.
    regain: f64,
    /// What a success adds to the rate.
    step: f64,
}

impl Search {
    /// The server takes requests again.
    fn resume(&mut self) {
        self.refusals = 0;
        // No more than the probe was sent since then.
        self.taken = 1;
        self.counted_since = self.since;
        self.is_measuring = false;
        self.is_probing = false;
    }
}

impl Throttle {
    /// `rate` is in requests a second.
    pub fn new(rate: Option<f64>, now: Instant) -> Self {
        Self {
            rate,
            is_given: rate.is_some(),
            next: now,
            held_until: now,
            began: now,
            sent: 0,
            has_heard: false,
            allowed: None,
            search: Search {
                since: now,
                counted_since: now,
                taken: 0,
                regained: 0,
                refusals: 0,
                is_measuring: true,
                is_told: false,
                is_first: true,
                is_probing: false,
                probe: None,
                is_bound: false,
                regain: REGAIN,
                step: 0.0,
            },
        }
    }

    /// Whether a refusal holds what comes next, so that nobody need wait on
    /// his own.
    pub fn holds(&self, signal: &Signal) -> bool {
        !self.is_given && is_refusal(signal)
    }

    pub fn rate(&self) -> Option<f64> {
        self.rate
    }

    pub fn ready(&self, now: Instant) -> Ready {
        let probe = self.search.probe.filter(|_| self.search.is_probing);
        let by_probe = probe.map_or(now, |probe| probe.at + PROBE);
        let by_rate = match self.rate {
            Some(_) => self.next,
            None if self.has_heard => now,
            None => {
                let doublings = ((self.sent + 1) as f64 / FIRST_SENT).log2();
                self.began + RAMP.mul_f64(doublings.max(0.0))
            }
        };
        let by_server = match self.allowed {
            Some((last, until)) if self.sent >= last => until,
            _ => now,
        };
        let at = by_rate.max(by_server).max(by_probe).max(self.held_until);
        if at <= now { Ready::Now } else { Ready::At(at) }
    }

    /// A request is sent.
    pub fn send(&mut self, now: Instant) -> Ticket {
        self.sent += 1;
        if self.allowed.is_some_and(|(_, until)| until <= now) {
            self.allowed = None;
        }
        if let Some(rate) = self.rate {
            let interval = Duration::from_secs_f64(1.0 / rate);
            self.search.is_bound = now.saturating_duration_since(self.next) < interval;
            let missed = now.checked_sub(CATCH_UP).unwrap_or(now);
            self.next = self.next.max(missed) + interval;
        }
        let ticket = Ticket { number: self.sent, at: now };
        if self.search.is_probing && self.search.probe.is_some() {
            self.search.resume();
        }
        if self.search.is_probing {
            self.search.probe = Some(ticket);
        }
        self.search.taken += 1;
        ticket
    }

    /// An answer, or none, came to a request.
    pub fn hear(&mut self, now: Instant, ticket: Ticket, signal: &Signal) {
        self.has_heard = true;
        let is_probe = |probe: &mut Ticket| probe.number == ticket.number;
        self.search.probe.take_if(is_probe);
        if let Some(allowance) = signal.allowance
            && allowance.reset <= LONGEST_HOLD
        {
            let last = ticket.number.saturating_add(allowance.remaining);
            self.allowed = Some((last, now + allowance.reset));
        }
        let asked = signal.retry_after.filter(|wait| *wait <= LONGEST_HOLD);
        let is_refused = is_refusal(signal);
        if let Some(wait) = asked
            && (is_refused || signal.status == Some(503))
        {
            self.held_until = self.held_until.max(now + wait);
        }
        match signal.status {
            _ if self.is_given => {}
            Some(200..=299) => self.accepted(ticket),
            Some(429) if is_refused => self.refused(now, ticket, asked),
            _ => {}
        }
    }

    /// Additive increase.
    fn accepted(&mut self, ticket: Ticket) {
        let search = &mut self.search;
        if ticket.at < search.since {
            return;
        }
        if search.refusals > 0 {
            search.resume();
        }
        if let Some(rate) = &mut self.rate
            && search.is_bound
        {
            search.regained += 1;
            let steepest = if search.is_told { STEEPEST_TOLD_INCREASE } else { STEEPEST_INCREASE };
            *rate += match search.is_first {
                true => (*rate * FIRST_INCREASE).min(steepest),
                false => {
                    let doublings = (f64::from(search.regained) / search.regain).floor();
                    search.step * doublings.min(8.0).exp2()
                }
            };
        }
    }

    /// Multiplicative decrease, once for all that were on their way.
    fn refused(&mut self, now: Instant, ticket: Ticket, asked: Option<Duration>) {
        if ticket.at >= self.search.counted_since {
            self.search.taken = self.search.taken.saturating_sub(1);
        }
        if ticket.at < self.search.since {
            return;
        }
        self.search.refusals += 1;
        let wait = asked.unwrap_or_else(|| self.own_hold());
        self.held_until = self.held_until.max(now + wait);
        let rate = self.decreased(now, asked);
        let search = &mut self.search;
        search.is_probing = true;
        search.since = self.held_until;
        search.regained = 0;
        search.regain = REGAIN.max(REGAIN_WAITS * wait.as_secs_f64() * rate);
        search.step = rate * (1.0 / DECREASE - 1.0) / search.regain / 1.5;
        self.next = self.held_until;
        self.rate = Some(rate);
    }

    fn own_hold(&self) -> Duration {
        let interval = self.rate.map_or(0.0, |rate| 0.5 / rate).min(1.0);
        let first = FIRST_HOLD.max(Duration::from_secs_f64(interval));
        match self.search.refusals {
            0 | 1 => first,
            more => {
                let doublings = (more - 2).min(16);
                first.max(SECOND_HOLD).saturating_mul(1 << doublings).min(LONGEST_OWN_HOLD)
            }
        }
    }

    /// The rate after a refusal.
    fn decreased(&mut self, now: Instant, asked: Option<Duration>) -> f64 {
        let search = &mut self.search;
        // What was taken since the limit was met before, or at all.
        let measured = |until: Instant| {
            let time = until.saturating_duration_since(search.counted_since);
            f64::from(search.taken.max(1)) / time.as_secs_f64().max(1e-3)
        };
        let rate = match self.rate {
            Some(rate) if !search.is_measuring => rate,
            _ => {
                search.is_told = asked.is_some();
                return measured(self.held_until);
            }
        };
        if search.refusals > 1 {
            return rate;
        }
        let decrease = match search.is_first {
            true if search.is_told => FIRST_TOLD_DECREASE,
            true => FIRST_DECREASE,
            false if f64::from(search.regained) < search.regain / 2.0 => SHARP_DECREASE,
            false => DECREASE,
        };
        // A wait that the server asks for may be longer than need be.
        let measured = measured(if asked.is_some() { now } else { self.held_until });
        let is_far_too_high =
            !search.is_first && search.taken >= MEASURE && measured < rate * FIRST_DECREASE;
        search.is_first = false;
        if is_far_too_high { measured.max(rate * DEEPEST_DECREASE) } else { rate * decrease }
    }
}

/// The server refuses requests because they are too many.
fn is_refusal(signal: &Signal) -> bool {
    signal.status == Some(429) && !signal.is_quota
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::limits::Allowance;

    /// A server that takes so many requests a second, and no more than
    /// `burst` at once.
    struct Server {
        rate: f64,
        burst: f64,
        left: f64,
        at: Duration,
        /// It says how long to wait.
        tells: bool,
    }

    impl Server {
        fn answer(&mut self, at: Duration) -> Signal {
            let passed = at.saturating_sub(self.at).as_secs_f64();
            self.left = (self.left + passed * self.rate).min(self.burst);
            self.at = at;
            if self.left >= 1.0 {
                self.left -= 1.0;
                return Signal { status: Some(200), ..Signal::default() };
            }
            let wait = Duration::from_secs_f64((1.0 - self.left) / self.rate);
            let retry_after = self.tells.then_some(wait);
            Signal { status: Some(429), retry_after, ..Signal::default() }
        }
    }

    /// How many requests of so many workers a server took and refused within
    /// a time. An answer takes `latency`, and a refusal comes at once.
    fn run(server: &mut Server, jobs: usize, latency: Duration, time: Duration) -> (f64, f64) {
        let begin = Instant::now();
        let mut throttle = Throttle::new(None, begin);
        let mut now = begin;
        let mut under_way = Vec::new();
        let (mut taken, mut refused) = (0.0, 0.0);
        while now < begin + time {
            let next = match throttle.ready(now) {
                _ if under_way.len() == jobs => None,
                Ready::Now => {
                    let ticket = throttle.send(now);
                    let signal = server.answer(now - begin);
                    let is_taken = signal.status == Some(200);
                    *(if is_taken { &mut taken } else { &mut refused }) += 1.0;
                    let wait = if is_taken { latency } else { Duration::from_millis(1) };
                    under_way.push((now + wait, ticket, signal));
                    continue;
                }
                Ready::At(at) => Some(at),
            };
            let first = under_way.iter().map(|(at, ..)| *at).min();
            now = next.into_iter().chain(first).min().expect("something is to come");
            for (at, ticket, signal) in under_way.extract_if(.., |(at, ..)| *at <= now) {
                throttle.hear(at, ticket, &signal);
            }
        }
        (taken, refused)
    }

    #[test]
    fn a_run_settles_just_under_the_limit() {
        for (rate, burst, latency, jobs, tells) in [
            (50.0, 50.0, 1, 8, true),
            (50.0, 50.0, 1, 8, false),
            (50.0, 50.0, 100, 8, true),
            (50.0, 50.0, 100, 8, false),
            (50.0, 1.0, 1, 8, true),
            (50.0, 1.0, 1, 8, false),
            (200.0, 200.0, 1, 8, false),
            (20.0, 20.0, 200, 8, false),
            (20.0, 20.0, 3000, 80, true),
            (20.0, 20.0, 3000, 80, false),
        ] {
            let mut server = Server { rate, burst, left: burst, at: Duration::ZERO, tells };
            let time = Duration::from_secs(60);
            let (taken, refused) = run(&mut server, jobs, Duration::from_millis(latency), time);
            let throughput = taken / (rate * time.as_secs_f64());
            let share = refused / (taken + refused);
            let told = format!("{rate}/s, {latency} ms, {tells}: {throughput:.2} {share:.3}");
            assert!(throughput > 0.85 && share < 0.05, "{told}");
        }
    }

    fn after(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn a_given_rate_is_kept() {
        let begin = Instant::now();
        let mut throttle = Throttle::new(Some(100.0 / 60.0), begin);
        throttle.send(begin);
        assert_eq!(throttle.ready(begin), Ready::At(begin + after(0.6)));
        let ticket = throttle.send(begin + after(0.6));
        let refusal = Signal { status: Some(429), ..Signal::default() };
        throttle.hear(begin + after(0.7), ticket, &refusal);
        assert_eq!(throttle.ready(begin + after(0.7)), Ready::At(begin + after(1.2)));
        // What was missed is not made up for.
        throttle.send(begin + after(100.0));
        let Ready::At(next) = throttle.ready(begin + after(100.0)) else { panic!("too fast") };
        assert!(next > begin + after(100.5));
    }

    #[test]
    fn retry_after_holds_all() {
        let begin = Instant::now();
        for (status, seconds, holds) in
            [(429, 3.0, true), (503, 3.0, true), (500, 3.0, false), (503, 1000.0, false)]
        {
            let mut throttle = Throttle::new(Some(1e6), begin);
            let ticket = throttle.send(begin);
            let retry_after = Some(after(seconds));
            let signal = Signal { status: Some(status), retry_after, ..Signal::default() };
            throttle.hear(begin + after(1.0), ticket, &signal);
            let expected = if holds { Ready::At(begin + after(4.0)) } else { Ready::Now };
            assert_eq!(throttle.ready(begin + after(1.0)), expected, "{status} {seconds}");
        }
    }

    #[test]
    fn no_more_is_sent_than_the_server_says_it_will_take() {
        let begin = Instant::now();
        let mut throttle = Throttle::new(None, begin);
        let first = throttle.send(begin);
        throttle.send(begin);
        let allowance = Some(Allowance { remaining: 2, reset: after(5.0) });
        let signal = Signal { status: Some(200), allowance, ..Signal::default() };
        throttle.hear(begin, first, &signal);
        // The second one was sent already.
        assert_eq!(throttle.ready(begin), Ready::Now);
        throttle.send(begin);
        assert_eq!(throttle.ready(begin), Ready::At(begin + after(5.0)));
        assert_eq!(throttle.ready(begin + after(5.0)), Ready::Now);
        throttle.send(begin + after(5.0));
        assert_eq!(throttle.ready(begin + after(5.0)), Ready::Now);
        // What is far away is no reason to wait.
        let allowance = Some(Allowance { remaining: 0, reset: after(86400.0) });
        let signal = Signal { status: Some(200), allowance, ..Signal::default() };
        throttle.hear(begin + after(5.0), first, &signal);
        assert_eq!(throttle.ready(begin + after(5.0)), Ready::Now);
    }
}
