//! The end of a turn: whether a complete reply is what was asked for, and
//! whether to ask again.

use std::fmt;

use crate::chat::code_block::{self, CodeBlock};
use crate::chat::finish::{FinishKind, FinishReason};
use crate::chat::format::{CheckedText, ReplyFormat};
use crate::chat::reply::Reply;
use crate::chat::schema::SchemaPattern;
use crate::chat::thoughts::ThoughtsPolicy;
use crate::chat::tool_call::{CallError, ToolCall};
use crate::error::{EarlyEnd, Error};

/// What a reply must be, and which part of it to print.
pub struct ReplyPolicy {
    pub format: ReplyFormat,
    pub pick: Pick,
    pub thoughts: ThoughtsPolicy,
    /// A reply without a tool call is invalid.
    pub must_call: bool,
    /// How often to ask again after an invalid reply.
    pub repairs: u32,
    /// How much of a reply may be held in memory.
    pub max_bytes: usize,
}

/// The part of a reply to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pick {
    Whole,
    /// The first code block in this language, or in any if it is empty.
    FirstBlock(String),
    /// The last code block in this language, or in any if it is empty.
    LastBlock(String),
}

/// How a turn ends.
#[derive(Debug)]
pub enum TurnEnd {
    /// Nothing more to ask. The reply may be invalid.
    Done(CheckedReply),
    /// The reply is invalid. Ask again and say why.
    Repair(CheckedReply),
    /// The reply calls tools. It may be invalid otherwise.
    Tools(CheckedReply),
}

/// A complete reply and the result of checking it. An invalid reply is kept too:
/// it was paid for, so it is still shown, and it is quoted when the model is
/// asked again.
#[derive(Debug)]
pub struct CheckedReply {
    pub reply: Reply,
    /// The tool calls. Empty if any of them is malformed or calls a tool that was
    /// not offered.
    pub calls: Vec<ToolCall>,
    /// The part that was asked for. `None` stands for the whole text, which is
    /// not copied.
    picked: Option<CheckedText>,
    /// Why the reply is invalid. `None` if it is valid.
    pub problem: Option<InvalidReply>,
}

/// Why a reply is not what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvalidReply {
    /// It does not have the required format or part.
    Format {
        reason: String,
        /// Set if a length limit or content filter ended the reply, which may
        /// be the cause.
        early_end: Option<EarlyEnd>,
    },
    /// A tool call is malformed, or calls a tool that was not offered.
    Call(CallError),
}

impl fmt::Display for InvalidReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format { reason, .. } => f.write_str(reason),
            Self::Call(error) => error.fmt(f),
        }
    }
}

impl From<InvalidReply> for Error {
    fn from(problem: InvalidReply) -> Self {
        match problem {
            InvalidReply::Format { reason, early_end } => Error::Format { reason, early_end },
            InvalidReply::Call(error) => error.into(),
        }
    }
}

impl InvalidReply {
    /// What to tell the model when asking again. `None` if asking again does
    /// not help: a call without a name is the server's mistake.
    pub fn correction(&self) -> Option<String> {
        match self {
            Self::Format { reason, .. } => Some(format!(
                "This is not what was asked for: {reason}. Answer again, with nothing but what was asked for."
            )),
            Self::Call(error @ CallError::Arguments { .. }) => Some(format!(
                "This tool call is not valid: {error}. Call the tool again, with a JSON object as its arguments."
            )),
            Self::Call(error @ CallError::NotOffered { .. }) => {
                Some(format!("This tool call is not valid: {error}. Call only tools that exist."))
            }
            Self::Call(CallError::Nameless(_)) => None,
        }
    }
}

/// Checks a reply and decides how the turn goes on. An invalid reply is
/// repaired if `repairs_left` is not 0, the server or the model did not end it
/// early, and the model can be told what to correct. `offered` are the names of
/// the tools that the reply may call; `None` if they are not known.
pub fn judge(
    mut reply: Reply,
    policy: &ReplyPolicy,
    offered: Option<&[String]>,
    repairs_left: u32,
) -> TurnEnd {
    reply.take_thoughts(policy.thoughts);
    // A choice or a line of shell refuses any call, for a reason of its own.
    let offered = offered.filter(|_| policy.format.allows_calls());
    let (calls, invalid_call) = match reply.calls.finish(offered) {
        Ok(calls) => (calls, None),
        Err(error) => (Vec::new(), Some(InvalidReply::Call(error))),
    };
    let (picked, problem) = match policy.check(&reply, &calls, invalid_call.is_some()) {
        Ok(picked) => (picked, invalid_call),
        Err(reason) => (None, Some(invalid_format(reason, &reply))),
    };
    let correction = problem.as_ref().and_then(InvalidReply::correction);
    // A reply that was cut or refused would be so again.
    let can_improve = reply.early_end().is_none() && correction.is_some();
    let checked = CheckedReply { reply, calls, picked, problem };
    if can_improve && repairs_left > 0 {
        TurnEnd::Repair(checked)
    } else if checked.problem.is_some() || checked.calls.is_empty() {
        TurnEnd::Done(checked)
    } else {
        TurnEnd::Tools(checked)
    }
}

