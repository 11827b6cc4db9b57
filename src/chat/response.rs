//! The server's response as one JSON object. The chunks of a stream are joined
//! into the object that a plain response would have been, because the output
//! of whole responses and the results of a batch need it.

use serde_json::{Value, json};

use crate::chat::event::Payload;
use crate::chat::tool_call::{SavedCall, ToolCall};
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
        let Some(Value::Object(mut chunk)) = json::parse_leniently(chunk) else {
            self.is_incomplete = true;
            return;
        };
        let choices = chunk.shift_remove("choices");
        let choices = match choices {
            Some(Value::Array(choices)) => choices,
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
        let index = choice.shift_remove("index").filter(Value::is_number).unwrap_or(json!(0));
        let delta = choice.shift_remove("delta");
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
        if let (Some(Value::Object(message)), Some(Value::Object(delta))) =
            (known.get_mut("message"), delta)
        {
            delta.into_iter().for_each(|(name, value)| join(message, name, value));
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
    /// In joined chunks, `content` and `calls` replace those of choice 0. They
    /// were decoded from the same chunks with more care: chunks can cut a
    /// surrogate pair in two, and some servers give every call index 0.
    ///
    /// # Errors
    /// [`Error::NestedTooDeeply`] if a chunk could not be parsed.
    pub fn finish(&self, content: &str, calls: &[ToolCall]) -> Result<String> {
        if let Some(plain) = &self.plain {
            return Ok(plain.clone());
        }
        if self.is_incomplete {
            return Err(Error::NestedTooDeeply);
        }
        let mut response = self.joined.clone();
        let message = response.get_mut("choices").and_then(|choices| {
            let first = choices.as_array_mut()?.iter_mut().find(|choice| choice["index"] == 0)?;
            first.pointer_mut("/message")?.as_object_mut()
        });
        if let Some(message) = message {
            if message.get("content").is_some_and(Value::is_string) {
                message.insert("content".to_owned(), content.into());
            }
            if !calls.is_empty() {
                let calls: Vec<SavedCall> = calls.iter().map(SavedCall::from).collect();
                message.insert("tool_calls".to_owned(), json!(calls));
            }
        }
        Ok(Value::from(response).to_string())
    }
}

/// Joins a field of a delta to the same field of earlier deltas. Strings and
/// arrays are appended, objects are joined field by field, other values replace
/// the earlier one, and null replaces nothing.
fn join(into: &mut Object, name: String, value: Value) {
    // Servers that repeat these fields repeat the complete value.
    let is_complete = matches!(name.as_str(), "role" | "id" | "type" | "name");
    match (into.get_mut(&name), value) {
        (Some(Value::String(text)), Value::String(more)) if !is_complete => *text += &more,
        (Some(Value::Object(known)), Value::Object(more)) => {
            more.into_iter().for_each(|(name, value)| join(known, name, value));
        }
        (Some(Value::Array(known)), Value::Array(more)) => {
            more.into_iter().for_each(|value| join_element(known, value));
        }
        (Some(_), Value::Null) => {}
        (_, value) => {
            into.insert(name, value);
        }
    }
}

/// Joins an element with an `index` to the element of the same index, such as
/// a fragment of a tool call. Other elements are appended.
fn join_element(known: &mut Vec<Value>, value: Value) {
    let index = value.get("index").filter(|index| index.is_number());
    let same =
        index.and_then(|index| known.iter().position(|known| known.get("index") == Some(index)));
    match (same.map(|position| &mut known[position]), value) {
        (Some(Value::Object(known)), Value::Object(more)) => {
            more.into_iter().for_each(|(name, value)| join(known, name, value));
        }
        (_, value) => known.push(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The response joined from these chunks.
    fn joined(chunks: &[&str], content: &str) -> Value {
        let mut builder = ResponseBuilder::default();
        for chunk in chunks {
            builder.add(&Payload::Chunk((*chunk).to_owned()));
        }
        let response = builder.finish(content, &[]).expect("a response");
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
    fn a_chunk_nested_too_deeply_is_an_error() {
        let deep = "[".repeat(200) + &"]".repeat(200);
        let mut builder = ResponseBuilder::default();
        builder.add(&Payload::Chunk(format!(r#"{{"x":{deep}}}"#)));
        assert!(builder.finish("a", &[]).is_err());
    }

    #[test]
    fn a_plain_response_is_kept_byte_for_byte() {
        let payload = r#"{ "choices" : [{"message":{"content":"a"}}], "n": 1.0 }"#;
        let mut builder = ResponseBuilder::default();
        builder.add(&Payload::Response(payload.to_owned()));
        assert_eq!(builder.finish("a", &[]).expect("a response"), payload);
    }
}
