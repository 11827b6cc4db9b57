//! When requests may be sent: by a rate that is given or found, by what the
//! server asks for, and by what it says it will take. Pure: the time is a
//! parameter.

use std::time::{Duration, Instant};

use crate::batch::rate::search::Search;
use crate::net::rate_limiter::{Feedback, Ticket};
use crate::net::retry::LONGEST_REQUESTED_WAIT;

/// What was missed of a rate may be made up for, as far as this reaches back.
const CATCH_UP: Duration = Duration::from_millis(2);

/// So many requests are sent at once at first; until something is heard their
/// number doubles in this time: many jobs do not meet a limit all at once.
const FIRST_SENT: f64 = 8.0;
const RAMP: Duration = Duration::from_millis(100);

/// A server that took requests before is not given up for so long.
const PATIENCE: Duration = Duration::from_secs(120);

/// When the next request may be sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Ready {
    Now,
    /// Not before this, or something that is heard.
    At(Instant),
}

pub struct Throttle {
    began: Instant,
    /// When the rate allows the next request.
    next: Instant,
    /// Until when nothing is to be sent.
    held_until: Instant,
    /// How many requests were sent.
    sent: u64,
    /// How many of them were answered, or failed.
    answered: u64,
    /// The last request waited for the rate, and not for a worker.
    is_bound: bool,
    /// The last request that the server will take, by number, and until when
    /// that holds.
    allowed: Option<(u64, Instant)>,
    search: Search,
}

impl Throttle {
    /// `rate` is in requests a second; without one it is found.
    pub fn new(rate: Option<f64>, now: Instant) -> Self {
        Self {
            began: now,
            next: now,
            held_until: now,
            sent: 0,
            answered: 0,
            is_bound: false,
            allowed: None,
            search: Search::new(rate, now),
        }
    }

    /// In requests a second.
    pub fn rate(&self) -> Option<f64> {
        self.search.rate()
    }

    pub fn ready(&self, now: Instant) -> Ready {
        let by_rate = match self.search.rate() {
            Some(_) => self.next,
            None if self.answered > 0 => now,
            None => {
                let doublings = ((self.sent + 1) as f64 / FIRST_SENT).log2();
                self.began + RAMP.mul_f64(doublings.max(0.0))
            }
        };
        let by_server = match self.allowed {
            Some((last, until)) if self.sent >= last => until,
            _ => now,
        };
        let by_probe = self.search.probed_until().unwrap_or(now);
        let at = by_rate.max(by_server).max(by_probe).max(self.held_until);
        if at <= now { Ready::Now } else { Ready::At(at) }
    }

    /// A request is sent.
    pub fn send(&mut self, now: Instant) -> Ticket {
        self.sent += 1;
        if self.allowed.is_some_and(|(_, until)| until <= now) {
            self.allowed = None;
        }
        if let Some(rate) = self.search.rate() {
            let interval = Duration::from_secs_f64(1.0 / rate);
            self.is_bound = now.saturating_duration_since(self.next) < interval;
            let missed = now.checked_sub(CATCH_UP).unwrap_or(now);
            self.next = self.next.max(missed) + interval;
        }
        let ticket = Ticket { number: self.sent, at: now };
        self.search.send(ticket);
        ticket
    }

    /// An answer, or none, came to a request. Tells whether it was refused for
    /// no fault of its own: what holds all is not held against it.
    pub fn record(&mut self, now: Instant, ticket: Ticket, feedback: &Feedback) -> bool {
        self.answered += 1;
        self.search.heard_from(ticket);
        if let Some(rate_limit) = feedback.rate_limit
            && rate_limit.reset <= LONGEST_REQUESTED_WAIT
        {
            let last = ticket.number.saturating_add(rate_limit.remaining);
            self.allowed = Some((last, now + rate_limit.reset));
        }
        let asked = feedback.retry_after.filter(|wait| *wait <= LONGEST_REQUESTED_WAIT);
        match feedback.status {
            Some(200..=299) => self.search.accepted(now, ticket, self.is_bound),
            Some(429) if !feedback.is_quota => {
                if let Some(until) = self.search.refused(now, ticket, asked) {
                    self.next = self.next.max(until);
                    self.hold(until);
                }
                self.hold(asked.map_or(now, |wait| now + wait));
                let accepted_at = self.search.accepted_at();
                let is_serving =
                    accepted_at.is_some_and(|at| now.saturating_duration_since(at) < PATIENCE);
                // What it works on it has taken.
                return is_serving || self.answered < self.sent;
            }
            Some(503) => self.hold(asked.map_or(now, |wait| now + wait)),
            _ => {}
        }
        false
    }

