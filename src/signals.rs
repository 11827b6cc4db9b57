//! Dying by a signal, hearing of one first, and putting one off while files
//! are being changed.

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

/// Destinations the process as this signal does by default. Rust ignores SIGPIPE from
/// the start, so that a broken socket is an error and not a death.
pub fn die_by(signal: i32) {
    // The first process of a container cannot die by a signal.
    if process::id() == 1 {
        return;
    }
    // It fails for signals that do not exist alone.
    let _ = emulate_default_handler(signal);
}

/// From now on the first SIGINT or SIGTERM does no more than to be told, by
/// its number; the second ends the process. Those that are ignored stay so.
///
/// # Errors
/// When the system gives no pipe, thread or handler.
pub fn on_first_signal(tell: impl Fn(i32) + Clone + Send + 'static) -> io::Result<()> {
    let is_told = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM].into_iter().filter(|signal| !is_ignored(*signal)) {
        let (mut heard, hears) = UnixStream::pair()?;
        flag::register_conditional_default(signal, Arc::clone(&is_told))?;
        flag::register(signal, Arc::clone(&is_told))?;
        pipe::register(signal, hears)?;
        let tell = tell.clone();
        thread::Builder::new().spawn(move || {
            if heard.read_exact(&mut [0]).is_ok() {
                tell(signal);
            }
        })?;
    }
    Ok(())
}

/// Whether this process was started with a signal ignored, as far as Linux
/// says so (proc(5), SigIgn).
fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// Makes a write beyond `ulimit -f` an error (EFBIG) and not a death by
/// SIGXFSZ, which would lose what was being written.
pub fn survive_file_size_limit() {
    let mut file_size = SigSet::empty();
    file_size.add(Signal::SIGXFSZ);
    // It fails for masks that do not exist alone.
    let _ = file_size.thread_block();
}

/// Retention the signals that end a process waiting until it is dropped; then
/// they do their work. A signal that is ignored stays so.
#[must_use]
pub struct DeferSignals {
    /// What was kept waiting before; `None` where nothing could be changed.
    before: Option<SigSet>,
}

impl DeferSignals {
    pub fn begin() -> Self {
        let ending: SigSet = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT]
            .into_iter()
            .collect();
        Self { before: ending.thread_swap_mask(SigmaskHow::SIG_BLOCK).ok() }
    }
}

impl Drop for DeferSignals {
    fn drop(&mut self) {
        if let Some(before) = self.before {
            // What could be set once can be set again.
            let _ = before.thread_set_mask();
        }
    }
}
