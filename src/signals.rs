//! Unix signals: dying by one, catching the first one, and deferring them while
//! files are being changed.

use std::fs;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::{process, thread};

use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::low_level::{emulate_default_handler, pipe};

/// Ends the process by the default action of `signal`, so that its parent sees
/// the signal. This includes SIGPIPE, which Rust programs ignore from the
/// start. Returns if the process is PID 1.
pub fn die_by(signal: i32) {
    // The kernel never kills PID 1, the first process of a container, this way.
    if process::id() == 1 {
        return;
    }
    // Fails only for invalid signal numbers.
    let _ = emulate_default_handler(signal);
}

/// From now on, the first SIGINT or SIGTERM calls `callback` with its number,
/// in a separate thread, and does not end the process; the second one does.
/// Signals that were ignored when the process started stay ignored.
///
/// # Errors
/// Fails if no socket pair, signal handler or thread can be created.
pub fn on_first_signal(callback: impl Fn(i32) + Clone + Send + 'static) -> io::Result<()> {
    let has_arrived = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM].into_iter().filter(|signal| !is_ignored(*signal)) {
        let (mut receiver, sender) = UnixStream::pair()?;
        // In this order, so that the flag is checked before it is set.
        flag::register_conditional_default(signal, Arc::clone(&has_arrived))?;
        flag::register(signal, Arc::clone(&has_arrived))?;
        pipe::register(signal, sender)?;
        let callback = callback.clone();
        thread::Builder::new().spawn(move || {
            if receiver.read_exact(&mut [0]).is_ok() {
                callback(signal);
            }
        })?;
    }
    Ok(())
}

/// Whether `signal` is ignored, from `SigIgn` in /proc/self/status (proc(5));
/// false on systems that have no /proc.
fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// Blocks SIGXFSZ, so that a write beyond `ulimit -f` returns EFBIG and does
/// not kill the process in the middle of a file.
pub fn survive_file_size_limit() {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGXFSZ);
    // Fails only for invalid values of `how`.
    let _ = signals.thread_block();
}

/// Defers SIGINT, SIGTERM, SIGHUP and SIGQUIT in this thread, and in threads
/// that it starts meanwhile, until the value is dropped.
#[must_use]
pub struct DeferSignals {
    /// The signal mask to restore; `None` if it could not be changed.
    previous: Option<SigSet>,
}

impl DeferSignals {
    pub fn until_drop() -> Self {
        let signals: SigSet = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT]
            .into_iter()
            .collect();
        Self { previous: signals.thread_swap_mask(SigmaskHow::SIG_BLOCK).ok() }
    }
}

impl Drop for DeferSignals {
    fn drop(&mut self) {
        if let Some(previous) = self.previous {
            // Cannot fail: the same call has succeeded before.
            let _ = previous.thread_set_mask();
        }
    }
}
