//! When the next request may be sent: as the rate allows, which is fixed or
//! searched for; not while the server asks to wait; and no more than it says
//! it will accept. Pure: the time is a parameter.

use std::time::{Duration, Instant};

use crate::batch::rate::outage::{Failing, OutageNews, OutageWatch};
use crate::batch::rate::search::RateSearch;
use crate::batch::rate::token_limit::TokenLimit;
use crate::blame::Blame;
use crate::chat::tokens::TokenCount;
use crate::net::rate_limiter::{Feedback, Ticket};
use crate::net::retry::LONGEST_REQUESTED_WAIT;

/// The depth of the token bucket, as a time: requests that are late by less are
/// caught up with, so that imprecise timers do not lower the rate, but an idle
/// time is not followed by a burst.
const CATCH_UP: Duration = Duration::from_millis(2);

/// The slow start: this many requests are sent at once, and until the first
/// response the number doubles in each interval, so that many jobs do not all
/// reach a rate limit together.
const SLOW_START_REQUESTS: f64 = 8.0;
const SLOW_START_INTERVAL: Duration = Duration::from_millis(100);

/// When the next request may be sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Ready {
    Now,
    /// At this time, unless a response changes it.
    At(Instant),
    /// Once a response changes it.
    AfterResponse,
}

pub struct Throttle {
    started_at: Instant,
    /// When the rate allows the next request.
    next_at: Instant,
    /// Until when nothing is sent, because the server asked to wait.
    held_until: Instant,
    /// How many requests were sent.
    sent: u64,
    /// How many of them got a response or failed.
    ended: u64,
    /// The last request was sent as soon as the rate allowed it: the rate, not
    /// the number of workers, limits the throughput.
    is_rate_bound: bool,
    /// From `X-RateLimit-Remaining` and `-Reset`: the number of the last ticket
    /// that the server will accept, and until when.
    allowed: Option<(u64, Instant)>,
    search: RateSearch,
    tokens: TokenLimit,
    watch: OutageWatch,
}

/// The rates that the user set, per second.
#[derive(Debug, Default, Clone, Copy)]
pub struct Rates {
    /// Without it the rate is searched for.
    pub requests: Option<f64>,
    pub tokens: Option<f64>,
}

impl Throttle {
    /// `patience` is how long to wait for a success.
    pub fn new(rates: Rates, patience: Duration, now: Instant) -> Self {
        Self {
            started_at: now,
            next_at: now,
            held_until: now,
            sent: 0,
            ended: 0,
            is_rate_bound: false,
            allowed: None,
            search: RateSearch::new(rates.requests, now),
            tokens: TokenLimit::new(rates.tokens, now),
            watch: OutageWatch::new(patience),
        }
    }

    /// In requests per second; `None` while no limit is known.
    pub fn rate(&self) -> Option<f64> {
        self.search.rate()
    }

    /// `prompt_tokens` is an estimate for the request.
    pub fn ready(&self, now: Instant, prompt_tokens: u64) -> Ready {
        let Some(by_tokens) = self.tokens.ready_at(now, prompt_tokens) else {
            return Ready::AfterResponse;
        };
        let by_rate = match self.search.rate() {
            Some(_) => self.next_at,
            None if self.ended > 0 => now,
            None => {
                let doublings = ((self.sent + 1) as f64 / SLOW_START_REQUESTS).log2();
                self.started_at + SLOW_START_INTERVAL.mul_f64(doublings.max(0.0))
            }
        };
        let by_server = match self.allowed {
            Some((last, until)) if self.sent >= last => until,
            _ => now,
        };
        let by_probe = self.search.probe_deadline().unwrap_or(now);
        let at = by_rate.max(by_server).max(by_tokens).max(by_probe).max(self.held_until);
        match self.watch.ready_at(at) {
            None => Ready::AfterResponse,
            Some(at) if at <= now => Ready::Now,
            Some(at) => Ready::At(at),
        }
    }

    /// The number of the latest ticket.
    pub fn last_sent(&self) -> u64 {
        self.sent
    }

