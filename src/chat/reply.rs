//! A reply, collected from its events, with its timing and usage.

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, Instant};

use crate::chat::decoded_message::DecodedMessage;
use crate::chat::event::{Event, Usage};
use crate::chat::finish::{FinishKind, FinishReason};
use crate::chat::held_bytes::HeldBytes;
use crate::chat::response::ResponseBuilder;
use crate::chat::thoughts::{self, ThoughtsPolicy};
use crate::chat::tool_call::{ToolCall, ToolCalls};
use crate::error::{EarlyEnd, Result};

/// Which parts of a reply are kept in memory. A streamed reply that is already
/// printed may not be needed again, and can be long.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Keep the text.
    pub text: bool,
    /// Keep the server's response as JSON.
    pub response: bool,
}

/// A reply as received so far.
#[derive(Debug)]
pub struct Reply {
    retention: Retention,
    held: HeldBytes,
    /// Empty if [`Retention::text`] is not set.
    pub text: String,
    /// The thoughts that were taken off the beginning of the text, with their
    /// tags.
    pub thoughts: String,
    /// Whether any text came, kept or not.
    pub has_text: bool,
    pub refusal: String,
    pub calls: ToolCalls,
    pub finish: Option<FinishReason>,
    pub usage: Option<Usage>,
    /// Empty if [`Retention::response`] is not set, or the events contain no
    /// payloads.
    response: ResponseBuilder,
    asked_at: Instant,
    /// The number of events with text or a tool call.
    chunks: u64,
    /// The time from the request to the first of these events.
    time_to_first_token: Option<Duration>,
}

impl Reply {
    /// An empty reply to a request that is sent now. At most `max_bytes` of it are
    /// kept.
    pub fn new(retention: Retention, max_bytes: usize) -> Self {
        Self {
            retention,
            held: HeldBytes::up_to(max_bytes),
            text: String::new(),
            thoughts: String::new(),
            has_text: false,
            refusal: String::new(),
            calls: ToolCalls::default(),
            finish: None,
            usage: None,
            response: ResponseBuilder::default(),
            asked_at: Instant::now(),
            chunks: 0,
            time_to_first_token: None,
        }
    }

    /// Adds an event.
    ///
    /// # Errors
    /// [`Error::ReplyTooLong`](crate::error::Error::ReplyTooLong) if more has to
    /// be kept than may be;
    /// [`Error::CannotJoin`](crate::error::Error::CannotJoin) if a tool call has
    /// too many fields or levels.
    pub fn add(&mut self, event: &Event) -> Result<()> {
        match event {
            Event::Text(text) => {
                self.has_text = true;
                if self.retention.text {
                    self.held.add(text.len())?;
                    self.text += text;
                }
                self.count_chunk();
            }
            Event::Refusal(text) => {
                self.held.add(text.len())?;
                self.refusal += text;
            }
            Event::Call(fragment) => {
                self.calls.add(fragment, &mut self.held)?;
                self.count_chunk();
            }
            Event::Payload(payload) if self.retention.response => {
                self.response.add(payload, &mut self.held)?;
            }
            Event::Payload(_) => {}
            Event::Finish(reason) => {
                self.finish = Some(FinishReason::worst(self.finish.take(), reason.clone()));
            }
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Reasoning(_) | Event::Alive | Event::Waiting => {}
        }
        Ok(())
    }

    fn count_chunk(&mut self) {
        self.chunks += 1;
        self.time_to_first_token.get_or_insert_with(|| self.asked_at.elapsed());
    }

    /// Takes thoughts off the beginning of a complete reply.
    pub fn take_thoughts(&mut self, policy: ThoughtsPolicy) {
        let rest = self.text.split_off(thoughts::len(&self.text, policy));
        self.thoughts = std::mem::replace(&mut self.text, rest);
        self.has_text &= self.thoughts.is_empty() || !self.text.is_empty();
    }

    /// The thoughts that were taken off although they lacked their opening tag;
    /// `None` if there are none.
    pub fn unopened_thoughts(&self) -> Option<String> {
        let has_tag = self.thoughts.trim_start().starts_with(thoughts::OPEN);
        let thoughts = Some(&self.thoughts).filter(|thoughts| !thoughts.is_empty() && !has_tag);
        thoughts.map(|thoughts| thoughts::without_closing_tags(thoughts))
    }

