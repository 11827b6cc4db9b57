//! A conversation's file while it is open: locked, checked, read and appended
//! to.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use crate::history::lock::LockWait;
use crate::history::locked_file::{Access, open_locked};
use crate::history::messages::HistoryMessages;
use crate::history::notice::{HistoryNotice, TakeNotice};
use crate::history::scan::{Scan, ScanError, Window};

use crate::error::{Error, Result};
use crate::files::append::{self, append_lines};
use crate::files::paths::{follow, is_still_at};
use crate::files::replace::sync_directory;
use crate::signals::DeferSignals;

/// A conversation's file, locked until it is dropped.
#[derive(Debug)]
pub struct History {
    /// Where links lead.
    path: PathBuf,
    file: Arc<File>,
    access: Access,
    scan: Scan,
    /// This run made the file, and nothing is in it yet.
    is_new: bool,
}

impl History {
    /// Opens `path`, waits for its lock, and checks the lines of `window`. A
    /// torn last line is moved to `FILE.torn` with a warning.
    ///
    /// # Errors
    /// [`Error::Unreadable`] or [`Error::Unwritable`] when it is no regular
    /// file with that access, [`Error::Line`] for the first line that
    /// is no message, and those of the lock.
    pub fn open(
        path: &Path,
        access: Access,
        window: Window,
        wait: LockWait,
        take_notice: TakeNotice<'_>,
    ) -> Result<Self> {
        let mut history = Self::open_unchecked(path, access, wait, take_notice)?;
        history.scan = Scan::of(&history.file, window).map_err(|failure| match failure {
            ScanError::Io(source) => Error::Unreadable { path: path.to_owned(), source },
            ScanError::Line { line, fault } => {
                Error::Line { path: path.to_owned(), line, reason: fault.reason }
            }
        })?;
        history.heal(take_notice)?;
        Ok(history)
    }

    /// Opens `path` and waits for its lock. What is in it is not looked at.
    ///
    /// # Errors
    /// Those of [`Self::open`], but for lines.
    pub fn open_unchecked(
        path: &Path,
        access: Access,
        wait: LockWait,
        take_notice: TakeNotice<'_>,
    ) -> Result<Self> {
        if path.as_os_str() == "-" {
            let message = "a history cannot be standard input; a file of that name is ./-";
            return Err(Error::Usage(message.to_owned()));
        }
        let path =
            follow(path).map_err(|source| Error::Unreadable { path: path.to_owned(), source })?;
        let (file, is_new) = open_locked(&path, access, wait, take_notice)?;
        Ok(Self { path, file, access, scan: Scan::default(), is_new })
    }

    /// Whether the turn to come is the file's first.
    pub fn is_empty(&self) -> bool {
        self.scan.last_role.is_none()
    }

    /// The role of the newest message.
    pub fn last_role(&self) -> Option<&str> {
        self.scan.last_role.as_deref()
    }

    /// The messages of the window, with the file's own system message at
    /// their head unless `without_system`.
    pub fn messages(&self, without_system: bool) -> HistoryMessages {
        let Scan { system, messages, .. } = &self.scan;
        let system = if without_system { 0..0 } else { system.clone() };
        let is_shared = self.access == Access::Read;
        HistoryMessages::new(
            &self.path,
            Arc::clone(&self.file),
            [system, messages.clone()],
            is_shared,
        )
    }

    /// Whether the file begins with a system message of its own.
    pub fn has_system(&self) -> bool {
        !self.scan.system.is_empty()
    }

    /// The text of the file's own system message, where it has one that is
    /// plain text.
    ///
    /// # Errors
    /// [`Error::Unreadable`].
    pub fn system_text(&self) -> Result<Option<String>> {
        let mut line = Vec::new();
        let read = self.part(self.scan.system.clone());
        read.and_then(|mut part| part.read_to_end(&mut line))
            .map_err(|source| Error::Unreadable { path: self.path.clone(), source })?;
        let message = serde_json::from_slice::<Value>(&line).ok();
        Ok(message.and_then(|message| Some(message.get("content")?.as_str()?.to_owned())))
    }

    /// The file's own system message and the messages of the window, as
    /// ranges of bytes.
    pub fn ranges(&self) -> [Range<u64>; 2] {
        [self.scan.system.clone(), self.scan.messages.clone()]
    }

    /// A range of the file, from its beginning.
    ///
    /// # Errors
    /// Those of seeking.
    pub fn part(&self, range: Range<u64>) -> io::Result<impl Read + '_> {
        let mut file = &*self.file;
        file.seek(SeekFrom::Start(range.start))?;
        Ok(file.take(range.end - range.start))
    }

    /// Where links lead.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn file(&self) -> &File {
        &self.file
    }

    /// Lets others have the file; it is not read any more.
    pub fn release(&self) {
        // A lock that was not had cannot be given back.
        let _ = self.file.unlock();
    }

    /// Appends whole lines in one write, and waits until they are on disk.
    /// When that fails the file is as it was.
    ///
    /// # Errors
    /// [`Error::NotSaved`].
    pub fn append(&mut self, lines: Vec<u8>) -> Result<()> {
        let _hold = DeferSignals::until_drop();
        self.write_lines(lines)
            .map_err(|source| Error::NotSaved { path: self.path.clone(), source })?;
        self.is_new = false;
        Ok(())
    }

    fn write_lines(&self, lines: Vec<u8>) -> io::Result<()> {
        if !is_still_at(&self.file, &self.path) {
            return Err(io::Error::other("another file took its place meanwhile"));
        }
        // The end is asked anew: who edits by hand takes no lock.
        let end = append_lines(&self.file, lines, File::sync_data)?;
        if end == 0 { sync_directory(&self.path) } else { Ok(()) }
    }

    /// Cuts the file off at `end`, and waits until that is on disk.
    ///
    /// # Errors
    /// [`Error::Unwritable`].
    pub fn truncate(&self, end: u64) -> Result<()> {
        append::truncate(&self.file, end, &self.path)
    }

    /// Whether others than the owner may read the file.
    pub fn is_exposed(&self) -> bool {
        let mode = self.file.metadata().map_or(0, |metadata| metadata.permissions().mode());
        mode & 0o044 != 0
    }

    /// Moves a torn last line to `FILE.torn`, where nothing of it is lost.
    fn heal(&mut self, take_notice: TakeNotice<'_>) -> Result<()> {
        let torn = std::mem::take(&mut self.scan.torn);
        let path = &self.path;
        if torn.is_empty() {
            return Ok(());
        }
        if self.access == Access::Read {
            take_notice(HistoryNotice::TornLeftOut { path });
            return Ok(());
        }
        let aside = append::move_torn(&self.file, torn, path)?;
        take_notice(HistoryNotice::TornMoved { path, aside: &aside });
        Ok(())
    }
}

impl Drop for History {
    fn drop(&mut self) {
        // A turn that failed leaves no trace. The lock is still held, and who
        // waits for it will see that the path has gone.
        let is_unused = || self.file.metadata().is_ok_and(|metadata| metadata.len() == 0);
        if self.is_new && is_unused() && is_still_at(&self.file, &self.path) {
            let _ = fs::remove_file(&self.path);
        }
    }
}
