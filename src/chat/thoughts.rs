//! The thoughts that reasoning models write at the beginning of their text:
//! `<think>…</think>`.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag};
use serde::de::IgnoredAny;

pub const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// How much white space may come before a block of thoughts, in bytes.
const MAX_BLANK: usize = 1024;

/// Which thoughts are taken off a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThoughtsPolicy {
    Keep,
    /// Take off blocks that begin with their opening tag. Of a text that is
    /// printed as it arrives, nothing else can be taken off.
    TakeOpened,
    /// Also take off a block that lacks its opening tag: some chat templates put
    /// that into the prompt.
    TakeAll,
}

/// The length of the thoughts at the beginning of `text` in bytes, with the white
/// space behind them.
pub fn len(text: &str, policy: ThoughtsPolicy) -> usize {
    if policy == ThoughtsPolicy::Keep {
        return 0;
    }
    let mut splitter = ThoughtSplitter::default();
    let split = [splitter.push(text), splitter.end()];
    let rest: usize = split.iter().map(|split| split.text.len()).sum();
    match text.len() - rest {
        0 if policy == ThoughtsPolicy::TakeAll => unopened_len(text),
        opened => opened,
    }
}

/// `thoughts` without their closing tags and the white space around them.
pub fn without_closing_tags(thoughts: &str) -> String {
    thoughts.replace(CLOSE, "").trim().to_owned()
}

/// The length of a block of thoughts that lacks its opening tag, so that the first
/// tag is the closing one. A closing tag
/// within code does not count, because it may be part of the reply, unless it has
/// a line for itself: then the thoughts end in an open code block.
fn unopened_len(text: &str) -> usize {
    let is_json = || serde_json::from_str::<IgnoredAny>(text).is_ok();
    let has_open = |close: usize| text[..close].contains(OPEN);
    if text.find(CLOSE).is_none_or(has_open) || is_json() {
        return 0;
    }
    let code = code_ranges(text);
    let has_own_line = |at: usize| {
        let before = text[..at].trim_end_matches([' ', '\t', '\r']);
        let after = text[at + CLOSE.len()..].trim_start_matches([' ', '\t', '\r']);
        (before.is_empty() || before.ends_with('\n'))
            && (after.is_empty() || after.starts_with('\n'))
    };
    // The ranges are in order and do not overlap.
    let is_in_code = |at: usize| {
        let next = code.partition_point(|range| range.end <= at);
        code.get(next).is_some_and(|range| range.start <= at)
    };
    let ends = text.match_indices(CLOSE).map(|(at, _)| at);
    let mut ends = ends.filter(|&at| has_own_line(at) || !is_in_code(at));
    ends.next().map_or(0, |at| {
        let rest = &text[at + CLOSE.len()..];
        text.len() - rest.trim_start().len()
    })
}

/// Where `text` has code spans and fenced code blocks.
fn code_ranges(text: &str) -> Vec<Range<usize>> {
    let events = Parser::new(text).into_offset_iter();
    let is_code = |event: &Event| {
        matches!(event, Event::Code(_) | Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))))
    };
    events.filter(|(event, _)| is_code(event)).map(|(_, range)| range).collect()
}

/// Splits a text that arrives in pieces into the thoughts of opened blocks at its
/// beginning and the rest. The result does not depend on how the text is cut.
#[derive(Debug, Default)]
pub struct ThoughtSplitter {
    state: SplitState,
    /// The end of the text so far, which is not decided yet.
    held: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum SplitState {
    /// A block may begin.
    #[default]
    Start,
    Inside,
    /// A block has ended, and another may begin.
    After,
    Text,
}

/// A piece of text, split.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct SplitText {
    /// Without tags.
    pub thoughts: String,
    /// Without the white space behind the thoughts.
    pub text: String,
}

impl ThoughtSplitter {
    pub fn push(&mut self, piece: &str) -> SplitText {
        let mut split = SplitText::default();
        let text = std::mem::take(&mut self.held) + piece;
        let mut rest = text.as_str();
        while let Some(after) = self.step(rest, &mut split) {
            rest = after;
        }
        self.held = self.undecided(rest, &mut split).to_owned();
        split
    }

    /// What was held back of a text that has ended.
    pub fn end(&mut self) -> SplitText {
        let held = std::mem::take(&mut self.held);
        match std::mem::take(&mut self.state) {
            SplitState::Inside => SplitText { thoughts: held, ..SplitText::default() },
            _ => SplitText { text: held, ..SplitText::default() },
        }
    }

