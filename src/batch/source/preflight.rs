//! The check of all lines of the input before anything is sent.

use crate::batch::copies::EqualRequests;
use crate::batch::earlier::{ChangedRequests, Earlier, FoundResults, Verdict};
use crate::batch::ids::IdHash;
use crate::batch::source::batch_request::Defaults;
use crate::batch::source::invalid_request::{Flaw, InvalidRequest};
use crate::batch::source::read_options::ReadOptions;
use crate::batch::source::record::{Place, RecordKind};
use crate::batch::source::records::{CHANGED, Records, changed_hint};
use crate::batch::source::request_line::{self, RequestLine};
use crate::error::{Error, Result};
use crate::files::likeness::SAMPLE_BYTES;
use crate::output::notes::Notes;
use crate::output::numbers::grouped;

/// At most this many invalid lines are reported one by one.
const MAX_REPORTED: u64 = 10;

/// What is known before the first record is read.
pub struct Check<'a> {
    pub defaults: &'a Defaults,
    pub earlier: &'a mut Earlier,
    /// If set, gets all requests that this run has, and those that are done.
    pub equals: Option<&'a mut EqualRequests>,
}

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
    /// The first one, and its id.
    first: Option<(Place, String)>,
}

/// The check of one record after another.
struct CheckState<'a> {
    options: &'a ReadOptions,
    check: Check<'a>,
    counts: Preflight,
    changed: ChangedLines,
    ids: PreflightIds,
    bad: u64,
}

impl<'a> CheckState<'a> {
    fn new(options: &'a ReadOptions, check: Check<'a>) -> Self {
        let found = FoundResults::among(check.earlier);
        let ids = PreflightIds { found, new: Vec::new(), repeated: None };
        let (counts, changed) = (Preflight::default(), ChangedLines::default());
        Self { options, check, counts, changed, ids, bad: 0 }
    }

    fn request(&mut self, place: Place, request: &Result<RequestLine, InvalidRequest>) {
        let earlier = &mut *self.check.earlier;
        let id = request_line::id(request, place.number);
        let hash = earlier.hash(&id);
        let at = earlier.find(hash);
        self.ids.add(hash, at, request.is_ok());
        let is_selected = self.options.selection.has(place.number);
        if !is_selected && self.check.equals.is_none() {
            return;
        }
        self.counts.total += u64::from(is_selected);
        let verdict = at.map(|at| (at, earlier.verdict(at, request, self.check.defaults)));
        if let (Some(equals), Ok(line)) = (&mut self.check.equals, request) {
            let has_result = verdict.is_some_and(|(at, verdict)| {
                matches!(verdict, Verdict::Done | Verdict::LeftAlone) && earlier.says_request(at)
            });
            // A result outside of the selection is as good for a copy.
            if is_selected || has_result {
                equals.add(self.check.defaults.fingerprint(line), place.number, has_result);
            }
        }
        let Some((at, verdict)) = verdict.filter(|_| is_selected) else {
            return;
        };
        match verdict {
            Verdict::Send => return,
            Verdict::Done => self.counts.skipped += 1,
            Verdict::LeftAlone => self.counts.left_alone += 1,
            Verdict::Changed => {
                self.changed.count += 1;
                self.changed.first.get_or_insert_with(|| (place, id.into_owned()));
                if earlier.changed() != ChangedRequests::Keep {
                    return;
                }
                self.counts.skipped += 1;
            }
        }
        earlier.skip(at);
    }
}

impl Records {
    /// Checks that every record is a request and has a different id, counts the
    /// requests, and finds those that are not sent because of an earlier run. Returns
    /// `None` if the input cannot be read twice.
    ///
    /// # Errors
    /// [`Error::Input`] if a record is not a request, after the first few such
    /// were reported, if an id is repeated, or if requests have changed;
    /// [`Error::NotText`] for a file that is not text at all, and
    /// [`Error::Unreadable`].
    pub fn preflight(
        &self,
        options: &ReadOptions,
        check: Check,
        notes: &Notes,
    ) -> Result<Option<Preflight>> {
        if !self.is_rereadable() {
            return Ok(None);
        }
        self.ensure_text(&self.sample(SAMPLE_BYTES)?, options)?;
        let mut state = CheckState::new(options, check);
        self.for_each(options, |record, request| {
            match request {
                Err(InvalidRequest { flaw: Flaw::Bad, reason, .. }) if !options.skips_bad => {
                    state.bad += 1;
                    if state.bad <= MAX_REPORTED {
                        notes.print(self.message(record.place, reason));
                    }
                }
                _ => state.request(record.place, request),
            }
            Ok(())
        })?;
        let CheckState { counts, changed, ids, bad, check: Check { earlier, .. }, .. } = state;
        if bad > 0 {
            return Err(self.bad_records(options.kind, bad));
        }
        if let Some(repeated) = ids.into_repeated() {
            return Err(self.find_duplicate(options, earlier, repeated)?);
        }
        self.tell_changed(&changed, earlier.changed(), notes)?;
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
        let Some((place, id)) = &lines.first else {
            return Ok(());
        };
        let example = format!("{}:{place}, id {id}", self.path().display());
        let told = match lines.count {
            1 => format!("1 request is done, {CHANGED} ({example})"),
            count => {
                let count = grouped(count);
                format!("{count} requests are done, {CHANGED} (the first: {example})")
            }
        };
        match changed {
            ChangedRequests::Refuse => {
                let hint = changed_hint(*place, id);
                return Err(Error::Input(format!("{told}; nothing was sent; {hint}")));
            }
            ChangedRequests::Redo => notes.note(format_args!("{told}; sending again")),
            ChangedRequests::Keep => notes.note(format_args!("{told}; the old results are kept")),
        }
        Ok(())
    }

    /// Finds the first record that repeats the id with this hash, and returns the
    /// error for it.
    fn find_duplicate(
        &self,
        options: &ReadOptions,
        earlier: &Earlier,
        duplicate: IdHash,
    ) -> Result<Error> {
        // Whether a line before with the id was valid, if there was one.
        let mut before = None;
        let mut found = None;
        self.for_each(options, |record, request| {
            let place = record.place;
            let id = request_line::id(request, place.number);
            if found.is_none() && earlier.hash(&id) == duplicate {
                let is_duplicate = before.is_some_and(|is_valid| is_valid || request.is_ok());
                found = is_duplicate.then(|| self.duplicate_id(place, &id));
                before = Some(before.unwrap_or(false) || request.is_ok());
            }
            Ok(())
        })?;
        // Nothing is found only if the file changed since the preflight.
        let changed = || Error::Input(format!("{} has changed meanwhile", self.path().display()));
        Ok(found.unwrap_or_else(changed))
    }

    fn bad_records(&self, kind: RecordKind, count: u64) -> Error {
        let path = self.path().display();
        let is_table = matches!(kind, RecordKind::Table { .. });
        let bad = match (is_table, count) {
            (true, 1) => format!("1 row of {path} cannot be used"),
            (true, count) => format!("{count} rows of {path} cannot be used"),
            (false, 1) => format!("1 line in {path} is not a request"),
            (false, count) => format!("{count} lines in {path} are not requests"),
        };
        let noun = if is_table { "rows" } else { "lines" };
        Error::Input(format!(
            "{bad}; nothing was sent; --skip-bad treats such {noun} as failures and goes on"
        ))
    }
}
