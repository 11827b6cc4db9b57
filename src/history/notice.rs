//! Notices about a history while it is opened.

use std::path::Path;

#[derive(Debug, Clone, Copy)]
pub enum HistoryNotice<'a> {
    /// Another turn has held the lock for a while; gravix goes on waiting.
    Waiting { path: &'a Path },
    /// The file system has no locks, so concurrent turns could interleave.
    NoLocks { path: &'a Path },
    /// The last line was torn and has been moved to the file `aside`.
    TornMoved { path: &'a Path, aside: &'a Path },
    /// The last line is torn. It stays in the file but is not sent.
    TornLeftOut { path: &'a Path },
}

/// Receives each notice as it occurs.
pub type NoticeHandler<'a> = &'a (dyn Fn(HistoryNotice<'_>) + Sync);
