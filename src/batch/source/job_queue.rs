//! The input as a queue of jobs, which the workers of a run share.

use std::sync::Arc;

use crate::batch::earlier::{ChangedRequests, Earlier, FoundResults, Verdict};
use crate::batch::ids::{IdHash, Marks, SeenIds};
use crate::batch::source::batch_request::{BatchRequest, Defaults};
use crate::batch::source::invalid_request::{Flaw, InvalidRequest};
use crate::batch::source::overriding::OverriddenFields;
use crate::batch::source::read_options::ReadOptions;
use crate::batch::source::record::{RecordContent, RecordReader};
use crate::batch::source::records::Records;
use crate::batch::source::request_line::{self, RequestLine};
use crate::batch::table::columns::ColumnNames;
use crate::batch::table::row_format::RowFormat;
use crate::error::Result;
use crate::files::likeness::SAMPLE_BYTES;

/// A line of the input that gets a result.
#[derive(Debug)]
pub struct Job {
    /// Counts from 0 without gaps.
    pub index: u64,
    /// The record's number, from 1.
    pub number: u64,
    /// The beginning of the row that is written; empty for other kinds of results.
    pub row_start: Vec<u8>,
    /// The request, or why the line is not one.
    pub request: Result<BatchRequest, InvalidRequest>,
}

pub struct JobQueue {
    input: Records,
    reader: RecordReader,
    options: ReadOptions,
    defaults: Arc<Defaults>,
    ids: IdFilter,
    /// How rows are written.
    rows: Option<Arc<RowFormat>>,
    /// Is shown each line that is sent.
    watch: Option<Arc<OverriddenFields>>,
    next_index: u64,
    /// How many records were read, blank ones apart.
    read: u64,
    /// An error was returned, so that there are no more jobs.
    has_failed: bool,
    has_ended: bool,
}

/// Recognizes requests that are not sent, and ids that are repeated.
pub struct IdFilter {
    earlier: Earlier,
    /// The ids so far, if the input had no preflight.
    seen: Option<InputIds>,
    /// The requests of such an input that were passed over since
    /// [`JobQueue::take_passed`] was last called.
    passed: Passed,
    /// The numbers of the records that get copies of other results.
    copies: Arc<Marks>,
}

/// How many requests were passed over.
#[derive(Debug, Default)]
pub struct Passed {
    /// They succeeded in an earlier run.
    pub done: u64,
    /// The server refused them in an earlier run.
    pub left_alone: u64,
}

/// The ids of an input: those that have results, and the others. Several invalid lines
/// may have the same id.
struct InputIds {
    found: FoundResults,
    valid: SeenIds,
    invalid: SeenIds,
}

impl IdFilter {
    /// With `has_preflight`, that has looked for repeated ids, and for the requests that
    /// are not sent.
    pub fn new(earlier: Earlier, has_preflight: bool, copies: Arc<Marks>) -> Self {
        let seen = (!has_preflight).then(|| InputIds {
            found: FoundResults::among(&earlier),
            valid: SeenIds::default(),
            invalid: SeenIds::default(),
        });
        Self { earlier, seen, passed: Passed::default(), copies }
    }

    fn admit(
        &mut self,
        id: &str,
        line: &Result<RequestLine, InvalidRequest>,
        is_selected: bool,
        defaults: &Defaults,
    ) -> Admission {
        let id = self.earlier.hash(id);
        let at = self.earlier.find(id);
        let is_repeated = match &mut self.seen {
            Some(seen) => !seen.is_new(id, at, line.is_ok()),
            None => false,
        };
        match at {
            _ if is_repeated => Admission::Repeated,
            _ if !is_selected => Admission::Pass,
            Some(at) if self.seen.is_some() => {
                self.decide(self.earlier.verdict(at, line, defaults))
            }
            Some(at) if self.earlier.is_skipped(at) => Admission::Pass,
            _ => Admission::Send,
        }
    }

    /// Decides about a line that no preflight has seen.
    fn decide(&mut self, verdict: Verdict) -> Admission {
        match (verdict, self.earlier.changed()) {
            (Verdict::Send, _) | (Verdict::Changed, ChangedRequests::Redo) => Admission::Send,
            (Verdict::Changed, ChangedRequests::Refuse) => Admission::Changed,
            (Verdict::LeftAlone, _) => {
                self.passed.left_alone += 1;
                Admission::Pass
            }
            (Verdict::Done, _) | (Verdict::Changed, ChangedRequests::Keep) => {
                self.passed.done += 1;
                Admission::Pass
            }
        }
    }
}

/// What is done with a line.
enum Admission {
    Send,
    Pass,
    /// An earlier line has its id: the run ends.
    Repeated,
    /// It has changed since it was done: the run ends.
    Changed,
}

