//! The queue in which workers wait until they may send a request, and the rows that
//! were set aside meanwhile.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crate::batch::rate::outage::OutageNews;
use crate::batch::rate::throttle::{Ready, Throttle};
use crate::batch::row::Row;
use crate::batch::set_aside::{Others, Sent, SetAside, Taken};
use crate::blame::Blame;
use crate::error::{Error, Result};
use crate::net::rate_limiter::{Feedback, RateLimiter, Ticket};
use crate::output::notes::Notes;

pub struct Gate {
    state: Mutex<GateState>,
    /// Wakes workers that back off, or wait for a row that was set aside.
    changed: Condvar,
    notes: Notes,
}

struct GateState {
    throttle: Throttle,
    set_aside: SetAside,
    is_closed: bool,
    /// Waiting workers: retries first, oldest first; then in order of arrival.
    queue: BTreeMap<QueueKey, Thread>,
    /// How many workers have ever joined the queue.
    arrivals: u64,
    /// How many workers wait before a retry, outside the queue.
    backing_off: usize,
    /// How many workers have a row, and how many of them one that was set aside.
    under_way: u64,
    again: u64,
    /// At most this many have one that was set aside, while there are others: to find
    /// out who is to blame for a failure, most requests must be others.
    max_again: u64,
    /// The requests under way, by their first tickets, that were to blame for a failure
    /// before: another one says nothing about the world.
    suspects: HashSet<u64>,
    /// How long an outage was that has just ended.
    recovered_after: Option<Duration>,
}

/// How a gate lets requests through.
#[derive(Debug, Clone, Copy)]
pub struct GateOptions {
    /// How many workers there are.
    pub jobs: u16,
    /// In requests per second; without one, the gate searches for it.
    pub rate: Option<f64>,
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
type QueueKey = (u64, u64);

impl GateState {
    /// The next in the queue: no other may send before it.
    fn next(&self) -> Option<(&QueueKey, &Thread)> {
        let prefers_new = self.throttle.watch().prefers_new();
        let new = prefers_new.then(|| self.queue.range((u64::MAX, 0)..).next()).flatten();
        new.or_else(|| self.queue.first_key_value())
    }

    fn wake_next(&self) {
        if let Some((_, next)) = self.next() {
            next.unpark();
        }
    }

    /// What may be sent instead of a row that was set aside, if no more is read.
    fn others(&self) -> Others {
        match self.under_way {
            0 => Others::None,
            rows if rows == self.throttle.under_way() => Others::InProgress,
            _ => Others::ToSend,
        }
    }

    fn take(&mut self, others: Others) -> Option<Taken> {
        let taken = self.set_aside.take(Instant::now(), others);
        self.under_way += u64::from(taken.is_some());
        if let Some(Taken::Again(row)) = &taken {
            self.again += 1;
            self.suspects.extend(row.asking.request().filter(|_| row.is_suspect()));
        }
        taken
    }
}

impl Gate {
    pub fn new(options: GateOptions, notes: &Notes) -> Self {
        let GateOptions { jobs, rate, retries, patience } = options;
        let state = GateState {
            throttle: Throttle::new(rate, patience, Instant::now()),
            set_aside: SetAside::new(retries),
            is_closed: false,
            queue: BTreeMap::new(),
            arrivals: 0,
            backing_off: 0,
            under_way: 0,
            again: 0,
            max_again: u64::from(jobs / 4).max(1),
            suspects: HashSet::new(),
            recovered_after: None,
        };
        Self { state: Mutex::new(state), changed: Condvar::new(), notes: notes.clone() }
    }

    /// Stops admitting requests; workers that wait get [`Error::Stopped`]. Returns
    /// false if it was closed before.
    pub fn close(&self) -> bool {
        let mut state = self.lock();
        let was_closed = std::mem::replace(&mut state.is_closed, true);
        state.queue.values().for_each(Thread::unpark);
        self.changed.notify_all();
        !was_closed
    }

    pub fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// A worker has a new row.
    pub fn begin_row(&self) {
        self.lock().under_way += 1;
    }

    /// A worker is done with its row, or has set it aside. `was_again` says that the row
    /// was set aside before. Returns whether the gate is closed.
    pub fn end_row(&self, was_again: bool) -> bool {
        let mut state = self.lock();
        state.under_way -= 1;
        state.again -= u64::from(was_again);
        self.changed.notify_all();
        state.is_closed
    }

    /// How many workers have a row.
    pub fn under_way(&self) -> u64 {
        self.lock().under_way
    }

    /// How many requests wait here, in the queue or before a retry.
    pub fn waiting(&self) -> usize {
        let state = self.lock();
        state.queue.len() + state.backing_off
    }

    /// How long an outage was that the user was told of and that has just ended.
    /// Returned once.
    pub fn recovered_after(&self) -> Option<Duration> {
        self.lock().recovered_after.take()
    }

