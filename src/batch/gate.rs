//! Where workers wait until they may send: a throttle that threads share.

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
}

impl Gate {
    /// `rate` is in requests a second; without one it is found.
    pub fn new(rate: Option<f64>, notes: &Notes) -> Self {
        let throttle = Throttle::new(rate, Instant::now());
        let state = Mutex::new(State { throttle, is_closed: false });
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
        loop {
            if state.is_closed {
                return Err(Error::Stopped);
            }
            let now = Instant::now();
            state = match state.throttle.ready(now) {
                Ready::Now => return Ok(state.throttle.send(now)),
                Ready::At(at) => self.wait_until(state, at),
                Ready::Later => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
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

    fn pause(&self, wait: Duration) -> Result<()> {
        let end = Instant::now() + wait;
        let mut state = self.lock();
        while !state.is_closed && Instant::now() < end {
            state = self.wait_until(state, end);
        }
        if state.is_closed { Err(Error::Stopped) } else { Ok(()) }
    }
}
