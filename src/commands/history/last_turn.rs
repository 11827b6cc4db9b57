//! The newest turn of a history, which can be removed.

use std::io;
use std::path::Path;

use crate::commands::observers::history_notices;
use crate::error::{Error, Result};
use crate::history::conversation::History;
use crate::history::line::role;
use crate::history::lock::LockWait;
use crate::history::locked_file::Access;
use crate::history::options::HistoryOptions;
use crate::history::scan::Window;
use crate::output::notes::Notes;

/// The newest turn. Its history is locked until this is dropped.
pub struct LastTurn {
    history: History,
    start: u64,
    /// As they are in the file.
    pub lines: String,
}

impl LastTurn {
    /// # Errors
    /// [`Error::Usage`] if there is no turn; the errors of [`History::open`].
    pub fn open(path: &Path, notes: &Notes) -> Result<Self> {
        let window = Window::Turns(1);
        let options = HistoryOptions { access: Access::Change, window, wait: LockWait::Forever };
        let history = History::open(path, options, &history_notices(notes))?;
        let [_, turn] = history.ranges();
        let lines = history
            .read_range(turn.clone())
            .and_then(io::read_to_string)
            .map_err(|source| Error::Unreadable { path: path.to_owned(), source })?;
        let first = lines.lines().next().unwrap_or_default();
        if role(first.as_bytes()) != Ok(Some("user".to_owned())) {
            return Err(Error::Usage(format!("{} has no turn to undo", path.display())));
        }
        Ok(Self { history, start: turn.start, lines })
    }

    /// Removes the turn from the file.
    ///
    /// # Errors
    /// [`Error::Unwritable`] if the file cannot be cut or synced.
    pub fn remove(self) -> Result<()> {
        self.history.truncate(self.start)
    }
}
