//! The input of a batch: a file, or standard input.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Take};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::batch::source::request_line::{InvalidRequest, LineKind, RequestLine};
use crate::error::{Error, NotText, Result, TextOrigin};
use crate::files::lines::{Lines, Separator};
use crate::files::{input, text};

/// A longer line is not a request: 64 MiB.
const LINE_LIMIT: u64 = 64 << 20;

/// What can be done about requests that have changed.
/// What is said of requests that have changed since they were done.
pub(super) const CHANGED: &str = "but with another prompt, model or other field";

pub(super) const CHANGED_HINT: &str =
    "send them again with --changed redo, or keep the old results with --changed keep";

/// The part of the lines that this run sends: every `count`-th from `number` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// From 1 to `count`.
    pub number: u64,
    pub count: u64,
}

impl Shard {
    pub const ALL: Self = Self { number: 1, count: 1 };

    /// Whether the shard has the line of this number, from 1.
    pub fn has(self, line: u64) -> bool {
        (line - 1) % self.count == self.number - 1
    }
}

/// How the input is read.
#[derive(Debug, Clone, Copy)]
pub struct ReadOptions {
    pub kind: LineKind,
    pub separator: Separator,
    pub shard: Shard,
    /// Invalid lines are recorded as failures instead of ending the run.
    pub skips_bad: bool,
}

/// The input of a batch: a file or standard input.
pub struct Records {
    pub(super) file: Arc<File>,
    /// For messages.
    pub(super) path: PathBuf,
    origin: TextOrigin,
    /// The offset at which it starts, if it can be read twice.
    pub(super) start: Option<u64>,
    /// In bytes; lines that are appended after the preflight are not read.
    pub(super) length: u64,
}

impl Records {
    /// Opens a file, or standard input.
    ///
    /// # Errors
    /// [`Error::Unreadable`] if it cannot be opened, or is a directory or an
    /// endless device.
    pub fn open(path: Option<&Path>) -> Result<Self> {
        let (opened, origin) = match path {
            Some(path) => (File::open(path), TextOrigin::File(path.to_owned())),
            None => {
                let stdin = io::stdin().as_fd().try_clone_to_owned();
                (stdin.map(File::from), TextOrigin::StandardInput)
            }
        };
        let path = path.map_or_else(|| PathBuf::from(origin.to_string()), Path::to_owned);
        let unreadable = |source| Error::Unreadable { path: path.clone(), source };
        let file = opened.map_err(unreadable)?;
        input::ensure_readable(&file).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        let start = match metadata.is_file() {
            true => Some((&file).stream_position().map_err(unreadable)?),
            false => None,
        };
        Ok(Self { file: Arc::new(file), path, origin, start, length: u64::MAX })
    }

    pub fn file(&self) -> &File {
        &self.file
    }

    /// Parses all lines except blank ones. Returns the offset of their end.
    pub(super) fn for_each_line(
        &self,
        options: ReadOptions,
        mut visit: impl FnMut(u64, &Result<RequestLine, InvalidRequest>),
    ) -> Result<u64> {
        let mut lines = self.lines(options);
        while let Some(line) = lines.next_line().map_err(|source| self.unreadable(source))? {
            if let Some(parsed) = RequestLine::parse(&line, options.kind).transpose() {
                visit(line.number, &parsed);
            }
        }
        (&*self.file).stream_position().map_err(|source| self.unreadable(source))
    }

    /// Checks the first bytes, so that a file that is not text at all does not
    /// become many invalid lines.
    ///
    /// # Errors
    /// [`Error::NotText`].
    pub fn ensure_text(&self, sample: &[u8], options: ReadOptions) -> Result<()> {
        let allows_nul = options.separator == Separator::Nul;
        let Some((flaw, likeness)) = text::recognize_foreign(sample, allows_nul) else {
            return Ok(());
        };
        let origin = self.origin.clone();
        Err(Box::new(NotText { origin, flaw, likeness, is_replaceable: false }).into())
    }

    pub(super) fn rewind(&self, start: u64) -> Result<()> {
        let result = (&*self.file).seek(SeekFrom::Start(start));
        result.map(drop).map_err(|source| self.unreadable(source))
    }

    /// The lines; after a preflight, only those that it checked.
    pub fn lines(&self, options: ReadOptions) -> Lines<Take<Arc<File>>> {
        let source = Arc::clone(&self.file).take(self.length);
        Lines::new(source, options.separator).with_limit(LINE_LIMIT)
    }

    pub fn is_rereadable(&self) -> bool {
        self.start.is_some()
    }

    /// The error for a failed read.
    pub fn unreadable(&self, source: io::Error) -> Error {
        Error::Unreadable { path: self.path.clone(), source }
    }

    /// The error for a line with the id of an earlier line.
    pub fn duplicate_id(&self, line: u64, id: &str) -> Error {
        Error::Input(self.message(line, &format!("the id {id} is already used by an earlier line")))
    }

    /// The error for a request that has changed since it was done.
    pub fn changed_request(&self, line: u64, id: &str) -> Error {
        let reason = format!("the request {id} is done, {CHANGED}; {CHANGED_HINT}");
        Error::Input(self.message(line, &reason))
    }

    /// The error for a line that is not a request.
    pub fn invalid_line(&self, line: u64, invalid: &InvalidRequest) -> Error {
        Error::Input(self.message(line, &invalid.reason))
    }

    pub(super) fn message(&self, line: u64, reason: &str) -> String {
        format!("{}:{line}: {reason}", self.path.display())
    }
}
