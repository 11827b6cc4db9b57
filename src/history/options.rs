//! How a history is opened.

use crate::history::lock::LockWait;
use crate::history::locked_file::Access;
use crate::history::scan::Window;

#[derive(Debug, Clone, Copy)]
pub struct HistoryOptions {
    pub access: Access,
    /// The messages to check and to read.
    pub window: Window,
    /// How long to wait for the lock.
    pub wait: LockWait,
}
