//! A run of a batch: its workers, and how it ends.

use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};

use crate::batch::copies::CopyWriter;
use crate::batch::progress::{Counts, Progress};
use crate::batch::rate::gate::Gate;
use crate::batch::results::sink::Sink;
use crate::batch::source::job_queue::JobQueue;
use crate::batch::stop::Stop;
use crate::batch::tally::Tally;
use crate::batch::worker::RequestPolicy;
use crate::error::{Error, Result};
use crate::headroom;
use crate::net::client::Client;
use crate::output::notes::Notes;
use crate::signals;
use crate::time_limit::TimeLimit;

/// How long an interrupted run waits for requests in progress.
const GRACE: Duration = Duration::from_secs(10);

/// What the threads of a run share.
pub struct Run {
    pub gate: Arc<Gate>,
    pub jobs: Mutex<JobQueue>,
    pub sink: Sink,
    pub tally: Mutex<Tally>,
    pub policy: RequestPolicy,
    /// Writes the results of requests that are not sent because they equal another one.
    pub copies: Option<CopyWriter>,
    /// Whether the input is a file, which can be read without waiting.
    pub is_file: bool,
    /// Stop after this many failures.
    pub max_failures: Option<u64>,
    /// How long to wait for a success in an outage.
    pub patience: Duration,
    pub progress: Progress,
    pub notes: Notes,
}

/// What the workers and the signal handler report to the main thread.
pub(super) enum RunEvent {
    /// The run is stopping, and a request in progress has ended.
    RequestEnded,
    /// A worker has returned or panicked.
    WorkerEnded(thread::Result<()>),
    /// The run stops before its input ends.
    StoppedEarly(Stop),
    /// The input cannot be read, or a result cannot be written.
    Failed(Error),
    /// The user interrupts the run by this signal.
    Interrupted(i32),
}

/// What a wait for the next event ends with.
enum Wakeup {
    Event(RunEvent),
    /// The progress is due.
    Tick,
    /// Requests in progress have taken too long, or no sender is left.
    Over,
}

/// Why a run ends before its input does.
#[derive(Default)]
struct Ending {
    error: Option<Error>,
    stop: Option<Stop>,
    /// How long to wait for requests in progress.
    grace: Option<TimeLimit>,
}

impl Ending {
    /// Results cannot be written any more.
    fn is_stdout_lost(&self) -> bool {
        matches!(self.error, Some(Error::Stdout(_) | Error::StdoutClosed))
    }
}

impl Run {
    /// Sends all requests, with one worker thread per client.
    ///
    /// # Errors
    /// Those of the input and the results, [`Error::Limit`] if there are not enough
    /// threads, [`Error::Interrupted`], [`Error::BatchStopped`] if requests are left,
    /// and [`Error::BatchFailed`].
    pub fn run(self, clients: Vec<Client>) -> Result<()> {
        let run = Arc::new(self);
        let (sender, events) = channel();
        let interrupted = sender.clone();
        // Sending fails only after the run, when nobody needs the event.
        let on_signal = move |signal| drop(interrupted.send(RunEvent::Interrupted(signal)));
        let caught =
            signals::on_first_signal(&[SIGINT, SIGTERM], on_signal).map_err(thread_error)?;
        let workers = clients.len();
        Self::start_workers(&run, clients, &sender)?;
        let mut ending = run.event_loop(&events, workers);
        // Events that were sent after the loop looked at the last one.
        events.try_iter().for_each(|event| run.handle(event, &mut ending));
        run.progress.clear();
        let is_stdout_lost = ending.is_stdout_lost();
        if let Some(error) = ending.error.take_if(|_| is_stdout_lost) {
            return Err(error);
        }
        let finished = run
            .write_paid_replies()
            .and_then(|()| run.write_copies())
            .and_then(|()| run.sink.finish(ending.error.is_none() && ending.stop.is_none()));
        // What is still to be done can be done by the next run.
        caught.let_go();
        let tally = run.tally();
        run.notes.note(tally.summary());
        if let Some(error) = ending.error.or(finished.err()) {
            return Err(error);
        }
        match (ending.stop.filter(|_| tally.left() != Some(0)), tally.status()) {
            (Some(stop), _) => Err(stop.into_error(tally.left())),
            (None, Some(status)) => Err(Error::BatchFailed(status)),
            (None, None) => Ok(()),
        }
    }

    /// Writes the invalid replies of rows whose repair the run did not wait for. Other
    /// rows that were set aside are left for another run.
    fn write_paid_replies(&self) -> Result<()> {
        let rows = self.gate.drain_set_aside();
        for (mut row, error) in rows.into_iter().filter(|(row, _)| row.asking.rejected.is_some()) {
            let index = row.index;
            let result = self.policy.failed(&mut row, error);
            self.tally().add(index, &result);
            self.sink.write_result(index, &result)?;
        }
        Ok(())
    }

