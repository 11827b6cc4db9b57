//! Rows that were set aside because they failed for the world's reasons, until it is
//! known whether the world or the row is to blame.

use std::time::{Duration, Instant};

use crate::batch::row::Row;
use crate::error::Error;
use crate::net::retry::{LONGEST_REQUESTED_WAIT, max_backoff};

/// Who was to blame for the failure of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// No other request that was sent since has ended.
    Open,
    /// The next request failed too.
    World,
    /// The next request succeeded.
    Row,
    /// So it did, and the row has used up its retries.
    RowForGood,
}

#[derive(Debug)]
struct Waiting {
    row: Box<Row>,
    error: Error,
    /// The number of the latest ticket when it failed.
    last_sent: u64,
    not_before: Instant,
    verdict: Verdict,
    /// A request that was sent before it failed has succeeded since.
    has_seen_success: bool,
}

impl Waiting {
    fn blame_row(&mut self, retries: u32) {
        let is_for_good = self.row.blame(&self.error, retries);
        self.verdict = if is_for_good { Verdict::RowForGood } else { Verdict::Row };
    }
}

/// What was sent when a row failed.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    /// The number of the latest ticket.
    pub last: u64,
    /// There is an outage for sure.
    pub is_outage: bool,
}

/// What may compete with a row for the next try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// There are others to send, or there may be.
    ToSend,
    /// All others have been sent, and some are in progress.
    InProgress,
    /// There are none.
    None,
}

/// A row that need not wait any longer.
#[derive(Debug)]
pub enum Taken {
    /// It is to be sent again.
    Again(Box<Row>),
    /// It has used up its retries while others succeeded.
    Failed(Box<Row>, Error),
}

#[derive(Debug)]
pub struct SetAside {
    retries: u32,
    rows: Vec<Waiting>,
}

impl SetAside {
    /// Each row has this many retries for failures that it is itself to blame for.
    pub fn new(retries: u32) -> Self {
        Self { retries, rows: Vec::new() }
    }

