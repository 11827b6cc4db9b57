//! Waiting for one's turn on a conversation.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, NetworkError, Result};
use crate::history::notice::{HistoryNotice, TakeNotice};

/// How long a lock is waited for before there is a notice.
const NOTICE_AFTER: Duration = Duration::from_secs(1);

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

/// How to lock the history at `path`.
pub struct LockRequest<'a> {
    pub path: &'a Path,
    pub kind: LockKind,
    pub wait: LockWait,
    pub take_notice: TakeNotice<'a>,
}

impl LockRequest<'_> {
    /// Locks `file` until it is closed. Goes on without a lock, after a notice,
    /// if the file system has none.
    ///
    /// # Errors
    /// [`Error::Locked`] if another process holds the lock and there is no time
    /// to wait; [`NetworkError::Deadline`] if it is held until the deadline;
    /// [`Error::Unreadable`] or [`Error::Unwritable`] if locking fails.
    pub fn acquire(&self, file: &Arc<File>) -> Result<()> {
        let tried = match self.kind {
            LockKind::Exclusive => file.try_lock(),
            LockKind::Shared => file.try_lock_shared(),
        };
        let locked = || Error::Locked(self.path.to_owned());
        let outcome = match (tried, self.wait) {
            (Ok(()), _) => return Ok(()),
            (Err(TryLockError::Error(error)), _) => Err(error),
            (Err(TryLockError::WouldBlock), LockWait::Never) => return Err(locked()),
            (Err(TryLockError::WouldBlock), LockWait::Forever) => {
                self.wait(file, Duration::MAX).ok_or_else(locked)?
            }
            (Err(TryLockError::WouldBlock), LockWait::Until { left, of }) => {
                self.wait(file, left).ok_or(NetworkError::Deadline(of))?
            }
        };
        match outcome {
            Err(error) if has_no_locks(&error) => {
                (self.take_notice)(HistoryNotice::NoLocks { path: self.path });
                Ok(())
            }
            Err(source) if self.kind == LockKind::Shared => {
                Err(Error::Unreadable { path: self.path.to_owned(), source })
            }
            Err(source) => Err(Error::Unwritable { path: self.path.to_owned(), source }),
            Ok(()) => Ok(()),
        }
    }

    /// Waits in a thread, as a lock has no timeout; gives notice after a
    /// second. `None` if the time is over.
    fn wait(&self, file: &Arc<File>, limit: Duration) -> Option<io::Result<()>> {
        let (done, locked) = mpsc::channel();
        let (file, kind) = (Arc::clone(file), self.kind);
        thread::spawn(move || {
            let outcome = match kind {
                LockKind::Exclusive => file.lock(),
                LockKind::Shared => file.lock_shared(),
            };
            // Nobody receives it if the time is over.
            let _ = done.send(outcome);
        });
        let began = Instant::now();
        if let Ok(outcome) = locked.recv_timeout(NOTICE_AFTER.min(limit)) {
            return Some(outcome);
        }
        if limit > NOTICE_AFTER {
            (self.take_notice)(HistoryNotice::Waiting { path: self.path });
        }
        locked.recv_timeout(limit.saturating_sub(began.elapsed())).ok()
    }
}

fn has_no_locks(error: &io::Error) -> bool {
    const ENOLCK: i32 = nix::errno::Errno::ENOLCK as i32;
    error.kind() == ErrorKind::Unsupported || error.raw_os_error() == Some(ENOLCK)
}