    /// How many requests were sent and have no response yet.
    pub fn under_way(&self) -> u64 {
        self.sent - self.ended
    }

    pub fn watch(&self) -> &OutageWatch {
        &self.watch
    }

    /// What the failure of a request that was just recorded means for the run.
    pub fn outage_news(&mut self, now: Instant, failing: Failing) -> OutageNews {
        self.watch.news(now, self.under_way(), failing)
    }

    /// Issues the ticket of a request, which is sent now.
    pub fn acquire(&mut self, now: Instant, prompt_tokens: u64) -> Ticket {
        self.sent += 1;
        if self.allowed.is_some_and(|(_, until)| until <= now) {
            self.allowed = None;
        }
        if let Some(rate) = self.search.rate() {
            let interval = Duration::from_secs_f64(1.0 / rate);
            self.is_rate_bound = now.saturating_duration_since(self.next_at) < interval;
            let earliest = now.checked_sub(CATCH_UP).unwrap_or(now);
            self.next_at = self.next_at.max(earliest) + interval;
        }
        let ticket = Ticket { number: self.sent, at: now };
        self.search.record_sent(ticket);
        self.tokens.take(ticket, prompt_tokens);
        self.watch.record_sent(now, ticket);
        ticket
    }

    /// Records the end of a try. `jitter` is in 0..1. Returns how long an outage was
    /// that the user was told of and that is over now.
    pub fn record(
        &mut self,
        (now, jitter): (Instant, f64),
        ticket: Ticket,
        feedback: &Feedback,
    ) -> Option<Duration> {
        self.ended += 1;
        self.search.record_end(ticket);
        self.tokens.record(now, ticket, feedback);
        let recovered_after = self.watch.record_end((now, jitter), ticket, self.sent, feedback);
        if let Some(rate_limit) = feedback.rate_limits.requests
            && rate_limit.reset <= LONGEST_REQUESTED_WAIT
        {
            let last = ticket.number.saturating_add(rate_limit.remaining);
            self.allowed = Some((last, now + rate_limit.reset));
        }
        let is_world = feedback.blame == Some(Blame::World);
        let retry_after = self.watch.obeyed_wait(feedback).filter(|_| is_world);
        if let Some(wait) = retry_after {
            self.hold(now + wait);
        }
        match feedback.status {
            Some(200..=299) => self.search.record_accepted(now, ticket, self.is_rate_bound),
            Some(429) if is_world => {
                if let Some(until) = self.search.record_refused(now, ticket, retry_after) {
                    self.next_at = self.next_at.max(until);
                    self.hold(until);
                }
            }
            _ => {}
        }
        recovered_after
    }

    /// Records the failure of a request that was to blame for one before, which says
    /// nothing about the server.
    pub fn record_suspect(&mut self, now: Instant, ticket: Ticket, feedback: &Feedback) {
        self.ended += 1;
        self.tokens.record(now, ticket, feedback);
        self.search.record_end(ticket);
        self.watch.record_probe_end(ticket);
    }

    /// Records the end of a reply, and what it used if that is known.
    pub fn settle(&mut self, now: Instant, ticket: Ticket, used: Option<TokenCount>) {
        self.tokens.settle(now, ticket, used);
    }

