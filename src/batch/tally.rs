//! The counts of a run, its summary line and its exit status.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::time::{Duration, Instant};

use crate::batch::budget::Budget;
use crate::batch::results::result_line::ResultRecord;
use crate::batch::source::preflight::Preflight;
use crate::batch::stop::Stop;
use crate::blame::Blame;
use crate::exchange::total_usage::TotalUsage;
use crate::output::numbers::grouped;

/// The exit status of a failure that may succeed later.
const TEMPORARY: u8 = 75;

/// The exit status if only some requests failed.
const PARTIAL: u8 = 4;

/// The exit status of a request that the server refused.
const REFUSED: u8 = 69;

/// A server may invent a new reason for each reply.
const MAX_WARNINGS: usize = 16;

#[derive(Debug)]
pub struct Tally {
    started_at: Instant,
    /// The number of requests. That of an input without a preflight is known once its
    /// end was read.
    total: Option<u64>,
    /// Requests that succeeded in an earlier run.
    pub skipped: u64,
    /// Requests that were refused in an earlier run, and are not sent again.
    pub left_alone: u64,
    /// Requests that succeeded in this run.
    pub done: u64,
    /// Requests that got the result of an equal one.
    copies: u64,
    /// Failed requests by failure class.
    failed: BTreeMap<String, u64>,
    tokens: TotalUsage,
    /// `None` without a price.
    budget: Option<Budget>,
    /// The user was told that the cost is estimated.
    told_of_estimates: bool,
    consecutive: u64,
    /// The index and the exit status of the failure that comes first in the
    /// input and is not temporary.
    permanent: Option<(u64, u8)>,
    /// The warnings about replies so far, each once, up to [`MAX_WARNINGS`].
    warnings: BTreeSet<String>,
}

impl Tally {
    /// `preflight` is `None` if the input cannot be read twice, and `budget` if no price
    /// is known.
    pub fn new(preflight: Option<Preflight>, budget: Option<Budget>) -> Self {
        Self {
            started_at: Instant::now(),
            total: preflight.map(|preflight| preflight.total),
            skipped: preflight.map_or(0, |preflight| preflight.skipped),
            left_alone: preflight.map_or(0, |preflight| preflight.left_alone),
            done: 0,
            copies: 0,
            failed: BTreeMap::new(),
            tokens: TotalUsage::default(),
            budget,
            told_of_estimates: false,
            consecutive: 0,
            permanent: None,
            warnings: BTreeSet::new(),
        }
    }

