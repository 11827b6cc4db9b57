//! How long an exchange may take, and how long it has taken: the one place
//! where time runs out.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ureq::Timeout;
use ureq::unversioned::transport::NextTimeout;

use crate::error::NetworkError;
use crate::settings::Limits;

/// How long a server may take to say that a whole reply is over: 2 s.
const CLOSING_PATIENCE: Duration = Duration::from_secs(2);

/// Shared by a client and its sockets.
#[derive(Debug)]
pub struct Clock {
    limits: Limits,
    deadline: Option<Instant>,
    announces: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy)]
struct State {
    /// Until when the connection must stand; `None` once it does.
    connect_by: Option<Instant>,
    /// How long the server has been waited for since it last sent something
    /// that counts. What gravix itself takes is not held against the server.
    waited: Duration,
    /// How long the server may be waited for.
    patience: Duration,
}

impl Clock {
    /// Starts the deadline.
    pub fn start(limits: Limits) -> Self {
        Self {
            limits,
            deadline: limits.deadline.map(|deadline| Instant::now() + deadline),
            announces: AtomicBool::new(false),
            state: Mutex::new(State {
                connect_by: None,
                waited: Duration::ZERO,
                patience: limits.idle,
            }),
        }
    }

    /// A connection is being made.
    pub fn connecting(&self) {
        let connect_by = Some(Instant::now() + self.limits.connect);
        self.update(|state| (state.connect_by, state.waited) = (connect_by, Duration::ZERO));
    }

    /// The connection stands.
    pub fn connected(&self) {
        self.update(|state| (state.connect_by, state.waited) = (None, Duration::ZERO));
    }

    /// The server sent something that counts.
    pub fn alive(&self) {
        self.update(|state| state.waited = Duration::ZERO);
    }

    /// The reply is whole, whatever else may come: that is not waited for long.
    pub fn closing(&self) {
        self.update(|state| state.patience = state.patience.min(CLOSING_PATIENCE));
    }

    /// The server was waited for.
    pub fn waited(&self, time: Duration) {
        self.update(|state| state.waited += time);
    }

    /// How long the next wait may be, and which limit ends it.
    pub fn next_timeout(&self) -> NextTimeout {
        let state = self.update(|state| *state);
        let (mut after, mut reason) = match state.connect_by {
            Some(by) => (by.saturating_duration_since(Instant::now()), Timeout::Connect),
            None => (state.patience.saturating_sub(state.waited), Timeout::PerRead),
        };
        if let Some(left) = self.left().filter(|left| *left < after) {
            (after, reason) = (left, Timeout::Global);
        }
        NextTimeout { after: after.into(), reason, ..NextTimeout::default() }
    }

    /// What is left until the deadline, if there is one.
    pub fn left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// The error that a limit stands for.
    pub fn expired(&self, reason: Timeout) -> NetworkError {
        match reason {
            Timeout::Connect | Timeout::Resolve => {
                NetworkError::ConnectTimeout(self.limits.connect)
            }
            Timeout::Global => {
                NetworkError::Deadline(self.limits.deadline.unwrap_or(Duration::ZERO))
            }
            _ => NetworkError::Silence(self.limits.idle),
        }
    }

    /// From now on sockets report `WouldBlock` once before each wait.
    pub fn announce_waits(&self) {
        self.announces.store(true, Ordering::Relaxed);
    }

    pub fn announces_waits(&self) -> bool {
        self.announces.load(Ordering::Relaxed)
    }

    fn update<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        // Nothing that holds the lock can panic.
        change(&mut self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}
