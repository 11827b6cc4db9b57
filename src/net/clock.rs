//! How long an exchange may take, and how long it has taken: the one place
//! where time runs out.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ureq::Timeout;
use ureq::unversioned::transport::NextTimeout;

use crate::error::NetworkError;
use crate::net::endpoint::Timeouts;

/// How long a server may take to say that a whole reply is over: 2 s.
const CLOSING_PATIENCE: Duration = Duration::from_secs(2);

/// Shared by a client and its sockets.
#[derive(Debug)]
pub struct Clock {
    timeouts: Timeouts,
    /// The deadline is that of each request, and not that of the client.
    is_renewed: bool,
    announces: AtomicBool,
    state: Mutex<ClockState>,
}

#[derive(Debug, Clone, Copy)]
struct ClockState {
    deadline: Option<Instant>,
    /// Until when the connection must stand; `None` once it does.
    connect_by: Option<Instant>,
    /// How long the server has been waited for since it last sent something
    /// that counts. What gravix itself takes is not held against the server.
    waited: Duration,
    /// How long the server may be waited for.
    patience: Duration,
    /// The answer has begun: its status line is here.
    is_answered: bool,
    /// The connection was made for this try, and not kept from one before.
    is_fresh: bool,
}

impl ClockState {
    fn new(timeouts: Timeouts, deadline: Option<Instant>) -> Self {
        Self {
            deadline,
            connect_by: None,
            waited: Duration::ZERO,
            patience: timeouts.idle,
            is_answered: false,
            is_fresh: false,
        }
    }
}

impl Clock {
    /// Starts the deadline.
    pub fn start(timeouts: Timeouts) -> Self {
        let state = Mutex::new(ClockState::new(timeouts, end(timeouts)));
        Self { timeouts, is_renewed: false, announces: AtomicBool::new(false), state }
    }

    /// A clock whose deadline is that of each request.
    pub fn renewed(timeouts: Timeouts) -> Self {
        Self { is_renewed: true, ..Self::start(timeouts) }
    }

    /// A request begins, which starts its deadline where it has its own.
    pub fn begin(&self) {
        if self.is_renewed {
            self.update(|state| state.deadline = end(self.timeouts));
        }
    }

    /// A connection is being made. What held for one before is over.
    pub fn connecting(&self) {
        let connect_by = Some(Instant::now() + self.timeouts.connect);
        self.announces.store(false, Ordering::Relaxed);
        self.update(|state| {
            *state = ClockState { connect_by, ..ClockState::new(self.timeouts, state.deadline) };
        });
    }

    /// A connection is made for this try.
    pub fn fresh(&self) {
        self.update(|state| state.is_fresh = true);
    }

    /// Something is sent. Where no connection was made, one is used that was
    /// kept.
    pub fn sending(&self) {
        self.update(|state| {
            if !state.is_fresh {
                state.connect_by = None;
            }
        });
    }

    pub fn is_fresh(&self) -> bool {
        self.update(|state| state.is_fresh)
    }

    /// The connection stands.
    pub fn connected(&self) {
        self.update(|state| {
            (state.connect_by, state.waited) = (None, Duration::ZERO);
            // What a proxy answered to CONNECT is not the answer.
            state.is_answered = false;
        });
    }

    /// The server sent something that counts.
    pub fn alive(&self) {
        self.update(|state| state.waited = Duration::ZERO);
    }

    /// The server's status line has come.
    pub fn answered(&self) {
        self.update(|state| state.is_answered = true);
    }

    pub fn is_answered(&self) -> bool {
        self.update(|state| state.is_answered)
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
        let deadline = self.update(|state| state.deadline)?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }

    /// The error that a limit stands for.
    pub fn expired(&self, reason: Timeout) -> NetworkError {
        match reason {
            Timeout::Connect | Timeout::Resolve => {
                NetworkError::ConnectTimeout(self.timeouts.connect)
            }
            Timeout::Global => {
                NetworkError::Deadline(self.timeouts.deadline.unwrap_or(Duration::ZERO))
            }
            _ => NetworkError::Silence(self.timeouts.idle),
        }
    }

    /// Until the next connection sockets report `WouldBlock` once before each wait.
    pub fn announce_waits(&self) {
        self.announces.store(true, Ordering::Relaxed);
    }

    pub fn announces_waits(&self) -> bool {
        self.announces.load(Ordering::Relaxed)
    }

    fn update<T>(&self, change: impl FnOnce(&mut ClockState) -> T) -> T {
        // Nothing that holds the lock can panic.
        change(&mut self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

fn end(timeouts: Timeouts) -> Option<Instant> {
    timeouts.deadline.map(|deadline| Instant::now() + deadline)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUTS: Timeouts = Timeouts {
        connect: Duration::from_secs(1000),
        idle: Duration::from_secs(100),
        deadline: None,
    };

    fn idle_left(clock: &Clock) -> Duration {
        let timeout = clock.next_timeout();
        assert_eq!(timeout.reason, Timeout::PerRead);
        *timeout.after
    }

    #[test]
    fn waiting_uses_patience_up_and_a_sign_of_life_restores_it() {
        let clock = Clock::start(TIMEOUTS);
        clock.connecting();
        assert_eq!(clock.next_timeout().reason, Timeout::Connect);
        clock.waited(Duration::from_secs(40));
        clock.connected();
        assert_eq!(idle_left(&clock), Duration::from_secs(100));
        clock.waited(Duration::from_secs(40));
        clock.waited(Duration::from_secs(40));
        assert_eq!(idle_left(&clock), Duration::from_secs(20));
        clock.alive();
        assert_eq!(idle_left(&clock), Duration::from_secs(100));
        clock.waited(Duration::from_secs(140));
        assert_eq!(idle_left(&clock), Duration::ZERO);
    }

    #[test]
    fn a_whole_reply_is_not_waited_for_long() {
        let clock = Clock::start(TIMEOUTS);
        clock.closing();
        assert_eq!(idle_left(&clock), CLOSING_PATIENCE);
    }

    #[test]
    fn a_shorter_deadline_goes_first() {
        let deadline = Some(Duration::from_secs(10));
        let clock = Clock::start(Timeouts { deadline, ..TIMEOUTS });
        let timeout = clock.next_timeout();
        assert_eq!(timeout.reason, Timeout::Global);
        assert!(*timeout.after <= Duration::from_secs(10));
        clock.waited(Duration::from_secs(95));
        assert_eq!(clock.next_timeout().reason, Timeout::PerRead);
    }
}
