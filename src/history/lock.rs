//! Locking a history file, with a time limit.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, NetworkError, Result};
use crate::files::interrupted::uninterrupted;
use crate::history::notice::{HistoryNotice, NoticeHandler};
use crate::interrupt;

/// How long to wait for the lock before giving notice.
const NOTICE_AFTER: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockKind {
    /// One process at a time, to write.
    Exclusive,
    /// Any number of readers.
    Shared,
}

/// How long to wait for the lock.
#[derive(Debug, Clone, Copy)]
pub enum LockWait {
    /// Not at all, and no lock is taken: the file is only read, and a turn that is
    /// appended meanwhile does no harm.
    Unlocked,
    Never,
    Forever,
    /// Until the deadline: `left` remains of the total time `of`.
    Until {
        left: Duration,
        of: Duration,
    },
}

/// How to lock the history at `path`.
pub struct LockRequest<'a> {
    pub path: &'a Path,
    pub kind: LockKind,
    pub wait: LockWait,
    pub on_notice: NoticeHandler<'a>,
}

impl LockRequest<'_> {
    /// Locks `file` until it is closed. If the file system has no locks, gives
    /// notice and goes on without one.
    ///
    /// # Errors
    /// [`Error::Locked`] if another process holds the lock and `wait` is
    /// [`LockWait::Never`]; [`NetworkError::Deadline`] if the deadline passes
    /// first; [`Error::Unreadable`] (shared) or [`Error::Unwritable`]
    /// (exclusive) if locking fails; [`Error::Limit`] if there is no thread to
    /// wait in.
    pub fn acquire(&self, file: &Arc<File>) -> Result<()> {
        if matches!(self.wait, LockWait::Unlocked) {
            return Ok(());
        }
        let attempt = match self.kind {
            LockKind::Exclusive => uninterrupted(|| file.try_lock()),
            LockKind::Shared => uninterrupted(|| file.try_lock_shared()),
        };
        let locked = || Error::Locked(self.path.to_owned());
        let result = match (attempt, self.wait) {
            (Ok(()), _) => return Ok(()),
            (Err(TryLockError::Error(error)), _) => Err(error),
            (Err(TryLockError::WouldBlock), LockWait::Never | LockWait::Unlocked) => {
                return Err(locked());
            }
            (Err(TryLockError::WouldBlock), LockWait::Forever) => {
                self.wait(file, Duration::MAX)?.ok_or_else(locked)?
            }
            (Err(TryLockError::WouldBlock), LockWait::Until { left, of }) => {
                self.wait(file, left)?.ok_or(NetworkError::Deadline(of))?
            }
        };
        match result {
            Err(error) if has_no_locks(&error) => {
                (self.on_notice)(HistoryNotice::NoLocks { path: self.path });
                Ok(())
            }
            Err(source) if self.kind == LockKind::Shared => {
                Err(Error::Unreadable { path: self.path.to_owned(), source })
            }
            Err(source) => Err(Error::Unwritable { path: self.path.to_owned(), source }),
            Ok(()) => Ok(()),
        }
    }

    /// Waits for the lock, and gives notice if that takes long. Returns `None`
    /// after `limit`. Waits in a thread because `File::lock` has no timeout.
    ///
    /// # Errors
    /// [`Error::Limit`] if there is no thread, and [`Error::Interrupted`].
    fn wait(&self, file: &Arc<File>, limit: Duration) -> Result<Option<io::Result<()>>> {
        let (done, locked) = mpsc::channel();
        let (file, kind) = (Arc::clone(file), self.kind);
        let wait = move || {
            let result = match kind {
                LockKind::Exclusive => uninterrupted(|| file.lock()),
                LockKind::Shared => uninterrupted(|| file.lock_shared()),
            };
            // After `limit` nobody receives it any more.
            let _ = done.send(result);
        };
        thread::Builder::new().spawn(wait).map_err(Error::no_thread)?;
        let start = Instant::now();
        let receive_until = |end: Duration| loop {
            interrupt::check()?;
            let left = end.saturating_sub(start.elapsed());
            match locked.recv_timeout(interrupt::slice(left)) {
                Ok(result) => return Ok::<_, Error>(Some(result)),
                Err(_) if start.elapsed() >= end => return Ok(None),
                Err(_) => {}
            }
        };
        if let Some(result) = receive_until(NOTICE_AFTER.min(limit))? {
            return Ok(Some(result));
        }
        if limit > NOTICE_AFTER {
            (self.on_notice)(HistoryNotice::Waiting { path: self.path });
        }
        receive_until(limit)
    }
}

fn has_no_locks(error: &io::Error) -> bool {
    const ENOLCK: i32 = nix::errno::Errno::ENOLCK as i32;
    error.kind() == ErrorKind::Unsupported || error.raw_os_error() == Some(ENOLCK)
}
