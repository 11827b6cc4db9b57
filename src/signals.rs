//! Unix signals: dying by one, catching the first one, deferring them while files
//! are being changed, and leaving the terminal tidy.

use std::fs;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::{process, thread};

use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::unistd::{getpgrp, getsid};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::flag;
use signal_hook::low_level::{emulate_default_handler, pipe};

/// A bit for each signal that is caught for as long as the process runs.
static CAUGHT: AtomicU64 = AtomicU64::new(0);

/// See [`begin_tidying`]. `None` inside if signals cannot be caught.
static TIDYING: OnceLock<Option<Tidying>> = OnceLock::new();

/// Ends the process by the default action of `signal`, so that its parent sees
/// the signal. This includes SIGPIPE, which Rust programs ignore from the
/// start. Returns if the process is PID 1.
pub fn die_by(signal: i32) {
    // The kernel never kills PID 1, the first process of a container, this way.
    if process::id() != 1 {
        act_by_default(signal);
    }
}

fn act_by_default(signal: i32) {
    // Fails only for invalid signal numbers.
    let act = || drop(emulate_default_handler(signal));
    match TIDYING.get() {
        Some(Some(tidying)) => (tidying.tidy)(&act),
        _ => act(),
    }
}

/// Signals that are caught once, see [`on_first_signal`].
#[derive(Debug)]
pub struct CaughtSignals {
    has_arrived: Arc<AtomicBool>,
}

impl CaughtSignals {
    /// From now on, the signals end the process.
    pub fn let_go(&self) {
        self.has_arrived.store(true, Ordering::SeqCst);
    }
}

/// From now on, the first of `signals` calls `callback` with its number, in a
/// separate thread, and does not end the process; the second one does.
/// Signals that were ignored when the process started stay ignored.
///
/// # Errors
/// Fails if no socket pair, signal handler or thread can be created.
pub fn on_first_signal(
    signals: &[i32],
    callback: impl FnOnce(i32) + Send + 'static,
) -> io::Result<CaughtSignals> {
    let caught = CaughtSignals { has_arrived: Arc::default() };
    let number = Arc::new(AtomicUsize::new(0));
    let (mut receiver, sender) = UnixStream::pair()?;
    let signals = catch(signals);
    let senders = signals.into_iter().map(|signal| Ok((signal, sender.try_clone()?)));
    let senders = senders.collect::<io::Result<Vec<_>>>()?;
    let arrived = Arc::clone(&number);
    // The new thread inherits the mask, so that the signals that another one
    // defers are not delivered to it.
    let _deferred = DeferSignals::until_drop();
    thread::Builder::new().spawn(move || {
        if receiver.read_exact(&mut [0]).is_ok() {
            callback(i32::try_from(arrived.load(Ordering::SeqCst)).unwrap_or_default());
        }
    })?;
    for (signal, sender) in senders {
        let has_arrived = || Arc::clone(&caught.has_arrived);
        // In this order, so that the flag is checked before it is set, and the
        // number is there before the callback is called.
        let registered = flag::register_conditional_default(signal, has_arrived())
            .and_then(|_| flag::register(signal, has_arrived()))
            .and_then(|_| {
                flag::register_usize(signal, Arc::clone(&number), signal.unsigned_abs() as usize)
            })
            .and_then(|_| pipe::register(signal, sender));
        registered.inspect_err(|_| caught.let_go())?;
    }
    Ok(caught)
}

/// From now on, Ctrl-Z (SIGTSTP) does not stop the process but calls `callback`, in
/// a separate thread, which is to call [`stop`]. If the signal was ignored when the
/// process started, it stays ignored.
///
/// # Errors
/// Fails if no socket pair, signal handler or thread can be created.
pub fn on_stop(callback: impl Fn() + Send + 'static) -> io::Result<()> {
    let Some(signal) = catch(&[SIGTSTP]).pop() else {
        return Ok(());
    };
    let (mut receiver, sender) = UnixStream::pair()?;
    // The signal may have come several times before the thread runs.
    let mut is_signal = move || receiver.read(&mut [0; 64]).is_ok_and(|count| count > 0);
    thread::Builder::new().spawn(move || {
        while is_signal() {
            callback();
        }
    })?;
    pipe::register(signal, sender).map(drop)
}

/// Stops the process, as Ctrl-Z does. Returns when it is continued.
pub fn stop() {
    act_by_default(SIGTSTP);
}