fn invalid_format(reason: String, reply: &Reply) -> InvalidReply {
    let early_end = reply.early_end();
    match &early_end {
        Some(end @ (EarlyEnd::Length(_) | EarlyEnd::ContentFilter(_))) => {
            InvalidReply::Format { reason: format!("{reason}; {end}"), early_end }
        }
        _ => InvalidReply::Format { reason, early_end: None },
    }
}

impl ReplyPolicy {
    /// Whether a reply may be any text, and all of it is printed.
    pub fn takes_any_text(&self) -> bool {
        matches!(self.format, ReplyFormat::Text) && self.pick == Pick::Whole
    }

    /// The part of the reply that was asked for, or `None` for the whole text.
    /// Fails with the reason why the reply is invalid.
    fn check(
        &self,
        reply: &Reply,
        calls: &[ToolCall],
        has_invalid_call: bool,
    ) -> Result<Option<CheckedText>, String> {
        let is_any_text = matches!(self.format, ReplyFormat::Text);
        let has_calls = !calls.is_empty() || has_invalid_call;
        match &self.format {
            format if !format.allows_calls() && !calls.is_empty() => {
                return Err("it calls a tool".to_owned());
            }
            _ if self.must_call && !has_calls && reply.refusal.is_empty() => {
                return Err("it calls no tool".to_owned());
            }
            // The refusal is reported. Text that comes with it does not have
            // the format, so it is not printed.
            _ if !is_any_text && !reply.refusal.is_empty() => {
                return Ok(Some(String::new().into()));
            }
            _ if self.takes_any_text() => return Ok(None),
            _ if !reply.has_text || has_calls => return Ok(None),
            _ => {}
        }
        let text = self.pick.extract(&reply.text)?;
        self.format.check(&text).map(Some)
    }
}

impl Pick {
    /// This part of `text`. Fails with the reason if there is no such part.
    fn extract(&self, text: &str) -> Result<String, String> {
        let (language, is_last) = match self {
            Self::Whole => return Ok(text.to_owned()),
            Self::FirstBlock(language) => (language.as_str(), false),
            Self::LastBlock(language) => (language.as_str(), true),
        };
        let blocks = code_block::find_all(text);
        let matches = |block: &&CodeBlock| language.is_empty() || block.is_in(language);
        let mut found = blocks.iter().filter(matches);
        let found = if is_last { found.next_back() } else { found.next() };
        found.map(|block| block.content.clone()).ok_or_else(|| {
            let languages: Vec<&str> = blocks
                .iter()
                .map(
                    |block| if block.language.is_empty() { "no language" } else { &block.language },
                )
                .collect();
            match (language, languages.as_slice()) {
                ("", _) => "it has no code block".to_owned(),
                (language, []) => format!("it has no code block in {language}"),
                (language, others) => {
                    format!("it has no code block in {language} (found: {})", others.join(", "))
                }
            }
        })
    }
}

impl CheckedReply {
    /// The text that was asked for.
    pub fn text(&self) -> &str {
        self.picked.as_ref().map_or(&self.reply.text, |picked| &picked.text)
    }

    /// Text and calls as received, to quote to the model when asking again.
    pub fn as_received(&self) -> String {
        [self.reply.text.as_str(), &self.reply.calls.raw()].concat()
    }

    /// The text that was asked for.
    pub fn into_text(self) -> String {
        self.picked.map_or(self.reply.text, |picked| picked.text)
    }

    /// The error of a complete reply that does not count as a success:
    /// [`Error::EndedEarly`] if the server ended the reply early, the model
    /// refused, or the reply has neither text nor tool calls. [`Error::Format`]
    /// if it does not have the required format, or a call is malformed or of a
    /// tool that was not offered. [`Error::Protocol`] if a call has no name, or the
    /// finish reason announces calls but there are none and no text.
    pub fn failure(&self) -> Option<Error> {
        if let Some(end) = self.reply.early_end() {
            return Some(Error::EndedEarly(end));
        }
        if let Some(problem) = &self.problem {
            return Some(problem.clone().into());
        }
        let is_empty = !self.reply.has_text && self.calls.is_empty();
        match self.reply.finish_kind() {
            _ if !is_empty => None,
            Some(FinishKind::ToolCalls) => Some(Error::Protocol(self.no_call())),
            _ if !self.reply.thoughts.is_empty() => Some(Error::EndedEarly(EarlyEnd::OnlyThoughts)),
            _ => Some(Error::EndedEarly(EarlyEnd::NoText)),
        }
    }

    /// The patterns of the schema that the text was not checked against, because
    /// they took too long to be matched.
    pub fn unchecked_patterns(&self) -> &[SchemaPattern] {
        self.picked.as_ref().map_or(&[], |picked| &picked.unchecked)
    }

    /// A warning about a reply that is still used.
    pub fn warning(&self) -> Option<String> {
        let FinishReason { kind, word } = self.reply.finish.as_ref()?;
        match kind {
            FinishKind::ToolCalls if self.calls.is_empty() && self.reply.has_text => {
                Some(self.no_call())
            }
            FinishKind::Unknown => Some(format!(
                "the reply ended with the unknown finish reason {word}; it may not be whole"
            )),
            _ => None,
        }
    }

    fn no_call(&self) -> String {
        let word = self.reply.finish.as_ref().map_or("", |finish| &finish.word);
        format!("the reply ended with finish reason {word} but calls no tool")
    }
}
