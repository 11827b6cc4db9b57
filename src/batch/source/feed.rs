//! The input as work to be done, one piece after another. Threads share it.

use std::fs::File;
use std::io::Take;
use std::sync::Arc;

use crate::batch::ids::{IdHasher, SeenIds, SortedIds};
use crate::batch::source::records::{ReadOptions, Records};
use crate::batch::source::request_line::{
    self, BatchRequest, Defaults, InvalidRequest, RequestLine,
};
use crate::error::Result;
use crate::files::lines::Lines;

/// A line of the input that is to have an outcome.
#[derive(Debug)]
pub struct Job {
    /// Counts from 0 without gaps.
    pub index: u64,
    /// The line's number, from 1.
    pub line: u64,
    /// Or why the line is none.
    pub request: Result<BatchRequest, InvalidRequest>,
}

pub struct Feed {
    input: Records,
    lines: Lines<Take<Arc<File>>>,
    reading: ReadOptions,
    defaults: Defaults,
    hasher: IdHasher,
    /// Requests that need not be sent.
    done: SortedIds,
    /// The ids so far, of an input that was not looked at before.
    seen: Option<SeenIds>,
    index: u64,
    /// Requests that were passed over since that was asked last, of an input
    /// that was not looked at before.
    skipped: u64,
}

impl Feed {
    pub fn new(
        input: Records,
        reading: ReadOptions,
        defaults: Defaults,
        hasher: IdHasher,
        done: SortedIds,
    ) -> Self {
        let lines = input.lines(reading);
        let seen = (!input.is_rereadable()).then(SeenIds::default);
        Self { input, lines, reading, defaults, hasher, done, seen, index: 0, skipped: 0 }
    }

    /// The index of the next piece of work.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many requests were passed over since this was asked last: they are
    /// done. Those of an input that was looked at before were counted then.
    pub fn take_skipped(&mut self) -> u64 {
        std::mem::take(&mut self.skipped)
    }

    /// The next piece of work; `None` at the end of the input.
    ///
    /// # Errors
    /// [`crate::error::Error::Input`] for a line that is no request, or has
    /// the id of another, and those of reading.
    pub fn next_job(&mut self) -> Result<Option<Job>> {
        loop {
            let line = match self.lines.next_line() {
                Ok(Some(line)) => line,
                Ok(None) => return Ok(None),
                Err(source) => return Err(self.input.fault(source)),
            };
            let number = line.number;
            let Some(read) = RequestLine::read(&line, self.reading.kind).transpose() else {
                continue;
            };
            if let Err(fault) = &read
                && !self.reading.skips_bad
            {
                return Err(self.input.bad(number, fault));
            }
            let id = request_line::id(&read, number);
            let hash = self.hasher.hash(&id);
            if self.seen.as_mut().is_some_and(|seen| !seen.insert(hash)) {
                return Err(self.input.repeated(number, &id));
            }
            if !self.reading.shard.has(number) {
                continue;
            }
            if self.done.contains(hash) {
                self.skipped += u64::from(self.seen.is_some());
                continue;
            }
            let request = read.map(|parsed| self.defaults.complete(&parsed, number));
            self.index += 1;
            return Ok(Some(Job { index: self.index - 1, line: number, request }));
        }
    }
}
