//! The lines of requests: where they come from, and a first look at all of
//! them where they can be read twice.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Take};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::batch::ids::{IdHasher, SortedIds};
use crate::batch::source::request_line::{self, InvalidRequest, LineKind, RequestLine};
use crate::error::{Error, Result};
use crate::files::lines::{Lines, Separator};
use crate::output::notes::Notes;

/// A longer line is no request: 64 MiB.
const LINE_LIMIT: u64 = 64 << 20;

/// How many bad lines are named.
const NAMED: u64 = 10;

/// Which lines are this run's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// From 1 to `count`.
    pub number: u64,
    pub count: u64,
}

impl Shard {
    pub const ALL: Self = Self { number: 1, count: 1 };

    /// Whether the line of this number, from 1, belongs to it.
    pub fn has(self, line: u64) -> bool {
        (line - 1) % self.count == self.number - 1
    }
}

/// How the input is to be read.
#[derive(Debug, Clone, Copy)]
pub struct ReadOptions {
    pub kind: LineKind,
    pub separator: Separator,
    pub shard: Shard,
    /// Bad lines are outcomes like any other.
    pub skips_bad: bool,
}

pub struct Records {
    file: Arc<File>,
    path: PathBuf,
    /// Where it begins, where it can be read twice.
    begin: Option<u64>,
    length: u64,
}

/// What a first look at the input found.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Preflight {
    /// How many requests are this run's.
    pub total: u64,
    /// How many of them are done already.
    pub skipped: u64,
}

impl Records {
    /// Opens a file, or standard input.
    ///
    /// # Errors
    /// [`Error::Unreadable`].
    pub fn open(path: Option<&Path>) -> Result<Self> {
        let (opened, path) = match path {
            Some(path) => (File::open(path), path.to_owned()),
            None => {
                let stdin = io::stdin().as_fd().try_clone_to_owned();
                (stdin.map(File::from), PathBuf::from("standard input"))
            }
        };
        let unreadable = |source| Error::Unreadable { path: path.clone(), source };
        let file = opened.map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if metadata.is_dir() {
            return Err(unreadable(io::ErrorKind::IsADirectory.into()));
        }
        let begin = match metadata.is_file() {
            true => Some((&file).stream_position().map_err(unreadable)?),
            false => None,
        };
        Ok(Self { file: Arc::new(file), path, begin, length: u64::MAX })
    }

    pub fn file(&self) -> &File {
        &self.file
    }

    /// Looks at all lines of an input that can be read twice: whether each is
    /// a request, with an id of its own. `None` for one that cannot.
    ///
    /// # Errors
    /// [`Error::Input`], after bad lines were told.
    pub fn survey(
        &mut self,
        reading: ReadOptions,
        hasher: &IdHasher,
        done: &SortedIds,
        notes: &Notes,
    ) -> Result<Option<Preflight>> {
        let Some(begin) = self.begin else {
            return Ok(None);
        };
        let mut bad = 0;
        let mut total = 0;
        let mut valid = SortedIds::default();
        // Several invalid lines may have the same id.
        let mut invalid = SortedIds::default();
        let mut others = SortedIds::default();
        let end = self.look(reading, |number, read| {
            if let Err(invalid) = read
                && !reading.skips_bad
            {
                bad += 1;
                if bad <= NAMED {
                    notes.error(self.at(number, &invalid.reason));
                }
                return;
            }
            let hash = hasher.hash(&request_line::id(read, number));
            let ids = if read.is_ok() { &mut valid } else { &mut invalid };
            ids.push(hash);
            match reading.shard.has(number) {
                true => total += 1,
                false => others.push(hash),
            }
        })?;
        if bad > 0 {
            return Err(self.bad_lines(bad));
        }
        let repeated = valid.settle();
        invalid.settle();
        if let Some(repeated) = repeated.or_else(|| invalid.any_shared(&valid)) {
            self.rewind(begin)?;
            return Err(self.find(reading, hasher, repeated)?);
        }
        others.settle();
        self.rewind(begin)?;
        self.length = end - begin;
        let skipped = (valid.shared(done) + invalid.shared(done) - others.shared(done)) as u64;
        Ok(Some(Preflight { total, skipped }))
    }

    /// Reads all lines but blank ones. Gives where they end.
    fn look(
        &self,
        reading: ReadOptions,
        mut take: impl FnMut(u64, &Result<RequestLine, InvalidRequest>),
    ) -> Result<u64> {
        let mut lines = self.lines(reading);
        while let Some(line) = lines.next_line().map_err(|source| self.fault(source))? {
            if let Some(read) = RequestLine::read(&line, reading.kind).transpose() {
                take(line.number, &read);
            }
        }
        (&*self.file).stream_position().map_err(|source| self.fault(source))
    }

    fn rewind(&self, begin: u64) -> Result<()> {
        let sought = (&*self.file).seek(SeekFrom::Start(begin));
        sought.map(drop).map_err(|source| self.fault(source))
    }

    /// The error of the line that repeats an id.
    fn find(&self, reading: ReadOptions, hasher: &IdHasher, repeated: u128) -> Result<Error> {
        let mut before = None;
        let mut found = None;
        self.look(reading, |number, read| {
            let id = request_line::id(read, number);
            if found.is_none() && hasher.hash(&id) == repeated {
                let is_repeated = before.is_some_and(|is_valid| is_valid || read.is_ok());
                found = is_repeated.then(|| (number, id.into_owned()));
                before = Some(before.unwrap_or(false) || read.is_ok());
            }
        })?;
        // It was found a moment ago.
        let (line, id) = found.unwrap_or_default();
        Ok(self.repeated(line, &id))
    }

    fn bad_lines(&self, count: u64) -> Error {
        let lines = match count {
            1 => "1 line is no request".to_owned(),
            count => format!("{count} lines are no requests"),
        };
        let path = self.path.display();
        Error::Input(format!(
            "{lines} in {path}; nothing was sent; --skip-bad goes on without them"
        ))
    }

    /// The lines, of an input that was looked at as far as it went then.
    pub fn lines(&self, reading: ReadOptions) -> Lines<Take<Arc<File>>> {
        let source = Arc::clone(&self.file).take(self.length);
        Lines::new(source, reading.separator).with_limit(LINE_LIMIT)
    }

    pub fn is_rereadable(&self) -> bool {
        self.begin.is_some()
    }

    /// The error that a fault of reading is.
    pub fn fault(&self, source: io::Error) -> Error {
        Error::Unreadable { path: self.path.clone(), source }
    }

    pub fn repeated(&self, line: u64, id: &str) -> Error {
        Error::Input(self.at(line, &format!("the id {id} is that of an earlier line")))
    }

    pub fn bad(&self, line: u64, fault: &InvalidRequest) -> Error {
        Error::Input(self.at(line, &fault.reason))
    }

    fn at(&self, line: u64, reason: &str) -> String {
        format!("{}:{line}: {reason}", self.path.display())
    }
}
