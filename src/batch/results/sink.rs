//! Where the workers of a run write their results: as they come, or in the
//! order of the input.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, TryLockError};

use crate::batch::progress::Progress;
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
    progress: Progress,
    notes: Notes,
    /// Set if results are written in the order of the input.
    order: Option<InputOrder>,
    files: Mutex<SinkFiles>,
}

/// Limits how far requests run ahead of the results. It has a lock of its own,
/// so that workers can start requests while another one writes.
struct InputOrder {
    window: u64,
    position: Mutex<OrderPosition>,
    /// The position has changed.
    advanced: Condvar,
}

#[derive(Default)]
struct OrderPosition {
    /// The index of the oldest request whose result is not written.
    oldest: u64,
    /// The index of the next request to be started.
    next: u64,
    is_closed: bool,
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
    /// The run is over: nothing more is written.
    is_finished: bool,
}

impl Sink {
    /// # Errors
    /// [`Error::Unwritable`] if the spool cannot be created.
    pub fn new(options: SinkOptions, progress: Progress, notes: &Notes) -> Result<Self> {
        let SinkOptions { results, errors, format, window } = options;
        // A spool of texts could not be resumed: they have no ids.
        let is_spooled = window.is_some() && format == ResultFormat::Batch;
        let spool = if is_spooled { results.spool()? } else { None };
        let order = window.map(|window| InputOrder {
            window,
            position: Mutex::default(),
            advanced: Condvar::new(),
        });
        let files = SinkFiles {
            results,
            errors,
            waiting: BTreeMap::new(),
            next: 0,
            spool,
            has_failed: false,
            is_finished: false,
        };
        Ok(Self { format, progress, notes: notes.clone(), order, files: Mutex::new(files) })
    }

    /// Waits until the request of this index, from 0, is inside the window.
    pub fn wait_for_window(&self, index: u64) {
        let Some(order) = &self.order else {
            return;
        };
        let mut position = order.lock();
        position.next = index;
        while index >= position.oldest + order.window && !position.is_closed {
            position = order.advanced.wait(position).unwrap_or_else(PoisonError::into_inner);
        }
        position.next = index + 1;
    }

    /// Whether the next request is inside the window.
    pub fn is_inside_window(&self) -> bool {
        self.order.as_ref().is_none_or(|order| {
            let position = order.lock();
            position.next < position.oldest + order.window
        })
    }

    /// Writes the result of the request of this index, or keeps it until its
    /// turn.
    ///
    /// # Errors
    /// [`Error::NotSaved`] for a file: what could not be written to it was
    /// printed. [`Error::Stdout`] and [`Error::StdoutClosed`].
    pub fn write_result(&self, index: u64, result: &ResultRecord) -> Result<()> {
        // Lines are written whole, so a panic leaves none half written.
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if files.is_finished {
            return Ok(());
        }
        let line = self.line(&mut files, result)?;
        let Some(order) = &self.order else {
            return self.write(&mut files.results, line);
        };
        let written = self.write_in_order(&mut files, index, line);
        files.has_failed |= written.is_err();
        order.lock().oldest = files.next;
        order.advanced.notify_all();
        written
    }

    /// Wakes all workers that wait for the window: no more requests are started.
    pub fn close(&self) {
        if let Some(order) = &self.order {
            order.lock().is_closed = true;
            order.advanced.notify_all();
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
        files.is_finished = true;
        let mut written = Ok(());
        for line in std::mem::take(&mut files.waiting).into_values() {
            written = written.and(self.write(&mut files.results, line));
        }
        written?;
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

    /// The line of a result; empty if it was written to `errors` instead.
    fn line(&self, files: &mut SinkFiles, result: &ResultRecord) -> Result<Vec<u8>> {
        match (&mut files.errors, &result.error) {
            (Some(errors), Some(_)) => {
                self.write(errors, result.line(ResultFormat::Batch))?;
                return Ok(Vec::new());
            }
            (None, Some(error)) if self.format != ResultFormat::Batch => {
                self.progress.suspend(|| {
                    self.notes.print(format_args!("request {}: {}", result.id, error.message));
                    // The user paid for the reply, even if it is invalid.
                    self.notes.show(&result.text);
                })
            }
            _ => {}
        }
        Ok(result.line(self.format))
    }

    /// Writes a line and the lines that waited for it, or keeps it until its
    /// turn.
    fn write_in_order(&self, files: &mut SinkFiles, index: u64, line: Vec<u8>) -> Result<()> {
        let is_early = index > files.next && !line.is_empty();
        files.waiting.insert(index, line);
        if let Some(spool) = files.spool.as_mut().filter(|_| is_early) {
            let waiting = files.waiting.values().map(Vec::as_slice);
            spool.push(&files.waiting[&index], waiting)?;
        }
        let mut written = Ok(());
        while let Some(line) = files.waiting.remove(&files.next) {
            files.next += 1;
            written = written.and(self.write(&mut files.results, line));
        }
        let is_all_written = files.waiting.is_empty() && written.is_ok() && !files.has_failed;
        if let Some(spool) = files.spool.as_mut().filter(|_| is_all_written) {
            spool.clear();
        }
        written
    }

    fn write(&self, results: &mut ResultFile, line: Vec<u8>) -> Result<()> {
        if line.is_empty() {
            return Ok(());
        }
        let mut written = Ok(());
        match results.is_terminal() {
            true => self.progress.suspend(|| written = results.append(&line)),
            false => written = results.append(&line),
        }
        written.inspect_err(|error| {
            // The user paid for the reply: print it if it cannot be saved.
            if let (Error::NotSaved { .. }, Ok(mut stdout)) = (error, ResultFile::stdout()) {
                let _ = stdout.append(&line);
            }
        })
    }
}

impl InputOrder {
    fn lock(&self) -> MutexGuard<'_, OrderPosition> {
        // A panic cannot leave the position half changed.
        self.position.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
