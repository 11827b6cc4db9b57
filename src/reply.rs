//! What the model gave, and how it came. Prints and saves nothing.

use std::fmt;
use std::time::{Duration, Instant};

use crate::api::events::{Event, FinishReason, Usage};

/// A reply as far as it has come.
#[derive(Debug)]
pub struct Reply {
    pub text: String,
    pub refusal: String,
    pub finish: Option<FinishReason>,
    usage: Option<Usage>,
    asked: Instant,
    /// How many events brought text, and how long after the question the
    /// first of them came.
    chunks: u64,
    first: Option<Duration>,
}

impl Reply {
    /// A reply to a question that is asked now.
    pub fn expected() -> Self {
        Self {
            text: String::new(),
            refusal: String::new(),
            finish: None,
            usage: None,
            asked: Instant::now(),
            chunks: 0,
            first: None,
        }
    }

    pub fn add(&mut self, event: &Event) {
        match event {
            Event::Text(text) => {
                self.text += text;
                self.chunks += 1;
                self.first.get_or_insert_with(|| self.asked.elapsed());
            }
            Event::Refusal(words) => self.refusal += words,
            Event::Finish(reason) => self.finish = Some(*reason),
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Alive | Event::Waiting => {}
        }
    }

    /// How it came, in one line.
    pub fn summary(&self) -> impl fmt::Display {
        let total = self.asked.elapsed();
        let plural = if self.chunks == 1 { "" } else { "s" };
        let mut parts = vec![format!("{} chunk{plural}", self.chunks)];
        if let Some(first) = self.first {
            parts.push(format!("the first after {:.3} s", first.as_secs_f64()));
        }
        parts.push(format!("{:.3} s in all", total.as_secs_f64()));
        if let Some(finish) = self.finish {
            parts.push(format!("finish reason {}", finish.name()));
        }
        if let Some(usage) = self.usage {
            let count = |tokens: Option<u64>| tokens.map_or("?".to_owned(), |n| n.to_string());
            parts.push(format!(
                "{} prompt + {} completion = {} tokens",
                count(usage.prompt_tokens),
                count(usage.completion_tokens),
                count(usage.total_tokens)
            ));
            // A reply that came at one stroke has no rate.
            let writing = total.saturating_sub(self.first.unwrap_or(total)).as_secs_f64();
            if let Some(tokens) = usage.completion_tokens.filter(|_| self.chunks > 1) {
                parts.push(format!("{:.1} tokens/s", tokens as f64 / writing));
            }
        }
        parts.join(", ")
    }
}