impl InputIds {
    /// Returns false if another line already has the id. `at` is the place of its
    /// result.
    fn is_new(&mut self, id: IdHash, at: Option<usize>, is_valid: bool) -> bool {
        if let Some(at) = at {
            return self.found.add(at, is_valid);
        }
        if is_valid {
            return !self.invalid.contains(id) && self.valid.insert(id);
        }
        self.invalid.insert(id);
        !self.valid.contains(id)
    }
}

impl JobQueue {
    /// # Errors
    /// [`Error::Input`](crate::error::Error::Input) for a table without a header, or without
    /// a column of the question; and [`Error::Unreadable`](crate::error::Error::Unreadable).
    pub fn new(
        input: Records,
        options: ReadOptions,
        defaults: Arc<Defaults>,
        ids: IdFilter,
    ) -> Result<Self> {
        let reader = input.reader(&options)?;
        Ok(Self {
            input,
            reader,
            options,
            defaults,
            ids,
            rows: None,
            watch: None,
            next_index: 0,
            read: 0,
            has_failed: false,
            has_ended: false,
        })
    }

    /// From now on, each job has the beginning of its row.
    pub fn write_rows(&mut self, rows: Arc<RowFormat>) {
        self.rows = Some(rows);
    }

    /// From now on, `watch` sees each line that is sent.
    pub fn watch(&mut self, watch: Arc<OverriddenFields>) {
        self.watch = Some(watch);
    }

    /// The columns of the input, if they are known before its records are read.
    pub fn columns(&self) -> Option<ColumnNames> {
        self.reader.known_columns(self.options.kind)
    }

    /// The index of the next job.
    pub fn next_index(&self) -> u64 {
        self.next_index
    }

    /// How many requests were passed over since the last call. None of an input with a
    /// preflight, which counted them.
    pub fn take_passed(&mut self) -> Passed {
        std::mem::take(&mut self.ids.passed)
    }

    /// Whether the end of the input was reached.
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// The next job; `None` at the end of the input, and after an error: what
    /// another worker would find then is not the first error.
    ///
    /// # Errors
    /// [`Error::Input`](crate::error::Error::Input) for a line that is not a
    /// request, repeats an id or has changed since it was done,
    /// [`Error::NotText`](crate::error::Error::NotText) for an input that is not
    /// text at all, and [`Error::Unreadable`](crate::error::Error::Unreadable).
    pub fn next_job(&mut self) -> Result<Option<Job>> {
        if self.has_failed {
            return Ok(None);
        }
        let job = self.read_job();
        self.has_failed = job.is_err();
        job
    }

    fn read_job(&mut self) -> Result<Option<Job>> {
        loop {
            if self.options.selection.is_complete(self.read) {
                self.has_ended = true;
                return Ok(None);
            }
            let record = match self.reader.next_record() {
                Ok(Some(record)) => record,
                Ok(None) => {
                    self.has_ended = true;
                    return Ok(None);
                }
                Err(error) => return Err(self.input.error(error)),
            };
            let place = record.place;
            if let RecordContent::Line(line) = &record.content
                && place.number == 1
            {
                let sample = &line.text[..line.text.len().min(SAMPLE_BYTES)];
                self.input.ensure_text(sample, &self.options)?;
            }
            let Some(parsed) = RequestLine::parse(&record, &self.options).transpose() else {
                continue;
            };
            self.read += 1;
            if let Err(invalid @ InvalidRequest { flaw: Flaw::Bad, .. }) = &parsed
                && !self.options.skips_bad
            {
                return Err(self.input.invalid_record(place, invalid));
            }
            let id = request_line::id(&parsed, place.number);
            let is_selected = self.options.selection.has(place.number)
                && !self.ids.copies.has(place.number as usize);
            match self.ids.admit(&id, &parsed, is_selected, &self.defaults) {
                Admission::Send => {}
                Admission::Pass => continue,
                Admission::Repeated => return Err(self.input.duplicate_id(place, &id)),
                Admission::Changed => return Err(self.input.changed_request(place, &id)),
            }
            let request = parsed.map(|line| {
                self.watch.iter().for_each(|watch| watch.see(&line));
                self.defaults.complete(&line, place.number)
            });
            let row_start = match &self.rows {
                None => Vec::new(),
                Some(rows) => {
                    let cells = record.cells_to_write(self.options.kind);
                    self.input.row_start(place, rows, cells.as_ref())?
                }
            };
            self.next_index += 1;
            let index = self.next_index - 1;
            return Ok(Some(Job { index, number: place.number, row_start, request }));
        }
    }
}
