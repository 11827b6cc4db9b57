//! Where the workers of a run write their results: as they come, or in the
//! order of the input. A worker that finds the files in use leaves its result in a
//! queue, and the one that has the files writes all that is there together.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError, TryLockError};

use crate::batch::progress::Progress;
use crate::batch::results::group::{Arrival, Arrivals, FailureReport, WriteErrors, joined};
use crate::batch::results::input_order::InputOrder;
use crate::batch::results::result_file::ResultFile;
use crate::batch::results::result_line::{ResultFormat, ResultRecord};
use crate::batch::results::spool::Spool;
use crate::error::{Error, Result};
use crate::output::notes::Notes;

/// Where and how results are written.
pub struct SinkOptions {
    pub results: ResultFile,
    /// If set, failures are written there instead.
    pub errors: Option<ResultFile>,
    pub format: ResultFormat,
    /// If set, results are written in the order of the input, and a request is
    /// started only if it is fewer than this many ahead of the oldest one
    /// without a written result.
    pub window: Option<u64>,
}

pub struct Sink {
    format: ResultFormat,
    /// Failures are written to a file of their own.
    has_errors: bool,
    progress: Progress,
    notes: Notes,
    /// Set if results are written in the order of the input.
    order: Option<InputOrder>,
    /// Results that no worker has begun to write.
    arrivals: Arrivals,
    files: Mutex<SinkFiles>,
}

struct SinkFiles {
    results: ResultFile,
    errors: Option<ResultFile>,
    /// Lines that wait for earlier ones, by their index; empty for a failure
    /// that was written to `errors`.
    waiting: BTreeMap<u64, Vec<u8>>,
    /// The index of the next line to write.
    next: u64,
    spool: Option<Spool>,
    /// A write has failed: the spool is not removed.
    has_failed: bool,
    /// Those that a worker has not seen yet.
    write_errors: WriteErrors,
    /// The run is over: nothing more is written.
    is_finished: bool,
}

impl Sink {
    /// Writes the header of a table.
    ///
    /// # Errors
    /// [`Error::Unwritable`] if the spool cannot be created, and those of writing.
    pub fn new(options: SinkOptions, progress: Progress, notes: &Notes) -> Result<Self> {
        let SinkOptions { mut results, errors, format, window } = options;
        if let ResultFormat::Row(rows) = &format {
            results.append(&rows.header())?;
        }
        // A spool of texts could not be resumed: they have no ids.
        let is_spooled = window.is_some() && format.is_batch();
        let spool = if is_spooled { results.spool()? } else { None };
        let has_errors = errors.is_some();
        let files = SinkFiles {
            results,
            errors,
            waiting: BTreeMap::new(),
            next: 0,
            spool,
            has_failed: false,
            write_errors: WriteErrors::default(),
            is_finished: false,
        };
        Ok(Self {
            format,
            has_errors,
            progress,
            notes: notes.clone(),
            order: window.map(InputOrder::new),
            arrivals: Arrivals::default(),
            files: Mutex::new(files),
        })
    }

    /// Waits until the request of this index, from 0, is inside the window.
    pub fn wait_for_window(&self, index: u64) {
        if let Some(order) = &self.order {
            order.wait_for(index);
        }
    }

    /// Whether the next request is inside the window.
    pub fn is_inside_window(&self) -> bool {
        self.order.as_ref().is_none_or(InputOrder::has_room)
    }

    /// Writes the result of the request of this index, or keeps it until its
    /// turn.
    ///
    /// # Errors
    /// [`Error::NotSaved`] for a file: what could not be written to it was
    /// printed. [`Error::Stdout`] and [`Error::StdoutClosed`].
    pub fn write_result(&self, index: u64, result: &ResultRecord) -> Result<()> {
        self.arrivals.push(self.arrival(index, result));
        // Lines are written whole, so a panic leaves none half written.
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever had the files may have written this result too.
        self.write_arrivals(&mut files);
        files.write_errors.take(index)
    }

