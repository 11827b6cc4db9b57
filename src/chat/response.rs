//! The server's response as one JSON object. The chunks of a stream are joined
//! into the object that a plain response would have been, because the output
//! of whole responses and the results of a batch need it.

use serde_json::{Value, json};

use crate::chat::delta::join;
use crate::chat::event::Payload;
use crate::chat::finish::FinishReason;
use crate::chat::tool_call::ToolCall;
use crate::error::{Error, Result};
use crate::json::{self, Object};

/// A response, joined from the payloads received so far.
#[derive(Debug, Default)]
pub struct ResponseBuilder {
    /// The joined chunks. Every field is kept, also those that gravix does not
    /// know.
    joined: Object,
    /// A plain response, kept byte for byte.
    plain: Option<String>,
    /// A chunk is missing from `joined` because it could not be parsed: it is
    /// nested too deeply for serde_json (128 levels).
    is_incomplete: bool,
    /// A delta has a `content`, even if it is null.
    has_content: bool,
}

impl ResponseBuilder {
    /// Adds a payload. A chunk's fields replace those of earlier chunks, except
    /// that null replaces nothing and `choices` are joined.
    pub fn add(&mut self, payload: &Payload) {
        let chunk = match payload {
            Payload::Chunk(chunk) => chunk,
            Payload::Response(response) => {
                self.plain = Some(response.clone());
                return;
            }
        };
        let Some(Value::Object(mut chunk)) = parse(chunk) else {
            self.is_incomplete = true;
            return;
        };
        let choices = match chunk.shift_remove("choices") {
            Some(Value::Array(choices)) => choices,
            Some(choice @ Value::Object(_)) => vec![choice],
            _ => Vec::new(),
        };
        for (name, value) in chunk {
            match (name.as_str(), value) {
                ("object", Value::String(kind)) => {
                    let kind = kind.strip_suffix(".chunk").unwrap_or(&kind).into();
                    self.joined.insert(name, kind);
                }
                // OpenAI sends `usage: null` in every chunk but the last.
                (_, Value::Null) if self.joined.contains_key(&name) => {}
                (_, value) => {
                    self.joined.insert(name, value);
                }
            }
        }
        choices.into_iter().for_each(|choice| self.add_choice(choice));
    }

    /// Joins the `delta` to the choice's `message`. Choices are matched by
    /// `index`, which is 0 if missing.
    fn add_choice(&mut self, choice: Value) {
        let Value::Object(mut choice) = choice else {
            return;
        };
        let index = index_of(choice.shift_remove("index"));
        let delta = choice.shift_remove("delta");
        let message = choice.shift_remove("message");
        let has_content =
            |part: &Option<Value>| part.as_ref().is_some_and(|part| part.get("content").is_some());
        self.has_content |= index == json!(0) && (has_content(&delta) || has_content(&message));
        let choices = self.joined.entry("choices").or_insert_with(|| json!([]));
        let Value::Array(choices) = choices else {
            return;
        };
        let position = choices.iter().position(|known| known["index"] == index);
        let position = position.unwrap_or_else(|| {
            choices
                .push(json!({"index": index, "message": {"role": "assistant", "content": null}}));
            choices.len() - 1
        });
        let Value::Object(known) = &mut choices[position] else {
            return;
        };
        if let Some(Value::Object(joined)) = known.get_mut("message") {
            add_message(joined, delta, message);
        }
        for (name, value) in choice {
            match value {
                Value::Object(_) => join(known, name, value),
                Value::Null if known.contains_key(&name) => {}
                value => {
                    known.insert(name, value);
                }
            }
        }
    }

