//! The input as a queue of jobs, which the workers of a run share.

use std::fs::File;
use std::io::Take;
use std::sync::Arc;

use crate::batch::ids::{IdHasher, SeenIds, SortedIds};
use crate::batch::source::batch_request::{BatchRequest, Defaults};
use crate::batch::source::records::{ReadOptions, Records};
use crate::batch::source::request_line::{self, InvalidRequest, RequestLine};
use crate::error::Result;
use crate::files::likeness::SAMPLE_BYTES;
use crate::files::lines::Lines;

/// A line of the input that gets a result.
#[derive(Debug)]
pub struct Job {
    /// Counts from 0 without gaps.
    pub index: u64,
    /// The line's number, from 1.
    pub line: u64,
    /// The request, or why the line is not one.
    pub request: Result<BatchRequest, InvalidRequest>,
}

pub struct JobQueue {
    input: Records,
    lines: Lines<Take<Arc<File>>>,
    options: ReadOptions,
    defaults: Defaults,
    ids: IdFilter,
    next_index: u64,
    /// An error was returned, so that there are no more jobs.
    has_failed: bool,
    has_ended: bool,
}

/// Recognizes the ids of requests that are done and ids that are repeated.
pub struct IdFilter {
    hasher: IdHasher,
    /// Requests that succeeded in an earlier run.
    done: SortedIds,
    /// The ids so far, if the input had no preflight.
    seen: Option<InputIds>,
    /// Requests of such an input that were skipped as done since
    /// [`JobQueue::take_skipped`] was last called.
    skipped: u64,
}

/// The ids of an input. Several invalid lines may have the same id.
#[derive(Default)]
struct InputIds {
    valid: SeenIds,
    invalid: SeenIds,
}

impl IdFilter {
    /// With `finds_repeats`, ids that are repeated are found too: a preflight
    /// has not looked for them.
    pub fn new(hasher: IdHasher, done: SortedIds, finds_repeats: bool) -> Self {
        Self { hasher, done, seen: finds_repeats.then(InputIds::default), skipped: 0 }
    }

    /// Returns false if another line already has the id.
    fn is_new(&mut self, id: &str, is_valid: bool) -> bool {
        let hash = self.hasher.hash(id);
        match &mut self.seen {
            None => true,
            Some(seen) if is_valid => !seen.invalid.contains(hash) && seen.valid.insert(hash),
            Some(seen) => {
                seen.invalid.insert(hash);
                !seen.valid.contains(hash)
            }
        }
    }

    fn is_done(&mut self, id: &str) -> bool {
        let is_done = self.done.contains(self.hasher.hash(id));
        self.skipped += u64::from(is_done && self.seen.is_some());
        is_done
    }
}

impl JobQueue {
    pub fn new(input: Records, options: ReadOptions, defaults: Defaults, ids: IdFilter) -> Self {
        let lines = input.lines(options);
        Self {
            input,
            lines,
            options,
            defaults,
            ids,
            next_index: 0,
            has_failed: false,
            has_ended: false,
        }
    }

    /// The index of the next job.
    pub fn next_index(&self) -> u64 {
        self.next_index
    }

    /// How many requests were skipped as done since the last call. Always 0 for
    /// an input with a preflight, which counted them.
    pub fn take_skipped(&mut self) -> u64 {
        std::mem::take(&mut self.ids.skipped)
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
    /// request or repeats an id,
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
            let line = match self.lines.next_line() {
                Ok(Some(line)) => line,
                Ok(None) => {
                    self.has_ended = true;
                    return Ok(None);
                }
                Err(source) => return Err(self.input.unreadable(source)),
            };
            let number = line.number;
            if number == 1 {
                let sample = &line.text[..line.text.len().min(SAMPLE_BYTES)];
                self.input.ensure_text(sample, self.options)?;
            }
            let Some(parsed) = RequestLine::parse(&line, self.options.kind).transpose() else {
                continue;
            };
            if let Err(invalid) = &parsed
                && !self.options.skips_bad
            {
                return Err(self.input.invalid_line(number, invalid));
            }
            let id = request_line::id(&parsed, number);
            if !self.ids.is_new(&id, parsed.is_ok()) {
                return Err(self.input.duplicate_id(number, &id));
            }
            if !self.options.shard.has(number) || self.ids.is_done(&id) {
                continue;
            }
            let request = parsed.map(|line| self.defaults.complete(&line, number));
            self.next_index += 1;
            return Ok(Some(Job { index: self.next_index - 1, line: number, request }));
        }
    }
}
