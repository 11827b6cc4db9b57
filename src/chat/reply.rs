//! What the model gave, and how it came. Prints and saves nothing.

use std::fmt;
use std::time::{Duration, Instant};

use crate::chat::event::{Event, FinishReason, Usage};
use crate::chat::response::ResponseBuilder;
use crate::chat::tool_call::ToolCalls;
use crate::error::EarlyEnd;

/// What of a reply is needed when it is whole: a long one takes memory.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    pub text: bool,
    pub response: bool,
}

/// A reply as far as it has come.
#[derive(Debug)]
pub struct Reply {
    retention: Retention,
    /// Empty where it is not kept.
    pub text: String,
    pub has_text: bool,
    pub refusal: String,
    pub calls: ToolCalls,
    pub finish: Option<FinishReason>,
    pub usage: Option<Usage>,
    /// The whole response, of payloads where they are given.
    pub response: ResponseBuilder,
    asked: Instant,
    /// How many events brought text or calls, and how long after the question
    /// the first of them came.
    chunks: u64,
    first: Option<Duration>,
}

impl Reply {
    /// A reply to a question that is asked now.
    pub fn new(retention: Retention) -> Self {
        Self {
            retention,
            text: String::new(),
            has_text: false,
            refusal: String::new(),
            calls: ToolCalls::default(),
            finish: None,
            usage: None,
            response: ResponseBuilder::default(),
            asked: Instant::now(),
            chunks: 0,
            first: None,
        }
    }

    pub fn add(&mut self, event: &Event) {
        match event {
            Event::Text(text) => {
                self.has_text = true;
                if self.retention.text {
                    self.text += text;
                }
                self.count();
            }
            Event::Refusal(words) => self.refusal += words,
            Event::Call(fragment) => {
                self.calls.add(fragment.clone());
                self.count();
            }
            Event::Payload(payload) if self.retention.response => self.response.add(payload),
            Event::Payload(_) => {}
            Event::Finish(reason) => self.finish = Some(*reason),
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Alive | Event::Waiting => {}
        }
    }

    /// An event brought text or a call.
    fn count(&mut self) {
        self.chunks += 1;
        self.first.get_or_insert_with(|| self.asked.elapsed());
    }

    /// The server or its limits ended it: it would end so again.
    pub fn is_cut(&self) -> bool {
        matches!(self.finish, Some(FinishReason::Length | FinishReason::ContentFilter))
    }

    /// Why it is shorter than the model meant it to be, where that is so.
    pub fn early_end(&self) -> Option<EarlyEnd> {
        match self.finish {
            _ if !self.refusal.is_empty() => Some(EarlyEnd::Refusal(self.refusal.clone())),
            Some(FinishReason::Length) => Some(EarlyEnd::Length),
            Some(FinishReason::ContentFilter) => Some(EarlyEnd::ContentFilter),
            _ => None,
        }
    }

    /// How long after the question the first text or call came.
    pub fn first(&self) -> Option<Duration> {
        self.first
    }

    /// How long ago the question was asked.
    pub fn elapsed(&self) -> Duration {
        self.asked.elapsed()
    }

    /// How it came, in one line.
    pub fn summary(&self) -> impl fmt::Display {
        let plural = if self.chunks == 1 { "" } else { "s" };
        let mut parts = vec![format!("{} chunk{plural}", self.chunks)];
        if let Some(first) = self.first {
            parts.push(format!("the first after {:.3} s", first.as_secs_f64()));
        }
        parts.push(format!("{:.3} s in all", self.elapsed().as_secs_f64()));
        if let Some(finish) = self.finish {
            parts.push(format!("finish reason {}", finish.name()));
        }
        if self.usage.is_some() {
            parts.push(self.tokens());
        }
        parts.extend(self.rate());
        parts.join(", ")
    }

    /// What it cost, in one line.
    pub fn cost(&self) -> impl fmt::Display {
        let first =
            self.first.map(|first| format!("first token after {:.3} s", first.as_secs_f64()));
        let parts = [Some(self.tokens()), first, self.rate()];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    fn tokens(&self) -> String {
        let Some(usage) = self.usage else {
            return "the server counted no tokens".to_owned();
        };
        let count = |tokens: Option<u64>| tokens.map_or("?".to_owned(), |n| n.to_string());
        format!(
            "{} prompt + {} completion = {} tokens",
            count(usage.prompt_tokens),
            count(usage.completion_tokens),
            count(usage.total_tokens)
        )
    }

    /// Tokens a second: from the first text on where there were several, and
    /// from the question on where all came at one stroke.
    fn rate(&self) -> Option<String> {
        let tokens = self.usage?.completion_tokens?;
        let before = if self.chunks > 1 { self.first? } else { Duration::ZERO };
        let seconds = self.elapsed().saturating_sub(before).as_secs_f64();
        Some(format!("{:.1} tokens/s", tokens as f64 / seconds))
    }
}
