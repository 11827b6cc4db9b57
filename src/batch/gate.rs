//! Where workers wait until they may send: a throttle that threads share.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::throttle::{Ready, Throttle};
use crate::api::pace::{Pace, Signal, Ticket};
use crate::error::{Error, Result};
use crate::notes::Notes;

pub struct Gate {
    state: Mutex<State>,
    /// The throttle heard something, or the gate was closed.
    changed: Condvar,
    notes: Notes,
}

struct State {
    throttle: Throttle,
    is_closed: bool,
    /// Who waits, by the order of coming: first come, first served, so that
    /// one request is not refused again and again while others wait.
    waiting: BTreeSet<u64>,
    came: u64,
}

impl Gate {
    /// `rate` is in requests a second; without one it is found.
    pub fn new(rate: Option<f64>, notes: &Notes) -> Self {
        let throttle = Throttle::new(rate, Instant::now());
        let waiting = BTreeSet::new();
        let state = Mutex::new(State { throttle, is_closed: false, waiting, came: 0 });
        Self { state, changed: Condvar::new(), notes: notes.clone() }
    }

    /// Nothing more is to be sent.
    pub fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    pub fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A throttle is whole between any two of its steps.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `at`, or until something changes.
    fn wait_until<'a>(&self, state: MutexGuard<'a, State>, at: Instant) -> MutexGuard<'a, State> {
        let left = at.saturating_duration_since(Instant::now());
        let waited = self.changed.wait_timeout(state, left);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Pace for Gate {
    fn admit(&self) -> Result<Ticket> {
        let mut state = self.lock();
        state.came += 1;
        let turn = state.came;
        state.waiting.insert(turn);
        let admitted = loop {
            if state.is_closed {
                break Err(Error::Stopped);
            }
            let now = Instant::now();
            let is_next = state.waiting.first() == Some(&turn);
            state = match state.throttle.ready(now) {
                Ready::Now if is_next => break Ok(state.throttle.send(now)),
                Ready::At(at) if is_next => self.wait_until(state, at),
                _ => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        };
        state.waiting.remove(&turn);
        let is_awaited = !state.waiting.is_empty();
        drop(state);
        if is_awaited {
            self.changed.notify_all();
        }
        admitted
    }

    fn hear(&self, ticket: Ticket, signal: &Signal) {
        let mut state = self.lock();
        let before = state.throttle.rate();
        state.throttle.hear(Instant::now(), ticket, signal);
        let after = state.throttle.rate();
        drop(state);
        self.changed.notify_all();
        if let Some(rate) = after
            && before.is_none_or(|before| rate < before)
        {
            self.notes.detail(format_args!("* slowing down to {rate:.2} requests a second"));
        }
    }

    fn pause(&self, wait: Duration, signal: &Signal) -> Result<()> {
        let end = Instant::now() + wait;
        let mut state = self.lock();
        if state.throttle.holds(signal) {
            return Ok(());
        }
        while !state.is_closed && Instant::now() < end {
            state = self.wait_until(state, end);
        }
        if state.is_closed { Err(Error::Stopped) } else { Ok(()) }
    }
}
