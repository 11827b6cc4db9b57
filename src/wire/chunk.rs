//! One JSON payload of a reply, parsed for its first choice. A chunk of a stream
//! has a `delta` where a whole completion has a `message`; all else is the same.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::chat::event::{FinishReason, Usage};
use crate::chat::tool_call::CallFragment;
use crate::error::{Error, ServerError};
use crate::wire::error_body;
use crate::wire::wire_call::WireCall;
use crate::wtf8::Text;

/// The content of choice 0 in one payload.
#[derive(Debug, Default)]
pub struct Choice {
    /// WTF-8: UTF-8 that may also encode lone surrogates.
    pub text: Vec<u8>,
    /// The payload contains these bytes as one string without escapes.
    pub is_literal: bool,
    /// WTF-8, like `text`.
    pub refusal: Vec<u8>,
    pub calls: Vec<CallFragment>,
    pub finish: Option<FinishReason>,
    /// The choice has a `message`, as only whole completions do.
    pub has_message: bool,
}

impl Choice {
    /// Whether the choice has text and nothing else.
    pub fn is_only_text(&self) -> bool {
        let Self { text: _, is_literal: _, refusal, calls, finish, has_message } = self;
        refusal.is_empty() && calls.is_empty() && finish.is_none() && !has_message
    }
}

/// Why a payload cannot be used.
#[derive(Debug)]
pub enum ChunkError {
    /// It is not the JSON of a chat completion. `is_truncated` if it ends within
    /// the JSON.
    Malformed { reason: String, is_truncated: bool },
    /// It is an error sent by the server.
    Server(Box<ServerError>),
}

impl From<ChunkError> for Error {
    fn from(error: ChunkError) -> Self {
        match error {
            ChunkError::Malformed { reason, .. } => {
                Error::Protocol(format!("the reply is not the JSON of a chat completion: {reason}"))
            }
            ChunkError::Server(server) => Error::Server(server),
        }
    }
}

/// A parsed payload.
#[derive(Debug, Default)]
pub struct Chunk {
    /// `None` if the payload has no choice 0, such as a chunk with only usage.
    pub choice: Option<Choice>,
    pub usage: Option<Usage>,
}

/// Parses a chunk of a stream or a whole completion.
///
/// # Errors
/// [`ChunkError::Malformed`] if the payload is not UTF-8 or not the JSON of a
/// chat completion, and [`ChunkError::Server`] if it is an error object.
pub fn parse(payload: &[u8]) -> Result<Chunk, ChunkError> {
    let malformed = |reason: String, is_truncated| ChunkError::Malformed { reason, is_truncated };
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
        choice: choice.map(WireChoice::into_choice).transpose()?,
        // Unexpected counts must not lose a reply.
        usage: body.usage.and_then(|usage| serde_json::from_str(usage.get()).ok()),
    })
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
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
        // An empty value means no error.
        let is_set = |error: &RawValue| !matches!(error.get(), "false" | "\"\"" | "{}");
        self.error.is_some_and(is_set)
            || self.object.is_some_and(|object| object.get() == "\"error\"")
    }
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct WireChoice<'a> {
    index: Option<i64>,
    #[serde(borrow)]
    delta: Option<WireMessage<'a>>,
    #[serde(borrow)]
    message: Option<WireMessage<'a>>,
    finish_reason: Option<Text>,
}

#[derive(Default, Deserialize)]
#[serde(expecting = "an object")]
struct WireMessage<'a> {
    content: Option<Text>,
    refusal: Option<Text>,
    #[serde(borrow)]
    tool_calls: Option<&'a RawValue>,
}

/// The calls in the JSON of `tool_calls`. JSON of an unexpected shape counts as
/// no calls, so that the reply is not lost.
fn parse_calls(raw: Option<&RawValue>) -> Vec<WireCall<'_>> {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
}

impl WireChoice<'_> {
    fn into_choice(self) -> Result<Choice, ChunkError> {
        let has_message = self.message.is_some();
        let (delta, message) = (self.delta.unwrap_or_default(), self.message.unwrap_or_default());
        let bytes = |text: Option<Text>| text.unwrap_or_default().bytes;
        let finish = match bytes(self.finish_reason).as_slice() {
            b"" => None,
            b"length" | b"max_tokens" | b"model_length" => Some(FinishReason::Length),
            b"content_filter" => Some(FinishReason::ContentFilter),
            b"tool_calls" | b"function_call" => Some(FinishReason::ToolCalls),
            b"error" => {
                let message = "it ended the reply with finish_reason error".to_owned();
                let error = ServerError { message, ..ServerError::default() };
                return Err(ChunkError::Server(Box::new(error)));
            }
            _ => Some(FinishReason::Stop),
        };
        let fragments =
            parse_calls(delta.tool_calls).into_iter().map(|call| call.into_fragment(None));
        // The calls of a whole message need no index: each element is one call.
        let whole = (0..).zip(parse_calls(message.tool_calls));
        let whole = whole.map(|(index, call)| call.into_fragment(Some(index)));
        let text = delta.content.or(message.content).unwrap_or_default();
        Ok(Choice {
            text: text.bytes,
            is_literal: text.is_literal,
            refusal: bytes(delta.refusal.or(message.refusal)),
            calls: fragments.chain(whole).collect(),
            finish,
            has_message,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wtf8::Surrogates;

    /// The joined text of several contents, each given as JSON.
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
    fn text_parts_are_joined_and_other_parts_ignored() {
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
    fn an_empty_error_field_is_not_an_error() {
        for empty in ["null", "false", "\"\"", "{}"] {
            let payload =
                format!(r#"{{"error":{empty},"choices":[{{"message":{{"content":"a"}}}}]}}"#);
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
    fn unknown_fields_can_nest_to_any_depth() {
        let deep = "[".repeat(200_000) + &"]".repeat(200_000);
        let payload = format!(r#"{{"x":{deep},"choices":[{{"delta":{{"content":"a"}}}}]}}"#);
        assert_eq!(parse(payload.as_bytes()).expect("JSON").choice.expect("a choice").text, b"a");
    }
}
