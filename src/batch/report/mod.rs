//! What became of the requests in result files, in numbers. A request takes 16 bytes of
//! memory, and a line that says its seconds takes 4 more.

mod counts;

use serde::Serialize;

use crate::batch::ids::{IdHasher, NOTE_BITS, NotedIds};
use crate::batch::report::counts::{Counts, Names};
use crate::batch::results::judged_line::{JudgedLine, Outcome, ReplyFacts};
use crate::chat::event::Usage;

/// At most so many different replies are counted, each of at most so many characters.
const MAX_REPLIES: usize = 20;
const MAX_REPLY: usize = 80;

/// How many bits of a note are for each number. One bit more says whether the request is
/// done.
const REASON_BITS: u32 = 11;
const FINISH_BITS: u32 = 10;
const REPLY_BITS: u32 = NOTE_BITS - 1 - REASON_BITS - FINISH_BITS;

/// The counts. A request counts once, with its last good line, or else its last one;
/// tokens and seconds are those of all lines.
#[derive(Debug, Serialize)]
pub struct Report {
    pub lines: u64,
    /// The lines of requests that were not sent, as they equal another one.
    pub copies: u64,
    pub requests: u64,
    pub done: u64,
    pub failed: u64,
    /// The most frequent first, as in all lists.
    pub failures: Vec<FailureCount>,
    pub tokens: TokenSums,
    pub seconds: SecondsCount,
    pub finish_reasons: Vec<FinishCount>,
    /// The texts of the requests that are done. `None` if they are not few and short.
    pub replies: Option<Vec<ReplyCount>>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct FailureCount {
    pub reason: String,
    pub count: u64,
    /// The message of the first failure with this reason.
    pub example: String,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct TokenSums {
    pub prompt: u64,
    pub completion: u64,
    /// The lines with a reply for which the server reported no usage.
    pub replies_without_usage: u64,
}

/// How long requests took.
#[derive(Debug, PartialEq, Serialize)]
pub struct SecondsCount {
    /// Half of them took at most so long. `None` if no line says it.
    pub p50: Option<f32>,
    /// 99 of 100 took at most so long.
    pub p99: Option<f32>,
    /// The lines that do not say how long their request took.
    pub lines_without: u64,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct FinishCount {
    /// `None` for replies without one.
    pub reason: Option<String>,
    pub count: u64,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct ReplyCount {
    pub text: String,
    pub count: u64,
}

/// Counts lines, in the order in which they were written.
#[derive(Debug)]
pub struct Counter {
    hasher: IdHasher,
    ids: NotedIds,
    /// With an example of each.
    reasons: Names,
    finish_reasons: Names,
    replies: Names,
    lines: u64,
    copies: u64,
    tokens: TokenSums,
    seconds: Vec<f32>,
}

impl Default for Counter {
    fn default() -> Self {
        Self {
            hasher: IdHasher::default(),
            ids: NotedIds::new(Note::combine),
            reasons: Names::with_bits(REASON_BITS),
            finish_reasons: Names::with_bits(FINISH_BITS),
            replies: Names::with_bits(REPLY_BITS),
            lines: 0,
            copies: 0,
            tokens: TokenSums::default(),
            seconds: Vec::new(),
        }
    }
}

impl Counter {
    pub fn add(&mut self, id: &str, line: JudgedLine) {
        let JudgedLine { outcome, reply, seconds, is_copy } = line;
        self.lines += 1;
        self.copies += u64::from(is_copy);
        self.seconds.extend(seconds.filter(|_| !is_copy));
        if let Some(ReplyFacts { usage, .. }) = reply.as_ref().filter(|_| !is_copy) {
            let add = |sum: &mut u64, tokens: fn(&Usage) -> Option<u64>| {
                let more = usage.as_ref().and_then(tokens).unwrap_or(0);
                // A file may say anything.
                *sum = sum.saturating_add(more);
            };
            let TokenSums { prompt, completion, replies_without_usage } = &mut self.tokens;
            add(prompt, |usage| usage.prompt_tokens);
            add(completion, |usage| usage.completion_tokens);
            *replies_without_usage += u64::from(usage.is_none());
        }
        let finish = reply.map_or(0, |reply| {
            1 + self.finish_reasons.number(reply.finish_reason.as_deref().unwrap_or_default(), "")
        });
        let note = match outcome {
            Outcome::Done(text) => {
                let text = text.as_deref().map(str::trim);
                let counted = text.filter(|text| is_short(text));
                let reply = counted.map_or(0, |text| 1 + self.replies.number(text, ""));
                Note { is_done: true, reason: 0, finish, reply }
            }
            Outcome::Failed { reason, message } => {
                let reason = self.reasons.number(&reason, &message);
                Note { is_done: false, reason, finish, reply: 0 }
            }
        };
        self.ids.push(self.hasher.hash(id), note.packed());
    }

    pub fn finish(mut self) -> Report {
        self.ids.sort();
        let (mut done, mut failed) = (0, 0);
        let mut reasons = Counts::default();
        let mut finish_reasons = Counts::default();
        let mut replies = Counts::default();
        for note in self.ids.notes().map(Note::unpacked) {
            match note.is_done {
                true => {
                    done += 1;
                    replies.add(note.reply);
                }
                false => {
                    failed += 1;
                    reasons.add(note.reason + 1);
                }
            }
            finish_reasons.add(note.finish);
        }
        Report {
            lines: self.lines,
            copies: self.copies,
            requests: done + failed,
            done,
            failed,
            failures: self.failures(&reasons),
            finish_reasons: self.finish_reasons(&finish_reasons),
            replies: self.replies(&replies),
            seconds: SecondsCount {
                lines_without: self.lines - self.copies - self.seconds.len() as u64,
                p50: quantile(&mut self.seconds, 50),
                p99: quantile(&mut self.seconds, 99),
            },
            tokens: self.tokens,
        }
    }

    fn failures(&self, reasons: &Counts) -> Vec<FailureCount> {
        let failure = |(reason, example, count): (&str, &str, u64)| FailureCount {
            reason: reason.to_owned(),
            count,
            example: example.to_owned(),
        };
        reasons.sorted(&self.reasons).map(failure).collect()
    }

    fn finish_reasons(&self, reasons: &Counts) -> Vec<FinishCount> {
        let finish = |(reason, _, count): (&str, &str, u64)| FinishCount {
            reason: Some(reason.to_owned()).filter(|reason| !reason.is_empty()),
            count,
        };
        reasons.sorted(&self.finish_reasons).map(finish).collect()
    }

    /// `None` unless they are few and short.
    fn replies(&self, replies: &Counts) -> Option<Vec<ReplyCount>> {
        let is_few = replies.none == 0 && (1..=MAX_REPLIES).contains(&replies.different());
        let is_whole = !replies.has(1 + self.replies.others());
        let reply =
            |(text, _, count): (&str, &str, u64)| ReplyCount { text: text.to_owned(), count };
        (is_few && is_whole).then(|| replies.sorted(&self.replies).map(reply).collect())
    }
}

fn is_short(text: &str) -> bool {
    !text.is_empty() && !text.contains('\n') && text.chars().count() <= MAX_REPLY
}

/// The least of `values` that so many of 100 do not exceed.
fn quantile(values: &mut [f32], percent: usize) -> Option<f32> {
    let place = (values.len() * percent).div_ceil(100).checked_sub(1)?;
    Some(*values.select_nth_unstable_by(place, f32::total_cmp).1)
}

/// The last good line of an id, or else its last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Note {
    is_done: bool,
    /// The number of the reason why it failed.
    reason: u32,
    /// The number of the finish reason, from 1; 0 if no reply came.
    finish: u32,
    /// The number of the reply, from 1; 0 if it is not counted.
    reply: u32,
}

impl Note {
    fn packed(self) -> u32 {
        let numbers = (self.reason << FINISH_BITS | self.finish) << REPLY_BITS | self.reply;
        u32::from(self.is_done) << (NOTE_BITS - 1) | numbers
    }

    fn unpacked(packed: u32) -> Self {
        let bits = |from: u32, count: u32| packed >> from & ((1 << count) - 1);
        Self {
            is_done: bits(NOTE_BITS - 1, 1) == 1,
            reason: bits(REPLY_BITS + FINISH_BITS, REASON_BITS),
            finish: bits(REPLY_BITS, FINISH_BITS),
            reply: bits(0, REPLY_BITS),
        }
    }

    fn combine(earlier: u32, later: u32) -> u32 {
        match (Self::unpacked(earlier).is_done, Self::unpacked(later).is_done) {
            (true, false) => earlier,
            _ => later,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(text: &str) -> JudgedLine {
        let usage =
            Usage { prompt_tokens: Some(2), completion_tokens: Some(3), total_tokens: Some(5) };
        let finish_reason = Some("stop".to_owned());
        JudgedLine {
            outcome: Outcome::Done(Some(text.to_owned())),
            reply: Some(ReplyFacts { usage: Some(usage), finish_reason }),
            seconds: Some(0.5),
            is_copy: false,
        }
    }

    fn failed(reason: &str, message: &str) -> JudgedLine {
        let (reason, message) = (reason.to_owned(), message.to_owned());
        JudgedLine {
            outcome: Outcome::Failed { reason, message },
            reply: None,
            seconds: None,
            is_copy: false,
        }
    }

    fn report(lines: Vec<(&str, JudgedLine)>) -> Report {
        let mut counter = Counter::default();
        lines.into_iter().for_each(|(id, line)| counter.add(id, line));
        counter.finish()
    }

    fn replies(report: &Report) -> Option<Vec<(&str, u64)>> {
        let replies = report.replies.as_ref()?;
        Some(replies.iter().map(|reply| (reply.text.as_str(), reply.count)).collect())
    }

    #[test]
    fn a_request_counts_with_its_last_good_line_or_else_its_last_one() {
        let report = report(vec![
            ("a", failed("429", "first")),
            ("b", done("old")),
            ("c", failed("429", "second")),
            ("a", done("yes")),
            ("b", done("no")),
            ("b", failed("429", "later")),
            ("c", failed("cut", "third")),
        ]);
        assert_eq!((report.requests, report.done, report.failed, report.lines), (3, 2, 1, 7));
        let cut = FailureCount { reason: "cut".to_owned(), count: 1, example: "third".to_owned() };
        assert_eq!(report.failures, [cut]);
        assert_eq!(replies(&report), Some(vec![("yes", 1), ("no", 1)]));
        let stop = FinishCount { reason: Some("stop".to_owned()), count: 2 };
        assert_eq!(report.finish_reasons, [stop]);
        // Each line was paid.
        let tokens = TokenSums { prompt: 6, completion: 9, replies_without_usage: 0 };
        assert_eq!(report.tokens, tokens);
        assert_eq!(report.seconds.lines_without, 4);
    }

    #[test]
    fn a_copy_is_a_result_but_costs_nothing() {
        let facts = Some(ReplyFacts::default());
        let copy = JudgedLine { reply: facts, seconds: None, is_copy: true, ..done("yes") };
        let report = report(vec![("a", done("yes")), ("b", copy)]);
        assert_eq!((report.done, report.lines, report.copies), (2, 2, 1));
        assert_eq!(replies(&report), Some(vec![("yes", 2)]));
        let tokens = TokenSums { prompt: 2, completion: 3, replies_without_usage: 0 };
        assert_eq!(report.tokens, tokens);
        assert_eq!(report.seconds.lines_without, 0);
    }

    #[test]
    fn the_most_frequent_comes_first_and_of_equals_the_first() {
        let ids: Vec<String> = (0..9).map(|id| id.to_string()).collect();
        let texts = ["b", "c", "a\n", "c", "a", " b", "d", "c", "e"];
        let lines = ids.iter().zip(texts).map(|(id, text)| (id.as_str(), done(text)));
        let expected = vec![("c", 3), ("b", 2), ("a", 2), ("d", 1), ("e", 1)];
        assert_eq!(replies(&report(lines.collect())), Some(expected));
    }

    #[test]
    fn replies_are_counted_only_if_all_are_few_and_short() {
        let ids: Vec<String> = (0..3000).map(|id| id.to_string()).collect();
        let numbers = |count: usize| {
            let lines = ids[..count].iter().map(|id| (id.as_str(), done(id)));
            replies(&report(lines.collect())).map(|replies| replies.len())
        };
        assert_eq!(numbers(20), Some(20));
        assert_eq!(numbers(21), None);
        // There is no room for so many texts.
        assert_eq!(numbers(3000), None);
        let calls = JudgedLine { outcome: Outcome::Done(None), ..done("") };
        for (line, is_counted) in [
            (done(&"é".repeat(80)), true),
            (done(&"é".repeat(81)), false),
            (done("a\nb"), false),
            (calls, false),
            (failed("cut", ""), true),
        ] {
            let counted = report(vec![("a", done("yes")), ("b", line)]);
            assert_eq!(counted.replies.is_some(), is_counted, "{counted:?}");
        }
        assert_eq!(replies(&report(vec![])), None);
    }

    #[test]
    fn reasons_beyond_the_room_for_them_are_counted_together() {
        let ids: Vec<String> = (0..3000).map(|id| id.to_string()).collect();
        let lines = ids.iter().map(|id| (id.as_str(), failed(id, "m"))).collect();
        let report = report(lines);
        let others = &report.failures[0];
        assert_eq!((others.reason.as_str(), others.count), ("(others)", 3000 - 2046));
        assert_eq!(report.failures.len(), 2047);
        assert_eq!(report.failures.iter().map(|failure| failure.count).sum::<u64>(), 3000);
    }

    #[test]
    fn a_quantile_is_the_least_value_that_so_many_do_not_exceed() {
        let mut values: Vec<f32> = (1..=200).rev().map(|value| value as f32).collect();
        assert_eq!(quantile(&mut values, 50), Some(100.0));
        assert_eq!(quantile(&mut values, 99), Some(198.0));
        assert_eq!(quantile(&mut [0.25], 99), Some(0.25));
        assert_eq!(quantile(&mut [], 50), None);
    }

    #[test]
    fn a_note_keeps_all_its_numbers() {
        let most = |bits: u32| (1 << bits) - 1;
        for note in [
            Note { is_done: true, reason: 0, finish: most(FINISH_BITS), reply: most(REPLY_BITS) },
            Note { is_done: false, reason: most(REASON_BITS), finish: 1, reply: 0 },
        ] {
            assert_eq!(Note::unpacked(note.packed()), note);
        }
    }
}