    fn hold(&mut self, until: Instant) {
        self.held_until = self.held_until.max(until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::rate_limit::RateLimit;

    /// A server that takes so many requests a second, and no more than
    /// `burst` at once.
    struct SimulatedServer {
        rate: f64,
        burst: f64,
        left: f64,
        at: Duration,
        /// It says how long to wait.
        tells: bool,
    }

    impl SimulatedServer {
        fn answer(&mut self, at: Duration) -> Feedback {
            let passed = at.saturating_sub(self.at).as_secs_f64();
            self.left = (self.left + passed * self.rate).min(self.burst);
            self.at = at;
            if self.left >= 1.0 {
                self.left -= 1.0;
                return Feedback { status: Some(200), ..Feedback::default() };
            }
            let wait = Duration::from_secs_f64((1.0 - self.left) / self.rate);
            let retry_after = self.tells.then_some(wait);
            Feedback { status: Some(429), retry_after, ..Feedback::default() }
        }
    }

    /// How many requests of so many workers a server took and refused within
    /// a time. An answer takes `latency`, and a refusal comes at once.
    fn run(
        server: &mut SimulatedServer,
        jobs: usize,
        latency: Duration,
        time: Duration,
    ) -> (f64, f64) {
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
                    let feedback = server.answer(now - begin);
                    let is_taken = feedback.status == Some(200);
                    *(if is_taken { &mut taken } else { &mut refused }) += 1.0;
                    let wait = if is_taken { latency } else { Duration::from_millis(1) };
                    under_way.push((now + wait, ticket, feedback));
                    continue;
                }
                Ready::At(at) => Some(at),
            };
            let first = under_way.iter().map(|(at, ..)| *at).min();
            now = next.into_iter().chain(first).min().expect("something is to come");
            for (at, ticket, feedback) in under_way.extract_if(.., |(at, ..)| *at <= now) {
                throttle.record(at, ticket, &feedback);
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
            let mut server =
                SimulatedServer { rate, burst, left: burst, at: Duration::ZERO, tells };
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
        let refusal = Feedback { status: Some(429), ..Feedback::default() };
        throttle.record(begin + after(0.7), ticket, &refusal);
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
            let feedback = Feedback { status: Some(status), retry_after, ..Feedback::default() };
            throttle.record(begin + after(1.0), ticket, &feedback);
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
        let rate_limit = Some(RateLimit { remaining: 2, reset: after(5.0) });
        let feedback = Feedback { status: Some(200), rate_limit, ..Feedback::default() };
        throttle.record(begin, first, &feedback);
        // The second one was sent already.
        assert_eq!(throttle.ready(begin), Ready::Now);
        throttle.send(begin);
        assert_eq!(throttle.ready(begin), Ready::At(begin + after(5.0)));
        assert_eq!(throttle.ready(begin + after(5.0)), Ready::Now);
        throttle.send(begin + after(5.0));
        assert_eq!(throttle.ready(begin + after(5.0)), Ready::Now);
        // What is far away is no reason to wait.
        let rate_limit = Some(RateLimit { remaining: 0, reset: after(86400.0) });
        let feedback = Feedback { status: Some(200), rate_limit, ..Feedback::default() };
        throttle.record(begin + after(5.0), first, &feedback);
        assert_eq!(throttle.ready(begin + after(5.0)), Ready::Now);
    }
}
