//! Dying by a signal, and putting one off while files are being changed.

use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use signal_hook::consts::SIGPIPE;
use signal_hook::low_level::emulate_default_handler;

/// Ends the process as SIGPIPE does by default. Rust ignores it from the
/// start, so that a broken socket is an error and not a death.
pub fn die_of_broken_pipe() {
    // It fails for signals that do not exist alone.
    let _ = emulate_default_handler(SIGPIPE);
}

/// Makes a write beyond `ulimit -f` an error (EFBIG) and not a death by
/// SIGXFSZ, which would lose what was being written.
pub fn survive_file_size_limit() {
    let mut file_size = SigSet::empty();
    file_size.add(Signal::SIGXFSZ);
    // It fails for masks that do not exist alone.
    let _ = file_size.thread_block();
}

/// Keeps the signals that end a process waiting until it is dropped; then
/// they do their work. A signal that is ignored stays so.
#[must_use]
pub struct Hold {
    /// What was kept waiting before; `None` where nothing could be changed.
    before: Option<SigSet>,
}

impl Hold {
    pub fn new() -> Self {
        let ending: SigSet = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT]
            .into_iter()
            .collect();
        Self { before: ending.thread_swap_mask(SigmaskHow::SIG_BLOCK).ok() }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(before) = self.before {
            // What could be set once can be set again.
            let _ = before.thread_set_mask();
        }
    }
}
