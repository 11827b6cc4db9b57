//! The check of all lines of the input before anything is sent.

use std::os::unix::fs::FileExt;

use crate::batch::earlier::{ChangedRequests, Earlier, FoundResults, Verdict};
use crate::batch::ids::IdHash;
use crate::batch::source::batch_request::Defaults;
use crate::batch::source::records::{CHANGED, CHANGED_HINT, ReadOptions, Records};
use crate::batch::source::request_line::{self, InvalidRequest, RequestLine};
use crate::error::{Error, Result};
use crate::files::interrupted::uninterrupted;
use crate::files::likeness::SAMPLE_BYTES;
use crate::output::notes::Notes;
use crate::output::numbers::grouped;

/// At most this many invalid lines are reported one by one.
const MAX_REPORTED: u64 = 10;

/// What the preflight found.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Preflight {
    /// How many requests this run has.
    pub total: u64,
    /// How many of them succeeded in an earlier run.
    pub skipped: u64,
    /// How many of them were refused in an earlier run, and are not sent again.
    pub left_alone: u64,
}

/// The ids that a preflight finds.
struct PreflightIds {
    found: FoundResults,
    /// Those without a result, with whether their line is valid: several invalid lines
    /// may have the same id.
    new: Vec<u128>,
    /// One that is repeated, if there is any.
    repeated: Option<IdHash>,
}

impl PreflightIds {
    /// `at` is the place of the id's result.
    fn add(&mut self, id: IdHash, at: Option<usize>, is_valid: bool) {
        match at {
            Some(at) if !self.found.add(at, is_valid) => self.repeated = Some(id),
            Some(_) => {}
            None => self.new.push(id.with_note(is_valid.into())),
        }
    }

    fn into_repeated(mut self) -> Option<IdHash> {
        self.new.sort_unstable();
        // The valid lines of an id come behind the invalid ones.
        let is_repeated = |pair: &&[u128]| {
            IdHash::of_entry(pair[0]) == IdHash::of_entry(pair[1]) && pair[1] & 1 == 1
        };
        let new = self.new.windows(2).find(is_repeated).map(|pair| IdHash::of_entry(pair[0]));
        self.repeated.or(new)
    }
}

/// The done requests that have changed.
#[derive(Default)]
struct ChangedLines {
    count: u64,
    /// The number and the id of the first one.
    first: Option<(u64, String)>,
}

/// The check of one line after another.
struct Check<'a> {
    options: ReadOptions,
    defaults: &'a Defaults,
    earlier: &'a mut Earlier,
    counts: Preflight,
    changed: ChangedLines,
    ids: PreflightIds,
}

impl<'a> Check<'a> {
    fn new(options: ReadOptions, defaults: &'a Defaults, earlier: &'a mut Earlier) -> Self {
        let found = FoundResults::among(earlier);
        let ids = PreflightIds { found, new: Vec::new(), repeated: None };
        let (counts, changed) = (Preflight::default(), ChangedLines::default());
        Self { options, defaults, earlier, counts, changed, ids }
    }

    fn line(&mut self, number: u64, line: &Result<RequestLine, InvalidRequest>) {
        let id = request_line::id(line, number);
        let hash = self.earlier.hash(&id);
        let at = self.earlier.find(hash);
        self.ids.add(hash, at, line.is_ok());
        if !self.options.shard.has(number) {
            return;
        }
        self.counts.total += 1;
        let Some(at) = at else {
            return;
        };
        match self.earlier.verdict(at, line, self.defaults) {
            Verdict::Send => return,
            Verdict::Done => self.counts.skipped += 1,
            Verdict::LeftAlone => self.counts.left_alone += 1,
            Verdict::Changed => {
                self.changed.count += 1;
                self.changed.first.get_or_insert_with(|| (number, id.into_owned()));
                if self.earlier.changed() != ChangedRequests::Keep {
                    return;
                }
                self.counts.skipped += 1;
            }
        }
        self.earlier.skip(at);
    }
}

impl Records {
    /// Checks that every line is a request and has a different id, counts the
    /// requests, and finds those that are not sent because of an earlier run. Returns
    /// `None` if the input cannot be read twice.
    ///
    /// # Errors
    /// [`Error::Input`] if a line is not a request, after the first few such
    /// lines were reported, if an id is repeated, or if requests have changed;
    /// [`Error::NotText`] for a file that is not text at all, and
    /// [`Error::Unreadable`].
    pub fn preflight(
        &mut self,
        options: ReadOptions,
        defaults: &Defaults,
        earlier: &mut Earlier,
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
        let mut check = Check::new(options, defaults, earlier);
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
            check.line(number, parsed);
        })?;
        if invalid_count > 0 {
            return Err(self.invalid_lines(invalid_count));
        }
        self.rewind(start)?;
        let Check { counts, changed, ids, earlier, .. } = check;
        if let Some(repeated) = ids.into_repeated() {
            return Err(self.find_duplicate(options, earlier, repeated)?);
        }
        self.tell_changed(&changed, earlier.changed(), notes)?;
        self.length = end - start;
        Ok(Some(counts))
    }

    /// Tells of requests that have changed since they were done.
    ///
    /// # Errors
    /// [`Error::Input`] if they end the run.
    fn tell_changed(
        &self,
        lines: &ChangedLines,
        changed: ChangedRequests,
        notes: &Notes,
    ) -> Result<()> {
        let Some((line, id)) = &lines.first else {
            return Ok(());
        };
        let example = format!("{}:{line}, id {id}", self.path.display());
        let told = match lines.count {
            1 => format!("1 request is done, {CHANGED} ({example})"),
            count => {
                let count = grouped(count);
                format!("{count} requests are done, {CHANGED} (the first: {example})")
            }
        };
        match changed {
            ChangedRequests::Refuse => {
                return Err(Error::Input(format!("{told}; nothing was sent; {CHANGED_HINT}")));
            }
            ChangedRequests::Redo => notes.note(format_args!("{told}; sending again")),
            ChangedRequests::Keep => notes.note(format_args!("{told}; the old results are kept")),
        }
        Ok(())
    }

    /// Finds the first line that repeats the id with this hash, and returns the
    /// error for it.
    fn find_duplicate(
        &self,
        options: ReadOptions,
        earlier: &Earlier,
        duplicate: IdHash,
    ) -> Result<Error> {
        // Whether a line before with the id was valid, if there was one.
        let mut before = None;
        let mut found = None;
        self.for_each_line(options, |number, parsed| {
            let id = request_line::id(parsed, number);
            if found.is_none() && earlier.hash(&id) == duplicate {
                let is_duplicate = before.is_some_and(|is_valid| is_valid || parsed.is_ok());
                found = is_duplicate.then(|| (number, id.into_owned()));
                before = Some(before.unwrap_or(false) || parsed.is_ok());
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
}
