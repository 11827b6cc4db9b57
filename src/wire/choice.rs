//! What choice 0 of a payload adds to the reply. A chunk of a stream has a
//! `delta` where a whole completion has a `message`.

use serde_json::value::RawValue;

use crate::chat::finish::FinishReason;
use crate::chat::tool_call::CallFragment;
use crate::json;
use crate::wire::failure;
use crate::wire::wire_call::{self, TooManyCalls};
use crate::wtf8::Text;

/// The content of choice 0 in one payload.
#[derive(Debug, Default)]
pub struct Choice {
    pub delta: Parts,
    /// In whole completions. Some servers also close a stream with one, which
    /// repeats what the deltas brought.
    pub message: Option<Box<Parts>>,
    pub finish: Option<FinishReason>,
}

/// The parts of a delta or of a message. Texts are WTF-8: UTF-8 that may also
/// encode lone surrogates.
#[derive(Debug, Default)]
pub struct Parts {
    pub text: Vec<u8>,
    /// The payload contains the bytes of `text` as one string without escapes.
    pub is_literal: bool,
    pub refusal: Vec<u8>,
    pub reasoning: Vec<u8>,
    pub calls: Vec<CallFragment>,
}

/// The fields of a choice.
pub struct ChoiceFields<'a> {
    index: Option<&'a RawValue>,
    error: Option<&'a RawValue>,
    delta: Option<&'a RawValue>,
    message: Option<&'a RawValue>,
    finish_reason: Option<&'a RawValue>,
}

impl<'a> ChoiceFields<'a> {
    /// `None` if the choice is not an object.
    pub fn parse(choice: &'a RawValue) -> Option<Self> {
        let names = ["index", "error", "delta", "message", "finish_reason"];
        let found = json::try_fields(choice.get(), names).ok()?;
        let [index, error, delta, message, finish_reason] = found;
        Some(Self { index, error, delta, message, finish_reason })
    }

    /// Whether the index is 0. Some servers omit it or send it as a string, and
    /// anything else counts as missing.
    pub fn is_first(&self) -> bool {
        let index = self.index.and_then(|index| index.get().trim_matches('"').parse().ok());
        index.is_none_or(|index: f64| index == 0.0)
    }

    pub fn has_error(&self) -> bool {
        self.error.is_some_and(failure::is_set)
    }

    /// # Errors
    /// [`TooManyCalls`].
    pub fn into_choice(self) -> Result<Choice, TooManyCalls> {
        let Self { delta, message, finish_reason, .. } = self;
        let message = message.filter(|message| message.get().starts_with('{'));
        let word = finish_reason.filter(|finish| finish.get().starts_with('"'));
        let word = word.and_then(Text::scalar).unwrap_or_default().into_utf8();
        let delta = delta.map(|delta| Parts::parse(delta, false)).transpose()?;
        let message = message.map(|message| Parts::parse(message, true)).transpose()?;
        Ok(Choice {
            delta: delta.unwrap_or_default(),
            message: message.map(Box::new),
            finish: FinishReason::new(&word),
        })
    }
}

impl Choice {
    /// Whether the choice has a delta with text and nothing else.
    pub fn is_only_text(&self) -> bool {
        let Self { delta, message, finish } = self;
        let Parts { text: _, is_literal: _, refusal, reasoning, calls } = delta;
        refusal.is_empty()
            && reasoning.is_empty()
            && calls.is_empty()
            && message.is_none()
            && finish.is_none()
    }
}

impl Parts {
    fn parse(parts: &RawValue, is_message: bool) -> Result<Self, TooManyCalls> {
        let [content, refusal, reasoning_content, reasoning, tool_calls, function_call] =
            json::fields(
                parts.get(),
                [
                    "content",
                    "refusal",
                    "reasoning_content",
                    "reasoning",
                    "tool_calls",
                    "function_call",
                ],
            );
        let text = content.map(content_text).unwrap_or_default();
        let string = |json: Option<&RawValue>| {
            let json = json.filter(|json| json.get().starts_with('"'));
            json.and_then(Text::scalar).unwrap_or_default().bytes
        };
        // vLLM and OpenRouter send the same text in both fields.
        let reasoning = match string(reasoning_content) {
            text if text.is_empty() => string(reasoning),
            text => text,
        };
        Ok(Self {
            text: text.bytes,
            is_literal: text.is_literal,
            refusal: string(refusal),
            reasoning,
            calls: wire_call::parse_all(tool_calls, function_call, is_message)?,
        })
    }
}

/// The text of a `content`: a string, a number, a boolean, or the text parts of
/// an array of parts.
fn content_text(content: &RawValue) -> Text {
    if let Some(text) = Text::scalar(content) {
        return text;
    }
    let mut joined = Text::default();
    json::each_element(content, |part| {
        joined.bytes.extend(part_text(part).unwrap_or_default().bytes);
        true
    });
    joined
}

/// The text of a content part. `None` for parts of other types.
fn part_text(part: &RawValue) -> Option<Text> {
    let [kind, text] = json::fields(part.get(), ["type", "text"]);
    let is_text =
        |kind: &RawValue| json::is_string(kind, "text") || json::is_string(kind, "output_text");
    Text::scalar(part).or_else(|| Text::scalar(text.filter(|_| kind.is_none_or(is_text))?))
}
