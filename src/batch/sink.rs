//! Where outcomes go, as they come or in the order of the input. Threads share
//! it.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::outcome::{Format, Outcome};
use super::progress::Progress;
use super::results::Results;
use crate::error::{Error, Result};
use crate::notes::Notes;

pub struct Sink {
    format: Format,
    /// How many requests may be begun beyond the oldest that is not written.
    window: Option<u64>,
    progress: Progress,
    notes: Notes,
    state: Mutex<State>,
    /// The oldest was written, or nothing will be any more.
    advanced: Condvar,
}

struct State {
    results: Results,
    /// Failed requests go there, where they go apart.
    errors: Option<Results>,
    /// Outcomes that wait for those before them, by their index.
    waiting: BTreeMap<u64, Outcome>,
    /// The index of the next to be written where there is an order.
    next: u64,
    is_closed: bool,
    /// The run is over, and with it this process.
    is_finished: bool,
}

impl Sink {
    pub fn new(
        results: Results,
        errors: Option<Results>,
        format: Format,
        window: Option<u64>,
        progress: Progress,
        notes: &Notes,
    ) -> Self {
        let state = State {
            results,
            errors,
            waiting: BTreeMap::new(),
            next: 0,
            is_closed: false,
            is_finished: false,
        };
        let notes = notes.clone();
        Self { format, window, progress, notes, state: Mutex::new(state), advanced: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A state is whole between any two of its steps.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the request of this index, from 0, may be begun.
    pub fn wait_for_room(&self, index: u64) {
        let Some(window) = self.window else {
            return;
        };
        let mut state = self.lock();
        while index >= state.next + window && !state.is_closed {
            state = self.advanced.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes what became of the request of this index.
    ///
    /// # Errors
    /// Those of [`Results::append`]. What could not be written to a file is
    /// on standard output then.
    pub fn put(&self, index: u64, outcome: Outcome) -> Result<()> {
        let mut state = self.lock();
        if state.is_finished {
            return Ok(());
        }
        if self.window.is_none() {
            return self.write(&mut state, &outcome);
        }
        state.waiting.insert(index, outcome);
        let mut written = Ok(());
        loop {
            let next = state.next;
            let Some(outcome) = state.waiting.remove(&next) else {
                break;
            };
            state.next += 1;
            written = written.and(self.write(&mut state, &outcome));
        }
        self.advanced.notify_all();
        written
    }

    /// Nothing more is begun: nobody is to wait any more.
    pub fn close(&self) {
        self.lock().is_closed = true;
        self.advanced.notify_all();
    }

    /// Writes what still waits for what will not come, and waits until all is
    /// on disk.
    ///
    /// # Errors
    /// Those of [`Results::append`] and [`Results::sync`].
    pub fn finish(&self) -> Result<()> {
        let mut state = self.lock();
        state.is_finished = true;
        let mut written = Ok(());
        for outcome in std::mem::take(&mut state.waiting).into_values() {
            written = written.and(self.write(&mut state, &outcome));
        }
        written?;
        state.results.sync()?;
        state.errors.as_ref().map_or(Ok(()), Results::sync)
    }

    fn write(&self, state: &mut State, outcome: &Outcome) -> Result<()> {
        let (results, line) = match (&mut state.errors, &outcome.fault) {
            (Some(errors), Some(_)) => (errors, outcome.line(Format::Batch)),
            (None, Some(fault)) if self.format != Format::Batch => {
                let Outcome { id, text, .. } = outcome;
                self.progress.aside(|| {
                    self.notes.error(format_args!("request {id}: {}", fault.message));
                    // What was paid for is not lost with its form.
                    self.notes.show(text);
                });
                (&mut state.results, outcome.line(self.format))
            }
            _ => (&mut state.results, outcome.line(self.format)),
        };
        results.append(line.clone()).inspect_err(|error| {
            // A reply that was paid for is not lost with its file.
            if let (Error::NotSaved { .. }, Ok(mut stdout)) = (error, Results::stdout()) {
                let _ = stdout.append(line);
            }
        })
    }
}
