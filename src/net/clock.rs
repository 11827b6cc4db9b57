//! The time limits of a request: connect timeout, idle timeout and deadline,
//! and how much of each is left.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ureq::Timeout;
use ureq::unversioned::transport::NextTimeout;

use crate::error::NetworkError;
use crate::net::endpoint::Timeouts;

/// How long to wait for the end of the response once the reply is complete.
const CLOSING_LIMIT: Duration = Duration::from_secs(2);

/// Shared by a client and its sockets, which report to it what happens.
#[derive(Debug)]
pub struct Clock {
    timeouts: Timeouts,
    /// The deadline starts anew with each request of the client.
    is_per_request: bool,
    announces_waits: AtomicBool,
    state: Mutex<ClockState>,
}

#[derive(Debug, Clone, Copy)]
struct ClockState {
    deadline: Option<Instant>,
    /// When the connection must be ready; `None` once it is.
    connect_by: Option<Instant>,
    /// The time spent waiting for the server since it last made progress. The
    /// time that gravix itself takes does not count.
    idle: Duration,
    /// How long `idle` may become.
    idle_limit: Duration,
    has_status_line: bool,
    /// The connection was made for this try, not reused.
    is_new_connection: bool,
}

impl ClockState {
    fn new(timeouts: Timeouts, deadline: Option<Instant>) -> Self {
        Self {
            deadline,
            connect_by: None,
            idle: Duration::ZERO,
            idle_limit: timeouts.idle,
            has_status_line: false,
            is_new_connection: false,
        }
    }
}

impl Clock {
    /// A clock whose deadline starts now.
    pub fn start(timeouts: Timeouts) -> Self {
        let state = Mutex::new(ClockState::new(timeouts, deadline_from_now(timeouts)));
        Self { timeouts, is_per_request: false, announces_waits: AtomicBool::new(false), state }
    }

    /// A clock whose deadline starts with each request.
    pub fn per_request(timeouts: Timeouts) -> Self {
        Self { is_per_request: true, ..Self::start(timeouts) }
    }

    pub fn begin_request(&self) {
        if self.is_per_request {
            self.update(|state| state.deadline = deadline_from_now(self.timeouts));
        }
    }

    /// Starts the connect timeout and resets everything but the deadline.
    pub fn begin_try(&self) {
        let connect_by = Some(Instant::now() + self.timeouts.connect);
        self.announces_waits.store(false, Ordering::Relaxed);
        self.update(|state| {
            *state = ClockState { connect_by, ..ClockState::new(self.timeouts, state.deadline) };
        });
    }

    /// A new connection is being made: none was reused.
    pub fn connecting(&self) {
        self.update(|state| state.is_new_connection = true);
    }

    /// The connection is ready for the request.
    pub fn connected(&self) {
        self.update(|state| {
            (state.connect_by, state.idle) = (None, Duration::ZERO);
            // A proxy's response to CONNECT also has a status line.
            state.has_status_line = false;
        });
    }

    /// Bytes are about to be sent. On a reused connection this is the first
    /// event, so it ends the connect timeout.
    pub fn sending(&self) {
        self.update(|state| {
            if !state.is_new_connection {
                state.connect_by = None;
            }
        });
    }

    pub fn is_new_connection(&self) -> bool {
        self.update(|state| state.is_new_connection)
    }

    pub fn status_line_received(&self) {
        self.update(|state| state.has_status_line = true);
    }

    pub fn has_status_line(&self) -> bool {
        self.update(|state| state.has_status_line)
    }

    /// Time was spent waiting for the server.
    pub fn waited(&self, time: Duration) {
        self.update(|state| state.idle += time);
    }

    /// The server made progress: it took or sent bytes that count.
    pub fn reset_idle(&self) {
        self.update(|state| state.idle = Duration::ZERO);
    }

    /// The reply is complete, so the rest of the response is not worth a long
    /// wait.
    pub fn reply_complete(&self) {
        self.update(|state| state.idle_limit = state.idle_limit.min(CLOSING_LIMIT));
    }

    /// How long the next wait may take, and which limit ends it.
    pub fn next_timeout(&self) -> NextTimeout {
        let state = self.update(|state| *state);
        let (mut after, mut reason) = match state.connect_by {
            Some(by) => (by.saturating_duration_since(Instant::now()), Timeout::Connect),
            None => (state.idle_limit.saturating_sub(state.idle), Timeout::PerRead),
        };
        if let Some(left) = self.time_left().filter(|left| *left < after) {
            (after, reason) = (left, Timeout::Global);
        }
        NextTimeout { after: after.into(), reason, ..NextTimeout::default() }
    }

    /// The time until the deadline; `None` without a deadline.
    pub fn time_left(&self) -> Option<Duration> {
        let deadline = self.update(|state| state.deadline)?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }

    /// The error for a limit that has passed.
    pub fn timeout_error(&self, reason: Timeout) -> NetworkError {
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

    /// From now until the next try, sockets return `WouldBlock` once before
    /// each wait, so that the caller can flush its output.
    pub fn announce_waits(&self) {
        self.announces_waits.store(true, Ordering::Relaxed);
    }

    pub fn announces_waits(&self) -> bool {
        self.announces_waits.load(Ordering::Relaxed)
    }

    fn update<T>(&self, change: impl FnOnce(&mut ClockState) -> T) -> T {
        // No code that holds the lock can panic, so the state is never broken.
        change(&mut self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

fn deadline_from_now(timeouts: Timeouts) -> Option<Instant> {
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
    fn waits_add_up_until_the_server_makes_progress() {
        let clock = Clock::start(TIMEOUTS);
        clock.begin_try();
        assert_eq!(clock.next_timeout().reason, Timeout::Connect);
        clock.waited(Duration::from_secs(40));
        clock.connected();
        assert_eq!(idle_left(&clock), Duration::from_secs(100));
        clock.waited(Duration::from_secs(40));
        clock.waited(Duration::from_secs(40));
        assert_eq!(idle_left(&clock), Duration::from_secs(20));
        clock.reset_idle();
        assert_eq!(idle_left(&clock), Duration::from_secs(100));
        clock.waited(Duration::from_secs(140));
        assert_eq!(idle_left(&clock), Duration::ZERO);
    }

    #[test]
    fn the_wait_after_a_complete_reply_is_short() {
        let clock = Clock::start(TIMEOUTS);
        clock.reply_complete();
        assert_eq!(idle_left(&clock), CLOSING_LIMIT);
    }

    #[test]
    fn the_deadline_counts_if_it_is_nearer_than_the_idle_timeout() {
        let deadline = Some(Duration::from_secs(10));
        let clock = Clock::start(Timeouts { deadline, ..TIMEOUTS });
        let timeout = clock.next_timeout();
        assert_eq!(timeout.reason, Timeout::Global);
        assert!(*timeout.after <= Duration::from_secs(10));
        clock.waited(Duration::from_secs(95));
        assert_eq!(clock.next_timeout().reason, Timeout::PerRead);
    }
}
