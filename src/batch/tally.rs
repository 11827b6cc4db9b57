//! What a run has come to so far: counts, a summary, and its exit status.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::{Duration, Instant};

use crate::batch::results::result_line::ResultRecord;
use crate::batch::source::records::Preflight;
use crate::exchange::TotalUsage;

/// The exit status of what may succeed when it is tried again later.
const TEMPORARY: u8 = 75;

/// The exit status of a run of which a part failed.
const PARTIAL: u8 = 4;

/// What fails so would fail with any other request: the key is refused, there
/// are too many, or there is no connection.
const HOPELESS: &[&str] =
    &["401", "403", "429", "connect", "connect_timeout", "lookup", "proxy", "tls"];

#[derive(Debug)]
pub struct Tally {
    began: Instant,
    /// How many requests there are, where that is known.
    total: Option<u64>,
    /// How many have a good response from an earlier run.
    pub skipped: u64,
    /// How many were begun and have no outcome yet.
    pub under_way: u64,
    /// How many got a good response.
    pub done: u64,
    failed: BTreeMap<String, u64>,
    tokens: TotalUsage,
    /// How many failed one after another for no fault of their own.
    hopeless_in_row: u64,
    /// The exit status of the first failure that would fail again.
    lasting: Option<u8>,
}

impl Tally {
    /// Of an input that was looked at before, or was not.
    pub fn new(survey: Option<Preflight>) -> Self {
        Self {
            began: Instant::now(),
            total: survey.map(|survey| survey.total),
            skipped: survey.map_or(0, |survey| survey.skipped),
            under_way: 0,
            done: 0,
            failed: BTreeMap::new(),
            tokens: TotalUsage::default(),
            hopeless_in_row: 0,
            lasting: None,
        }
    }

    pub fn add(&mut self, outcome: &ResultRecord) {
        self.tokens.add(outcome.tokens);
        let (Some(fault), Some(class)) = (&outcome.fault, outcome.class()) else {
            self.done += 1;
            self.hopeless_in_row = 0;
            return;
        };
        let in_row = self.hopeless_in_row + 1;
        self.hopeless_in_row = if HOPELESS.contains(&class.as_str()) { in_row } else { 0 };
        *self.failed.entry(class).or_default() += 1;
        if fault.status != TEMPORARY {
            self.lasting.get_or_insert(fault.status);
        }
    }

    /// How many failed one after another for no fault of their own.
    pub fn hopeless_in_row(&self) -> u64 {
        self.hopeless_in_row
    }

    pub fn failed(&self) -> u64 {
        self.failed.values().sum()
    }

    /// How many requests have no response yet, where that is known.
    pub fn left(&self) -> Option<u64> {
        Some(self.total?.saturating_sub(self.skipped + self.done + self.failed()))
    }

    /// Requests and tokens a second.
    pub fn rates(&self) -> (f64, f64) {
        let seconds = self.began.elapsed().as_secs_f64().max(1e-3);
        let answered = (self.done + self.failed()) as f64;
        (answered / seconds, self.tokens.completion_tokens as f64 / seconds)
    }

    /// How long the rest will take at the rate so far.
    pub fn time_left(&self) -> Option<Duration> {
        let (rate, _) = self.rates();
        Duration::try_from_secs_f64(self.left()? as f64 / rate).ok()
    }

    /// The exit status, if it is not 0. If all requests failed it is that of
    /// the first lasting failure, and [`TEMPORARY`] only if there is none.
    pub fn status(&self) -> Option<u8> {
        match (self.failed(), self.done + self.skipped) {
            (0, _) => None,
            (_, 0) => Some(self.lasting.unwrap_or(TEMPORARY)),
            _ => Some(PARTIAL),
        }
    }

    /// What the run came to, in one line.
    pub fn summary(&self) -> String {
        let mut line = format!("{} done, {} failed", self.done, self.failed());
        let classes: Vec<String> =
            self.failed.iter().map(|(class, count)| format!("{class}: {count}")).collect();
        if !classes.is_empty() {
            let _ = write!(line, " ({})", classes.join(", "));
        }
        if self.skipped > 0 {
            let _ = write!(line, ", {} done before", self.skipped);
        }
        if let Some(left @ 1..) = self.left() {
            let _ = write!(line, ", {left} left");
        }
        let TotalUsage { prompt_tokens: prompt, completion_tokens: completion, .. } = self.tokens;
        let seconds = self.began.elapsed().as_secs_f64();
        let _ = write!(line, "; {prompt} tokens in, {completion} out; {seconds:.1} s");
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::results::result_line::RequestError;
    use crate::error::Error;

    fn outcome(error: Option<Error>) -> ResultRecord {
        let fault = error.map(|error| RequestError::new(&error, String::new()));
        let tokens = TotalUsage { prompt_tokens: 2, completion_tokens: 3, ..TotalUsage::default() };
        let (id, text) = (String::new(), String::new());
        ResultRecord { id, response: None, fault, text, tokens }
    }

    fn status(skipped: u64, errors: Vec<Option<Error>>) -> Option<u8> {
        let mut tally = Tally::new(Some(Preflight { total: 9, skipped }));
        errors.into_iter().for_each(|error| tally.add(&outcome(error)));
        tally.status()
    }

    #[test]
    fn the_exit_status_says_what_failed() {
        let temporary = || Some(Error::Stopped);
        let lasting = || Some(Error::Protocol(String::new()));
        let form = || Some(Error::Format { reason: String::new(), early_end: None });
        assert_eq!(status(0, vec![]), None);
        assert_eq!(status(0, vec![None, None]), None);
        assert_eq!(status(0, vec![None, temporary()]), Some(4));
        assert_eq!(status(1, vec![temporary()]), Some(4));
        assert_eq!(status(0, vec![temporary(), temporary()]), Some(75));
        for failures in [vec![temporary(), lasting()], vec![lasting(), temporary()]] {
            assert_eq!(status(0, failures), Some(76));
        }
        assert_eq!(status(0, vec![lasting(), form(), temporary()]), Some(76));
        assert_eq!(status(0, vec![temporary(), form(), lasting()]), Some(65));
    }

    #[test]
    fn the_summary_counts_all() {
        let mut tally = Tally::new(Some(Preflight { total: 9, skipped: 4 }));
        tally.add(&outcome(None));
        tally.add(&outcome(Some(Error::Format { reason: String::new(), early_end: None })));
        let summary = tally.summary();
        assert!(
            summary.starts_with(
                "1 done, 1 failed (invalid_reply: 1), 4 done before, 3 left; 4 tokens in, 6 out; "
            ),
            "{summary}"
        );
    }
}
