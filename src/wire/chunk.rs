//! One JSON payload of a reply: what it says of the first choice. A chunk of
//! a stream and a whole completion differ in one field's name alone.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::chat::event::{FinishReason, Usage};
use crate::chat::tool_call::CallFragment;
use crate::error::{Error, ServerError};
use crate::wire::error_body;
use crate::wire::wire_call::WireCall;
use crate::wtf8::Text;

/// What one payload says of choice 0.
#[derive(Debug, Default)]
pub struct Choice {
    /// UTF-8, but for lone surrogates, which stand as WTF-8 has them.
    pub text: Vec<u8>,
    /// The text stands in the payload as it is, as one string.
    pub is_literal: bool,
    pub refusal: Vec<u8>,
    pub calls: Vec<CallFragment>,
    pub finish: Option<FinishReason>,
    /// The choice has a `message`, as only a whole completion does.
    pub has_message: bool,
}

impl Choice {
    /// It brings part of a text, and nothing else.
    pub fn is_text_alone(&self) -> bool {
        let Self { text: _, is_literal: _, refusal, calls, finish, has_message } = self;
        refusal.is_empty() && calls.is_empty() && finish.is_none() && !has_message
    }
}

/// Why a payload cannot be used.
#[derive(Debug)]
pub enum ChunkError {
    /// It is not the JSON it should be.
    Malformed { reason: String, is_torn: bool },
    /// It is an error object.
    Server(Box<ServerError>),
}

impl From<ChunkError> for Error {
    fn from(fault: ChunkError) -> Self {
        match fault {
            ChunkError::Malformed { reason, .. } => {
                Error::Protocol(format!("the reply is not the JSON of a chat completion: {reason}"))
            }
            ChunkError::Server(server) => Error::Server(server),
        }
    }
}

/// What one payload says.
#[derive(Debug, Default)]
pub struct Chunk {
    /// `None` when it says nothing of choice 0: usage, a ping, a filter.
    pub choice: Option<Choice>,
    pub usage: Option<Usage>,
}

pub fn parse(payload: &[u8]) -> Result<Chunk, ChunkError> {
    let malformed = |reason: String, is_torn| ChunkError::Malformed { reason, is_torn };
    let text = std::str::from_utf8(payload)
        .map_err(|error| malformed(error.to_string(), error.error_len().is_none()))?;
    let mut json = serde_json::Deserializer::from_str(text);
    let body = WireChunk::deserialize(&mut json)
        .map_err(|error| malformed(error.to_string(), error.is_eof()))?;
    if body.is_error() {
        return Err(ChunkError::Server(Box::new(error_body::parse(payload))));
    }
    json.end().map_err(|error| malformed(error.to_string(), false))?;
    let first = |choice: &WireChoice| choice.index.unwrap_or(0) == 0;
    let choice = body.choices.unwrap_or_default().into_iter().find(first);
    Ok(Chunk {
        choice: choice.map(WireChoice::meaning).transpose()?,
        // Odd counts are no reason to lose a reply.
        usage: body.usage.and_then(|usage| serde_json::from_str(usage.get()).ok()),
    })
}

#[derive(Deserialize)]
struct WireChunk<'a> {
    #[serde(borrow)]
    choices: Option<Vec<WireChoice<'a>>>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    object: Option<&'a RawValue>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

impl WireChunk<'_> {
    fn is_error(&self) -> bool {
        let is_told = |error: &RawValue| !matches!(error.get(), "false" | "\"\"" | "{}");
        self.error.is_some_and(is_told)
            || self.object.is_some_and(|object| object.get() == "\"error\"")
    }
}

#[derive(Deserialize)]
struct WireChoice<'a> {
    index: Option<i64>,
    #[serde(borrow)]
    delta: Option<WireMessage<'a>>,
    #[serde(borrow)]
    message: Option<WireMessage<'a>>,
    finish_reason: Option<Text>,
}

#[derive(Default, Deserialize)]
struct WireMessage<'a> {
    content: Option<Text>,
    refusal: Option<Text>,
    #[serde(borrow)]
    tool_calls: Option<&'a RawValue>,
}

/// Odd calls are no reason to lose a reply.
fn calls(raw: Option<&RawValue>) -> Vec<WireCall<'_>> {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
}

