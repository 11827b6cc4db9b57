//! Waiting for one's turn on a conversation.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, NetworkError, Result};
use crate::output::notes::{Notes, PATIENCE};

/// Who else may hold the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockKind {
    /// Nobody.
    Exclusive,
    /// Other readers.
    Shared,
}

/// How long to wait for it.
#[derive(Debug, Clone, Copy)]
pub enum LockWait {
    /// Not at all.
    Never,
    /// As long as it takes.
    Forever,
    /// So long, which is what is left of the deadline; `of` is all of it.
    Until { left: Duration, of: Duration },
}

/// Locks `file`, which `path` is shown for, until it is closed. A file system
/// without locks is told, and done without.
///
/// # Errors
/// [`Error::Locked`] when another process holds it and there is no patience,
/// the deadline's error when patience ends.
pub fn acquire(
    file: &Arc<File>,
    path: &Path,
    kind: LockKind,
    patience: LockWait,
    notes: &Notes,
) -> Result<()> {
    let tried = match kind {
        LockKind::Exclusive => file.try_lock(),
        LockKind::Shared => file.try_lock_shared(),
    };
    let outcome = match (tried, patience) {
        (Ok(()), _) => return Ok(()),
        (Err(TryLockError::Error(error)), _) => Err(error),
        (Err(TryLockError::WouldBlock), LockWait::Never) => {
            return Err(Error::Locked(path.to_owned()));
        }
        (Err(TryLockError::WouldBlock), LockWait::Forever) => {
            wait(file, path, kind, Duration::MAX, notes)
                .ok_or_else(|| Error::Locked(path.to_owned()))?
        }
        (Err(TryLockError::WouldBlock), LockWait::Until { left, of }) => {
            wait(file, path, kind, left, notes).ok_or(NetworkError::Deadline(of))?
        }
    };
    match outcome {
        Err(error) if has_no_locks(&error) => {
            let path = path.display();
            notes.warn(format_args!(
                "the file system of {path} has no locks: let no two turns run at once"
            ));
            Ok(())
        }
        Err(source) if kind == LockKind::Shared => {
            Err(Error::Unreadable { path: path.to_owned(), source })
        }
        Err(source) => Err(Error::Unwritable { path: path.to_owned(), source }),
        Ok(()) => Ok(()),
    }
}

/// Waits in a thread, as a lock knows no timeout; says so after a second.
/// `None` when the time is over.
fn wait(
    file: &Arc<File>,
    path: &Path,
    kind: LockKind,
    limit: Duration,
    notes: &Notes,
) -> Option<io::Result<()>> {
    let (done, locked) = mpsc::channel();
    let file = Arc::clone(file);
    thread::spawn(move || {
        let outcome = match kind {
            LockKind::Exclusive => file.lock(),
            LockKind::Shared => file.lock_shared(),
        };
        // Nobody listens any more when patience has ended.
        let _ = done.send(outcome);
    });
    let began = Instant::now();
    if let Ok(outcome) = locked.recv_timeout(PATIENCE.min(limit)) {
        return Some(outcome);
    }
    if limit > PATIENCE {
        let path = path.display();
        notes.note(format_args!("waiting for another turn of {path} to end"));
    }
    locked.recv_timeout(limit.saturating_sub(began.elapsed())).ok()
}

fn has_no_locks(error: &io::Error) -> bool {
    const ENOLCK: i32 = nix::errno::Errno::ENOLCK as i32;
    error.kind() == ErrorKind::Unsupported || error.raw_os_error() == Some(ENOLCK)
}
