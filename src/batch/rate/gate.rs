//! Where workers wait until they may send: a throttle that threads share.

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
    /// The gate was closed.
    closed: Condvar,
    notes: Notes,
}

struct GateState {
    throttle: Throttle,
    is_closed: bool,
    /// Who waits to send: those that were sent before first, in the order of
    /// their first time, and then first come, first served.
    queue: BTreeMap<QueueKey, Thread>,
    came: u64,
    /// How many wait to be tried again.
    pausing: usize,
}

/// The number of a request's first ticket, and of its coming.
type QueueKey = (u64, u64);

impl GateState {
    /// Wakes who is next; the others have nothing to do.
    fn wake_next(&self) {
        if let Some((_, next)) = self.queue.first_key_value() {
            next.unpark();
        }
    }
}

impl Gate {
    /// `rate` is in requests a second; without one it is found.
    pub fn new(rate: Option<f64>, notes: &Notes) -> Self {
        let state = GateState {
            throttle: Throttle::new(rate, Instant::now()),
            is_closed: false,
            queue: BTreeMap::new(),
            came: 0,
            pausing: 0,
        };
        Self { state: Mutex::new(state), closed: Condvar::new(), notes: notes.clone() }
    }

    /// Nothing more is to be sent.
    pub fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        state.queue.values().for_each(Thread::unpark);
        self.closed.notify_all();
    }

    pub fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// How many requests wait here, and are not at the server.
    pub fn waiting(&self) -> usize {
        let state = self.lock();
        state.queue.len() + state.pausing
    }

    fn lock(&self) -> MutexGuard<'_, GateState> {
        // A throttle is whole between any two of its steps.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits in the queue until this place may send.
    fn wait(&self, place: QueueKey, until: Option<Instant>) -> Result<Option<Ticket>> {
        loop {
            let mut state = self.lock();
            let now = Instant::now();
            if state.is_closed {
                return Err(Error::Stopped);
            }
            if until.is_some_and(|until| until <= now) {
                return Ok(None);
            }
            let is_next = state.queue.first_key_value().is_some_and(|(next, _)| *next == place);
            let at = match state.throttle.ready(now) {
                Ready::Now if is_next => return Ok(Some(state.throttle.send(now))),
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
        state.came += 1;
        let place = (first.map_or(u64::MAX, |first| first.number), state.came);
        state.queue.insert(place, thread::current());
        drop(state);
        let admitted = self.wait(place, until);
        let mut state = self.lock();
        state.queue.remove(&place);
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
            self.notes.detail(format_args!("* slowing down to {rate:.2} requests a second"));
        }
        is_rate_limited
    }

    fn pause(&self, wait: Duration) -> Result<()> {
        let end = Instant::now() + wait;
        let mut state = self.lock();
        state.pausing += 1;
        while !state.is_closed && Instant::now() < end {
            let left = end.saturating_duration_since(Instant::now());
            let waited = self.closed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.pausing -= 1;
        if state.is_closed { Err(Error::Stopped) } else { Ok(()) }
    }
}
