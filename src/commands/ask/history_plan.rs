//! How the history of a turn is opened, and whether the turn is saved in it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::AskArgs;
use crate::error::Result;
use crate::history::conversation::{History, HistoryOptions};
use crate::history::lock::LockWait;
use crate::history::locked_file::Access;
use crate::history::notice::NoticeHandler;
use crate::history::scan::Window;
use crate::settings::chats;
use crate::settings::environment::Environment;

pub struct HistoryPlan {
    path: PathBuf,
    /// The default directory of histories, if the history is in it.
    directory: Option<PathBuf>,
    /// It was not named, but is the newest.
    is_newest: bool,
    access: Access,
    window: Window,
    waits: bool,
    deadline: Option<Duration>,
    /// Nothing is sent, and no file is created.
    is_dry_run: bool,
}

impl HistoryPlan {
    /// `None` if no history was named.
    ///
    /// # Errors
    /// [`Error::Usage`](crate::error::Error::Usage) for a bad name;
    /// [`Error::NoHistory`](crate::error::Error::NoHistory),
    /// [`Error::Unreadable`](crate::error::Error::Unreadable) or
    /// [`Error::Config`](crate::error::Error::Config) if there is no newest history, or
    /// no home directory.
    pub fn from_args(
        args: &AskArgs,
        is_dry_run: bool,
        environment: &Environment,
    ) -> Result<Option<Self>> {
        let is_newest = args.history.latest;
        let path = match &args.history.file {
            _ if is_newest => chats::newest(environment)?,
            Some(named) => chats::resolve(named, environment)?,
            None => return Ok(None),
        };
        let is_read_only = is_dry_run || args.history.no_save;
        Ok(Some(Self {
            directory: chats::directory_of(&path, environment),
            path,
            is_newest,
            access: if is_read_only { Access::Read } else { Access::Append },
            window: args.history.turns.map_or(Window::All, Window::Turns),
            waits: !args.history.no_wait,
            deadline: args.network.deadline,
            is_dry_run,
        }))
    }

    /// The path of the newest history, if that is continued.
    pub fn newest(&self) -> Option<&Path> {
        self.is_newest.then_some(&self.path)
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
    /// [`Error::ReadOnlyHistory`] if it or its directory cannot be opened or created, [`Error::Line`] for
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
        if self.saves() {
            self.directory.as_deref().map_or(Ok(()), chats::create)?;
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
