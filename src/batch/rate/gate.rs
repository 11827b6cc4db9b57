//! The queue in which workers wait until they may send a request, and the rows that
//! were set aside meanwhile.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crate::batch::rate::gate_state::{Aside, GateOptions, GateState, QueueKey};
use crate::batch::rate::throttle::Ready;
use crate::batch::row::Row;
use crate::batch::set_aside::Taken;
use crate::chat::tokens::TokenCount;
use crate::error::{Error, Result};
use crate::net::rate_limiter::{Feedback, RateLimiter, Ticket};
use crate::output::notes::Notes;

pub struct Gate {
    state: Mutex<GateState>,
    /// Wakes workers that back off, or wait for a row that was set aside.
    changed: Condvar,
    notes: Notes,
}

impl Gate {
    pub fn new(options: GateOptions, notes: &Notes) -> Self {
        let state = Mutex::new(GateState::new(options));
        Self { state, changed: Condvar::new(), notes: notes.clone() }
    }

    /// Stops admitting requests; workers that wait get [`Error::Stopped`]. Returns
    /// false if it was closed before.
    pub fn close(&self) -> bool {
        let mut state = self.lock();
        let was_closed = std::mem::replace(&mut state.is_closed, true);
        state.queue.values().for_each(Thread::unpark);
        self.notify(&state);
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
        state.end_row(was_again);
        self.notify(&state);
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
    pub fn set_aside(&self, row: Box<Row>, error: Error) -> Aside {
        let id = &row.request.id;
        self.notes.detail(format_args!("* request {id}: {error}; it will be tried again"));
        self.lock().set_aside(row, error)
    }

    /// A row that was set aside and need not wait any longer, while others can be read.
    pub fn take_set_aside(&self) -> Option<Taken> {
        self.lock().take_beside_others()
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
            let wait = state.set_aside.shortest_wait(Instant::now());
            state = self.wait_for_change(state, wait);
        }
    }

    /// All rows that are set aside, and their last errors: the run is over.
    pub fn drain_set_aside(&self) -> Vec<(Box<Row>, Error)> {
        self.lock().set_aside.drain().collect()
    }

    /// Waits until something changes, or for this time.
    fn wait_for_change<'a>(
        &self,
        mut state: MutexGuard<'a, GateState>,
        wait: Option<Duration>,
    ) -> MutexGuard<'a, GateState> {
        state.waiters += 1;
        let mut state = match wait {
            None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(wait) => {
                let waited = self.changed.wait_timeout(state, wait);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        state.waiters -= 1;
        state
    }

    /// Wakes those that wait for a change, which takes a system call.
    fn notify(&self, state: &GateState) {
        if state.waiters > 0 {
            self.changed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, GateState> {
        // A panic cannot leave the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the worker with this key is first in the queue and the
    /// throttle admits it.
    fn wait(
        &self,
        key: QueueKey,
        prompt_tokens: u64,
        until: Option<Instant>,
    ) -> Result<Option<Ticket>> {
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
            let at = match state.throttle.ready(now, prompt_tokens) {
                Ready::Now if is_next => {
                    return Ok(Some(state.throttle.acquire(now, prompt_tokens)));
                }
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
    fn acquire(
        &self,
        first: Option<Ticket>,
        prompt_tokens: u64,
        timeout: Option<Duration>,
    ) -> Result<Option<Ticket>> {
        let until = timeout.map(|timeout| Instant::now() + timeout);
        let mut state = self.lock();
        state.arrivals += 1;
        let key = (first.map_or(u64::MAX, |first| first.number), state.arrivals);
        state.queue.insert(key, thread::current());
        drop(state);
        let admitted = self.wait(key, prompt_tokens, until);
        let mut state = self.lock();
        state.queue.remove(&key);
        state.wake_next();
        self.notify(&state);
        admitted
    }

    fn record(&self, ticket: Ticket, feedback: &Feedback) {
        let mut state = self.lock();
        let before = state.throttle.rate();
        state.record(ticket, feedback);
        let after = state.throttle.rate();
        state.wake_next();
        self.notify(&state);
        drop(state);
        if let Some(rate) = after
            && before.is_none_or(|before| rate < before)
        {
            self.notes.detail(format_args!("* slowing down to {rate:.2} requests per second"));
        }
    }

    fn settle(&self, ticket: Ticket, used: Option<TokenCount>) {
        let mut state = self.lock();
        state.throttle.settle(Instant::now(), ticket, used);
        state.wake_next();
    }

    fn pause(&self, wait: Duration) -> Result<()> {
        let end = Instant::now() + wait;
        let mut state = self.lock();
        state.backing_off += 1;
        while !state.is_closed && Instant::now() < end {
            let left = end.saturating_duration_since(Instant::now());
            state = self.wait_for_change(state, Some(left));
        }
        state.backing_off -= 1;
        if state.is_closed { Err(Error::Stopped) } else { Ok(()) }
    }
}
