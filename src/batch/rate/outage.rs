//! Outages: times in which requests fail and the world is to blame. From the first
//! such failure on, one request at a time probes the server, each after a longer
//! wait, until one succeeds. Pure: the time and the jitter are parameters.

use std::time::{Duration, Instant};

use crate::blame::Blame;
use crate::net::rate_limiter::{Feedback, Ticket};
use crate::net::retry::{LONGEST_REQUESTED_WAIT, doubled};

/// An outage is told about after this time: most rate limits have been dealt with by
/// then.
const WORTH_TELLING: Duration = Duration::from_secs(2);

/// The longest wait before the first probe, which doubles with each failed one, and
/// the longest wait of all.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(8);

/// So many probes are requests that never failed, if there are any: some of them might
/// fail by themselves, but not all. After that failed ones take turns, as more must not
/// be held in memory.
const NEW_PROBES: u32 = 64;

/// What a failure in an outage means for the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutageNews {
    Nothing,
    /// The outage is worth telling the user about, which was not done yet.
    IsLong,
    /// Nothing has succeeded for as long as the user wants to wait.
    IsOver,
}

#[derive(Debug)]
pub struct OutageWatch {
    /// How long to wait for a success.
    patience: Duration,
    outage: Option<Outage>,
}

#[derive(Debug)]
struct Outage {
    began: Instant,
    /// When it began, or the last success since then.
    quiet_since: Instant,
    /// Tickets up to this number were issued before it began.
    last_before: u64,
    /// The request that failed first, by its first ticket.
    suspect: u64,
    /// Another request that was sent after it began has failed too.
    is_confirmed: bool,
    /// Set unless all failures were refusals for the rate, which the search for the
    /// rate waits out.
    holds: bool,
    failed_probes: u32,
    held_until: Instant,
    /// The ticket of the probe that is under way.
    probe: Option<u64>,
    is_told: bool,
}

impl OutageWatch {
    pub fn new(patience: Duration) -> Self {
        Self { patience, outage: None }
    }

    /// When the next request may be sent, if the rate allows it at `at`; `None` while
    /// a probe is under way. When the patience ends, there is a last probe, whatever
    /// the server asked for.
    pub fn ready_at(&self, at: Instant) -> Option<Instant> {
        let Some(outage) = &self.outage else {
            return Some(at);
        };
        let held_until = if outage.holds { outage.held_until } else { at };
        let last_probe = self.patience_end(outage).unwrap_or(at.max(held_until));
        Some(at.max(held_until).min(last_probe)).filter(|_| outage.probe.is_none())
    }

    /// When the patience ends; `None` without any, as retries are counted instead.
    fn patience_end(&self, outage: &Outage) -> Option<Instant> {
        (!self.patience.is_zero()).then(|| outage.quiet_since + self.patience)
    }

    /// Whether a request that never failed should be the next one. Without patience the
    /// one that failed is: it ends the run when it has used up its retries.
    pub fn prefers_new(&self) -> bool {
        !self.patience.is_zero()
            && self.outage.as_ref().is_some_and(|outage| outage.failed_probes < NEW_PROBES)
    }

    /// Whether an outage is going on for sure.
    pub fn is_confirmed(&self) -> bool {
        self.outage.as_ref().is_some_and(|outage| outage.is_confirmed)
    }

    /// Records that a request is sent.
    pub fn record_sent(&mut self, now: Instant, ticket: Ticket) {
        let end = self.outage.as_ref().and_then(|outage| self.patience_end(outage));
        if let Some(outage) = &mut self.outage
            && (outage.holds || end.is_some_and(|end| now >= end))
        {
            outage.probe = Some(ticket.number);
        }
    }

    /// Records the end of a try. `last_sent` is the number of the latest ticket, and
    /// `jitter` is in 0..1. Returns how long an outage was that the user was told of
    /// and that is over now.
    pub fn record_end(
        &mut self,
        (now, jitter): (Instant, f64),
        ticket: Ticket,
        last_sent: u64,
        feedback: &Feedback,
    ) -> Option<Duration> {
        self.record_probe_end(ticket);
        if feedback.blame == Some(Blame::World) {
            self.record_failure((now, jitter), ticket, last_sent, feedback);
            return None;
        }
        // Any response but a failure of the world's shows that the server is there.
        feedback.status?;
        let outage = self.outage.as_mut()?;
        // The server may still finish old requests while it takes no new ones.
        if outage.is_confirmed && ticket.number <= outage.last_before {
            outage.quiet_since = now;
            return None;
        }
        let outage = self.outage.take()?;
        outage.is_told.then(|| now.saturating_duration_since(outage.began))
    }