    /// Sets a row aside that failed for the world's reasons.
    pub fn set_aside(&self, mut row: Box<Row>, error: Error) -> Aside {
        let id = &row.request.id;
        self.notes.detail(format_args!("* request {id}: {error}; it will be tried again"));
        let mut state = self.lock();
        let now = Instant::now();
        let failing = row.record_failure(now, state.set_aside.retries());
        let news = state.throttle.outage_news(now, failing);
        if news == OutageNews::IsOver {
            let is_alone = state.under_way == 1 && state.set_aside.is_empty();
            return match is_alone && row.was_blamed() {
                true => Aside::Fails(row, error),
                false => Aside::EndsRun(row, error),
            };
        }
        let last = state.throttle.last_sent();
        let sent = Sent { last, is_outage: state.throttle.watch().is_confirmed() };
        state.set_aside.push((now, fastrand::f64()), row, error, sent);
        if news == OutageNews::IsLong { Aside::WaitsLong } else { Aside::Waits }
    }

    /// A row that was set aside and need not wait any longer, while others can be read.
    pub fn take_set_aside(&self) -> Option<Taken> {
        let mut state = self.lock();
        match state.throttle.watch().prefers_new() || state.again >= state.max_again {
            true => None,
            false => state.take(Others::ToSend),
        }
    }

    pub fn has_set_aside(&self) -> bool {
        !self.lock().set_aside.is_empty()
    }

    /// Waits for a row that was set aside, while no more are read; `None` if there is
    /// none, or if the gate is closed.
    pub fn wait_for_set_aside(&self) -> Option<Taken> {
        let mut state = self.lock();
        loop {
            if state.is_closed || state.set_aside.is_empty() {
                return None;
            }
            let others = state.others();
            if let Some(taken) = state.take(others) {
                return Some(taken);
            }
            state = match state.set_aside.shortest_wait(Instant::now()) {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(wait) => {
                    let waited = self.changed.wait_timeout(state, wait);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// All rows that are set aside, and their last errors: the run is over.
    pub fn drain_set_aside(&self) -> Vec<(Box<Row>, Error)> {
        self.lock().set_aside.drain().collect()
    }

    fn lock(&self) -> MutexGuard<'_, GateState> {
        // A panic cannot leave the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the worker with this key is first in the queue and the
    /// throttle admits it.
    fn wait(&self, key: QueueKey, until: Option<Instant>) -> Result<Option<Ticket>> {
        loop {
            let mut state = self.lock();
            let now = Instant::now();
            if state.is_closed {
                return Err(Error::Stopped);
            }
            if until.is_some_and(|until| until <= now) {
                return Ok(None);
            }
            let is_next = state.next().is_some_and(|(next, _)| *next == key);
            let at = match state.throttle.ready(now) {
                Ready::Now if is_next => return Ok(Some(state.throttle.acquire(now))),
                Ready::At(at) if is_next => Some(at),
                _ => None,
            };
            drop(state);
            match at.into_iter().chain(until).min() {
                Some(at) => thread::park_timeout(at.saturating_duration_since(now)),
                None => thread::park(),
            }
        }
    }
}

impl RateLimiter for Gate {
    fn acquire(&self, first: Option<Ticket>, timeout: Option<Duration>) -> Result<Option<Ticket>> {
        let until = timeout.map(|timeout| Instant::now() + timeout);
        let mut state = self.lock();
        state.arrivals += 1;
        let key = (first.map_or(u64::MAX, |first| first.number), state.arrivals);
        state.queue.insert(key, thread::current());
        drop(state);
        let admitted = self.wait(key, until);
        let mut state = self.lock();
        state.queue.remove(&key);
        state.wake_next();
        self.changed.notify_all();
        admitted
    }

    fn record(&self, ticket: Ticket, feedback: &Feedback) {
        let mut state = self.lock();
        let before = state.throttle.rate();
        let is_outage = feedback.blame == Some(Blame::World);
        let is_telling = !(state.suspects.remove(&feedback.request) && is_outage);
        let recovered = match is_telling {
            true => state.throttle.record((Instant::now(), fastrand::f64()), ticket, feedback),
            false => state.throttle.record_suspect(ticket),
        };
        let after = state.throttle.rate();
        state.recovered_after = recovered.or(state.recovered_after);
        if is_telling && (is_outage || feedback.status.is_some()) {
            state.set_aside.decide(ticket.number, !is_outage);
        }
        state.wake_next();
        self.changed.notify_all();
        drop(state);
        if let Some(rate) = after
            && before.is_none_or(|before| rate < before)
        {
            self.notes.detail(format_args!("* slowing down to {rate:.2} requests per second"));
        }
    }

    fn pause(&self, wait: Duration) -> Result<()> {
        let end = Instant::now() + wait;
        let mut state = self.lock();
        state.backing_off += 1;
        while !state.is_closed && Instant::now() < end {
            let left = end.saturating_duration_since(Instant::now());
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.backing_off -= 1;
        if state.is_closed { Err(Error::Stopped) } else { Ok(()) }
    }
}