    /// Takes the next tag off `text`, and returns the text behind it. `None` if no
    /// tag is left that counts.
    fn step<'a>(&mut self, text: &'a str, split: &mut SplitText) -> Option<&'a str> {
        let (next, rest) = match self.state {
            SplitState::Text => return None,
            SplitState::Start if blank_len(text) > MAX_BLANK => return None,
            SplitState::Start | SplitState::After => {
                (SplitState::Inside, text.trim_start().strip_prefix(OPEN)?)
            }
            SplitState::Inside => {
                let (thoughts, rest) = text.split_once(CLOSE)?;
                split.thoughts += thoughts;
                (SplitState::After, rest)
            }
        };
        self.state = next;
        Some(rest)
    }

    /// Adds what is decided of `text`, which no tag is left to be taken off from.
    /// Returns the rest of it.
    fn undecided<'a>(&mut self, text: &'a str, split: &mut SplitText) -> &'a str {
        let shown = match self.state {
            SplitState::Inside => {
                let (decided, rest) = text.split_at(text.len() - partial_len(text, CLOSE));
                split.thoughts += decided;
                return rest;
            }
            SplitState::After => text.trim_start(),
            SplitState::Start | SplitState::Text => text,
        };
        let may_begin = self.state != SplitState::Text && OPEN.starts_with(shown.trim_start());
        if may_begin && blank_len(shown) <= MAX_BLANK {
            return shown;
        }
        self.state = SplitState::Text;
        split.text += shown;
        ""
    }
}

fn blank_len(text: &str) -> usize {
    text.len() - text.trim_start().len()
}

/// The length of the longest end of `text` that `tag` begins with.
fn partial_len(text: &str, tag: &str) -> usize {
    (1..tag.len()).rev().find(|&length| text.ends_with(&tag[..length])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn thoughts_are_taken_off_by_policy() {
        for (text, opened, all) in [
            ("<think>a</think>b", "b", "b"),
            (" \n<think>\na\n</think>\n\nb\n", "b\n", "b\n"),
            ("<think>a</think><think>b</think> c", "c", "c"),
            ("<think>a", "", ""),
            ("<think>a</think>", "", ""),
            ("a</think>b", "a</think>b", "b"),
            ("</think>\n\nb", "</think>\n\nb", "b"),
            ("b", "b", "b"),
            (" b", " b", " b"),
            ("<thin", "<thin", "<thin"),
            ("see <think>a</think>", "see <think>a</think>", "see <think>a</think>"),
            (r#"{"tag":"</think>"}"#, r#"{"tag":"</think>"}"#, r#"{"tag":"</think>"}"#),
            (
                "```py\nt.split('</think>')\n```",
                "```py\nt.split('</think>')\n```",
                "```py\nt.split('</think>')\n```",
            ),
            ("Use `</think>`.", "Use `</think>`.", "Use `</think>`."),
            ("```sh\nrm x\n</think>\nls", "```sh\nrm x\n</think>\nls", "ls"),
        ] {
            assert_eq!(&text[len(text, ThoughtsPolicy::Keep)..], text);
            assert_eq!(&text[len(text, ThoughtsPolicy::TakeOpened)..], opened, "{text}");
            assert_eq!(&text[len(text, ThoughtsPolicy::TakeAll)..], all, "{text}");
        }
    }

    #[test]
    fn long_white_space_holds_nothing_back() {
        let text = " ".repeat(MAX_BLANK + 1) + "<think>a</think>b";
        assert_eq!(len(&text, ThoughtsPolicy::TakeOpened), 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_split_does_not_depend_on_how_the_text_is_cut(
            pieces in prop::collection::vec(
                prop::sample::select(vec![
                    "<think>", "</think>", "<", "</", "think>", "a", " ", "\n", "<think", "é",
                ]),
                0..12,
            ),
        ) {
            let split = |pieces: &[&str]| {
                let mut splitter = ThoughtSplitter::default();
                let mut joined = SplitText::default();
                for piece in pieces {
                    let SplitText { thoughts, text } = splitter.push(piece);
                    joined.thoughts += &thoughts;
                    joined.text += &text;
                }
                let SplitText { thoughts, text } = splitter.end();
                SplitText { thoughts: joined.thoughts + &thoughts, text: joined.text + &text }
            };
            prop_assert_eq!(split(&pieces), split(&[&pieces.concat()]));
        }
    }
}
