//! The time limits of a request: connect timeout, idle timeout and deadline,
//! and how much of each is left.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ureq::Timeout;
use ureq::unversioned::transport::NextTimeout;

use crate::error::{Error, NetworkError};
use crate::interrupt;
use crate::net::endpoint::Timeouts;
use crate::time_limit::TimeLimit;

/// How long to wait for the end of the response once the reply is complete.
const CLOSING_LIMIT: Duration = Duration::from_secs(2);

/// How long a last look takes at whether something came while the process was
/// stopped. A socket has no timeout of zero.
const LAST_LOOK: Duration = Duration::from_millis(1);

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
    /// Until the connection is ready; `None` once it is.
    connect: Option<TimeLimit>,
    /// Since the server last made progress. In both limits, only the time spent
    /// waiting for the server counts.
    idle: TimeLimit,
    has_status_line: bool,
    /// The connection was made for this try, not reused.
    is_new_connection: bool,
}

impl ClockState {
    fn new(timeouts: Timeouts, deadline: Option<Instant>) -> Self {
        Self {
            deadline,
            connect: None,
            idle: TimeLimit::new(timeouts.idle),
            has_status_line: false,
            is_new_connection: false,
        }
    }

    /// The limit that waits for the server count against.
    fn limit(&mut self) -> &mut TimeLimit {
        self.connect.as_mut().unwrap_or(&mut self.idle)
    }