    /// Writes the results of requests that equal one that has a result.
    fn write_copies(&self) -> Result<()> {
        let Some(copies) = &self.copies else {
            return Ok(());
        };
        copies.write(&self.policy.replies.judge(), |copied| {
            self.tally().add_copy(copied.failure);
            self.sink.write_copy(copied.line)
        })
    }

    /// Starts a worker thread per client. No request is sent before all threads
    /// have started.
    fn start_workers(
        run: &Arc<Self>,
        clients: Vec<Client>,
        sender: &Sender<RunEvent>,
    ) -> Result<()> {
        let _no_jobs_yet = run.jobs.lock();
        let (running, has_run) = channel();
        for client in clients {
            let (shared, sender, running) = (Arc::clone(run), sender.clone(), running.clone());
            let work = move || {
                // The main thread waits for this, so it cannot fail.
                let _ = running.send(());
                let run_worker = AssertUnwindSafe(|| shared.run_worker(&client, &sender));
                let ended = panic::catch_unwind(run_worker);
                drop(sender.send(RunEvent::WorkerEnded(ended)));
            };
            let started =
                headroom::ensure_for_thread().and_then(|()| thread::Builder::new().spawn(work));
            started.map_err(|error| {
                run.stop();
                // No results exist yet that could fail to be written.
                let _ = run.sink.finish(false);
                thread_error(error)
            })?;
            // Until it runs, a thread has not allocated all that the check above is for.
            let _ = has_run.recv();
        }
        Ok(())
    }

    /// Handles events until every worker has ended, or until a run that stops
    /// has no more requests in progress.
    fn event_loop(&self, events: &Receiver<RunEvent>, mut workers: usize) -> Ending {
        let mut ending = Ending::default();
        while workers > 0 && !(self.gate.is_closed() && self.gate.under_way() == 0) {
            // In two steps: nobody waits for the tally while something is printed.
            let counts = Counts::of(&self.tally());
            self.progress.show(counts);
            match self.next_event(events, ending.grace.as_mut()) {
                Wakeup::Event(event) => {
                    workers -= usize::from(matches!(event, RunEvent::WorkerEnded(_)));
                    self.handle(event, &mut ending);
                }
                Wakeup::Tick => {}
                Wakeup::Over => break,
            }
            if ending.is_stdout_lost() {
                break;
            }
        }
        ending
    }

    fn handle(&self, event: RunEvent, ending: &mut Ending) {
        match event {
            RunEvent::RequestEnded | RunEvent::WorkerEnded(Ok(())) => {}
            RunEvent::WorkerEnded(Err(panic)) => panic::resume_unwind(panic),
            RunEvent::StoppedEarly(stop) => drop(ending.stop.get_or_insert(stop)),
            RunEvent::Failed(error) => drop(ending.error.get_or_insert(error)),
            RunEvent::Interrupted(signal) => {
                ending.grace = Some(TimeLimit::new(GRACE));
                ending.error.get_or_insert(Error::Interrupted(signal));
                self.progress.clear();
                // Requests that wait at the gate will not be sent.
                let waiting = self.gate.waiting() as u64;
                self.stop();
                let requests = match self.gate.under_way().saturating_sub(waiting) {
                    0 => return,
                    1 => "1 request".to_owned(),
                    count => format!("{count} requests"),
                };
                let seconds = GRACE.as_secs();
                self.note(format_args!(
                    "waiting for {requests} in progress, {seconds} s at most; another signal ends the run immediately"
                ));
            }
        }
    }

    fn next_event(&self, events: &Receiver<RunEvent>, grace: Option<&mut TimeLimit>) -> Wakeup {
        let tick = self.progress.wait();
        let slice = grace.as_ref().map(|grace| grace.slice());
        let Some(wait) = slice.into_iter().chain(tick).min() else {
            return events.recv().map_or(Wakeup::Over, Wakeup::Event);
        };
        let began = Instant::now();
        let event = events.recv_timeout(wait);
        if let Some(grace) = grace {
            grace.add(wait, began.elapsed());
        }
        match event {
            Ok(event) => Wakeup::Event(event),
            Err(_) if slice == Some(Duration::ZERO) => Wakeup::Over,
            Err(_) => Wakeup::Tick,
        }
    }

    /// Starts no more requests. Returns false if the run was stopping already.
    pub(super) fn stop(&self) -> bool {
        let is_first = self.gate.close();
        self.sink.close();
        is_first
    }

    pub(super) fn tally(&self) -> MutexGuard<'_, Tally> {
        // A panic cannot leave the tally half changed.
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn note(&self, message: impl std::fmt::Display) {
        self.progress.suspend(|| self.notes.note(message));
    }
}

fn thread_error(source: std::io::Error) -> Error {
    Error::Limit { action: "start a thread for each job".to_owned(), source }
}
