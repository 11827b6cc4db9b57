//! An open history file: locked, checked, read and appended to.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, LineFormat, Result};
use crate::files::append::{self, append_lines};
use crate::files::lines::Lines;
use crate::files::paths::{follow, is_readable_by_others, is_still_at};
use crate::files::replace::{replace_range, sync_directory};
use crate::files::text;
use crate::history::line::{self, InvalidLine};
use crate::history::lock::LockWait;
use crate::history::locked_file::{Access, open_locked};
use crate::history::messages::HistoryMessages;
use crate::history::new_file::NewFile;
use crate::history::notice::{HistoryNotice, NoticeHandler};
use crate::history::options::HistoryOptions;
use crate::history::pipe;
use crate::history::scan::{Scan, ScanError};
use crate::json;
use crate::signals::DeferSignals;

/// An open history file, locked until it is dropped.
#[derive(Debug)]
pub struct History {
    /// With symbolic links resolved.
    path: PathBuf,
    file: Arc<File>,
    access: Access,
    scan: Scan,
    /// Set if this run created the file.
    new_file: Option<NewFile>,
    /// The newest message has no answer, because that was torn.
    has_torn_answer: bool,
    /// What is appended replaces this.
    replaced: Option<Range<u64>>,
}

impl History {
    /// Opens `path`, waits for its lock and checks the lines of the window.
    /// With write access, a torn last line is moved to `FILE.torn`.
    ///
    /// # Errors
    /// [`Error::Usage`] for the path `-`; [`Error::Unreadable`],
    /// [`Error::Unwritable`] or [`Error::ReadOnlyHistory`] if the file cannot
    /// be opened, locked, read or repaired; [`Error::SideFile`] if `FILE.torn`
    /// cannot be used; [`Error::Locked`] or
    /// [`NetworkError::Deadline`](crate::error::NetworkError::Deadline) if
    /// another process holds the lock for too long; [`Error::Line`] for a line
    /// of the window that is not a message, or for a file that is not text.
    pub fn open(
        path: &Path,
        options: HistoryOptions,
        on_notice: NoticeHandler<'_>,
    ) -> Result<Self> {
        let HistoryOptions { access, window, wait } = options;
        let mut history = Self::open_unchecked(path, access, wait, on_notice)?;
        let scan = Scan::from_file(&history.file, window);
        // A file of another encoding may look like one torn line.
        if !matches!(&scan, Ok(scan) if scan.torn.is_empty()) {
            history.ensure_text(path)?;
        }
        history.scan = scan.map_err(|error| match (error, history.first_line_error()) {
            (ScanError::Io(source), _) => Error::Unreadable { path: path.to_owned(), source },
            // The first line says best what the whole file is.
            (ScanError::Line { invalid, line }, first) => {
                let (line, InvalidLine { reason, format, .. }) =
                    first.map_or((line, invalid), |first| (1, first));
                Error::Line { path: path.to_owned(), line, reason, format }
            }
        })?;
        history.move_torn_line(on_notice)?;
        Ok(history)
    }

    /// Checks that the file is not something else than text, such as UTF-16, in
    /// which no line is a message. `path` is its name in messages.
    ///
    /// # Errors
    /// [`Error::Line`] if it is; [`Error::Unreadable`].
    pub fn ensure_text(&self, path: &Path) -> Result<()> {
        let recognized = text::recognize_foreign_file(&self.file);
        match recognized.map_err(|source| Error::Unreadable { path: path.to_owned(), source })? {
            None => Ok(()),
            Some((flaw, likeness)) => Err(Error::Line {
                path: path.to_owned(),
                line: 1,
                reason: format!("the file {flaw}: it looks like {likeness}"),
                format: Some(LineFormat::NotText(likeness)),
            }),
        }
    }

    /// Opens `path` and waits for its lock, without checking the lines. A pipe
    /// is read into memory, and has no lock.
    ///
    /// # Errors
    /// [`Error::Usage`] for the path `-`; [`Error::Unreadable`],
    /// [`Error::Unwritable`] or [`Error::ReadOnlyHistory`] if the file cannot
    /// be opened or locked; [`Error::Locked`] or
    /// [`NetworkError::Deadline`](crate::error::NetworkError::Deadline) if
    /// another process holds the lock for too long.
    pub fn open_unchecked(
        path: &Path,
        access: Access,
        wait: LockWait,
        on_notice: NoticeHandler<'_>,
    ) -> Result<Self> {
        if path.as_os_str() == "-" {
            let message = "a history cannot be standard input; for a file named -, use ./-";
            return Err(Error::Usage(message.to_owned()));
        }
        let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
        if pipe::is_pipe(path) {
            pipe::ensure_only_read(path, access)?;
            let file = Arc::new(pipe::read_into_memory(path).map_err(unreadable)?);
            let path = path.to_owned();
            return Ok(Self::new(path, file, access));
        }
        let path = follow(path).map_err(unreadable)?;
        let (file, is_new) = open_locked(&path, access, wait, on_notice)?;
        let new_file = is_new.then(|| NewFile::watch(Arc::clone(&file), &path));
        Ok(Self { new_file, ..Self::new(path, file, access) })
    }

    /// A history whose lines are not scanned yet.
    fn new(path: PathBuf, file: Arc<File>, access: Access) -> Self {
        Self {
            path,
            file,
            access,
            scan: Scan::default(),
            new_file: None,
            has_torn_answer: false,
            replaced: None,
        }
    }