impl WireChoice<'_> {
    fn meaning(self) -> Result<Choice, ChunkError> {
        let has_message = self.message.is_some();
        let (delta, message) = (self.delta.unwrap_or_default(), self.message.unwrap_or_default());
        let bytes = |text: Option<Text>| text.unwrap_or_default().bytes;
        let finish = match bytes(self.finish_reason).as_slice() {
            b"" => None,
            b"length" | b"max_tokens" | b"model_length" => Some(FinishReason::Length),
            b"content_filter" => Some(FinishReason::ContentFilter),
            b"tool_calls" | b"function_call" => Some(FinishReason::ToolCalls),
            b"error" => {
                let message = "it stopped the reply with finish_reason error".to_owned();
                let error = ServerError { message, ..ServerError::default() };
                return Err(ChunkError::Server(Box::new(error)));
            }
            _ => Some(FinishReason::Stop),
        };
        let deltas = calls(delta.tool_calls).into_iter().map(|call| call.meaning(None));
        let whole = (0..).zip(calls(message.tool_calls));
        let calls = deltas.chain(whole.map(|(place, call)| call.meaning(Some(place)))).collect();
        let text = delta.content.or(message.content).unwrap_or_default();
        Ok(Choice {
            text: text.bytes,
            is_literal: text.is_literal,
            refusal: bytes(delta.refusal.or(message.refusal)),
            calls,
            finish,
            has_message,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wtf8::Surrogates;

    /// The texts of several contents, each written as JSON.
    fn joined(contents: &[&str]) -> String {
        let mut surrogates = Surrogates::default();
        let mut text = String::new();
        for content in contents {
            let payload = format!(r#"{{"choices":[{{"delta":{{"content":{content}}}}}]}}"#);
            let choice = parse(payload.as_bytes()).expect(&payload).choice.expect("a choice");
            text += &surrogates.join(choice.text);
        }
        text + &surrogates.end()
    }

    #[test]
    fn a_surrogate_pair_split_over_two_contents_is_joined() {
        assert_eq!(joined(&[r#""a\ud83d""#, r#""\ude00b""#]), "a😀b");
        assert_eq!(joined(&[r#""\ud83d""#, r#""""#, "null", r#""\ude00""#]), "😀");
    }

    #[test]
    fn a_lone_surrogate_becomes_a_replacement_character() {
        assert_eq!(joined(&[r#""a\ud83d""#, r#""b""#]), "a\u{fffd}b");
        assert_eq!(joined(&[r#""a\ud83d""#]), "a\u{fffd}");
        assert_eq!(joined(&[r#""\ude00é\ud83d\ud83d\ude00""#]), "\u{fffd}é\u{fffd}😀");
    }

    #[test]
    fn text_parts_are_joined_and_other_parts_passed_over() {
        let parts = r#"[{"type":"text","text":"a"},{"type":"reasoning","text":"x"},{"type":"text","text":"b"}]"#;
        assert_eq!(joined(&[parts]), "ab");
    }

    #[test]
    fn only_choice_0_counts() {
        let payload = r#"{"choices":[{"index":1,"delta":{"content":"x"},"finish_reason":"stop"}]}"#;
        assert!(parse(payload.as_bytes()).expect("JSON").choice.is_none());
        let payload = r#"{"choices":[{"index":1,"delta":{"content":"x"}},{"index":0,"delta":{"content":"y"}}]}"#;
        assert_eq!(parse(payload.as_bytes()).expect("JSON").choice.expect("a choice").text, b"y");
    }

    #[test]
    fn an_error_that_says_there_is_none_is_none() {
        for none in ["null", "false", "\"\"", "{}"] {
            let payload =
                format!(r#"{{"error":{none},"choices":[{{"message":{{"content":"a"}}}}]}}"#);
            assert_eq!(
                parse(payload.as_bytes()).expect("JSON").choice.expect("a choice").text,
                b"a"
            );
        }
        assert!(matches!(parse(br#"{"error":true}"#), Err(ChunkError::Server(_))));
    }

    #[test]
    fn deep_nesting_and_nan_are_errors() {
        let deep = "[".repeat(200_000);
        for payload in [
            format!(r#"{{"choices":{deep}"#),
            r#"{"choices":[{"index":NaN}]}"#.to_owned(),
            "[1]".to_owned(),
            "null".to_owned(),
        ] {
            assert!(matches!(parse(payload.as_bytes()), Err(ChunkError::Malformed { .. })));
        }
    }

    #[test]
    fn unknown_fields_may_nest_as_they_like() {
        let deep = "[".repeat(200_000) + &"]".repeat(200_000);
        let payload = format!(r#"{{"x":{deep},"choices":[{{"delta":{{"content":"a"}}}}]}}"#);
        assert_eq!(parse(payload.as_bytes()).expect("JSON").choice.expect("a choice").text, b"a");
    }
}
