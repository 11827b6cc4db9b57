//! What the user should know of a history while it is opened.

use std::path::Path;

#[derive(Debug, Clone, Copy)]
pub enum HistoryNotice<'a> {
    /// Another turn holds the lock, and has been waited for.
    Waiting { path: &'a Path },
    /// The file system has no locks, so that two turns may mix.
    NoLocks { path: &'a Path },
    /// The last line was torn, and was moved to the file `aside`.
    TornMoved { path: &'a Path, aside: &'a Path },
    /// The last line is torn. It was left where it is, and is not sent.
    TornLeftOut { path: &'a Path },
}

/// Takes notices as they come.
pub type TakeNotice<'a> = &'a (dyn Fn(HistoryNotice<'_>) + Sync);
