//! Where outcomes go, as they come or in the order of the input. Threads share
//! it.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, TryLockError};

use crate::batch::progress::Progress;
use crate::batch::results::result_file::ResultFile;
use crate::batch::results::result_line::{ResultFormat, ResultRecord};
use crate::batch::results::spool::Spool;
use crate::error::{Error, Result};
use crate::output::notes::Notes;

pub struct Sink {
    format: ResultFormat,
    progress: Progress,
    notes: Notes,
    order: Option<Order>,
    writing: Mutex<Writing>,
}

/// The order of the input, where it is kept.
struct Order {
    /// How many requests may be begun beyond the oldest that is not written.
    window: u64,
    room: Mutex<Room>,
    /// The oldest was written, or nothing is begun any more.
    advanced: Condvar,
}

#[derive(Default)]
struct Room {
    /// The index of the oldest.
    oldest: u64,
    is_closed: bool,
}

/// What is locked while something is written, which may take its time.
struct Writing {
    results: ResultFile,
    /// Failed requests go there, where they go apart.
    errors: Option<ResultFile>,
    /// Lines that wait for those before them, by their index; empty where
    /// they went apart.
    waiting: BTreeMap<u64, Vec<u8>>,
    /// The index of the next to be written.
    next: u64,
    spool: Option<Spool>,
    /// Something could not be written: what is kept stays.
    is_broken: bool,
    /// The run is over, and with it this process.
    is_finished: bool,
}

impl Sink {
    /// A `window` keeps the order.
    ///
    /// # Errors
    /// Those of [`ResultFile::spool`].
    pub fn new(
        results: ResultFile,
        errors: Option<ResultFile>,
        format: ResultFormat,
        window: Option<u64>,
        progress: Progress,
        notes: &Notes,
    ) -> Result<Self> {
        // Texts have no ids by which they could be told from one another.
        let is_kept = window.is_some() && format == ResultFormat::Batch;
        let spool = if is_kept { results.spool()? } else { None };
        let order =
            window.map(|window| Order { window, room: Mutex::default(), advanced: Condvar::new() });
        let waiting = BTreeMap::new();
        let (is_broken, is_finished) = (false, false);
        let writing = Writing { results, errors, waiting, next: 0, spool, is_broken, is_finished };
        Ok(Self { format, progress, notes: notes.clone(), order, writing: Mutex::new(writing) })
    }

    /// Waits until the request of this index, from 0, may be begun.
    pub fn wait_for_room(&self, index: u64) {
        let Some(order) = &self.order else {
            return;
        };
        let mut room = order.lock();
        while index >= room.oldest + order.window && !room.is_closed {
            room = order.advanced.wait(room).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes what became of the request of this index.
    ///
    /// # Errors
    /// Those of [`ResultFile::append`]. What could not be written to a file is
    /// on standard output then.
    pub fn put(&self, index: u64, outcome: &ResultRecord) -> Result<()> {
        // What was written to is whole between any two lines.
        let mut writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if writing.is_finished {
            return Ok(());
        }
        let line = self.line(&mut writing, outcome)?;
        let Some(order) = &self.order else {
            return self.write(&mut writing.results, line);
        };
        let written = self.in_turn(&mut writing, index, line);
        writing.is_broken |= written.is_err();
        order.lock().oldest = writing.next;
        order.advanced.notify_all();
        written
    }

    /// Nothing more is begun: nobody is to wait any more.
    pub fn close(&self) {
        if let Some(order) = &self.order {
            order.lock().is_closed = true;
            order.advanced.notify_all();
        }
    }

    /// Writes what still waits for what will not come, and waits until all is
    /// on disk. Nothing is written after that. A file without a line stays
    /// where the run is `whole`.
    ///
    /// # Errors
    /// Those of [`ResultFile::append`] and [`ResultFile::sync`].
    pub fn finish(&self, is_whole: bool) -> Result<()> {
        let mut writing = match self.writing.try_lock() {
            Ok(writing) => writing,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Whoever writes will not come to its end.
            Err(TryLockError::WouldBlock) => return Ok(()),
        };
        writing.is_finished = true;
        let mut written = Ok(());
        for line in std::mem::take(&mut writing.waiting).into_values() {
            written = written.and(self.write(&mut writing.results, line));
        }
        written?;
        let Writing { results, errors, spool, is_broken, .. } = &mut *writing;
        if let Some(spool) = spool.as_ref().filter(|_| !*is_broken) {
            spool.remove();
        }
        [Some(results), errors.as_mut()].into_iter().flatten().try_for_each(|results| {
            match is_whole {
                true => results.keep(),
                false => results.leave_no_trace(),
            }
            results.sync()
        })
    }

    /// The line of an outcome; empty where that goes apart.
    fn line(&self, writing: &mut Writing, outcome: &ResultRecord) -> Result<Vec<u8>> {
        match (&mut writing.errors, &outcome.fault) {
            (Some(errors), Some(_)) => {
                self.write(errors, outcome.line(ResultFormat::Batch))?;
                return Ok(Vec::new());
            }
            (None, Some(fault)) if self.format != ResultFormat::Batch => {
                self.progress.aside(|| {
                    self.notes.error(format_args!("request {}: {}", outcome.id, fault.message));
                    // What was paid for is not lost with its form.
                    self.notes.show(&outcome.text);
                })
            }
            _ => {}
        }
        Ok(outcome.line(self.format))
    }

    /// Writes a line and those that waited for it, or has it wait.
    fn in_turn(&self, writing: &mut Writing, index: u64, line: Vec<u8>) -> Result<()> {
        let is_early = index > writing.next && !line.is_empty();
        writing.waiting.insert(index, line);
        if let Some(spool) = writing.spool.as_mut().filter(|_| is_early) {
            let waiting = writing.waiting.values().map(Vec::as_slice);
            spool.keep(&writing.waiting[&index], waiting)?;
        }
        let mut written = Ok(());
        while let Some(line) = writing.waiting.remove(&writing.next) {
            writing.next += 1;
            written = written.and(self.write(&mut writing.results, line));
        }
        let is_settled = writing.waiting.is_empty() && written.is_ok() && !writing.is_broken;
        if let Some(spool) = writing.spool.as_mut().filter(|_| is_settled) {
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
            true => self.progress.aside(|| written = results.append(&line)),
            false => written = results.append(&line),
        }
        written.inspect_err(|error| {
            // A reply that was paid for is not lost with its file.
            if let (Error::NotSaved { .. }, Ok(mut stdout)) = (error, ResultFile::stdout()) {
                let _ = stdout.append(&line);
            }
        })
    }
}

impl Order {
    fn lock(&self) -> MutexGuard<'_, Room> {
        // A room is whole between any two of its steps.
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
