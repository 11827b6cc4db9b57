//! What workers wait for: the queue of those that want to send, the rows that were set
//! aside, and how many rows are under way.

use std::collections::{BTreeMap, HashSet};
use std::thread::Thread;
use std::time::{Duration, Instant};

use crate::batch::rate::outage::OutageNews;
use crate::batch::rate::throttle::{Rates, Throttle};
use crate::batch::row::Row;
use crate::batch::set_aside::{Others, Sent, SetAside, Taken};
use crate::blame::Blame;
use crate::error::Error;
use crate::net::rate_limiter::{Feedback, Ticket};

pub struct GateState {
    pub(super) throttle: Throttle,
    pub(super) set_aside: SetAside,
    pub(super) is_closed: bool,
    /// Waiting workers: retries first, oldest first; then in order of arrival.
    pub(super) queue: BTreeMap<QueueKey, Thread>,
    /// How many workers have ever joined the queue.
    pub(super) arrivals: u64,
    /// How many workers wait for a change outside the queue.
    pub(super) waiters: usize,
    /// How many of them wait before a retry.
    pub(super) backing_off: usize,
    /// How many workers have a row, and how many of them one that was set aside.
    pub(super) under_way: u64,
    again: u64,
    /// At most this many have one that was set aside, while there are others: to find
    /// out who is to blame for a failure, most requests must be others.
    max_again: u64,
    /// The requests under way, by their first tickets, that were to blame for a failure
    /// before: another one says nothing about the world.
    suspects: HashSet<u64>,
    /// How long an outage was that has just ended.
    pub(super) recovered_after: Option<Duration>,
}

/// How a gate lets requests through.
#[derive(Debug, Clone, Copy)]
pub struct GateOptions {
    /// How many workers there are.
    pub jobs: u16,
    pub rates: Rates,
    /// How often a row that is itself to blame is retried.
    pub retries: u32,
    /// How long to wait for a success in an outage. If zero, a row that has used up
    /// its retries ends the run.
    pub patience: Duration,
}

/// What became of a row that was to be set aside.
#[derive(Debug)]
pub enum Aside {
    Waits,
    /// It waits, in an outage that the user was not told of yet.
    WaitsLong,
    /// Nothing has succeeded for as long as the user waits, and the run ends.
    EndsRun(Box<Row>, Error),
    /// The same, but no other row could have succeeded, and this one was to blame before.
    Fails(Box<Row>, Error),
}

/// The number of the request's first ticket, or `u64::MAX` for a first try, and
/// then the number of its arrival.
pub(super) type QueueKey = (u64, u64);

impl GateState {
    pub(super) fn new(options: GateOptions) -> Self {
        let GateOptions { jobs, rates, retries, patience } = options;
        Self {
            throttle: Throttle::new(rates, patience, Instant::now()),
            set_aside: SetAside::new(retries),
            is_closed: false,
            queue: BTreeMap::new(),
            arrivals: 0,
            waiters: 0,
            backing_off: 0,
            under_way: 0,
            again: 0,
            max_again: u64::from(jobs / 4).max(1),
            suspects: HashSet::new(),
            recovered_after: None,
        }
    }

    /// The next in the queue: no other may send before it.
    pub(super) fn next(&self) -> Option<(&QueueKey, &Thread)> {
        let prefers_new = self.throttle.watch().prefers_new();
        let new = prefers_new.then(|| self.queue.range((u64::MAX, 0)..).next()).flatten();
        new.or_else(|| self.queue.first_key_value())
    }

    pub(super) fn wake_next(&self) {
        if let Some((_, next)) = self.next() {
            next.unpark();
        }
    }

    /// What may be sent instead of a row that was set aside, if no more is read.
    pub(super) fn others(&self) -> Others {
        match self.under_way {
            0 => Others::None,
            rows if rows == self.throttle.under_way() => Others::InProgress,
            _ => Others::ToSend,
        }
    }

    pub(super) fn take(&mut self, others: Others) -> Option<Taken> {
        let taken = self.set_aside.take(Instant::now(), others);
        self.under_way += u64::from(taken.is_some());
        if let Some(Taken::Again(row)) = &taken {
            self.again += 1;
            self.suspects.extend(row.asking.request().filter(|_| row.is_suspect()));
        }
        taken
    }

    /// A row that was set aside and need not wait any longer, while others can be read.
    pub(super) fn take_beside_others(&mut self) -> Option<Taken> {
        match self.throttle.watch().prefers_new() || self.again >= self.max_again {
            true => None,
            false => self.take(Others::ToSend),
        }
    }

    /// A worker is done with its row. `was_again` says that it was set aside before.
    pub(super) fn end_row(&mut self, was_again: bool) {
        self.under_way -= 1;
        self.again -= u64::from(was_again);
    }

    pub(super) fn set_aside(&mut self, mut row: Box<Row>, error: Error) -> Aside {
        let now = Instant::now();
        let failing = row.record_failure(now, self.set_aside.retries());
        let news = self.throttle.outage_news(now, failing);
        if news == OutageNews::IsOver {
            let is_alone = self.under_way == 1 && self.set_aside.is_empty();
            return match is_alone && row.was_blamed() {
                true => Aside::Fails(row, error),
                false => Aside::EndsRun(row, error),
            };
        }
        let last = self.throttle.last_sent();
        let sent = Sent { last, is_outage: self.throttle.watch().is_confirmed() };
        self.set_aside.push((now, fastrand::f64()), row, error, sent);
        if news == OutageNews::IsLong { Aside::WaitsLong } else { Aside::Waits }
    }

    /// Records the end of a try.
    pub(super) fn record(&mut self, ticket: Ticket, feedback: &Feedback) {
        let is_outage = feedback.blame == Some(Blame::World);
        if self.suspects.remove(&feedback.request) && is_outage {
            return self.throttle.record_suspect(Instant::now(), ticket, feedback);
        }
        let now = (Instant::now(), fastrand::f64());
        let recovered = self.throttle.record(now, ticket, feedback);
        self.recovered_after = recovered.or(self.recovered_after);
        if is_outage || feedback.status.is_some() {
            self.set_aside.decide(ticket.number, !is_outage);
        }
    }
}