    pub fn retries(&self) -> u32 {
        self.retries
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Sets a row aside that has failed just now. `jitter` is in 0..1.
    pub fn push(&mut self, (now, jitter): (Instant, f64), row: Box<Row>, error: Error, sent: Sent) {
        let requested = error.retry_after().filter(|wait| *wait <= LONGEST_REQUESTED_WAIT);
        let backoff = || max_backoff(row.failures()).mul_f64(jitter);
        let not_before = now + requested.unwrap_or_else(backoff);
        let verdict = if sent.is_outage { Verdict::World } else { Verdict::Open };
        let (last_sent, has_seen_success) = (sent.last, false);
        self.rows.push(Waiting { row, error, last_sent, not_before, verdict, has_seen_success });
    }

    /// The request with this ticket has ended, and showed that the world works, or that
    /// it does not.
    pub fn decide(&mut self, ticket: u64, world_works: bool) {
        let retries = self.retries;
        let open = |waiting: &&mut Waiting| waiting.verdict == Verdict::Open;
        for waiting in self.rows.iter_mut().filter(open) {
            let is_later = ticket > waiting.last_sent;
            match world_works {
                true if is_later => waiting.blame_row(retries),
                true => waiting.has_seen_success = true,
                false if is_later => waiting.verdict = Verdict::World,
                false => {}
            }
        }
    }

    /// The first row of the input that need not wait any longer.
    pub fn take(&mut self, now: Instant, others: Others) -> Option<Taken> {
        let is_only = others == Others::None && self.rows.len() == 1;
        for waiting in &mut self.rows {
            // No other request that was sent later will show who is to blame.
            let is_guilty = waiting.has_seen_success || waiting.row.was_blamed();
            let is_alone = is_only || (others != Others::ToSend && is_guilty);
            if is_alone && matches!(waiting.verdict, Verdict::Open | Verdict::World) {
                waiting.blame_row(self.retries);
            }
        }
        let is_ready = |waiting: &Waiting| match waiting.verdict {
            Verdict::World | Verdict::RowForGood => true,
            Verdict::Row => waiting.not_before <= now,
            // Nobody else can show whose fault it is.
            Verdict::Open => waiting.not_before <= now && others != Others::ToSend,
        };
        let ready = self.rows.iter().enumerate().filter(|(_, waiting)| is_ready(waiting));
        let (at, _) = ready.min_by_key(|(_, waiting)| waiting.row.index)?;
        let Waiting { row, error, verdict, .. } = self.rows.swap_remove(at);
        Some(match verdict {
            Verdict::RowForGood => Taken::Failed(row, error),
            _ => Taken::Again(row),
        })
    }

    /// How long it takes until the next row may be sent again; `None` if all of them
    /// may, but wait for others.
    pub fn shortest_wait(&self, now: Instant) -> Option<Duration> {
        let times = self.rows.iter().map(|waiting| waiting.not_before);
        times.filter(|at| *at > now).min().map(|at| at - now)
    }

    /// All rows, and their last errors: the run is over.
    pub fn drain(&mut self) -> impl Iterator<Item = (Box<Row>, Error)> + '_ {
        self.rows.drain(..).map(|waiting| (waiting.row, waiting.error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::source::batch_request::BatchRequest;
    use crate::error::ServerError;

    const RETRIES: u32 = 1;

    fn error(status: u16) -> Error {
        ServerError { http_status: Some(status), ..ServerError::default() }.into()
    }

    /// Sets a row aside that failed with this status after ticket 10.
    fn push(aside: &mut SetAside, mut row: Box<Row>, status: u16, is_outage: bool) {
        let now = Instant::now();
        row.record_failure(now, RETRIES);
        aside.push((now, 0.0), row, error(status), Sent { last: 10, is_outage });
    }

    fn row(index: u64) -> Box<Row> {
        Box::new(Row::new(index, BatchRequest::default(), Vec::new()))
    }

    fn take(aside: &mut SetAside, others: Others) -> Option<Taken> {
        aside.take(Instant::now(), others)
    }

    #[track_caller]
    fn again(taken: Option<Taken>) -> Box<Row> {
        match taken {
            Some(Taken::Again(row)) => row,
            other => panic!("not to be sent again: {other:?}"),
        }
    }

    #[test]
    fn a_row_waits_until_a_later_request_shows_who_is_to_blame() {
        for (world_works, was_blamed) in [(true, true), (false, false)] {
            let mut aside = SetAside::new(RETRIES);
            push(&mut aside, row(0), 500, false);
            // This one was sent before.
            aside.decide(10, world_works);
            assert!(take(&mut aside, Others::ToSend).is_none());
            aside.decide(11, world_works);
            assert_eq!(again(take(&mut aside, Others::ToSend)).was_blamed(), was_blamed);
        }
    }

    #[test]
    fn a_row_that_is_to_blame_uses_up_its_retries() {
        let mut aside = SetAside::new(RETRIES);
        push(&mut aside, row(0), 500, false);
        aside.decide(11, true);
        let row = again(take(&mut aside, Others::ToSend));
        push(&mut aside, row, 500, false);
        aside.decide(11, true);
        assert!(matches!(take(&mut aside, Others::ToSend), Some(Taken::Failed(..))));
    }

    #[test]
    fn eight_refusals_for_the_rate_are_one_retry() {
        let mut aside = SetAside::new(RETRIES);
        let mut row = row(0);
        for _ in 0..15 {
            push(&mut aside, row, 429, false);
            aside.decide(11, true);
            row = again(take(&mut aside, Others::ToSend));
            assert!(!row.is_suspect() || row.failures() >= 8);
        }
        push(&mut aside, row, 429, false);
        aside.decide(11, true);
        assert!(matches!(take(&mut aside, Others::ToSend), Some(Taken::Failed(..))));
    }

    #[test]
    fn failures_in_an_outage_use_up_nothing() {
        let mut aside = SetAside::new(RETRIES);
        let mut row = row(0);
        for _ in 0..10 {
            push(&mut aside, row, 503, true);
            row = again(take(&mut aside, Others::ToSend));
        }
        assert!(!row.was_blamed());
    }

    #[test]
    fn without_others_a_row_is_to_blame_itself() {
        let mut aside = SetAside::new(RETRIES);
        push(&mut aside, row(0), 500, false);
        assert!(again(take(&mut aside, Others::None)).was_blamed());
        // Another one that waits too may show that it is the world.
        push(&mut aside, row(1), 500, false);
        push(&mut aside, row(2), 500, false);
        assert!(!again(take(&mut aside, Others::None)).was_blamed());
    }

    #[test]
    fn at_the_end_a_success_that_was_sent_before_counts_too() {
        let mut aside = SetAside::new(RETRIES);
        push(&mut aside, row(0), 500, false);
        push(&mut aside, row(1), 500, false);
        aside.decide(9, true);
        assert!(again(take(&mut aside, Others::InProgress)).was_blamed());
    }

    #[test]
    fn the_first_row_of_the_input_comes_first() {
        let mut aside = SetAside::new(RETRIES);
        for index in [5, 3, 4] {
            push(&mut aside, row(index), 503, true);
        }
        let order = [(); 3].map(|()| again(take(&mut aside, Others::ToSend)).index);
        assert_eq!(order, [3, 4, 5]);
    }
}
