//! The queue in which workers wait for the throttle to admit them.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crate::batch::rate::throttle::{Ready, Throttle};
use crate::error::{Error, Result};
use crate::net::rate_limiter::{Feedback, RateLimiter, Ticket};
use crate::output::notes::Notes;

pub struct Gate {
    state: Mutex<GateState>,
    /// Wakes workers that back off when the gate is closed.
    closed: Condvar,
    notes: Notes,
}

struct GateState {
    throttle: Throttle,
    is_closed: bool,
    /// Waiting workers: retries first, oldest first; then in order of arrival.
    queue: BTreeMap<QueueKey, Thread>,
    /// How many workers have ever joined the queue.
    arrivals: u64,
    /// How many workers wait before a retry, outside the queue.
    backing_off: usize,
}

/// The number of the request's first ticket, or `u64::MAX` for a first try, and
/// then the number of its arrival.
type QueueKey = (u64, u64);

impl GateState {
    /// Wakes only the first in the queue: no other may send before it.
    fn wake_next(&self) {
        if let Some((_, next)) = self.queue.first_key_value() {
            next.unpark();
        }
    }
}

impl Gate {
    /// `rate` is in requests per second; without one, the gate searches for it.
    pub fn new(rate: Option<f64>, notes: &Notes) -> Self {
        let state = GateState {
            throttle: Throttle::new(rate, Instant::now()),
            is_closed: false,
            queue: BTreeMap::new(),
            arrivals: 0,
            backing_off: 0,
        };
        Self { state: Mutex::new(state), closed: Condvar::new(), notes: notes.clone() }
    }

    /// Stops admitting requests; workers that wait get [`Error::Stopped`]. Returns
    /// false if it was closed before.
    pub fn close(&self) -> bool {
        let mut state = self.lock();
        let was_closed = std::mem::replace(&mut state.is_closed, true);
        state.queue.values().for_each(Thread::unpark);
        self.closed.notify_all();
        !was_closed
    }

    pub fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// How many requests wait here, in the queue or before a retry.
    pub fn waiting(&self) -> usize {
        let state = self.lock();
        state.queue.len() + state.backing_off
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
            let is_next = state.queue.first_key_value().is_some_and(|(next, _)| *next == key);
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
        admitted
    }

    fn record(&self, ticket: Ticket, feedback: &Feedback) -> bool {
        let mut state = self.lock();
        let before = state.throttle.rate();
        let is_rate_limited = state.throttle.record(Instant::now(), ticket, feedback);
        let after = state.throttle.rate();
        state.wake_next();
        drop(state);
        if let Some(rate) = after
            && before.is_none_or(|before| rate < before)
        {
            self.notes.detail(format_args!("* slowing down to {rate:.2} requests per second"));
        }
        is_rate_limited
    }

    fn pause(&self, wait: Duration) -> Result<()> {
        let end = Instant::now() + wait;
        let mut state = self.lock();
        state.backing_off += 1;
        while !state.is_closed && Instant::now() < end {
            let left = end.saturating_duration_since(Instant::now());
            let waited = self.closed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.backing_off -= 1;
        if state.is_closed { Err(Error::Stopped) } else { Ok(()) }
    }
}