    /// What the first line is, if it is in a known format of other programs.
    fn first_line_error(&self) -> Option<InvalidLine> {
        let mut lines = Lines::from_file(&self.file).ok()?;
        let first = lines.next_line().ok()??;
        line::role(first.text).err().filter(|invalid| invalid.format.is_some())
    }

    /// Whether the file has no messages yet.
    pub fn is_empty(&self) -> bool {
        self.scan.last_role.is_none()
    }

    /// The role of the newest message.
    pub fn last_role(&self) -> Option<&str> {
        self.scan.last_role.as_deref()
    }

    /// Whether the newest message was left without an answer because the
    /// answer's line was torn.
    pub fn has_torn_answer(&self) -> bool {
        self.has_torn_answer
    }

    /// The messages of the window, preceded by the file's system message unless
    /// `without_system`.
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

    /// Whether the file begins with a system message.
    pub fn has_system(&self) -> bool {
        !self.scan.system.is_empty()
    }

    /// The text of the file's system message; `None` if there is no system
    /// message or its content is not a string.
    ///
    /// # Errors
    /// [`Error::Unreadable`] if the file cannot be read.
    pub fn system_text(&self) -> Result<Option<String>> {
        let mut line = Vec::new();
        self.read_range(self.scan.system.clone())
            .and_then(|mut reader| reader.read_to_end(&mut line))
            .map_err(|source| Error::Unreadable { path: self.path.clone(), source })?;
        let message = str::from_utf8(&line).ok().and_then(json::parse_leniently);
        Ok(message.and_then(|message| Some(message.get("content")?.as_str()?.to_owned())))
    }

    /// What was found in the window.
    pub fn scan(&self) -> &Scan {
        &self.scan
    }

    /// The byte ranges of the file's system message and of the messages of the
    /// window.
    pub fn ranges(&self) -> [Range<u64>; 2] {
        [self.scan.system.clone(), self.scan.messages.clone()]
    }

    /// A reader of a byte range of the file.
    ///
    /// # Errors
    /// An I/O error if seeking fails.
    pub fn read_range(&self, range: Range<u64>) -> io::Result<impl Read + '_> {
        let mut file = &*self.file;
        file.seek(SeekFrom::Start(range.start))?;
        Ok(file.take(range.end - range.start))
    }

    /// The file's path, with symbolic links resolved.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn file(&self) -> &File {
        &self.file
    }

    /// Releases the lock early.
    pub fn release(&self) {
        // Without locks in the file system there is nothing to release.
        let _ = self.file.unlock();
    }

    /// Leaves out what answers the newest user message, for [`Self::append`] to replace
    /// it, atomically. Returns false if there is no user message in the window.
    pub fn rewind(&mut self) -> bool {
        self.replaced = self.scan.leave_out_answer();
        !self.scan.last_prompt.is_empty()
    }

    /// Appends whole lines in one write and waits until they are on disk. If that fails,
    /// the file is cut back to its old length. Returns how many bytes others have added.
    ///
    /// # Errors
    /// [`Error::NotSaved`] if the lines cannot be written or synced, or if
    /// another file has replaced this one.
    pub fn append(&self, lines: Vec<u8>) -> Result<u64> {
        let _deferred = DeferSignals::until_drop();
        let _in_use = self.new_file.as_ref().map(NewFile::use_it);
        self.write_lines(lines)
            .map_err(|source| Error::NotSaved { path: self.path.clone(), source })
    }

    fn write_lines(&self, lines: Vec<u8>) -> io::Result<u64> {
        if !is_still_at(&self.file, &self.path) {
            return Err(io::Error::other("another file has replaced it"));
        }
        if let Some(range) = self.replaced.clone() {
            return replace_range(&self.file, &self.path, range, &lines);
        }
        let old_length = append_lines(&self.file, lines, File::sync_data)?;
        if old_length == 0 {
            sync_directory(&self.path)?;
        }
        Ok(old_length.saturating_sub(self.scan.end))
    }

    /// Cuts the file to `length` bytes and waits until that is on disk.
    ///
    /// # Errors
    /// [`Error::Unwritable`] if the file cannot be cut or synced.
    pub fn truncate(&self, length: u64) -> Result<()> {
        append::truncate(&self.file, length, &self.path)
    }

    /// Whether users other than the owner can read the file.
    pub fn is_exposed(&self) -> bool {
        self.file.metadata().is_ok_and(|metadata| is_readable_by_others(&metadata))
    }

    /// Moves a torn last line to `FILE.torn`, or gives notice of it if the file
    /// is only read.
    fn move_torn_line(&mut self, on_notice: NoticeHandler<'_>) -> Result<()> {
        let torn = std::mem::take(&mut self.scan.torn);
        if torn.is_empty() {
            return Ok(());
        }
        self.has_torn_answer = matches!(self.last_role(), Some("user" | "tool"));
        if self.access == Access::Read {
            on_notice(HistoryNotice::TornLeftOut { path: &self.path });
            return Ok(());
        }
        let path = &self.path;
        let aside = append::move_torn(&self.file, torn, path)?;
        on_notice(HistoryNotice::TornMoved { path, aside: &aside });
        Ok(())
    }
}
