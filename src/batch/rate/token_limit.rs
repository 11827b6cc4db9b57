//! The limits in tokens: that of the user, and what the server says it will accept. A
//! request is expected to take what those before it took, until its usage is known.
//! Pure: the time is a parameter.

use std::collections::HashMap;
use std::time::Instant;

use crate::batch::rate::token_bucket::TokenBucket;
use crate::blame::Blame;
use crate::chat::tokens::TokenCount;
use crate::net::rate_limiter::{Feedback, Ticket};
use crate::net::retry::LONGEST_REQUESTED_WAIT;

/// Each reply makes those before it count this much: about the last 20 count.
const MEMORY: f64 = 0.95;

pub struct TokenLimit {
    /// `None` without a limit of the user.
    bucket: Option<TokenBucket>,
    experience: Experience,
    /// The tries without a complete reply, by the numbers of their tickets.
    under_way: HashMap<u64, Expected>,
    /// What all tries were expected to take together.
    sent: u64,
    /// From `X-RateLimit-Remaining-Tokens` and `-Reset-Tokens`: how far `sent` may
    /// rise, and until when.
    allowed: Option<(u64, Instant)>,
}

/// What a try is expected to take.
#[derive(Clone, Copy)]
struct Expected {
    /// The estimate of the prompt from its bytes.
    prompt_tokens: u64,
    tokens: u64,
    /// What all tries up to this one are expected to take.
    sent: u64,
}

impl TokenLimit {
    /// `rate` is in tokens per second.
    pub fn new(rate: Option<f64>, now: Instant) -> Self {
        Self {
            bucket: rate.map(|rate| TokenBucket::new(rate, now)),
            experience: Experience::default(),
            under_way: HashMap::new(),
            sent: 0,
            allowed: None,
        }
    }

    /// When a request may be sent; `None` if that depends on a reply. Under a limit of
    /// the user, the first request is sent alone: what replies take is not known before.
    pub fn ready_at(&self, now: Instant, prompt_tokens: u64) -> Option<Instant> {
        let tokens = self.experience.expect(prompt_tokens);
        let by_server = match self.allowed {
            Some((most, until)) if self.sent.saturating_add(tokens) > most => until.max(now),
            _ => now,
        };
        match &self.bucket {
            None => Some(by_server),
            Some(_) if self.experience.is_empty() && !self.under_way.is_empty() => None,
            Some(bucket) => Some(by_server.max(bucket.ready_at(now, tokens))),
        }
    }

    /// A request is sent.
    pub fn take(&mut self, ticket: Ticket, prompt_tokens: u64) {
        if self.allowed.is_some_and(|(_, until)| until <= ticket.at) {
            self.allowed = None;
        }
        let tokens = self.experience.expect(prompt_tokens);
        self.sent = self.sent.saturating_add(tokens);
        let expected = Expected { prompt_tokens, tokens, sent: self.sent };
        self.under_way.insert(ticket.number, expected);
        if let Some(bucket) = &mut self.bucket {
            bucket.take(ticket.at, tokens);
        }
    }

    /// Records the response to a try. One that the server refused takes no tokens.
    pub fn record(&mut self, now: Instant, ticket: Ticket, feedback: &Feedback) {
        let Some(&Expected { tokens, sent, .. }) = self.under_way.get(&ticket.number) else {
            return;
        };
        if let Some(limit) = feedback.rate_limits.tokens
            && limit.reset <= LONGEST_REQUESTED_WAIT
        {
            self.allowed = Some((sent.saturating_add(limit.remaining), now + limit.reset));
        }
        let is_at_work = match feedback.status {
            Some(status) => (200..300).contains(&status),
            // It was sent, and the server may be at work on it.
            None => feedback.blame == Some(Blame::Request),
        };
        if !is_at_work {
            self.under_way.remove(&ticket.number);
            self.correct(now, tokens, 0);
        }
    }

    /// Records the end of a reply, and what it used if that is known.
    pub fn settle(&mut self, now: Instant, ticket: Ticket, used: Option<TokenCount>) {
        if let (Some(expected), Some(used)) = (self.under_way.remove(&ticket.number), used) {
            self.experience.add(expected.prompt_tokens, used);
            self.correct(now, expected.tokens, used.total());
        }
    }

