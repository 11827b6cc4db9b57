//! How the history of a turn is opened, and whether the turn is saved in it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::AskArgs;
use crate::error::{Error, Result};
use crate::history::conversation::History;
use crate::history::lock::LockWait;
use crate::history::locked_file::Access;
use crate::history::notice::NoticeHandler;
use crate::history::options::HistoryOptions;
use crate::history::scan::Window;
use crate::settings::chats;
use crate::settings::environment::Environment;

#[derive(Debug, Clone)]
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
    /// [`Error::Usage`] for a bad name; [`Error::NoHistory`], [`Error::Unreadable`] or
    /// [`Error::Config`] if there is no newest history, or no home directory.
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

    /// The path as given, or that of the newest history.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// From now on, the history is another file.
    pub fn move_to(&mut self, path: PathBuf, environment: &Environment) {
        self.directory = chats::directory_of(&path, environment);
        self.path = path;
        self.is_newest = false;
    }

    /// Whether the turn is appended.
    pub fn saves(&self) -> bool {
        self.access == Access::Append
    }

    /// Opens the history for a look at it, without waiting for its lock; `None` if
    /// another turn is under way. A file that did not exist is removed again.
    ///
    /// # Errors
    /// The errors of [`Self::open`].
    pub fn look(&self, on_notice: NoticeHandler<'_>) -> Result<Option<History>> {
        let impatient = Self { waits: false, ..self.clone() };
        match impatient.open(None, on_notice) {
            Err(Error::Locked(_)) => Ok(None),
            opened => opened,
        }
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
