//! What a worker of a run does: it sends one row after another, and writes what
//! became of each.

use std::sync::PoisonError;
use std::sync::mpsc::Sender;
use std::time::Duration;

use crate::batch::rate::gate_state::Aside;
use crate::batch::results::result_line::ResultRecord;
use crate::batch::row::Row;
use crate::batch::run::{Run, RunEvent};
use crate::batch::set_aside::Taken;
use crate::batch::source::job_queue::{Job, Passed};
use crate::batch::stop::{MAX_CONSECUTIVE, Stop};
use crate::batch::worker::{Processed, Worker};
use crate::error::{Error, Result};
use crate::net::client::Client;

/// What a worker does next.
enum Task {
    Send(Box<Row>),
    Write { index: u64, result: Box<ResultRecord> },
}

impl Run {
    /// Sends one row after another, until none is left or the run stops.
    pub(super) fn run_worker(&self, client: &Client, sender: &Sender<RunEvent>) {
        let worker = Worker { client, policy: &self.policy };
        loop {
            let task = match self.next_task() {
                Ok(Some(task)) => task,
                Ok(None) => return,
                Err(error) => return self.fail(error, sender),
            };
            let was_again = matches!(&task, Task::Send(row) if row.failures() > 0);
            let written = match task {
                Task::Send(row) => self.send(row, &worker, sender),
                Task::Write { index, result } => self.record(index, &result, sender),
            };
            if let Err(error) = written {
                self.fail(error, sender);
            }
            if self.gate.end_row(was_again) {
                drop(sender.send(RunEvent::RequestEnded));
                return;
            }
        }
    }

    /// The next row to send or to write; `None` if none is left, or if the run is
    /// stopping.
    fn next_task(&self) -> Result<Option<Task>> {
        let taken = match self.gate.take_set_aside() {
            // The input may have to wait until a row that was set aside is done.
            None if !self.gate.has_set_aside() || self.may_read_more() => {
                if let Some(task) = self.read_input()? {
                    return Ok(Some(task));
                }
                self.gate.wait_for_set_aside()
            }
            None => self.gate.wait_for_set_aside(),
            taken => taken,
        };
        Ok(taken.map(|taken| match taken {
            Taken::Again(row) => Task::Send(row),
            Taken::Failed(mut row, error) => {
                let result = Box::new(self.policy.failed(&mut row, error));
                Task::Write { index: row.index, result }
            }
        }))
    }

    /// Whether a row can be read without waiting: not from a pipe, and not if it would
    /// be too far ahead of the oldest one without a result.
    fn may_read_more(&self) -> bool {
        self.is_file && self.sink.is_inside_window()
    }

    /// The next row of the input; `None` at its end, or if the run is stopping.
    fn read_input(&self) -> Result<Option<Task>> {
        // A worker that panicked here reports it itself.
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        self.sink.wait_for_window(jobs.next_index());
        if self.gate.is_closed() {
            return Ok(None);
        }
        let job = jobs.next_job();
        let Passed { done, left_alone } = jobs.take_passed();
        {
            let mut tally = self.tally();
            tally.skipped += done;
            tally.left_alone += left_alone;
            if jobs.has_ended() {
                tally.set_read(jobs.next_index());
            }
        }
        let Some(Job { index, number, row_start, request }) = job? else {
            return Ok(None);
        };
        self.gate.begin_row();
        Ok(Some(match request {
            Ok(request) => Task::Send(Box::new(Row::new(index, request, row_start))),
            Err(invalid) => {
                let result = Box::new(ResultRecord::of_invalid(number, &invalid, row_start));
                Task::Write { index, result }
            }
        }))
    }

    /// Sends a row, and writes its result or sets it aside.
    fn send(&self, mut row: Box<Row>, worker: &Worker, sender: &Sender<RunEvent>) -> Result<()> {
        let index = row.index;
        let written = match worker.process(&mut row) {
            Processed::Stopped => Ok(()),
            Processed::Result(result) => self.record(index, &result, sender),
            Processed::Outage(error) => self.set_aside(row, error, sender),
        };
        if let Some(outage) = self.gate.recovered_after() {
            let time = humantime::format_duration(Duration::from_secs(outage.as_secs()));
            self.note(format_args!("the server answers again, after {time}"));
        }
        written
    }

    /// Sets a row aside until it is known who is to blame. Stops the run if nothing has
    /// succeeded for too long.
    fn set_aside(&self, row: Box<Row>, error: Error, sender: &Sender<RunEvent>) -> Result<()> {
        let index = row.index;
        let message = error.to_string();
        match self.gate.set_aside(row, error) {
            Aside::Waits => Ok(()),
            Aside::WaitsLong => {
                let patience = humantime::format_duration(self.patience);
                self.note(format_args!(
                    "{message}; trying one request at a time for up to {patience} (--patience)"
                ));
                Ok(())
            }
            Aside::Fails(mut row, error) => {
                self.record(index, &self.policy.failed(&mut row, error), sender)
            }
            Aside::EndsRun(mut row, error) => {
                // Without patience, a row that has used up its retries has failed.
                let is_result = self.patience.is_zero() || row.asking.rejected.is_some();
                let result = self.policy.failed(&mut row, error);
                if let Some(error) = &result.error {
                    let stop = Stop::NoSuccess { patience: self.patience, last: error.into() };
                    self.stop_early(stop, sender);
                }
                if is_result { self.record(index, &result, sender) } else { Ok(()) }
            }
        }
    }

    /// Counts and writes a result, and stops the run after too many failures.
    fn record(&self, index: u64, result: &ResultRecord, sender: &Sender<RunEvent>) -> Result<()> {
        let stop = {
            let mut tally = self.tally();
            tally.add(index, result);
            match (self.max_failures, &result.error) {
                (Some(max), Some(_)) if tally.failed() >= max => Some(Stop::MaxFailures(max)),
                (_, Some(last)) if tally.consecutive() >= MAX_CONSECUTIVE => {
                    Some(Stop::NothingWorks { count: tally.consecutive(), last: last.into() })
                }
                _ => tally.over_budget(),
            }
        };
        self.sink.write_result(index, result)?;
        let warning = self.tally().new_warning(result);
        if let Some(warning) = warning {
            self.note(format_args!("warning: request {}: {warning}", result.id));
        }
        if self.tally().is_first_estimate(result) {
            self.note(format_args!(
                "warning: request {}: the server did not report all of the usage; --max-cost counts a token for each 4 bytes",
                result.id
            ));
        }
        if let Some(stop) = stop {
            self.stop_early(stop, sender);
        }
        Ok(())
    }

    /// Ends the run for this reason, unless it is ending already.
    fn stop_early(&self, stop: Stop, sender: &Sender<RunEvent>) {
        if self.stop() {
            drop(sender.send(RunEvent::StoppedEarly(stop)));
        }
    }

    /// Ends the run with an error.
    fn fail(&self, error: Error, sender: &Sender<RunEvent>) {
        // In this order: the main thread must find the error once it sees that
        // the run is stopping.
        drop(sender.send(RunEvent::Failed(error)));
        self.stop();
    }
}
