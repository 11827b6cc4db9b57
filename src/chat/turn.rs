//! What is to be done about a reply that has come: nothing more, ask again, or
//! see to the tools that it calls.

use crate::chat::code_block::{self, CodeBlock};
use crate::chat::event::FinishReason;
use crate::chat::format::ReplyFormat;
use crate::chat::reply::Reply;
use crate::chat::tool_call::{CallError, ToolCall};
use crate::error::{EarlyEnd, Error};

/// What a reply must be, and which part of it is asked for.
pub struct ReplyPolicy {
    pub format: ReplyFormat,
    pub pick: Pick,
    /// The model has no choice but to call a tool.
    pub must_call: bool,
    /// How many times an invalid reply is asked for again.
    pub repairs: u32,
}

/// The part of a reply that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pick {
    Whole,
    /// The first code block in this language; in any if it is empty.
    FirstBlock(String),
    /// The last one.
    LastBlock(String),
}

/// How a turn ends.
#[derive(Debug)]
pub enum TurnEnd {
    /// There is nothing more to ask, be the reply valid or not.
    Done(CheckedReply),
    /// The reply is invalid: ask again, with what is wrong with it.
    Repair(CheckedReply),
    /// The reply calls tools.
    Tools(CheckedReply),
}

/// A whole reply, and what a check of it found.
#[derive(Debug)]
pub struct CheckedReply {
    pub reply: Reply,
    /// Empty if a call is malformed.
    pub calls: Vec<ToolCall>,
    /// The part that was asked for; `None` if that is all of it.
    picked: Option<String>,
    /// Why the reply is not what was asked for.
    pub fault: Option<ReplyFault>,
}

/// Why a reply is not what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplyFault {
    Format {
        reason: String,
        /// Set if the server cut the reply short, which may be why.
        early_end: Option<EarlyEnd>,
    },
    Call(CallError),
}

impl From<ReplyFault> for Error {
    fn from(fault: ReplyFault) -> Self {
        match fault {
            ReplyFault::Format { reason, early_end } => Error::Format { reason, early_end },
            ReplyFault::Call(error) => error.into(),
        }
    }
}

impl ReplyFault {
    /// What the model is told about it; `None` if it cannot do better.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Format { reason, .. } => Some(reason.clone()),
            Self::Call(error @ CallError::Arguments { .. }) => Some(error.to_string()),
            Self::Call(CallError::Nameless(_)) => None,
        }
    }
}

/// Judges a reply when `repairs_left` more may be asked for.
pub fn judge(reply: Reply, policy: &ReplyPolicy, repairs_left: u32) -> TurnEnd {
    let (calls, malformed) = match reply.calls.finish() {
        Ok(calls) => (calls, None),
        Err(error) => (Vec::new(), Some(ReplyFault::Call(error))),
    };
    let (picked, fault) = match policy.check(&reply, &calls, malformed.is_some()) {
        Ok(picked) => (picked, malformed),
        Err(reason) => (None, Some(format_fault(reason, &reply))),
    };
    let can_be_repaired = repairs_left > 0 && !reply.is_cut();
    let is_repairable = can_be_repaired && fault.as_ref().is_some_and(|f| f.reason().is_some());
    let is_call = !calls.is_empty();
    let checked = CheckedReply { reply, calls, picked, fault };
    match () {
        () if is_repairable => TurnEnd::Repair(checked),
        () if is_call => TurnEnd::Tools(checked),
        () => TurnEnd::Done(checked),
    }
}

fn format_fault(reason: String, reply: &Reply) -> ReplyFault {
    let early_end = reply.early_end();
    match &early_end {
        Some(end @ (EarlyEnd::Length | EarlyEnd::ContentFilter)) => {
            ReplyFault::Format { reason: format!("{reason}; {end}"), early_end }
        }
        _ => ReplyFault::Format { reason, early_end: None },
    }
}

impl ReplyPolicy {
    /// The part of a reply that is asked for, unless that is all of it; or why
    /// the reply is invalid.
    fn check(
        &self,
        reply: &Reply,
        calls: &[ToolCall],
        has_malformed_call: bool,
    ) -> Result<Option<String>, String> {
        let is_free = matches!(self.format, ReplyFormat::Text);
        let has_calls = !calls.is_empty() || has_malformed_call;
        match &self.format {
            ReplyFormat::Choice(_) if has_calls => return Err("it calls a tool".to_owned()),
            _ if self.must_call && !has_calls && reply.refusal.is_empty() => {
                return Err("it calls no tool".to_owned());
            }
            // A refusal is reported; the text beside it is not what was asked
            // for.
            _ if !is_free && !reply.refusal.is_empty() => return Ok(Some(String::new())),
            _ if is_free && self.pick == Pick::Whole => return Ok(None),
            _ if !reply.has_text || has_calls => return Ok(None),
            _ => {}
        }
        let text = self.pick.from(&reply.text)?;
        self.format.check(&text).map(Some)
    }
}

impl Pick {
    /// This part of `text`, or why there is none.
    fn from(&self, text: &str) -> Result<String, String> {
        let (language, is_last) = match self {
            Self::Whole => return Ok(text.to_owned()),
            Self::FirstBlock(language) => (language.as_str(), false),
            Self::LastBlock(language) => (language.as_str(), true),
        };
        let blocks = code_block::all(text);
        let is_wanted = |block: &&CodeBlock| language.is_empty() || block.is_in(language);
        let mut found = blocks.iter().filter(is_wanted);
        let found = if is_last { found.next_back() } else { found.next() };
        found.map(|block| block.content.clone()).ok_or_else(|| {
            let languages: Vec<&str> = blocks
                .iter()
                .map(|block| if block.language.is_empty() { "none" } else { &block.language })
                .collect();
            match (language, languages.as_slice()) {
                ("", _) => "it has no code block".to_owned(),
                (language, []) => format!("it has no code block in {language}"),
                (language, others) => {
                    format!("it has no code block in {language}, but in {}", others.join(", "))
                }
            }
        })
    }
}

impl CheckedReply {
    /// The text that was asked for.
    pub fn text(&self) -> &str {
        self.picked.as_deref().unwrap_or(&self.reply.text)
    }

    /// What came, as text: for the model, when it is told what is wrong with
    /// it.
    pub fn as_received(&self) -> String {
        [self.reply.text.as_str(), &self.reply.calls.raw()].concat()
    }

    /// The error that the reply comes to although it is whole, if any.
    ///
    /// # Errors
    /// [`Error::EndedEarly`] if it was cut short, or has neither text nor
    /// calls; [`Error::Format`] and [`Error::Protocol`] if it is not what was
    /// asked for, or announces a call and has none.
    pub fn conclude(self) -> Result<(), Error> {
        if let Some(end) = self.reply.early_end() {
            return Err(Error::EndedEarly(end));
        }
        if let Some(fault) = self.fault {
            return Err(fault.into());
        }
        let is_empty = !self.reply.has_text && self.calls.is_empty();
        match self.reply.finish {
            _ if !is_empty => Ok(()),
            Some(FinishReason::ToolCalls) => Err(Error::Protocol(NO_CALL.to_owned())),
            _ => Err(Error::EndedEarly(EarlyEnd::NoText)),
        }
    }

    /// What is odd about a reply that is used all the same.
    pub fn warning(&self) -> Option<&'static str> {
        let announces_calls = self.reply.finish == Some(FinishReason::ToolCalls);
        (announces_calls && self.calls.is_empty() && self.reply.has_text).then_some(NO_CALL)
    }
}

const NO_CALL: &str = "the reply ends with finish reason tool_calls, and calls no tool";