    /// The response: a plain one byte for byte, joined chunks on one line.
    ///
    /// # Errors
    /// [`Error::NestedTooDeeply`] if a chunk could not be parsed.
    pub fn finish(&self, decoded: &DecodedMessage<'_>) -> Result<String> {
        if let Some(plain) = &self.plain {
            return Ok(plain.clone());
        }
        if self.is_incomplete {
            return Err(Error::NestedTooDeeply);
        }
        let mut response = self.joined.clone();
        let first = response.get_mut("choices").and_then(first_choice);
        if let Some(choice) = first {
            if let Some(finish) = decoded.finish {
                choice.insert("finish_reason".to_owned(), finish.word.as_str().into());
            }
            if let Some(Value::Object(message)) = choice.get_mut("message") {
                decoded.replace_content(message);
                decoded.replace_calls(message);
            }
        }
        Ok(Value::from(response).to_string())
    }

    /// The assistant's message with every field that the server sent. `None` if
    /// there is none, or it is nested too deeply.
    pub fn message(&self, decoded: &DecodedMessage<'_>) -> Option<Object> {
        if self.is_incomplete {
            return None;
        }
        let mut response = match &self.plain {
            Some(plain) => parse(plain)?,
            None => self.joined.clone().into(),
        };
        let choice = first_choice(response.get_mut("choices")?)?;
        let Some(Value::Object(mut message)) = choice.shift_remove("message") else {
            return None;
        };
        message.entry("role").or_insert_with(|| "assistant".into());
        if self.plain.is_none() {
            decoded.replace_content(&mut message);
            if !self.has_content {
                message.shift_remove("content");
            }
        }
        decoded.replace_calls(&mut message);
        Some(message)
    }
}

/// What was decoded of choice 0. In joined chunks it replaces what was joined
/// here. It was decoded with more care: chunks can cut a surrogate pair in two,
/// some servers give every call index 0, and the last finish reason is not always
/// the one that counts.
pub struct DecodedMessage<'a> {
    pub content: &'a str,
    pub calls: &'a [ToolCall],
    pub finish: Option<&'a FinishReason>,
}

impl DecodedMessage<'_> {
    fn replace_content(&self, message: &mut Object) {
        let is_null = message.get("content").is_none_or(Value::is_null);
        if !is_null || !self.content.is_empty() {
            message.insert("content".to_owned(), self.content.into());
        }
    }

    fn replace_calls(&self, message: &mut Object) {
        // A legacy `function_call` stays one. Its name may have come in pieces.
        if let (Some(Value::Object(function)), [call]) =
            (message.get_mut("function_call"), self.calls)
        {
            function.insert("name".to_owned(), call.name.as_str().into());
        }
        let is_null = message.get("tool_calls").is_none_or(Value::is_null);
        if !is_null && !self.calls.is_empty() {
            let calls: Vec<&Object> = self.calls.iter().map(|call| &call.message).collect();
            message.insert("tool_calls".to_owned(), json!(calls));
        }
    }
}

/// Parses a payload. Infinite numbers, which JSON does not have, become null.
fn parse(payload: &str) -> Option<Value> {
    json::parse_leniently(payload)
        .or_else(|| json::parse_leniently(&json::without_non_finite(payload)?))
}

/// Adds a delta to a message. A `message` beside the deltas, with which some
/// servers close a stream, repeats them: it adds only fields that they lack.
fn add_message(joined: &mut Object, delta: Option<Value>, message: Option<Value>) {
    if let Some(Value::Object(delta)) = delta {
        delta.into_iter().for_each(|(name, value)| join(joined, name, value));
    }
    if let Some(Value::Object(message)) = message {
        for (name, value) in message {
            if joined.get(&name).is_none_or(Value::is_null) {
                joined.insert(name, value);
            }
        }
    }
}

/// The index of a choice: 0 if it is missing. Some servers send it as a string,
/// and `0.0` is 0 too.
fn index_of(index: Option<Value>) -> Value {
    let number = match index {
        Some(Value::String(text)) => text.parse::<u64>().ok().map(Value::from),
        other => other.filter(Value::is_number),
    };
    number.filter(|number| number.as_f64() != Some(0.0)).unwrap_or(json!(0))
}

