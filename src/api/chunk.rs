//! One JSON payload of a reply: what it says of the first choice. A chunk of
//! a stream and a whole completion differ in one field's name alone.

use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::call::{CallFragment, WireCall};
use super::failure;
use crate::error::{Error, ServerError};

/// Why the model stopped, when it said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinishReason {
    Stop,
    Length,
    ContentFilter,
    ToolCalls,
}

impl FinishReason {
    /// The API's word for it.
    pub fn name(self) -> &'static str {
        match self {
            FinishReason::Stop => "stop",
            FinishReason::Length => "length",
            FinishReason::ContentFilter => "content_filter",
            FinishReason::ToolCalls => "tool_calls",
        }
    }
}

/// What one payload says of choice 0.
#[derive(Debug, Default)]
pub struct Choice {
    /// UTF-8, but for lone surrogates, which stand as WTF-8 has them.
    pub text: Vec<u8>,
    /// The address of the text in the payload, where it stands there as it is.
    pub place: Option<usize>,
    pub refusal: Vec<u8>,
    pub calls: Vec<CallFragment>,
    pub finish: Option<FinishReason>,
    /// The choice has a `message`, as only a whole completion does.
    pub has_message: bool,
}

impl Choice {
    /// It brings part of a text, and nothing else.
    pub fn is_text_alone(&self) -> bool {
        let Self { text: _, place: _, refusal, calls, finish, has_message } = self;
        refusal.is_empty() && calls.is_empty() && finish.is_none() && !has_message
    }
}

/// Why a payload cannot be used.
#[derive(Debug)]
pub enum Fault {
    /// It is not the JSON it should be.
    Malformed { reason: String, is_torn: bool },
    /// It is an error object.
    Server(Box<ServerError>),
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Malformed { reason, .. } => {
                Error::Protocol(format!("the reply is not the JSON of a chat completion: {reason}"))
            }
            Fault::Server(server) => Error::Server(server),
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

/// How many tokens the server counted, as far as it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    pub prompt_tokens: Option<u64>,
    pub completion_tokens: Option<u64>,
    pub total_tokens: Option<u64>,
}

pub fn parse(payload: &[u8]) -> Result<Chunk, Fault> {
    let malformed = |reason: String, is_torn| Fault::Malformed { reason, is_torn };
    let text = std::str::from_utf8(payload)
        .map_err(|error| malformed(error.to_string(), error.error_len().is_none()))?;
    let mut json = serde_json::Deserializer::from_str(text);
    let body = Body::deserialize(&mut json)
        .map_err(|error| malformed(error.to_string(), error.is_eof()))?;
    if body.is_error() {
        return Err(Fault::Server(Box::new(failure::parse(payload))));
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
struct Body<'a> {
    #[serde(borrow)]
    choices: Option<Vec<WireChoice<'a>>>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    object: Option<&'a RawValue>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

impl Body<'_> {
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
    fn meaning(self) -> Result<Choice, Fault> {
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
                return Err(Fault::Server(Box::new(error)));
            }
            _ => Some(FinishReason::Stop),
        };
        let deltas = calls(delta.tool_calls).into_iter().map(|call| call.meaning(None));
        let whole = (0..).zip(calls(message.tool_calls));
        let calls = deltas.chain(whole.map(|(place, call)| call.meaning(Some(place)))).collect();
        let text = delta.content.or(message.content).unwrap_or_default();
        Ok(Choice {
            text: text.bytes,
            place: text.place,
            refusal: bytes(delta.refusal.or(message.refusal)),
            calls,
            finish,
            has_message,
        })
    }
}

/// A JSON string, or an array of parts of which the text parts count. Lone
/// surrogates, which `String` refuses, stay as WTF-8.
#[derive(Default)]
pub struct Text {
    pub bytes: Vec<u8>,
    /// The address of a string that needed no unescaping.
    place: Option<usize>,
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a string or an array of parts")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Text, E> {
        Ok(Text { bytes: bytes.to_vec(), place: None })
    }

    fn visit_borrowed_bytes<E: de::Error>(self, bytes: &'de [u8]) -> Result<Text, E> {
        Ok(Text { bytes: bytes.to_vec(), place: Some(bytes.as_ptr().addr()) })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Text, A::Error> {
        #[derive(Deserialize)]
        struct Part {
            r#type: Option<Text>,
            text: Option<Text>,
        }
        let mut joined = Vec::new();
        while let Some(part) = parts.next_element::<Part>()? {
            if part.r#type.is_none_or(|kind| kind.bytes == b"text") {
                joined.extend(part.text.unwrap_or_default().bytes);
            }
        }
        Ok(Text { bytes: joined, place: None })
    }
}

/// Makes UTF-8 of texts that may hold surrogates: a pair cut in two is
/// joined, and a lone surrogate becomes U+FFFD.
#[derive(Debug, Default)]
pub struct Surrogates {
    /// A high surrogate that ended the text before.
    high: Option<u16>,
}

impl Surrogates {
    /// `wtf8` joined to what came before; may be empty.
    pub fn join(&mut self, wtf8: Vec<u8>) -> String {
        if wtf8.is_empty() {
            return String::new();
        }
        match (self.high, String::from_utf8(wtf8)) {
            (None, Ok(text)) => text,
            (_, Ok(text)) => self.end() + &text,
            (_, Err(error)) => self.join_slowly(error.as_bytes()),
        }
    }

    /// What a surrogate that found no partner stands for.
    pub fn end(&mut self) -> String {
        self.high.take().map_or_else(String::new, |_| "\u{fffd}".to_owned())
    }

    fn join_slowly(&mut self, wtf8: &[u8]) -> String {
        let mut joined = String::new();
        let mut rest = wtf8;
        while !rest.is_empty() {
            // Surrogates are ED A0 80 to ED BF BF; nothing else that begins
            // with ED has a second byte of A0 or more.
            let at = rest.windows(3).position(|bytes| bytes[0] == 0xed && bytes[1] >= 0xa0);
            let (plain, surrogate) = rest.split_at(at.unwrap_or(rest.len()));
            if !plain.is_empty() {
                joined += &self.end();
                joined += &String::from_utf8_lossy(plain);
            }
            let Some((&[_, second, third], after)) = surrogate.split_first_chunk() else {
                break;
            };
            rest = after;
            let unit = 0xd000 | u16::from(second & 0x3f) << 6 | u16::from(third & 0x3f);
            match self.high.take() {
                Some(high) if unit >= 0xdc00 => {
                    joined.extend(char::decode_utf16([high, unit]).flatten());
                }
                unpaired => {
                    joined.extend(unpaired.map(|_| '\u{fffd}'));
                    if unit < 0xdc00 {
                        self.high = Some(unit);
                    } else {
                        joined.push('\u{fffd}');
                    }
                }
            }
        }
        joined
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(matches!(parse(br#"{"error":true}"#), Err(Fault::Server(_))));
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
            assert!(matches!(parse(payload.as_bytes()), Err(Fault::Malformed { .. })));
        }
    }

    #[test]
    fn unknown_fields_may_nest_as_they_like() {
        let deep = "[".repeat(200_000) + &"]".repeat(200_000);
        let payload = format!(r#"{{"x":{deep},"choices":[{{"delta":{{"content":"a"}}}}]}}"#);
        assert_eq!(parse(payload.as_bytes()).expect("JSON").choice.expect("a choice").text, b"a");
    }
}
