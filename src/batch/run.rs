//! Workers at work until all is done, or until somebody says stop.

use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::anyhow;

use crate::batch::progress::{Progress, TICK};
use crate::batch::rate::gate::Gate;
use crate::batch::results::result_line::ResultRecord;
use crate::batch::results::sink::Sink;
use crate::batch::source::feed::{Feed, Job};
use crate::batch::tally::Tally;
use crate::batch::worker::{RequestPolicy, Worker};
use crate::error::{Error, Reason, Result};
use crate::net::client::Client;
use crate::output::notes::Notes;
use crate::signals;

/// How long requests that are under way may take when the user ends the run.
const GRACE: Duration = Duration::from_secs(10);

/// So many requests that fail one after another for no fault of their own, after
/// all tries, mean that none would do better.
const HOPELESS_IN_ROW: u64 = 16;

/// What threads share.
pub struct Run {
    pub gate: Arc<Gate>,
    pub feed: Mutex<Feed>,
    pub sink: Sink,
    pub tally: Mutex<Tally>,
    pub policy: RequestPolicy,
    /// Stop when so many have failed.
    pub max_failures: Option<u64>,
    pub progress: Progress,
    pub notes: Notes,
}

/// What the main thread hears.
enum RunEvent {
    /// A request of a run that is ending has its outcome, or never will.
    Settled,
    /// A worker has ended, by a panic perhaps.
    Ended(thread::Result<()>),
    /// The run ends early, for this reason.
    Enough(String),
    /// The input or the output has failed.
    Broken(Error),
    /// The user ends the run by this signal.
    Interrupted(i32),
}

/// Why a run ends before its input does.
#[derive(Default)]
struct Ending {
    error: Option<Error>,
    /// Until when requests that are under way are waited for.
    deadline: Option<Instant>,
}

impl Ending {
    /// What is under way would go nowhere.
    fn is_lost(&self) -> bool {
        matches!(self.error, Some(Error::Stdout(_) | Error::StdoutClosed))
    }
}

impl Run {
    /// Has each client send requests in a thread of its own.
    ///
    /// # Errors
    /// Those of the input and the output; [`Error::BatchFailed`] where requests
    /// failed, and [`Error::Interrupted`].
    pub fn run(self, clients: Vec<Client>) -> Result<()> {
        let run = Arc::new(self);
        let (teller, told) = channel();
        let tell = teller.clone();
        // Nobody listens any more when the run is over.
        let unheard = move |signal| drop(tell.send(RunEvent::Interrupted(signal)));
        signals::on_first_signal(unheard).map_err(no_thread)?;
        let workers = clients.len();
        // Nothing is sent before all threads are there.
        let held = run.feed.lock();
        for client in clients {
            let (worked, tell) = (Arc::clone(&run), teller.clone());
            let work = move || {
                let ended = panic::catch_unwind(AssertUnwindSafe(|| worked.work(&client, &tell)));
                drop(tell.send(RunEvent::Ended(ended)));
            };
            thread::Builder::new().spawn(work).map_err(|error| {
                run.stop();
                // Nothing was written that could be lost.
                let _ = run.sink.finish(false);
                no_thread(error)
            })?;
        }
        drop(held);
        let mut ending = run.event_loop(&told, workers);
        // What was told while nobody listened any more.
        told.try_iter().for_each(|message| run.take(message, &mut ending));
        run.progress.end();
        let is_lost = ending.is_lost();
        if let Some(error) = ending.error.take_if(|_| is_lost) {
            return Err(error);
        }
        let finished = run.sink.finish(ending.error.is_none());
        let tally = run.tally();
        run.notes.note(tally.summary());
        match (ending.error, finished, tally.status()) {
            (Some(error), ..) => Err(error),
            (None, Err(error), _) => Err(error),
            (None, Ok(()), Some(status)) => Err(Error::BatchFailed(status)),
            (None, Ok(()), None) => Ok(()),
        }
    }

    /// Listens until every worker has ended, or nothing is under way any more
    /// of a run that is to end.
    fn event_loop(&self, told: &Receiver<RunEvent>, mut workers: usize) -> Ending {
        let mut ending = Ending::default();
        while workers > 0 && !(self.gate.is_closed() && self.tally().under_way == 0) {
            self.progress.show(&self.tally());
            let Some(message) = self.listen(told, ending.deadline) else {
                break;
            };
            workers -= usize::from(matches!(message, Some(RunEvent::Ended(_))));
            if let Some(message) = message {
                self.take(message, &mut ending);
            }
            if ending.is_lost() {
                break;
            }
        }
        ending
    }