    /// The text as received, thoughts included.
    pub fn received_text(&self) -> Cow<'_, str> {
        match self.thoughts.as_str() {
            "" => Cow::Borrowed(&self.text),
            thoughts => Cow::Owned([thoughts, &self.text].concat()),
        }
    }

    /// The server's response as one JSON object; see [`ResponseBuilder::finish`].
    /// `calls` are the reply's tool calls.
    ///
    /// # Errors
    /// [`Error::CannotJoin`](crate::error::Error::CannotJoin) if a chunk
    /// could not be parsed.
    pub fn response(&self, calls: &[ToolCall]) -> Result<String> {
        let content = &self.received_text();
        self.response.finish(&DecodedMessage { content, calls, finish: self.finish.as_ref() })
    }

    /// The assistant's message as the server sent it; see
    /// [`ResponseBuilder::message`]. `calls` are the reply's tool calls.
    pub fn message(&self, calls: &[ToolCall]) -> Option<String> {
        let content = &self.received_text();
        self.response.message(&DecodedMessage { content, calls, finish: self.finish.as_ref() })
    }

    pub fn finish_kind(&self) -> Option<FinishKind> {
        self.finish.as_ref().map(|finish| finish.kind)
    }

    /// Whether a length limit or a content filter ended the reply. Asking again
    /// would end the same way.
    pub fn is_cut(&self) -> bool {
        matches!(self.finish_kind(), Some(FinishKind::Length | FinishKind::ContentFilter))
    }

    /// Why the reply ended early, if it did.
    pub fn early_end(&self) -> Option<EarlyEnd> {
        if !self.refusal.is_empty() {
            return Some(EarlyEnd::Refusal(self.refusal.clone()));
        }
        let FinishReason { kind, word } = self.finish.as_ref()?;
        match kind {
            FinishKind::Length => Some(EarlyEnd::Length(word.clone())),
            FinishKind::ContentFilter => Some(EarlyEnd::ContentFilter(word.clone())),
            _ => None,
        }
    }

    /// The time from the request to the first text or tool call.
    pub fn time_to_first_token(&self) -> Option<Duration> {
        self.time_to_first_token
    }

    /// The time since the request.
    pub fn elapsed(&self) -> Duration {
        self.asked_at.elapsed()
    }

    /// Chunks, times, finish reason and usage on one line.
    pub fn summary(&self) -> impl fmt::Display {
        let plural = if self.chunks == 1 { "" } else { "s" };
        let mut parts = vec![format!("{} chunk{plural}", self.chunks)];
        if let Some(first) = self.time_to_first_token {
            parts.push(format!("first after {:.3} s", first.as_secs_f64()));
        }
        parts.push(format!("{:.3} s total", self.elapsed().as_secs_f64()));
        if let Some(finish) = &self.finish {
            parts.push(format!("finish reason {finish}"));
        }
        if self.usage.is_some() {
            parts.push(self.tokens());
        }
        parts.extend(self.rate());
        parts.join(", ")
    }

    /// Usage, time to the first token and tokens per second on one line.
    pub fn usage_summary(&self) -> impl fmt::Display {
        let first = self
            .time_to_first_token
            .map(|first| format!("first token after {:.3} s", first.as_secs_f64()));
        let parts = [Some(self.tokens()), first, self.rate()];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    fn tokens(&self) -> String {
        let Some(usage) = self.usage else {
            return "the server reported no usage".to_owned();
        };
        let count = |tokens: Option<u64>| tokens.map_or("?".to_owned(), |n| n.to_string());
        format!(
            "{} prompt + {} completion = {} token{}",
            count(usage.prompt_tokens),
            count(usage.completion_tokens),
            count(usage.total_tokens),
            if usage.total_tokens == Some(1) { "" } else { "s" }
        )
    }

    /// Tokens per second, measured from the first token. A reply that came in
    /// one piece is measured from the request.
    fn rate(&self) -> Option<String> {
        let tokens = self.usage?.completion_tokens?;
        let before = if self.chunks > 1 { self.time_to_first_token? } else { Duration::ZERO };
        let seconds = self.elapsed().saturating_sub(before).as_secs_f64();
        Some(format!("{:.1} tokens/s", tokens as f64 / seconds))
    }
}