    /// The warning of a result, if no result before had the same one.
    pub fn new_warning<'a>(&mut self, result: &'a ResultRecord) -> Option<&'a str> {
        let warning = result.warning.as_ref().filter(|_| self.warnings.len() < MAX_WARNINGS)?;
        self.warnings.insert(warning.clone()).then_some(warning)
    }

    /// Whether this result is the first whose cost is estimated for the limit on it.
    pub fn is_first_estimate(&mut self, result: &ResultRecord) -> bool {
        let has_limit = self.budget.is_some_and(|budget| budget.max_cost.is_some());
        let is_estimated = has_limit && result.tokens.unreported > 0;
        is_estimated && !std::mem::replace(&mut self.told_of_estimates, true)
    }

    /// Why to stop, if the run has cost as much as it may.
    pub fn over_budget(&self) -> Option<Stop> {
        let budget = self.budget?;
        let cost = budget.reached(&self.tokens)?;
        let is_estimate = self.tokens.unreported > 0;
        Some(Stop::MaxCost { max: budget.max_cost?, cost, is_estimate })
    }

    /// Counts the result of the request with this index in the input.
    pub fn add(&mut self, index: u64, result: &ResultRecord) {
        self.tokens.add(result.tokens);
        let (Some(error), Some(class)) = (&result.error, result.failure_class()) else {
            self.done += 1;
            self.consecutive = 0;
            return;
        };
        let is_own = error.blame == Blame::Request;
        self.consecutive = if is_own { 0 } else { self.consecutive + 1 };
        *self.failed.entry(class).or_default() += 1;
        if error.status != TEMPORARY {
            let failure = (index, error.status);
            self.permanent = Some(self.permanent.map_or(failure, |first| first.min(failure)));
        }
    }

    /// Counts the result of a request that equals another one, and was not sent. A failure
    /// comes with its class.
    pub fn add_copy(&mut self, failure: Option<String>) {
        self.copies += 1;
        match failure {
            None => self.done += 1,
            Some(class) => *self.failed.entry(class).or_default() += 1,
        }
    }

    /// How many of the latest requests in a row failed without being to blame.
    pub fn consecutive(&self) -> u64 {
        self.consecutive
    }

    pub fn failed(&self) -> u64 {
        self.failed.values().sum()
    }

    /// The end of the input was read, which had this many requests besides those that
    /// were passed over.
    pub fn set_read(&mut self, requests: u64) {
        self.total.get_or_insert(requests + self.skipped + self.left_alone);
    }

    /// How many requests have no result yet, if the total is known.
    pub fn left(&self) -> Option<u64> {
        Some(self.total?.saturating_sub(self.skipped + self.left_alone + self.done + self.failed()))
    }

    /// Requests and completion tokens per second.
    pub fn rates(&self) -> (f64, f64) {
        let seconds = self.started_at.elapsed().as_secs_f64().max(1e-3);
        let answered = (self.done + self.failed()) as f64;
        (answered / seconds, self.tokens.completion_tokens as f64 / seconds)
    }

    /// How long the rest will take at the average rate so far.
    pub fn time_left(&self) -> Option<Duration> {
        let (rate, _) = self.rates();
        Duration::try_from_secs_f64(self.left()? as f64 / rate).ok()
    }

    /// The exit status if no requests are left, or `None` for 0. If every request
    /// failed, it is that of the first permanent failure in the input, or 75 if all were
    /// temporary.
    pub fn status(&self) -> Option<u8> {
        match (self.failed() + self.left_alone, self.done + self.skipped) {
            (0, _) => None,
            (_, 0) if self.permanent.is_none() && self.left_alone > 0 => Some(REFUSED),
            (_, 0) => Some(self.permanent.map_or(TEMPORARY, |(_, status)| status)),
            _ => Some(PARTIAL),
        }
    }

    /// The counts and the time, in one line.
    pub fn summary(&self) -> String {
        let mut line = format!("{} done, {} failed", grouped(self.done), grouped(self.failed()));
        let class = |(class, count): (&String, &u64)| format!("{class}: {}", grouped(*count));
        let classes: Vec<String> = self.failed.iter().map(class).collect();
        if !classes.is_empty() {
            let _ = write!(line, " ({})", classes.join(", "));
        }
        if self.copies > 0 {
            let _ = write!(line, ", {} of them copies", grouped(self.copies));
        }
        if self.skipped > 0 {
            let _ = write!(line, ", {} already done", grouped(self.skipped));
        }
        if self.left_alone > 0 {
            let _ = write!(
                line,
                ", {} left alone (--retry-failed all sends them)",
                grouped(self.left_alone)
            );
        }
        if let Some(left @ 1..) = self.left() {
            let _ = write!(line, ", {} left", grouped(left));
        }
        let TotalUsage { prompt_tokens, completion_tokens, .. } = self.tokens;
        let [prompt, completion] = [prompt_tokens, completion_tokens].map(grouped);
        let seconds = self.started_at.elapsed().as_secs_f64();
        let _ = write!(line, "; {prompt} tokens in, {completion} out");
        if let Some(budget) = &self.budget {
            let _ = write!(line, "; {}", budget.summary(&self.tokens));
        }
        let _ = write!(line, "; {seconds:.1} s");
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::results::result_line::RequestError;
    use crate::error::Error;

    fn result(error: Option<Error>) -> ResultRecord {
        let error = error.map(|error| RequestError::new(&error, String::new()));
        let tokens = TotalUsage { prompt_tokens: 2, completion_tokens: 3, ..TotalUsage::default() };
        ResultRecord { error, tokens, ..ResultRecord::default() }
    }

    fn status(skipped: u64, errors: Vec<Option<Error>>) -> Option<u8> {
        let mut tally = Tally::new(Some(Preflight { total: 9, skipped, left_alone: 0 }), None);
        // The order in which results come does not matter.
        for (index, error) in errors.into_iter().enumerate().rev() {
            tally.add(index as u64, &result(error));
        }
        tally.status()
    }

    #[test]
    fn the_exit_status_depends_on_the_failures() {
        let temporary = || Some(Error::Stopped);
        let permanent = || Some(Error::Protocol(String::new()));
        let format = || Some(Error::Format { reason: String::new(), early_end: None });
        assert_eq!(status(0, vec![]), None);
        assert_eq!(status(0, vec![None, None]), None);
        assert_eq!(status(0, vec![None, temporary()]), Some(4));
        assert_eq!(status(1, vec![temporary()]), Some(4));
        assert_eq!(status(0, vec![temporary(), temporary()]), Some(75));
        for failures in [vec![temporary(), permanent()], vec![permanent(), temporary()]] {
            assert_eq!(status(0, failures), Some(76));
        }
        assert_eq!(status(0, vec![permanent(), format(), temporary()]), Some(76));
        assert_eq!(status(0, vec![temporary(), format(), permanent()]), Some(65));
    }

    #[test]
    fn the_summary_counts_every_request() {
        let mut tally = Tally::new(Some(Preflight { total: 9, skipped: 4, left_alone: 0 }), None);
        tally.add(0, &result(None));
        tally.add(1, &result(Some(Error::Format { reason: String::new(), early_end: None })));
        let summary = tally.summary();
        assert!(
            summary.starts_with(
                "1 done, 1 failed (invalid_reply: 1), 4 already done, 3 left; 4 tokens in, 6 out; "
            ),
            "{summary}"
        );
    }
}