    fn take(&self, message: RunEvent, ending: &mut Ending) {
        match message {
            RunEvent::Settled | RunEvent::Ended(Ok(())) => {}
            RunEvent::Ended(Err(panic)) => panic::resume_unwind(panic),
            RunEvent::Enough(reason) => self.tell(reason),
            RunEvent::Broken(error) => drop(ending.error.get_or_insert(error)),
            RunEvent::Interrupted(signal) => {
                ending.deadline = Some(Instant::now() + GRACE);
                ending.error.get_or_insert(Error::Interrupted(signal));
                // Those that wait to be sent will not be.
                let waiting = self.gate.waiting() as u64;
                self.stop();
                let requests = match self.tally().under_way.saturating_sub(waiting) {
                    0 => return,
                    1 => "1 request".to_owned(),
                    count => format!("{count} requests"),
                };
                let seconds = GRACE.as_secs();
                self.tell(format_args!(
                    "waiting for {requests} under way, {seconds} s at most; another signal ends the run"
                ));
            }
        }
    }

    /// The next message; none within a tick of the bar; `None` when the
    /// deadline has passed.
    fn listen(
        &self,
        told: &Receiver<RunEvent>,
        deadline: Option<Instant>,
    ) -> Option<Option<RunEvent>> {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            return None;
        }
        let tick = self.progress.is_shown().then_some(TICK);
        match left.into_iter().chain(tick).min() {
            Some(wait) => Some(told.recv_timeout(wait).ok()),
            None => told.recv().ok().map(Some),
        }
    }

    /// What a worker does: one request after another.
    fn work(&self, client: &Client, tell: &Sender<RunEvent>) {
        let worker = Worker { client, policy: &self.policy };
        loop {
            let job = match self.next_job() {
                Ok(Some(job)) => job,
                Ok(None) => return,
                Err(error) => return self.break_off(error, tell),
            };
            let outcome = match job.request {
                Ok(request) => worker.perform(request),
                Err(fault) => Some(ResultRecord::of_bad_line(job.line, &fault)),
            };
            if let Some(outcome) = outcome
                && let Err(error) = self.deliver(job.index, &outcome, tell)
            {
                self.break_off(error, tell);
            }
            self.tally().under_way -= 1;
            if self.gate.is_closed() {
                drop(tell.send(RunEvent::Settled));
                return;
            }
        }
    }

    /// The next piece of work; `None` when there is none, or the run is to end.
    fn next_job(&self) -> Result<Option<Job>> {
        // What a panic left of a feed is for its worker to tell.
        let mut feed = self.feed.lock().unwrap_or_else(PoisonError::into_inner);
        self.sink.wait_for_room(feed.index());
        if self.gate.is_closed() {
            return Ok(None);
        }
        let job = feed.next_job()?;
        let mut tally = self.tally();
        tally.under_way += u64::from(job.is_some());
        tally.skipped += feed.take_skipped();
        Ok(job)
    }

    fn deliver(&self, index: u64, outcome: &ResultRecord, tell: &Sender<RunEvent>) -> Result<()> {
        let reason = {
            let mut tally = self.tally();
            tally.add(outcome);
            let failed = tally.failed();
            match self.max_failures {
                Some(most) if failed >= most => Some(format!("stopping after {failed} failures")),
                _ if tally.hopeless_in_row() >= HOPELESS_IN_ROW => {
                    let why = outcome.fault.as_ref().map_or("", |fault| &fault.message);
                    Some(format!("stopping after {HOPELESS_IN_ROW} failures in a row: {why}"))
                }
                _ => None,
            }
        };
        self.sink.put(index, outcome)?;
        if let Some(reason) = reason.filter(|_| !self.gate.is_closed()) {
            drop(tell.send(RunEvent::Enough(reason)));
            self.stop();
        }
        Ok(())
    }

    /// The main thread hears of it before it sees that the run is to end.
    fn break_off(&self, error: Error, tell: &Sender<RunEvent>) {
        drop(tell.send(RunEvent::Broken(error)));
        self.stop();
    }

    /// No new requests from now on.
    fn stop(&self) {
        self.gate.close();
        self.sink.close();
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        // A tally is whole between any two of its steps.
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, message: impl std::fmt::Display) {
        self.progress.aside(|| self.notes.note(message));
    }
}

fn no_thread(source: std::io::Error) -> Error {
    let reason = Reason(&source);
    Error::Config(anyhow!("this machine gives no more threads ({reason}); --jobs takes fewer"))
}
