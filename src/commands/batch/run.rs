//! Workers at work until all is done, or until somebody says stop.

use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::worker::{Demand, Worker};
use crate::api::client::Client;
use crate::batch::feed::{Feed, Job};
use crate::batch::gate::Gate;
use crate::batch::outcome::Outcome;
use crate::batch::progress::{Progress, TICK};
use crate::batch::sink::Sink;
use crate::batch::tally::Tally;
use crate::error::{Error, Result};
use crate::notes::Notes;
use crate::signals;

/// How long requests that are under way may take when the user ends the run.
const GRACE: Duration = Duration::from_secs(10);

/// What threads share.
pub struct Run {
    pub gate: Arc<Gate>,
    pub feed: Mutex<Feed>,
    pub sink: Sink,
    pub tally: Mutex<Tally>,
    pub demand: Demand,
    /// Stop when so many have failed.
    pub max_failures: Option<u64>,
    pub progress: Progress,
    pub notes: Notes,
}

/// What the main thread hears.
enum Message {
    /// A request of a run that is ending has its outcome, or never will.
    Settled,
    /// A worker has ended, by a panic perhaps.
    Ended(thread::Result<()>),
    /// So many have failed that it is enough.
    Enough(u64),
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

impl Run {
    /// Has each client send requests in a thread of its own.
    ///
    /// # Errors
    /// Those of the input and the output; [`Error::Failed`] where requests
    /// failed, and [`Error::Interrupted`].
    pub fn conduct(self, clients: Vec<Client>) -> Result<()> {
        let run = Arc::new(self);
        let (teller, told) = channel();
        let tell = teller.clone();
        // Nobody listens any more when the run is over.
        let unheard = move |signal| drop(tell.send(Message::Interrupted(signal)));
        signals::tell_first(unheard).map_err(no_thread)?;
        let workers = clients.len();
        for client in clients {
            let (run, tell) = (Arc::clone(&run), teller.clone());
            let work = move || {
                let ended = panic::catch_unwind(AssertUnwindSafe(|| run.work(&client, &tell)));
                drop(tell.send(Message::Ended(ended)));
            };
            thread::Builder::new().spawn(work).map_err(no_thread)?;
        }
        let ending = run.attend(&told, workers);
        run.progress.end();
        if let Some(error @ (Error::Stdout(_) | Error::StdoutClosed)) = ending.error {
            return Err(error);
        }
        let finished = run.sink.finish();
        let tally = run.tally();
        run.notes.note(tally.summary());
        match (ending.error, finished, tally.status()) {
            (Some(error), ..) => Err(error),
            (None, Err(error), _) => Err(error),
            (None, Ok(()), Some(status)) => Err(Error::Failed(status)),
            (None, Ok(()), None) => Ok(()),
        }
    }

    /// Listens until every worker has ended, or nothing is under way any more
    /// of a run that is to end.
    fn attend(&self, told: &Receiver<Message>, mut workers: usize) -> Ending {
        let mut ending = Ending::default();
        while workers > 0 && !(self.gate.is_closed() && self.tally().under_way == 0) {
            self.progress.show(&self.tally());
            let Some(message) = self.listen(told, ending.deadline) else {
                break;
            };
            match message {
                None | Some(Message::Settled) => {}
                Some(Message::Ended(Ok(()))) => workers -= 1,
                Some(Message::Ended(Err(panic))) => panic::resume_unwind(panic),
                Some(Message::Enough(failures)) => {
                    self.tell(format_args!("stopping after {failures} failures"));
                }
                Some(Message::Broken(error)) => {
                    // What is under way would go nowhere.
                    let is_lost = matches!(error, Error::Stdout(_) | Error::StdoutClosed);
                    ending.error.get_or_insert(error);
                    if is_lost {
                        break;
                    }
                }
                Some(Message::Interrupted(signal)) => {
                    ending.deadline = Some(Instant::now() + GRACE);
                    ending.error.get_or_insert(Error::Interrupted(signal));
                    self.stop();
                    let under_way = self.tally().under_way;
                    if under_way > 0 {
                        let seconds = GRACE.as_secs();
                        self.tell(format_args!(
                            "waiting for {under_way} requests under way, {seconds} s at most; another signal ends them"
                        ));
                    }
                }
            }
        }
        ending
    }

    /// The next message; none within a tick of the bar; `None` when the
    /// deadline has passed.
    fn listen(
        &self,
        told: &Receiver<Message>,
        deadline: Option<Instant>,
    ) -> Option<Option<Message>> {
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
    fn work(&self, client: &Client, tell: &Sender<Message>) {
        let worker = Worker { client, demand: &self.demand, notes: &self.notes };
        loop {
            let job = match self.next_job() {
                Ok(Some(job)) => job,
                Ok(None) => return,
                Err(error) => return self.break_off(error, tell),
            };
            let outcome = match job.request {
                Ok(request) => worker.perform(request),
                Err(fault) => Some(Outcome::of_bad_line(job.line, fault)),
            };
            let put = outcome.map_or(Ok(()), |outcome| self.deliver(job.index, outcome, tell));
            self.tally().under_way -= 1;
            if let Err(error) = put {
                return self.break_off(error, tell);
            }
            if self.gate.is_closed() {
                drop(tell.send(Message::Settled));
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
        let job = feed.next()?;
        self.tally().under_way += u64::from(job.is_some());
        Ok(job)
    }

    fn deliver(&self, index: u64, outcome: Outcome, tell: &Sender<Message>) -> Result<()> {
        let failed = {
            let mut tally = self.tally();
            tally.add(&outcome);
            tally.failed()
        };
        let is_enough = self.max_failures.is_some_and(|most| failed >= most);
        self.sink.put(index, outcome)?;
        if is_enough && !self.gate.is_closed() {
            self.stop();
            drop(tell.send(Message::Enough(failed)));
        }
        Ok(())
    }

    fn break_off(&self, error: Error, tell: &Sender<Message>) {
        self.stop();
        drop(tell.send(Message::Broken(error)));
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
    Error::Config(format!("this machine gives no more threads: {source}; --jobs takes fewer"))
}
