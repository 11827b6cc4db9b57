//! A line on the terminal on stderr that says how long gravix has been waiting for
//! a reply. There is one such terminal, so the line is a static, which everything
//! that prints on stderr can reach.

use std::io;
use std::os::fd::AsFd;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::output::status_line::{LineStart, StatusLine};
use crate::signals::{self, DeferSignals};

/// The line appears after this time, and is drawn anew as often.
const TICK: Duration = Duration::from_secs(1);

const DIM: &str = "\x1b[2m";
const RESET: &str = "\x1b[0m";

static LINE: Mutex<Line> =
    Mutex::new(Line { status: StatusLine::new(LineStart::Cursor), wait: None });

struct Line {
    status: StatusLine,
    /// `None` while there is nothing to wait for.
    wait: Option<Wait>,
}

#[derive(Debug, Clone, Copy)]
struct Wait {
    /// In the future while a retry is waited for.
    since: Instant,
    has_begun: bool,
}

/// The wait for the replies of one question. The line is gone when this is dropped.
#[derive(Debug)]
pub struct WaitLine {
    /// `None` where no line is shown.
    ticker: Option<Ticker>,
}

#[derive(Debug)]
struct Ticker {
    /// Sends when a wait begins. The thread ends when this is dropped.
    begun: Sender<()>,
    thread: JoinHandle<()>,
}

impl WaitLine {
    /// Begins to wait. `is_shown` is whether the line may be shown at all.
    pub fn begin(is_shown: bool) -> Self {
        let mut waiting = Self { ticker: is_shown.then(Ticker::start).flatten() };
        waiting.begin_again();
        waiting
    }

    /// Begins to wait for another reply.
    pub fn begin_again(&mut self) {
        if let Some(ticker) = &self.ticker {
            line().wait = Some(Wait { since: Instant::now(), has_begun: false });
            // Fails only if the thread has panicked.
            let _ = ticker.begun.send(());
        }
    }

    /// A part of the reply has come that is not printed yet.
    pub fn received(&self) {
        if self.ticker.is_some()
            && let Some(wait) = &mut line().wait
        {
            wait.has_begun = true;
        }
    }

    /// Erases the line. It is not shown again before the next reply is waited for.
    pub fn end(&self) {
        if self.ticker.is_none() {
            return;
        }
        let mut line = line();
        let was_waiting = line.wait.take().is_some();
        line.status.erase();
        drop(line);
        if was_waiting {
            signals::end_tidying();
        }
    }
}

impl Drop for WaitLine {
    fn drop(&mut self) {
        self.end();
        if let Some(Ticker { begun, thread }) = self.ticker.take() {
            drop(begun);
            // A panic has been reported already.
            let _ = thread.join();
        }
    }
}

/// Runs `write`, which writes to the terminal, while the line is erased.
pub fn erased_while<T>(write: impl FnOnce() -> T) -> T {
    let mut line = line_soon();
    line.iter_mut().for_each(|line| line.status.erase());
    write()
}

/// A request is tried again after `wait`. Until then the note about it stands for
/// the line.
pub fn retry_in(wait: Duration) {
    let mut line = line();
    line.status.erase();
    if let Some(current) = &mut line.wait {
        current.since = Instant::now() + wait;
    }
}

impl Ticker {
    /// `None` if there is no thread to be had.
    fn start() -> Option<Self> {
        let (begun, wake) = mpsc::channel();
        // So that signals which another thread defers are not delivered to this one.
        let _deferred = DeferSignals::until_drop();
        let tick = move || {
            while wake.recv_timeout(show()) != Err(RecvTimeoutError::Disconnected) {}
        };
        let thread = thread::Builder::new().spawn(tick).ok()?;
        Some(Self { begun, thread })
    }
}

/// Shows how long the wait has taken, and returns when to do so again.
fn show() -> Duration {
    let mut line = line();
    let Line { status, wait } = &mut *line;
    let Some(Wait { since, has_begun }) = *wait else {
        return TICK;
    };
    let waited = Instant::now().saturating_duration_since(since);
    if waited >= TICK && takes_text() {
        signals::begin_tidying(tidy);
        status.draw(|width| text(waited.as_secs(), has_begun, width));
    }
    let next = since + Duration::from_secs(waited.as_secs()) + TICK;
    next.saturating_duration_since(Instant::now())
}

/// As much as fits of what is waited for and for how long.
fn text(seconds: u64, has_begun: bool, width: usize) -> String {
    let time = match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    };
    let what = if has_begun { "receiving the reply" } else { "waiting for the reply" };
    let texts = [format!("{what}: {time}"), format!("waiting: {time}"), time];
    let text = texts.into_iter().find(|text| text.len() <= width);
    text.map_or_else(String::new, |text| format!("{DIM}{text}{RESET}"))
}

fn line() -> MutexGuard<'static, Line> {
    // A panic while something is written leaves a line that can be drawn.
    LINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Erases the line before `act` ends or stops the process. It is not drawn while the
/// process stops.
fn tidy(act: &dyn Fn()) {
    let mut line = line_soon();
    if let Some(line) = line.as_mut().filter(|_| takes_text()) {
        line.status.erase();
    }
    act();
}

/// The line, unless another thread writes to a terminal that takes no text, as after
/// Ctrl-S. A signal must not wait for that.
fn line_soon() -> Option<MutexGuard<'static, Line>> {
    (0..100).find_map(|_| match LINE.try_lock() {
        Ok(line) => Some(line),
        Err(TryLockError::Poisoned(error)) => Some(error.into_inner()),
        Err(TryLockError::WouldBlock) => {
            thread::sleep(Duration::from_millis(1));
            None
        }
    })
}

/// Whether a write to the terminal returns at once.
fn takes_text() -> bool {
    let stderr = io::stderr();
    let mut fds = [PollFd::new(stderr.as_fd(), PollFlags::POLLOUT)];
    poll(&mut fds, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text without its colour.
    fn shown(seconds: u64, has_begun: bool, width: usize) -> String {
        text(seconds, has_begun, width).replace(DIM, "").replace(RESET, "")
    }

    #[test]
    fn the_text_fits_the_terminal() {
        for (width, line) in [
            (26, "waiting for the reply: 3 s"),
            (25, "waiting: 3 s"),
            (11, "3 s"),
            (2, ""),
            (0, ""),
        ] {
            assert_eq!(shown(3, false, width), line);
        }
    }

    #[test]
    fn the_text_tells_a_silent_server_from_a_reply_that_is_on_its_way() {
        assert_eq!(shown(59, false, 80), "waiting for the reply: 59 s");
        assert_eq!(shown(60, true, 80), "receiving the reply: 1 min 0 s");
    }
}