    fn correct(&mut self, now: Instant, taken: u64, used: u64) {
        if let Some(bucket) = &mut self.bucket {
            bucket.correct(now, taken, used);
        }
    }
}

/// Sums over the replies so far, in which the latest count most.
#[derive(Default)]
struct Experience {
    replies: f64,
    /// The estimates of their prompts.
    estimates: f64,
    prompts: f64,
    completions: f64,
}

impl Experience {
    fn is_empty(&self) -> bool {
        self.replies == 0.0
    }

    fn add(&mut self, prompt_tokens: u64, used: TokenCount) {
        for (sum, number) in [
            (&mut self.replies, 1),
            (&mut self.estimates, prompt_tokens),
            (&mut self.prompts, used.prompt),
            (&mut self.completions, used.completion),
        ] {
            *sum = *sum * MEMORY + number as f64;
        }
    }

    /// What a request will probably take.
    fn expect(&self, prompt_tokens: u64) -> u64 {
        if self.is_empty() {
            return prompt_tokens;
        }
        let prompt = prompt_tokens as f64 * self.prompts / self.estimates.max(1.0);
        (prompt + self.completions / self.replies).ceil() as u64
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::time::Duration;

    use super::*;
    use crate::net::rate_limit::{RateLimit, RateLimits};

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn answered(status: u16) -> Feedback {
        Feedback { status: Some(status), ..Feedback::default() }
    }

    fn allowing(remaining: u64, reset: f64) -> Feedback {
        let tokens = Some(RateLimit { remaining, reset: seconds(reset) });
        Feedback { rate_limits: RateLimits { requests: None, tokens }, ..answered(200) }
    }

    fn used(prompt: u64, completion: u64) -> Option<TokenCount> {
        Some(TokenCount { prompt, completion })
    }

    /// Sends a request with this estimate, which must be ready.
    #[track_caller]
    fn send(limit: &mut TokenLimit, number: u64, at: Instant, prompt_tokens: u64) -> Ticket {
        assert_eq!(limit.ready_at(at, prompt_tokens), Some(at));
        let ticket = Ticket { number, at };
        limit.take(ticket, prompt_tokens);
        ticket
    }

    /// Sends all these requests, `jobs` at a time, whose replies take `latency` and
    /// each twice as many tokens as were estimated for the prompt, and 40 more. Returns
    /// when each was sent, and what it used.
    fn simulate(limit: &mut TokenLimit, jobs: usize, prompts: &[u64]) -> Vec<(Duration, u64)> {
        const LATENCY: Duration = Duration::from_secs(3);
        let start = Instant::now();
        let (mut now, mut sent) = (start, Vec::new());
        let mut under_way = VecDeque::new();
        while sent.len() < prompts.len() {
            let prompt = prompts[sent.len()];
            let ready = limit.ready_at(now, prompt).filter(|_| under_way.len() < jobs);
            if ready == Some(now) {
                let ticket = Ticket { number: sent.len() as u64, at: now };
                limit.take(ticket, prompt);
                under_way.push_back((now + LATENCY, ticket, prompt));
                sent.push((now - start, 3 * prompt + 40));
                continue;
            }
            let end = under_way.front().map(|(end, ..)| *end);
            now = ready.into_iter().chain(end).min().expect("a request or a reply is due");
            let ended = under_way.iter().take_while(|(end, ..)| *end <= now).count();
            for (_, ticket, prompt) in under_way.drain(..ended) {
                limit.record(now, ticket, &answered(200));
                limit.settle(now, ticket, used(prompt, 2 * prompt + 40));
            }
        }
        sent
    }

    #[test]
    fn the_rate_is_kept_although_the_estimates_are_wrong() {
        let mut limit = TokenLimit::new(Some(10_000.0 / 60.0), Instant::now());
        let prompts: Vec<u64> = (0..1000).map(|number| 10 + number * 37 % 90).collect();
        let sent = simulate(&mut limit, 32, &prompts);
        for begin in [0.0, 60.0, 600.0] {
            let window = seconds(begin)..seconds(begin + 60.0);
            let tokens = sent.iter().filter(|(at, _)| window.contains(at)).map(|(_, used)| used);
            let tokens: u64 = tokens.sum();
            assert!((9_000..=11_500).contains(&tokens), "from {begin} s: {tokens}");
        }
        let begin = sent[1].0;
        let burst = sent[1..].iter().filter(|(at, _)| *at == begin).map(|(_, used)| used);
        assert!(burst.sum::<u64>() <= 2_000, "a tenth of a minute, and what was misjudged");
    }

    #[test]
    fn a_large_request_is_sent_too_and_the_rate_is_kept() {
        let mut limit = TokenLimit::new(Some(100.0), Instant::now());
        let prompts: Vec<u64> =
            (0..50).map(|number| if number % 10 == 5 { 3000 } else { 1 }).collect();
        let sent = simulate(&mut limit, 8, &prompts);
        let (last, _) = sent[49];
        let tokens: u64 = sent.iter().map(|(_, used)| used).sum();
        let time = tokens as f64 / 100.0;
        assert!((0.9 * time..=1.3 * time).contains(&last.as_secs_f64()), "{last:?} of {time} s");
    }

    #[test]
    fn the_first_request_is_sent_alone() {
        let start = Instant::now();
        let mut limit = TokenLimit::new(Some(1e6), start);
        let first = send(&mut limit, 1, start, 10);
        assert_eq!(limit.ready_at(start, 10), None);
        // Nothing was learned from one that failed.
        limit.record(start, first, &answered(200));
        limit.settle(start, first, None);
        let second = send(&mut limit, 2, start, 10);
        assert_eq!(limit.ready_at(start, 10), None);
        limit.record(start, second, &answered(503));
        let third = send(&mut limit, 3, start, 10);
        limit.record(start, third, &answered(200));
        limit.settle(start, third, used(20, 100));
        for number in 4..99 {
            send(&mut limit, number, start, 10);
        }
    }

    #[test]
    fn a_try_that_was_refused_gives_its_tokens_back() {
        let start = Instant::now();
        let mut limit = TokenLimit::new(Some(100.0), start);
        for (number, feedback) in
            [answered(429), answered(500), Feedback { blame: Some(Blame::World), ..answered(0) }]
                .iter()
                .enumerate()
        {
            let ticket = send(&mut limit, number as u64, start, 600);
            limit.record(start, ticket, feedback);
        }
        // The server may be at work on one that timed out.
        let ticket = send(&mut limit, 9, start, 600);
        let blame = Some(Blame::Request);
        limit.record(start, ticket, &Feedback { blame, ..Feedback::default() });
        limit.settle(start, ticket, None);
        assert_eq!(limit.ready_at(start, 100), Some(start + seconds(1.0)));
    }

    #[test]
    fn what_the_server_has_left_is_obeyed_until_its_reset() {
        let start = Instant::now();
        for rate in [None, Some(1e6)] {
            let mut limit = TokenLimit::new(rate, start);
            let first = send(&mut limit, 1, start, 10);
            limit.record(start, first, &allowing(300, 5.0));
            limit.settle(start, first, used(10, 90));
            // Each is expected to take 100 now.
            for number in 2..5 {
                send(&mut limit, number, start, 10);
            }
            let reset = start + seconds(5.0);
            assert_eq!(limit.ready_at(start, 10), Some(reset));
            for number in 5..9 {
                send(&mut limit, number, reset, 10);
            }
        }
    }

    #[test]
    fn a_request_above_what_is_left_waits_and_a_smaller_one_would_not() {
        let start = Instant::now();
        let mut limit = TokenLimit::new(None, start);
        let first = send(&mut limit, 1, start, 10);
        limit.record(start, first, &allowing(300, 5.0));
        assert_eq!(limit.ready_at(start, 301), Some(start + seconds(5.0)));
        assert_eq!(limit.ready_at(start, 300), Some(start));
        // However large it is.
        send(&mut limit, 2, start + seconds(5.0), 100_000);
    }

    #[test]
    fn a_reset_that_is_too_far_away_is_ignored() {
        let start = Instant::now();
        let mut limit = TokenLimit::new(None, start);
        let first = send(&mut limit, 1, start, 10);
        limit.record(start, first, &allowing(0, 121.0));
        assert_eq!(limit.ready_at(start, 10), Some(start));
    }
}
