//! Ctrl-C that ends what is under way instead of the process, for a session of many
//! turns. Whoever waits asks here, because a process has only one SIGINT.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::SIGINT;
use signal_hook::flag;

use crate::error::{Error, Result};
use crate::signals;

/// How long it may take until a wait sees Ctrl-C.
const LONGEST_WAIT: Duration = Duration::from_millis(50);

/// Set by SIGINT. Without a flag, SIGINT ends the process.
static PENDING: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// From now on, SIGINT does not end the process but is pending until it is taken. If
/// it was ignored when the process started, it stays ignored.
///
/// # Errors
/// Fails if the signal handler cannot be installed.
pub fn catch() -> io::Result<()> {
    let pending = PENDING.get_or_init(Arc::default);
    let caught = signals::catch(&[SIGINT]);
    caught.into_iter().try_for_each(|signal| flag::register(signal, Arc::clone(pending)).map(drop))
}

/// Whether this is a session, in which SIGINT does not end the process.
pub fn is_caught() -> bool {
    PENDING.get().is_some()
}

pub fn is_pending() -> bool {
    PENDING.get().is_some_and(|pending| pending.load(Ordering::SeqCst))
}

/// Whether SIGINT came since it was last taken.
pub fn take() -> bool {
    PENDING.get().is_some_and(|pending| pending.swap(false, Ordering::SeqCst))
}

/// # Errors
/// [`Error::Interrupted`] if SIGINT is pending.
pub fn check() -> Result<()> {
    if is_pending() { Err(Error::Interrupted(SIGINT)) } else { Ok(()) }
}

/// How long to wait at once of `time`, so that Ctrl-C is seen soon.
pub fn slice(time: Duration) -> Duration {
    if is_caught() { time.min(LONGEST_WAIT) } else { time }
}

/// Sleeps for `time`, or until SIGINT is pending.
///
/// # Errors
/// [`Error::Interrupted`] if SIGINT is pending.
pub fn sleep(time: Duration) -> Result<()> {
    let began = Instant::now();
    loop {
        check()?;
        let left = time.saturating_sub(began.elapsed());
        if left.is_zero() {
            return Ok(());
        }
        thread::sleep(slice(left));
    }
}