    /// The request with this ticket, perhaps the probe, is no longer under way.
    pub fn record_probe_end(&mut self, ticket: Ticket) {
        if let Some(outage) = &mut self.outage {
            outage.probe.take_if(|probe| *probe == ticket.number);
        }
    }

    /// The wait that the server asks for, unless it is too long to be obeyed.
    pub fn obeyed_wait(&self, feedback: &Feedback) -> Option<Duration> {
        let longest = self.patience.max(LONGEST_REQUESTED_WAIT);
        feedback.retry_after.filter(|wait| *wait <= longest)
    }

    fn record_failure(
        &mut self,
        (now, jitter): (Instant, f64),
        ticket: Ticket,
        last_sent: u64,
        feedback: &Feedback,
    ) {
        let requested = self.obeyed_wait(feedback);
        let outage =
            self.outage.get_or_insert_with(|| Outage::new(now, last_sent, feedback.request));
        outage.holds |= feedback.status != Some(429);
        if ticket.number > outage.last_before {
            outage.is_confirmed |= feedback.request != outage.suspect;
            outage.failed_probes += 1;
        }
        // Half of the wait is certain, so that a long outage is not hammered.
        let backoff = || outage.longest_wait().mul_f64(0.5 + jitter / 2.0);
        let until = now + requested.unwrap_or_else(backoff);
        outage.held_until = outage.held_until.max(until);
    }

    /// What the failure of a request means while `under_way` others are in progress.
    pub fn news(&mut self, now: Instant, under_way: u64, failing: Failing) -> OutageNews {
        let Some(outage) = &self.outage else {
            return OutageNews::Nothing;
        };
        let is_over = match self.patience_end(outage) {
            Some(end) => now >= end && under_way == 0,
            None => failing.is_exhausted && outage.quiet_since <= failing.since,
        };
        match &mut self.outage {
            _ if is_over => OutageNews::IsOver,
            Some(outage)
                if !outage.is_told
                    && !self.patience.is_zero()
                    && now >= outage.began + WORTH_TELLING =>
            {
                outage.is_told = true;
                OutageNews::IsLong
            }
            _ => OutageNews::Nothing,
        }
    }
}

/// How long a request has failed for the world's reasons.
#[derive(Debug, Clone, Copy)]
pub struct Failing {
    /// Its first such failure.
    pub since: Instant,
    /// It has used up its retries.
    pub is_exhausted: bool,
}

impl Outage {
    fn new(now: Instant, last_sent: u64, suspect: u64) -> Self {
        Self {
            began: now,
            quiet_since: now,
            last_before: last_sent,
            suspect,
            is_confirmed: false,
            holds: false,
            failed_probes: 0,
            held_until: now,
            probe: None,
            is_told: false,
        }
    }