    fn hold(&mut self, until: Instant) {
        self.held_until = self.held_until.max(until);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::net::rate_limit::{RateLimit, RateLimits};

    trait SimulatedServer {
        fn answer(&mut self, at: Duration) -> Feedback;
    }

    const PATIENCE: Duration = Duration::from_secs(120);

    /// A failure that is the world's.
    fn world() -> Feedback {
        Feedback { blame: Some(Blame::World), ..Feedback::default() }
    }

    fn acceptance() -> Feedback {
        Feedback { status: Some(200), ..Feedback::default() }
    }

    fn limited(requests: Option<RateLimit>) -> Feedback {
        Feedback { rate_limits: RateLimits { requests, tokens: None }, ..acceptance() }
    }

    fn fixed(rate: f64) -> Rates {
        Rates { requests: Some(rate), tokens: None }
    }

    fn refusal(retry_after: Option<Duration>) -> Feedback {
        Feedback { status: Some(429), retry_after, ..world() }
    }

    /// Accepts `rate` requests per second, and `burst` of them at once.
    struct TokenBucket {
        rate: f64,
        burst: f64,
        tokens: f64,
        refilled_at: Duration,
        sends_retry_after: bool,
    }

    impl SimulatedServer for TokenBucket {
        fn answer(&mut self, at: Duration) -> Feedback {
            let passed = at.saturating_sub(self.refilled_at).as_secs_f64();
            self.tokens = (self.tokens + passed * self.rate).min(self.burst);
            self.refilled_at = at;
            if self.tokens >= 1.0 {
                self.tokens -= 1.0;
                return acceptance();
            }
            let wait = Duration::from_secs_f64((1.0 - self.tokens) / self.rate);
            refusal(self.sends_retry_after.then_some(wait))
        }
    }

    /// Accepts `limit` requests in any second.
    struct SlidingWindow {
        limit: usize,
        accepted_at: VecDeque<Duration>,
    }

    impl SimulatedServer for SlidingWindow {
        fn answer(&mut self, at: Duration) -> Feedback {
            let is_past = |accepted: &Duration| at.saturating_sub(*accepted) >= after(1.0);
            while self.accepted_at.front().is_some_and(is_past) {
                self.accepted_at.pop_front();
            }
            if self.accepted_at.len() == self.limit {
                return refusal(None);
            }
            self.accepted_at.push_back(at);
            acceptance()
        }
    }

    /// How many requests of `jobs` workers the server accepts and refuses within
    /// `time`. A reply takes `latency`, a refusal 1 ms.
    fn simulate(
        server: &mut impl SimulatedServer,
        jobs: usize,
        latency: Duration,
        time: Duration,
    ) -> (f64, f64) {
        let start = Instant::now();
        let mut throttle = Throttle::new(Rates::default(), PATIENCE, start);
        let mut now = start;
        let mut in_flight = Vec::new();
        let (mut accepted, mut refused) = (0.0, 0.0);
        while now < start + time {
            let next = match throttle.ready(now, 0) {
                _ if in_flight.len() == jobs => None,
                Ready::Now => {
                    let ticket = throttle.acquire(now, 0);
                    let feedback = server.answer(now - start);
                    let is_accepted = feedback.status == Some(200);
                    *(if is_accepted { &mut accepted } else { &mut refused }) += 1.0;
                    let wait = if is_accepted { latency } else { Duration::from_millis(1) };
                    in_flight.push((now + wait, ticket, feedback));
                    continue;
                }
                Ready::At(at) => Some(at),
                Ready::AfterResponse => None,
            };
            let first = in_flight.iter().map(|(at, ..)| *at).min();
            now = next.into_iter().chain(first).min().expect("a request or a response is due");
            for (at, ticket, feedback) in in_flight.extract_if(.., |(at, ..)| *at <= now) {
                throttle.record((at, 1.0), ticket, &feedback);
            }
        }
        (accepted, refused)
    }

    /// Checks that a minute's throughput is above 85 % of `limit`, in requests
    /// per second, and that refusals are under 5 %.
    fn ensure_rate_settles(
        server: &mut impl SimulatedServer,
        limit: f64,
        jobs: usize,
        latency: Duration,
        case: &str,
    ) {
        let time = Duration::from_secs(60);
        let (accepted, refused) = simulate(server, jobs, latency, time);
        let throughput = accepted / (limit * time.as_secs_f64());
        let share = refused / (accepted + refused);
        assert!(throughput > 0.85 && share < 0.05, "{case}: {throughput:.2} {share:.3}");
    }

    #[test]
    fn the_rate_settles_just_under_the_limit() {
        for (rate, burst, latency, jobs, sends_retry_after) in [
            (50.0, 50.0, 1, 8, true),
            (50.0, 50.0, 1, 8, false),
            (50.0, 50.0, 100, 8, true),
            (50.0, 50.0, 100, 8, false),
            (50.0, 1.0, 1, 8, true),
            (50.0, 1.0, 1, 8, false),
            (100.0, 50.0, 1, 8, true),
            (200.0, 200.0, 1, 8, false),
            (20.0, 20.0, 200, 8, false),
            (20.0, 20.0, 3000, 80, true),
            (20.0, 20.0, 3000, 80, false),
        ] {
            let mut server = TokenBucket {
                rate,
                burst,
                tokens: burst,
                refilled_at: Duration::ZERO,
                sends_retry_after,
            };
            let case = format!("{rate}/s, {latency} ms, {sends_retry_after}");
            ensure_rate_settles(&mut server, rate, jobs, Duration::from_millis(latency), &case);
        }
        for limit in [20, 100] {
            let mut server = SlidingWindow { limit, accepted_at: VecDeque::new() };
            let case = format!("{limit} in any second");
            let latency = Duration::from_millis(1);
            ensure_rate_settles(&mut server, limit as f64, 8, latency, &case);
        }
    }

    fn after(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn a_fixed_rate_is_kept() {
        let start = Instant::now();
        let mut throttle = Throttle::new(fixed(100.0 / 60.0), PATIENCE, start);
        throttle.acquire(start, 0);
        assert_eq!(throttle.ready(start, 0), Ready::At(start + after(0.6)));
        let ticket = throttle.acquire(start + after(0.6), 0);
        let refusal = Feedback { status: Some(429), ..world() };
        throttle.record((start + after(0.7), 1.0), ticket, &refusal);
        assert_eq!(throttle.ready(start + after(0.7), 0), Ready::At(start + after(1.2)));
        // An idle time is not followed by a burst.
        throttle.acquire(start + after(100.0), 0);
        let Ready::At(next) = throttle.ready(start + after(100.0), 0) else { panic!("too fast") };
        assert!(next > start + after(100.5));
    }

    #[test]
    fn retry_after_holds_every_request() {
        let start = Instant::now();
        // A wait of 1000 s is not obeyed: a backoff is.
        for (status, seconds, next) in
            [(429, 3.0, 4.0), (503, 3.0, 4.0), (500, 3.0, 4.0), (503, 1000.0, 1.1)]
        {
            let mut throttle = Throttle::new(fixed(1e6), PATIENCE, start);
            let ticket = throttle.acquire(start, 0);
            let retry_after = Some(after(seconds));
            let feedback = Feedback { status: Some(status), retry_after, ..world() };
            throttle.record((start + after(1.0), 1.0), ticket, &feedback);
            let expected = Ready::At(start + after(next));
            assert_eq!(throttle.ready(start + after(1.0), 0), expected, "{status} {seconds}");
        }
    }

    #[test]
    fn the_rate_limit_headers_of_the_server_are_kept() {
        let start = Instant::now();
        let mut throttle = Throttle::new(Rates::default(), PATIENCE, start);
        let first = throttle.acquire(start, 0);
        throttle.acquire(start, 0);
        let requests = Some(RateLimit { remaining: 2, reset: after(5.0) });
        let feedback = limited(requests);
        throttle.record((start, 1.0), first, &feedback);
        // The second request was already sent and counts as one of the two.
        assert_eq!(throttle.ready(start, 0), Ready::Now);
        throttle.acquire(start, 0);
        assert_eq!(throttle.ready(start, 0), Ready::At(start + after(5.0)));
        assert_eq!(throttle.ready(start + after(5.0), 0), Ready::Now);
        throttle.acquire(start + after(5.0), 0);
        assert_eq!(throttle.ready(start + after(5.0), 0), Ready::Now);
        // A reset that is too far away is ignored.
        let requests = Some(RateLimit { remaining: 0, reset: after(86400.0) });
        let feedback = limited(requests);
        throttle.record((start + after(5.0), 1.0), first, &feedback);
        assert_eq!(throttle.ready(start + after(5.0), 0), Ready::Now);
    }
}
