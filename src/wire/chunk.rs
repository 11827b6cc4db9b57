//! One JSON payload of a reply: a chunk of a stream, a whole completion, an
//! error, or something else.

use serde_json::value::RawValue;

use crate::chat::event::Usage;
use crate::error::{Error, ServerError};
use crate::json;
use crate::wire::choice::{Choice, ChoiceFields};
use crate::wire::error_body;
use crate::wire::failure::{self, ErrorFields};

/// Why a payload cannot be used.
#[derive(Debug)]
pub enum ChunkError {
    /// It is not the JSON of an object, or has too many tool calls. `is_truncated`
    /// if it ends within the JSON.
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
    /// Whether the payload has neither choices nor anything else that belongs in
    /// a reply.
    pub is_foreign: bool,
}

/// Parses a chunk of a stream or a whole completion. Fields of unexpected types
/// count as missing, so that they do not lose a reply.
///
/// # Errors
/// [`ChunkError::Malformed`] if the payload is not the UTF-8 JSON of an object, and
/// [`ChunkError::Server`] if it is an error.
pub fn parse(payload: &[u8]) -> Result<Chunk, ChunkError> {
    let malformed = |reason: String, is_truncated| ChunkError::Malformed { reason, is_truncated };
    let json = std::str::from_utf8(payload)
        .map_err(|error| malformed(error.to_string(), error.error_len().is_none()))?;
    let error = match TopFields::parse(json) {
        Ok(fields) => return fields.into_chunk(json),
        Err(error) => error,
    };
    if failure::is_failing_array(json) {
        return Err(server_error(json));
    }
    let replaced = Some(json).filter(|_| !error.is_eof()).and_then(json::without_non_finite);
    match replaced.as_deref().map(|json| (json, TopFields::parse(json))) {
        Some((json, Ok(fields))) => fields.into_chunk(json),
        _ => Err(malformed(error.to_string(), error.is_eof())),
    }
}

fn server_error(json: &str) -> ChunkError {
    ChunkError::Server(Box::new(error_body::parse(json.as_bytes())))
}

/// The fields of a payload that are needed of nearly every one.
struct TopFields<'a> {
    choices: Option<&'a RawValue>,
    usage: Option<&'a RawValue>,
    error: ErrorFields<'a>,
}

impl<'a> TopFields<'a> {
    fn parse(json: &'a str) -> Result<Self, serde_json::Error> {
        let names = ["choices", "usage", "error", "object", "base_resp"];
        let [choices, usage, error, object, base_resp] = json::try_fields(json, names)?;
        Ok(Self { choices, usage, error: ErrorFields { error, object, base_resp } })
    }

    /// `json` is the payload.
    fn into_chunk(self, json: &str) -> Result<Chunk, ChunkError> {
        let Self { choices, usage, error } = self;
        let mut first = None;
        let mut has_choices = false;
        if let Some(choices) = choices {
            json::each_element(choices, |choice| {
                if choice.get().starts_with('{') {
                    has_choices |= failure::is_set(choice);
                    first = ChoiceFields::parse(choice).filter(ChoiceFields::is_first);
                }
                first.is_none()
            });
        }
        let is_failing_choice = first.as_ref().is_some_and(ChoiceFields::has_error);
        if is_failing_choice || failure::is_failure(json, &error, has_choices) {
            return Err(server_error(json));
        }
        let is_foreign = choices.is_none() && !is_known_without_choices(json, usage.is_some());
        let choice = first.map(ChoiceFields::into_choice).transpose();
        Ok(Chunk {
            choice: choice.map_err(|error| ChunkError::Malformed {
                reason: error.to_string(),
                is_truncated: false,
            })?,
            usage: usage.and_then(parse_usage),
            is_foreign,
        })
    }
}

/// Token counts. A count that is not a whole number is missing.
fn parse_usage(usage: &RawValue) -> Option<Usage> {
    if !usage.get().starts_with('{') {
        return None;
    }
    let names = ["prompt_tokens", "completion_tokens", "total_tokens"];
    let [prompt, completion, total] = json::fields(usage.get(), names);
    let count = |value: Option<&RawValue>| value?.get().trim_matches('"').parse().ok();
    Some(Usage {
        prompt_tokens: count(prompt),
        completion_tokens: count(completion),
        total_tokens: count(total),
    })
}