/// Watches for the signals that end or stop the process while something is drawn on
/// the terminal.
#[derive(Debug)]
struct Tidying {
    tidy: fn(&dyn Fn()),
    /// Whether nothing is drawn: the signals then act at once.
    is_idle: Arc<AtomicBool>,
    /// The number of the signal that has come; 0 for none.
    arrived: Arc<AtomicUsize>,
    /// Locked while a signal acts.
    acting: Mutex<()>,
}

/// Something is about to be drawn on the terminal. Until [`end_tidying`], what a
/// signal does is done by `tidy`, in any thread: it is given what ends or stops the
/// process. Signals that something else has caught before are left to that. `tidy` is
/// the same for the whole life of the process.
pub fn begin_tidying(tidy: fn(&dyn Fn())) {
    if let Some(tidying) = TIDYING.get_or_init(|| Tidying::new(tidy).ok())
        && tidying.is_idle()
    {
        tidying.arrived.store(0, Ordering::SeqCst);
        tidying.is_idle.store(false, Ordering::SeqCst);
    }
}

/// Nothing is drawn any more. A signal that has come already acts before this returns.
pub fn end_tidying() {
    if let Some(Some(tidying)) = TIDYING.get()
        && !tidying.is_idle.swap(true, Ordering::SeqCst)
    {
        tidying.act_if_arrived();
    }
}

impl Tidying {
    fn new(tidy: fn(&dyn Fn())) -> io::Result<Self> {
        let (is_idle, arrived) = (Arc::new(AtomicBool::new(true)), Arc::<AtomicUsize>::default());
        let (mut receiver, sender) = UnixStream::pair()?;
        // The new thread inherits the mask, as in `on_first_signal`.
        let _deferred = DeferSignals::until_drop();
        thread::Builder::new().spawn(move || {
            while receiver.read(&mut [0; 64]).is_ok_and(|count| count > 0) {
                // While idle, the signal has acted already, or `end_tidying` sees to it.
                match TIDYING.get() {
                    Some(Some(tidying)) if !tidying.is_idle() => tidying.act_if_arrived(),
                    _ => {}
                }
            }
        })?;
        for signal in catch(&uncaught(&[SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP])) {
            let number = signal.unsigned_abs() as usize;
            flag::register_conditional_default(signal, Arc::clone(&is_idle))?;
            flag::register_usize(signal, Arc::clone(&arrived), number)?;
            pipe::register(signal, sender.try_clone()?)?;
        }
        Ok(Self { tidy, is_idle, arrived, acting: Mutex::default() })
    }

    fn act_if_arrived(&self) {
        let _acting = self.acting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(signal @ 1..) = i32::try_from(self.arrived.swap(0, Ordering::SeqCst)) {
            act_by_default(signal);
        }
    }

    fn is_idle(&self) -> bool {
        self.is_idle.load(Ordering::SeqCst)
    }
}

/// Those of `signals` that nothing has caught. For PID 1 none: caught signals could not
/// end it.
fn uncaught(signals: &[i32]) -> Vec<i32> {
    let caught = if process::id() == 1 { u64::MAX } else { CAUGHT.load(Ordering::SeqCst) };
    signals.iter().copied().filter(|signal| caught & bit(*signal) == 0).collect()
}

/// Those of `signals` that have an effect, which are to be caught from now on. Others were
/// ignored when the process started, or are Ctrl-Z without a shell.
pub fn catch(signals: &[i32]) -> Vec<i32> {
    let ignored = ignored_signals() | if has_shell() { 0 } else { bit(SIGTSTP) };
    let signals = signals.iter().copied().filter(|signal| ignored & bit(*signal) == 0);
    let signals: Vec<i32> = signals.collect();
    let set = signals.iter().fold(0, |set, signal| set | bit(*signal));
    CAUGHT.fetch_or(set, Ordering::SeqCst);
    signals
}

/// The bit of `signal` in a set.
fn bit(signal: i32) -> u64 {
    1 << (signal - 1)
}

/// A bit for each signal that is ignored, from `SigIgn` in /proc/self/status
/// (proc(5)); none on systems that have no /proc.
fn ignored_signals() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

/// Whether there can be a shell that continues a stopped process. None has put the
/// process into a group of its own if that is the group of the session's leader, as in
/// `xterm -e gravix chat`. The kernel then lets no Ctrl-Z stop it (orphaned process
/// groups in setpgid(2)).
fn has_shell() -> bool {
    getsid(None) != Ok(getpgrp())
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
