//! How the history of a turn is opened, and whether the turn is saved in it.

use std::path::PathBuf;
use std::time::Duration;

use crate::cli::AskArgs;
use crate::error::Result;
use crate::history::conversation::{History, HistoryOptions};
use crate::history::lock::LockWait;
use crate::history::locked_file::Access;
use crate::history::notice::NoticeHandler;
use crate::history::scan::Window;

pub struct HistoryPlan {
    path: PathBuf,
    access: Access,
    window: Window,
    waits: bool,
    deadline: Option<Duration>,
    /// Nothing is sent, and no file is created.
    is_dry_run: bool,
}

impl HistoryPlan {
    /// `None` if no history was named.
    pub fn from_args(args: &AskArgs, is_dry_run: bool) -> Option<Self> {
        let is_read_only = is_dry_run || args.history.no_save;
        Some(Self {
            path: args.history.file.clone()?,
            access: if is_read_only { Access::Read } else { Access::Append },
            window: args.history.turns.map_or(Window::All, Window::Turns),
            waits: !args.history.no_wait,
            deadline: args.network.deadline,
            is_dry_run,
        })
    }

    /// Whether the turn is appended.
    pub fn saves(&self) -> bool {
        self.access == Access::Append
    }

    /// Opens the history; `None` for a dry run if it does not exist.
    /// `time_left` is what remains until the deadline.
    ///
    /// # Errors
    /// [`Error::Unreadable`], [`Error::Unwritable`] or
    /// [`Error::ReadOnlyHistory`] if it cannot be opened, [`Error::Line`] for
    /// a line that is not a message, [`Error::Locked`] or
    /// [`NetworkError::Deadline`] if another turn holds the lock.
    ///
    /// [`Error::Unreadable`]: crate::error::Error::Unreadable
    /// [`Error::Unwritable`]: crate::error::Error::Unwritable
    /// [`Error::ReadOnlyHistory`]: crate::error::Error::ReadOnlyHistory
    /// [`Error::Line`]: crate::error::Error::Line
    /// [`Error::Locked`]: crate::error::Error::Locked
    /// [`NetworkError::Deadline`]: crate::error::NetworkError::Deadline
    pub fn open(
        &self,
        time_left: Option<Duration>,
        on_notice: NoticeHandler<'_>,
    ) -> Result<Option<History>> {
        if self.is_dry_run && !self.path.exists() {
            return Ok(None);
        }
        let wait = match (self.waits, time_left, self.deadline) {
            (false, ..) => LockWait::Never,
            (true, Some(left), Some(of)) => LockWait::Until { left, of },
            (true, ..) => LockWait::Forever,
        };
        let options = HistoryOptions { access: self.access, window: self.window, wait };
        History::open(&self.path, options, on_notice).map(Some)
    }
}
