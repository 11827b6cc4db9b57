//! Which standard streams were closed when gravix started. Rust's runtime opens
//! `/dev/null` in their place, which then takes everything that is written and
//! keeps nothing. It looks the same as a `/dev/null` that a parent opened on
//! purpose, so the streams have to be examined before the runtime starts.

use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::fcntl::{FcntlArg, fcntl};

static STDOUT: AtomicBool = AtomicBool::new(false);
static STDERR: AtomicBool = AtomicBool::new(false);

/// The paths of standard output.
pub const STDOUT_NAMES: [&str; 3] = ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];

const STDERR_NAMES: [&str; 3] = ["/dev/stderr", "/dev/fd/2", "/proc/self/fd/2"];

#[ctor::ctor]
fn look_before_main() {
    STDOUT.store(is_closed(&io::stdout()), Ordering::Relaxed);
    STDERR.store(is_closed(&io::stderr()), Ordering::Relaxed);
}

fn is_closed(stream: &impl AsFd) -> bool {
    // The only failure of this call is a descriptor that is not open.
    fcntl(stream, FcntlArg::F_GETFD).is_err()
}

/// Fails if standard output was closed.
///
/// # Errors
/// An I/O error that says so.
pub fn ensure_stdout_open() -> io::Result<()> {
    ensure_open(&STDOUT)
}

/// Fails if `path` is a name of standard output or standard error, and that was
/// closed.
///
/// # Errors
/// An I/O error that says so.
pub fn ensure_open_at(path: &Path) -> io::Result<()> {
    let is_any = |names: [&str; 3]| names.iter().any(|name| path == Path::new(name));
    match () {
        () if is_any(STDOUT_NAMES) => ensure_open(&STDOUT),
        () if is_any(STDERR_NAMES) => ensure_open(&STDERR),
        () => Ok(()),
    }
}

fn ensure_open(was_closed: &AtomicBool) -> io::Result<()> {
    match was_closed.load(Ordering::Relaxed) {
        true => Err(io::Error::other("it is closed")),
        false => Ok(()),
    }
}