/// Whether an object without choices is one that servers send between chunks: an
/// empty one, a ping, usage, or the head of a completion. One with a message is
/// none of them.
fn is_known_without_choices(json: &str, has_usage: bool) -> bool {
    let [kind, object, message, msg] = json::fields(json, ["type", "object", "message", "msg"]);
    if message.or(msg).is_some() {
        return false;
    }
    let inside = json.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    let is_empty = inside.is_some_and(|inside| inside.trim().is_empty());
    let is_ping = kind.is_some_and(|kind| json::is_string(kind, "ping"));
    is_empty
        || is_ping
        || has_usage
        || object.is_some_and(|object| object.get().starts_with("\"chat.completion"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wtf8::Surrogates;

    /// The choice in a payload.
    #[track_caller]
    fn choice(payload: &str) -> Choice {
        parse(payload.as_bytes()).expect(payload).choice.expect(payload)
    }

    /// The joined text of several contents, each given as JSON.
    fn joined(contents: &[&str]) -> String {
        let mut surrogates = Surrogates::default();
        let mut text = String::new();
        for content in contents {
            let choice = choice(&format!(r#"{{"choices":[{{"delta":{{"content":{content}}}}}]}}"#));
            text += &surrogates.join(choice.delta.text);
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
    fn content_of_any_type_yields_its_text() {
        for (content, text) in [
            ("1.50", "1.50"),
            ("-3", "-3"),
            ("true", "true"),
            ("false", "false"),
            ("null", ""),
            ("[]", ""),
            ("{}", ""),
            (r#"{"type":"text","text":"a"}"#, "a"),
            (r#"["a",{"text":"b"},null,5]"#, "ab5"),
            (
                r#"[{"type":"text","text":"a"},{"type":"reasoning","text":"x"},{"type":"chart","text":{"w":3}},{"type":"output_text","text":"b"}]"#,
                "ab",
            ),
        ] {
            assert_eq!(joined(&[content]), text, "{content}");
        }
    }

    #[test]
    fn only_choice_0_counts() {
        let payload = r#"{"choices":[{"index":1,"delta":{"content":"x"},"finish_reason":"stop"}]}"#;
        assert!(parse(payload.as_bytes()).expect("JSON").choice.is_none());
        for index in ["0", "\"0\"", "0.0", "null", "[]", "\"\"", "false"] {
            let payload = format!(
                r#"{{"choices":[null,{{"index":1,"delta":{{"content":"x"}}}},{{"index":{index},"delta":{{"content":"y"}}}}]}}"#
            );
            assert_eq!(choice(&payload).delta.text, b"y");
        }
    }

    #[test]
    fn fields_of_unexpected_types_do_not_lose_a_reply() {
        for payload in [
            r#"{"error":null,"choices":[{"message":{"content":"a"}}]}"#,
            r#"{"error":false,"choices":[{"message":{"content":"a"}}]}"#,
            r#"{"error":"","choices":[{"message":{"content":"a"}}]}"#,
            r#"{"error":{ },"choices":[{"message":{"content":"a"}}]}"#,
            r#"{"error":[],"choices":[{"message":{"content":"a"}}]}"#,
            r#"{"usage":{"prompt_tokens":"x"},"choices":[{"message":{"content":"a"}}]}"#,
            r#"{"usage":7,"choices":[{"message":{"content":"a","tool_calls":"x"}}]}"#,
            r#"{"choices":[{"message":{"content":"a","refusal":[],"reasoning":{}}}]}"#,
            r#"{"choices":{"message":{"content":"a"}}}"#,
            r#"{"choices":[],"choices":[{"message":null,"message":{"content":"b","content":"a"}}]}"#,
            r#"{"x":[NaN,-Infinity],"choices":[{"message":{"content":"a"}}]}"#,
            r#"{"choices":[{"delta":[],"message":{"content":"a"},"finish_reason":[]}]}"#,
            r#"{"choices":[{"delta":"","message":{"content":"a"},"finish_reason":7}]}"#,
        ] {
            let choice = choice(payload);
            assert_eq!(choice.message.expect(payload).text, b"a", "{payload}");
            assert!(choice.finish.is_none() && choice.delta.text.is_empty(), "{payload}");
        }
    }

    #[test]
    fn usage_of_unexpected_types_is_read_as_far_as_it_goes() {
        let payload = br#"{"usage":{"prompt_tokens":"3","completion_tokens":2.5,"total_tokens":1,"total_tokens":5}}"#;
        let usage = parse(payload).expect("JSON").usage.expect("usage");
        assert_eq!(
            (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens),
            (Some(3), None, Some(5))
        );
    }

    #[test]
    fn payloads_that_belong_to_no_reply_are_foreign() {
        for (payload, is_foreign) in [
            ("{}", false),
            (r#"{"type":"ping"}"#, false),
            (r#"{"usage":{}}"#, false),
            (r#"{"choices":[]}"#, false),
            (r#"{"choices":[null]}"#, false),
            (r#"{"object":"chat.completion.chunk","id":"x"}"#, false),
            (r#"{"choices":null}"#, true),
            (r#"{"message":"hm"}"#, true),
            (r#"{"object":"chat.completion.chunk","message":"hm"}"#, true),
            (r#"{"usage":{},"msg":"hm"}"#, true),
        ] {
            assert_eq!(
                parse(payload.as_bytes()).expect(payload).is_foreign,
                is_foreign,
                "{payload}"
            );
        }
    }

    #[test]
    fn what_is_not_json_is_malformed() {
        let deep = "[".repeat(200_000);
        for payload in [
            format!(r#"{{"choices":{deep}"#),
            r#"{"choices":[{"delta":{"content":"a	b"}}]}"#.to_owned(),
            "{\"choices\":[{\"delta\":{\"content\":\"a\nb\"}}]}".to_owned(),
            "{\"a\u{1}\":1,\"choices\":[]}".to_owned(),
            r#"{"choices":[]} x"#.to_owned(),
            "stray".to_owned(),
            "\"boom\"".to_owned(),
            "null".to_owned(),
            "[1]".to_owned(),
        ] {
            assert!(matches!(parse(payload.as_bytes()), Err(ChunkError::Malformed { .. })));
        }
        assert!(matches!(
            parse(b"{\"choices\":[{\"delta\":{\"content\":\"\xff\"}}]}"),
            Err(ChunkError::Malformed { .. })
        ));
    }

    #[test]
    fn unknown_fields_can_nest_to_any_depth() {
        let deep = "[".repeat(200_000) + &"]".repeat(200_000);
        let payload = format!(r#"{{"x":{deep},"choices":[{{"delta":{{"content":"a"}}}}]}}"#);
        assert_eq!(choice(&payload).delta.text, b"a");
    }
}