fn first_choice(choices: &mut Value) -> Option<&mut Object> {
    let is_first = |choice: &&mut Value| {
        choice.is_object() && index_of(choice.get("index").cloned()) == json!(0)
    };
    match choices {
        Value::Array(choices) => choices.iter_mut().find(is_first)?.as_object_mut(),
        choice => choice.as_object_mut(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(content: &str) -> DecodedMessage<'_> {
        DecodedMessage { content, calls: &[], finish: None }
    }

    /// The response joined from these chunks.
    fn joined(chunks: &[&str], content: &str) -> Value {
        let mut builder = ResponseBuilder::default();
        for chunk in chunks {
            builder.add(&Payload::Chunk((*chunk).to_owned()));
        }
        let response = builder.finish(&decoded(content)).expect("a response");
        serde_json::from_str(&response).expect("JSON")
    }

    #[test]
    fn chunks_are_joined_into_one_response() {
        let payloads = [
            r#"{"id":"x","object":"chat.completion.chunk","created":1.50,"choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":{"content":[1]},"finish_reason":null}],"usage":null}"#,
            r#"{"id":"x","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"Hel","reasoning_content":"h"},"logprobs":{"content":[2]}}]}"#,
            r#"{"choices":[{"index":1,"delta":{"content":"other"}},{"index":0,"delta":{"role":"assistant","content":"lo"},"finish_reason":"stop"}]}"#,
            r#"{"choices":[],"usage":{"total_tokens":3}}"#,
        ];
        let message = json!({"role": "assistant", "content": "Hello", "reasoning_content": "h"});
        let other = json!({"role": "assistant", "content": "other"});
        let expected = json!({
            "id": "x",
            "object": "chat.completion",
            "created": serde_json::from_str::<Value>("1.50").expect("a number"),
            "choices": [
                {"index": 0, "message": message, "logprobs": {"content": [1, 2]}, "finish_reason": "stop"},
                {"index": 1, "message": other},
            ],
            "usage": {"total_tokens": 3},
        });
        assert_eq!(joined(&payloads, "Hello"), expected);
    }

    #[test]
    fn call_fragments_are_joined_by_index() {
        let payloads = [
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}},{"index":1,"id":"b"}]}}]}"#,
        ];
        let calls = json!([
            {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            {"index": 1, "id": "b"},
        ]);
        assert_eq!(joined(&payloads, "")["choices"][0]["message"]["tool_calls"], calls);
    }

    #[test]
    fn the_given_content_replaces_a_split_surrogate_pair() {
        let payloads = [
            r#"{"choices":[{"delta":{"content":"\ud83d"}}]}"#,
            r#"{"choices":[{"delta":{"content":"\ude00"}}]}"#,
        ];
        assert_eq!(joined(&payloads, "😀")["choices"][0]["message"]["content"], "😀");
    }

    #[test]
    fn every_spelling_of_index_0_is_the_same_choice() {
        let chunk = |index: &str, text: &str| {
            format!(r#"{{"choices":[{{"index":{index},"delta":{{"content":"{text}"}}}}]}}"#)
        };
        let chunks = ["0", "0.0", "\"0\"", "null", "[]"].map(|index| chunk(index, "a"));
        let choices = &joined(&chunks.each_ref().map(String::as_str), "aaaaa")["choices"];
        assert_eq!(choices.as_array().map(Vec::len), Some(1), "{choices}");
        assert_eq!(choices[0]["message"]["content"], "aaaaa");
    }

    #[test]
    fn a_chunk_nested_too_deeply_is_an_error() {
        let deep = "[".repeat(200) + &"]".repeat(200);
        let mut builder = ResponseBuilder::default();
        builder.add(&Payload::Chunk(format!(r#"{{"x":{deep}}}"#)));
        assert!(builder.finish(&decoded("a")).is_err());
    }

    #[test]
    fn a_plain_response_is_kept_byte_for_byte() {
        let payload = r#"{ "choices" : [{"message":{"content":"a"}}], "n": 1.0 }"#;
        let mut builder = ResponseBuilder::default();
        builder.add(&Payload::Response(payload.to_owned()));
        assert_eq!(builder.finish(&decoded("a")).expect("a response"), payload);
    }
}