    /// Before the next probe.
    fn longest_wait(&self) -> Duration {
        doubled(FIRST_WAIT, self.failed_probes).min(LONGEST_WAIT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    fn after(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    /// A watch and the requests that it lets through, numbered from 1.
    struct Simulation {
        start: Instant,
        watch: OutageWatch,
        sent: u64,
    }

    impl Simulation {
        fn new(patience: Duration) -> Self {
            Self { start: Instant::now(), watch: OutageWatch::new(patience), sent: 0 }
        }

        fn send(&mut self, seconds: f64) -> Ticket {
            self.sent += 1;
            let at = self.start + after(seconds);
            let ticket = Ticket { number: self.sent, at };
            self.watch.record_sent(at, ticket);
            ticket
        }

        fn end(&mut self, seconds: f64, ticket: Ticket, status: Option<u16>) -> Option<Duration> {
            let blame = match status {
                Some(200) => None,
                Some(400) => Some(Blame::Request),
                _ => Some(Blame::World),
            };
            let feedback =
                Feedback { request: ticket.number, status, blame, ..Feedback::default() };
            let now = self.start + after(seconds);
            self.watch.record_end((now, 1.0), ticket, self.sent, &feedback)
        }

        /// In how many seconds from the start a request may be sent.
        fn ready_at(&self, seconds: f64) -> Option<f64> {
            let at = self.watch.ready_at(self.start + after(seconds))?;
            Some((at - self.start).as_secs_f64())
        }

        fn news(&mut self, seconds: f64, under_way: u64, is_exhausted: bool) -> OutageNews {
            let failing = Failing { since: self.start, is_exhausted };
            self.watch.news(self.start + after(seconds), under_way, failing)
        }
    }

    #[test]
    fn one_probe_at_a_time_is_sent_after_longer_and_longer_waits() {
        let mut run = Simulation::new(PATIENCE);
        let first = run.send(0.0);
        run.end(0.0, first, None);
        for (failed_at, next_at) in [
            (0.1, 0.3),
            (0.3, 0.7),
            (0.7, 1.5),
            (1.5, 3.1),
            (3.1, 6.3),
            (6.3, 12.7),
            (12.7, 20.7),
            (20.7, 28.7),
        ] {
            assert_eq!(run.ready_at(0.0), Some(failed_at));
            let probe = run.send(failed_at);
            assert_eq!(run.ready_at(failed_at), None, "a probe is under way");
            run.end(failed_at, probe, Some(503));
            assert_eq!(run.ready_at(failed_at), Some(next_at));
        }
        let probe = run.send(28.7);
        run.end(29.0, probe, Some(200));
        assert_eq!(run.ready_at(29.0), Some(29.0));
    }

    #[test]
    fn requests_that_never_failed_probe_first_but_not_for_ever() {
        let mut run = Simulation::new(PATIENCE);
        assert!(!run.watch.prefers_new());
        for number in 0..=NEW_PROBES {
            let ticket = run.send(0.0);
            run.end(0.0, ticket, None);
            assert_eq!(run.watch.prefers_new(), number < NEW_PROBES, "{number}");
        }
    }

    #[test]
    fn any_success_ends_an_outage_of_a_single_request() {
        let mut run = Simulation::new(PATIENCE);
        let [before, failing] = [run.send(0.0), run.send(0.0)];
        run.end(1.0, failing, Some(500));
        assert_eq!(run.ready_at(1.0), Some(1.1));
        run.end(1.1, before, Some(200));
        assert_eq!(run.ready_at(1.1), Some(1.1));
    }

    #[test]
    fn a_server_that_only_finishes_old_requests_is_still_away() {
        let mut run = Simulation::new(PATIENCE);
        let [before, failing] = [run.send(0.0), run.send(0.0)];
        run.end(1.0, failing, None);
        let probe = run.send(1.5);
        run.end(1.5, probe, None);
        run.end(1.6, before, Some(200));
        assert_eq!(run.ready_at(1.6), Some(1.7));
        // But its success counts against the patience.
        let probe = run.send(61.0);
        run.end(61.0, probe, None);
        assert_eq!(run.news(61.0, 0, true), OutageNews::IsLong);
        assert_eq!(run.news(61.6, 0, true), OutageNews::IsOver);
    }

    #[test]
    fn a_refusal_of_the_request_itself_shows_that_the_server_is_there() {
        let mut run = Simulation::new(PATIENCE);
        let first = run.send(0.0);
        run.end(0.0, first, None);
        let probe = run.send(0.5);
        run.end(0.5, probe, Some(400));
        assert_eq!(run.ready_at(0.5), Some(0.5));
    }

    #[test]
    fn refusals_for_the_rate_hold_nothing_until_the_last_probe() {
        let mut run = Simulation::new(PATIENCE);
        let first = run.send(0.0);
        run.end(0.0, first, Some(429));
        assert_eq!(run.ready_at(0.05), Some(0.05));
        run.send(0.05);
        assert_eq!(run.ready_at(0.05), Some(0.05));
        // The search for the rate would wait until second 100.
        assert_eq!(run.ready_at(100.0), Some(60.0));
        let last = run.send(60.0);
        assert_eq!(run.ready_at(100.0), None);
        run.end(60.1, last, Some(429));
        assert_eq!(run.news(60.1, 1, true), OutageNews::IsLong);
        assert_eq!(run.news(60.1, 0, true), OutageNews::IsOver);
    }

    #[test]
    fn an_outage_is_told_once_and_so_is_its_end() {
        let mut run = Simulation::new(PATIENCE);
        let first = run.send(0.0);
        run.end(0.0, first, None);
        assert_eq!(run.news(0.0, 0, true), OutageNews::Nothing);
        let probe = run.send(2.0);
        run.end(2.0, probe, None);
        assert_eq!(run.news(2.0, 0, true), OutageNews::IsLong);
        assert_eq!(run.news(2.0, 0, true), OutageNews::Nothing);
        let probe = run.send(4.0);
        assert_eq!(run.end(5.0, probe, Some(200)), Some(after(5.0)));
        assert_eq!(run.end(6.0, probe, Some(200)), None);
    }

    #[test]
    fn without_patience_the_first_request_without_retries_ends_the_run() {
        let mut run = Simulation::new(Duration::ZERO);
        let first = run.send(0.0);
        run.end(0.0, first, None);
        assert_eq!(run.ready_at(0.0), Some(0.1));
        assert_eq!(run.news(0.0, 5, false), OutageNews::Nothing);
        assert_eq!(run.news(0.0, 5, true), OutageNews::IsOver);
        // A success since its first failure shows that it is to blame itself.
        let probe = run.send(0.5);
        run.end(0.6, probe, Some(200));
        let again = run.send(0.7);
        run.end(0.7, again, None);
        assert_eq!(run.news(0.7, 0, true), OutageNews::Nothing);
    }
}