    /// How long all further waits may take, and which limit ends them.
    fn time_left(&self) -> (Duration, Timeout) {
        let (after, reason) = match self.connect {
            Some(connect) => (connect.left(), Timeout::Connect),
            None => (self.idle.left(), Timeout::PerRead),
        };
        match self.deadline.map(time_until) {
            Some(left) if left < after => (left, Timeout::Global),
            _ => (after, reason),
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

    /// A request is about to be sent, on which `time_spent` was spent before.
    pub fn begin_request(&self, time_spent: Duration) {
        if self.is_per_request {
            let deadline = self.timeouts.deadline.map(|limit| limit.saturating_sub(time_spent));
            let deadline = deadline.map(|left| Instant::now() + left);
            self.update(|state| state.deadline = deadline);
        }
    }

    /// Starts the connect timeout and resets everything but the deadline.
    pub fn begin_try(&self) {
        let connect = Some(TimeLimit::new(self.timeouts.connect));
        self.announces_waits.store(false, Ordering::Relaxed);
        self.update(|state| {
            *state = ClockState { connect, ..ClockState::new(self.timeouts, state.deadline) };
        });
    }

    /// A new connection is being made: none was reused.
    pub fn connecting(&self) {
        self.update(|state| state.is_new_connection = true);
    }

    /// The connection is ready for the request.
    pub fn connected(&self) {
        self.update(|state| {
            state.connect = None;
            state.idle.reset();
            // A proxy's response to CONNECT also has a status line.
            state.has_status_line = false;
        });
    }

    /// Bytes are about to be sent. On a reused connection this is the first
    /// event, so it ends the connect timeout.
    pub fn sending(&self) {
        self.update(|state| {
            if !state.is_new_connection {
                state.connect = None;
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

    /// Calls `wait` with one short time after another until it returns something
    /// or a limit passes, and returns which limit that was. A process that was
    /// stopped looks at what came meanwhile before it calls the server silent. The
    /// deadline is the user's, and leaves no last look; nor does Ctrl-C, which ends
    /// the wait as a deadline does.
    pub fn wait<T>(&self, mut wait: impl FnMut(Duration) -> Option<T>) -> Result<T, Timeout> {
        let mut has_waited = false;
        loop {
            if interrupt::is_pending() {
                return Err(Timeout::Global);
            }
            let mut state = self.update(|state| *state);
            let (after, reason) = state.time_left();
            let is_over = after.is_zero();
            if is_over && (reason == Timeout::Global || !has_waited) {
                return Err(reason);
            }
            let slice = interrupt::slice(state.limit().slice()).min(after).max(LAST_LOOK);
            let began = Instant::now();
            let outcome = wait(slice);
            self.waited(slice, began.elapsed());
            match outcome {
                Some(outcome) => return Ok(outcome),
                None if is_over => return Err(reason),
                None => has_waited = true,
            }
        }
    }

    /// A wait for the server that was to last for `slice` took `time`.
    pub fn waited(&self, slice: Duration, time: Duration) {
        self.update(|state| state.limit().add(slice, time));
    }

    /// The server made progress: it took or sent bytes that count.
    pub fn reset_idle(&self) {
        self.update(|state| state.idle.reset());
    }

    /// The reply is complete, so the rest of the response is not worth a long
    /// wait.
    pub fn reply_complete(&self) {
        self.update(|state| state.idle.shorten(CLOSING_LIMIT));
    }

    /// How long all further waits may take, and which limit ends them.
    pub fn next_timeout(&self) -> NextTimeout {
        let (after, reason) = self.update(|state| state.time_left());
        NextTimeout { after: after.into(), reason, ..NextTimeout::default() }
    }

    /// The time until the deadline; `None` without a deadline.
    pub fn time_left(&self) -> Option<Duration> {
        self.update(|state| state.deadline).map(time_until)
    }

    /// The error for a limit that has passed, or for Ctrl-C.
    pub fn timeout_error(&self, reason: Timeout) -> Error {
        if let Err(interrupted) = interrupt::check() {
            return interrupted;
        }
        let error = match reason {
            Timeout::Connect | Timeout::Resolve => {
                NetworkError::ConnectTimeout(self.timeouts.connect)
            }
            Timeout::Global => {
                NetworkError::Deadline(self.timeouts.deadline.unwrap_or(Duration::ZERO))
            }
            _ => NetworkError::Silence(self.timeouts.idle),
        };
        error.into()
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

fn time_until(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

fn deadline_from_now(timeouts: Timeouts) -> Option<Instant> {
    timeouts.deadline.map(|deadline| Instant::now() + deadline)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    const TIMEOUTS: Timeouts = Timeouts {
        connect: Duration::from_secs(1000),
        idle: Duration::from_secs(100),
        deadline: None,
    };

    /// A wait that took `seconds`, as it was to last.
    fn wait(clock: &Clock, seconds: u64) {
        let time = Duration::from_secs(seconds);
        clock.waited(time, time);
    }

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
        wait(&clock, 40);
        clock.connected();
        assert_eq!(idle_left(&clock), Duration::from_secs(100));
        wait(&clock, 40);
        wait(&clock, 40);
        assert_eq!(idle_left(&clock), Duration::from_secs(20));
        clock.reset_idle();
        assert_eq!(idle_left(&clock), Duration::from_secs(100));
        wait(&clock, 140);
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
        wait(&clock, 95);
        assert_eq!(clock.next_timeout().reason, Timeout::PerRead);
    }
    #[test]
    fn a_stop_counts_neither_as_silence_nor_as_time_to_connect() {
        let day = Duration::from_secs(86_400);
        let clock = Clock::start(TIMEOUTS);
        clock.waited(Duration::from_secs(1), day);
        assert_eq!(idle_left(&clock), Duration::from_secs(98));
        clock.begin_try();
        clock.waited(Duration::from_secs(10), day);
        let timeout = clock.next_timeout();
        assert_eq!((*timeout.after, timeout.reason), (Duration::from_secs(980), Timeout::Connect));
    }

    #[test]
    fn the_last_wait_looks_at_what_came_while_the_process_was_stopped() {
        let idle = Duration::from_millis(10);
        let clock = Clock::start(Timeouts { idle, ..TIMEOUTS });
        let mut waits = 0;
        let outcome = clock.wait(|slice| {
            waits += 1;
            thread::sleep(slice);
            (waits == 2).then_some("came meanwhile")
        });
        assert_eq!((outcome, waits), (Ok("came meanwhile"), 2));
        // Bytes that are no progress end no silence.
        assert_eq!(clock.wait(|_| Some(())), Err(Timeout::PerRead));
    }

    #[test]
    fn nothing_is_read_after_the_deadline() {
        let deadline = Duration::from_millis(10);
        let clock = Clock::start(Timeouts { deadline: Some(deadline), ..TIMEOUTS });
        let mut waits = 0;
        let outcome = clock.wait(|_| {
            waits += 1;
            thread::sleep(2 * deadline);
            None::<()>
        });
        assert_eq!(outcome, Err(Timeout::Global));
        assert!(waits <= 1, "there is no last look");
    }
}