    /// Writes a line that is a copy of another result, when no worker writes any more.
    ///
    /// # Errors
    /// The same as [`write_result`](Self::write_result).
    pub fn write_copy(&self, line: Vec<u8>) -> Result<()> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        self.write(&mut files.results, line)
    }

    /// Wakes all workers that wait for the window: no more requests are started.
    pub fn close(&self) {
        if let Some(order) = &self.order {
            order.close();
        }
    }

    /// Writes the lines that still wait for earlier ones, and waits until
    /// everything is on disk. Later results are dropped. Empty files that the
    /// run created are kept only if it `is_complete`.
    ///
    /// # Errors
    /// [`Error::NotSaved`], [`Error::Stdout`] and [`Error::StdoutClosed`].
    pub fn finish(&self, is_complete: bool) -> Result<()> {
        let mut files = match self.files.try_lock() {
            Ok(files) => files,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // A worker is blocked in a write, which may never end.
            Err(TryLockError::WouldBlock) => return Ok(()),
        };
        self.write_arrivals(&mut files);
        files.is_finished = true;
        let waiting = std::mem::take(&mut files.waiting);
        self.write(&mut files.results, joined(waiting.into_values()))?;
        let SinkFiles { results, errors, spool, has_failed, .. } = &mut *files;
        if let Some(spool) = spool.as_ref().filter(|_| !*has_failed) {
            spool.remove();
        }
        [Some(results), errors.as_mut()].into_iter().flatten().try_for_each(|results| {
            match is_complete {
                true => results.keep_if_empty(),
                false => results.remove_if_unused(),
            }
            results.sync()
        })
    }

    fn arrival(&self, index: u64, result: &ResultRecord) -> Arrival {
        let is_for_errors = self.has_errors && result.error.is_some();
        let format = if is_for_errors { &ResultFormat::Batch } else { &self.format };
        let is_reported = match format {
            ResultFormat::Batch => false,
            ResultFormat::Text(_) => true,
            // The row says why it failed, but has no room for an invalid reply.
            ResultFormat::Row(_) => !result.text.is_empty(),
        };
        let report = match &result.error {
            Some(error) if is_reported => {
                let message = format!("request {}: {}", result.id, error.message);
                // The user paid for the reply, even if it is invalid.
                Some(FailureReport { message, text: result.text.clone() })
            }
            _ => None,
        };
        Arrival { index, line: result.line(format), is_for_errors, report }
    }

    /// Writes all results of the queue, or keeps them until their turn.
    fn write_arrivals(&self, files: &mut SinkFiles) {
        let mut group = self.arrivals.take();
        if files.is_finished || group.is_empty() {
            return;
        }
        for report in group.iter().filter_map(|arrival| arrival.report.as_ref()) {
            self.progress.suspend(|| {
                self.notes.print(&report.message);
                self.notes.show(&report.text);
            });
        }
        self.write_failures(files, &mut group);
        let indices: Vec<_> = group.iter().map(|arrival| arrival.index).collect();
        let written = match &self.order {
            None => self.write(&mut files.results, joined(group.into_iter().map(|a| a.line))),
            Some(order) => {
                let written = self.write_in_order(files, group);
                files.has_failed |= written.is_err();
                order.advance(files.next);
                written
            }
        };
        if let Err(error) = written {
            files.write_errors.add(&indices, &error);
        }
    }

    /// Writes the lines for the file of failures. Those that were written become
    /// empty, the others leave the group.
    fn write_failures(&self, files: &mut SinkFiles, group: &mut Vec<Arrival>) {
        let failures = group.iter_mut().filter(|arrival| arrival.is_for_errors);
        let (indices, lines): (Vec<_>, Vec<_>) =
            failures.map(|arrival| (arrival.index, std::mem::take(&mut arrival.line))).unzip();
        let Some(errors) = &mut files.errors else {
            return;
        };
        if let Err(error) = self.write(errors, joined(lines.into_iter())) {
            group.retain(|arrival| !arrival.is_for_errors);
            files.write_errors.add(&indices, &error);
        }
    }

    /// Writes the lines whose turn has come, and keeps the others.
    fn write_in_order(&self, files: &mut SinkFiles, group: Vec<Arrival>) -> Result<()> {
        let indices: Vec<_> = group.iter().map(|arrival| arrival.index).collect();
        files.waiting.extend(group.into_iter().map(|arrival| (arrival.index, arrival.line)));
        let mut ready = Vec::new();
        while let Some(line) = files.waiting.remove(&files.next) {
            files.next += 1;
            ready.push(line);
        }
        let written = self.write(&mut files.results, joined(ready.into_iter()));
        let SinkFiles { waiting, spool, has_failed, .. } = files;
        let Some(spool) = spool else {
            return written;
        };
        if waiting.is_empty() && written.is_ok() && !*has_failed {
            spool.clear();
        }
        let early = indices.iter().filter_map(|index| waiting.get(index));
        let spooled = early.filter(|line| !line.is_empty()).try_for_each(|line| {
            let waiting = waiting.values().map(Vec::as_slice);
            spool.push(line, waiting)
        });
        written.and(spooled)
    }

    /// Writes lines as one.
    fn write(&self, results: &mut ResultFile, lines: Vec<u8>) -> Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        let mut written = Ok(());
        match results.is_terminal() {
            true => self.progress.suspend(|| written = results.append(&lines)),
            false => written = results.append(&lines),
        }
        written.inspect_err(|error| {
            // The user paid for the reply: print it if it cannot be saved.
            if let (Error::NotSaved { .. }, Ok(mut stdout)) = (error, ResultFile::stdout()) {
                let _ = stdout.append(&lines);
            }
        })
    }
}
