//! The input of a batch, and the preflight check of all its lines before
//! anything is sent.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Take};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::batch::ids::{IdHasher, SortedIds};
use crate::batch::source::request_line::{self, InvalidRequest, LineKind, RequestLine};
use crate::error::{Error, NotText, Result, TextOrigin};
use crate::files::interrupted::uninterrupted;
use crate::files::likeness::SAMPLE_BYTES;
use crate::files::lines::{Lines, Separator};
use crate::files::{input, text};
use crate::output::notes::Notes;

/// A longer line is not a request: 64 MiB.
const LINE_LIMIT: u64 = 64 << 20;

/// At most this many invalid lines are reported one by one.
const MAX_REPORTED: u64 = 10;

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
    file: Arc<File>,
    /// For messages.
    path: PathBuf,
    origin: TextOrigin,
    /// The offset at which it starts, if it can be read twice.
    pub(super) start: Option<u64>,
    /// In bytes; lines that are appended after the preflight are not read.
    length: u64,
}

/// What the preflight found.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Preflight {
    /// How many requests this run has.
    pub total: u64,
    /// How many of them succeeded in an earlier run.
    pub skipped: u64,
}

/// The ids that a preflight finds.
#[derive(Default)]
struct PreflightIds {
    valid: SortedIds,
    /// Several invalid lines may have the same id.
    invalid: SortedIds,
    /// Those of the valid ids that other shards send.
    other_shards: SortedIds,
}

impl PreflightIds {
    fn add(&mut self, hash: u128, is_valid: bool, is_in_shard: bool) {
        let ids = if is_valid { &mut self.valid } else { &mut self.invalid };
        ids.push(hash);
        if is_valid && !is_in_shard {
            self.other_shards.push(hash);
        }
    }

    /// Sorts the ids. Returns one that is repeated, if there is any.
    fn sort(&mut self) -> Option<u128> {
        let duplicate = self.valid.sort();
        self.invalid.sort();
        self.other_shards.sort();
        duplicate.or_else(|| self.invalid.find_shared(&self.valid))
    }

    /// How many valid ids of this shard are in `done`. They must be sorted, and
    /// none repeated.
    fn count_valid(&self, done: &SortedIds) -> usize {
        // Two sorted lists are compared in one go.
        self.valid.count_shared(done) - self.other_shards.count_shared(done)
    }
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

    /// Checks that every line is a request and has a different id, and counts
    /// the requests. Returns `None` if the input cannot be read twice.
    ///
    /// # Errors
    /// [`Error::Input`] if a line is not a request, after the first few such
    /// lines were reported, or if an id is repeated, [`Error::NotText`] for a
    /// file that is not text at all, and [`Error::Unreadable`].
    pub fn preflight(
        &mut self,
        options: ReadOptions,
        hasher: &IdHasher,
        done: &SortedIds,
        notes: &Notes,
    ) -> Result<Option<Preflight>> {
        let Some(start) = self.start else {
            return Ok(None);
        };
        let mut sample = vec![0; SAMPLE_BYTES];
        let read = uninterrupted(|| self.file.read_at(&mut sample, start))
            .map_err(|error| self.unreadable(error))?;
        self.ensure_text(&sample[..read], options)?;
        let mut invalid_count = 0;
        let (mut total, mut skipped) = (0, 0);
        let mut ids = PreflightIds::default();
        let end = self.for_each_line(options, |number, parsed| {
            if let Err(invalid) = parsed
                && !options.skips_bad
            {
                invalid_count += 1;
                if invalid_count <= MAX_REPORTED {
                    notes.print(self.message(number, &invalid.reason));
                }
                return;
            }
            let hash = hasher.hash(&request_line::id(parsed, number));
            let is_in_shard = options.shard.has(number);
            total += u64::from(is_in_shard);
            skipped += u64::from(parsed.is_err() && is_in_shard && done.contains(hash));
            ids.add(hash, parsed.is_ok(), is_in_shard);
        })?;
        if invalid_count > 0 {
            return Err(self.invalid_lines(invalid_count));
        }
        let duplicate = ids.sort();
        self.rewind(start)?;
        if let Some(duplicate) = duplicate {
            return Err(self.find_duplicate(options, hasher, duplicate)?);
        }
        self.length = end - start;
        skipped += ids.count_valid(done) as u64;
        Ok(Some(Preflight { total, skipped }))
    }

    /// Parses all lines except blank ones. Returns the offset of their end.
    fn for_each_line(
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

    /// Finds the first line that repeats the id with this hash, and returns the
    /// error for it.
    fn find_duplicate(
        &self,
        options: ReadOptions,
        hasher: &IdHasher,
        duplicate: u128,
    ) -> Result<Error> {
        // Whether an earlier line with the id was valid, if there was one.
        let mut earlier = None;
        let mut found = None;
        self.for_each_line(options, |number, parsed| {
            let id = request_line::id(parsed, number);
            if found.is_none() && hasher.hash(&id) == duplicate {
                let is_duplicate = earlier.is_some_and(|is_valid| is_valid || parsed.is_ok());
                found = is_duplicate.then(|| (number, id.into_owned()));
                earlier = Some(earlier.unwrap_or(false) || parsed.is_ok());
            }
        })?;
        // Nothing is found only if the file changed since the preflight.
        let (line, id) = found.unwrap_or_default();
        Ok(self.duplicate_id(line, &id))
    }

    fn invalid_lines(&self, count: u64) -> Error {
        let path = self.path.display();
        let lines = match count {
            1 => format!("1 line in {path} is not a request"),
            count => format!("{count} lines in {path} are not requests"),
        };
        Error::Input(format!(
            "{lines}; nothing was sent; --skip-bad treats such lines as failures and goes on"
        ))
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

    /// The error for a line that is not a request.
    pub fn invalid_line(&self, line: u64, invalid: &InvalidRequest) -> Error {
        Error::Input(self.message(line, &invalid.reason))
    }

    fn message(&self, line: u64, reason: &str) -> String {
        format!("{}:{line}: {reason}", self.path.display())
    }
}
