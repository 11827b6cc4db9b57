//! The chunks of a stream joined to the one object that a response at one
//! stroke would have been.

use serde_json::{Value, json};

use crate::chat::event::Payload;
use crate::chat::tool_call::{SavedCall, ToolCall};
use crate::error::{Error, Result};
use crate::json::{self, Object};

/// A response as far as it has come.
#[derive(Debug, Default)]
pub struct ResponseBuilder {
    response: Object,
    /// The object as the server sent it, where it sent one.
    whole: Option<String>,
    /// A chunk could not be joined: it is nested too deeply.
    is_incomplete: bool,
}

impl ResponseBuilder {
    /// Adds one payload of the reply.
    pub fn add(&mut self, payload: &Payload) {
        let chunk = match payload {
            Payload::Chunk(chunk) => chunk,
            Payload::Response(whole) => {
                self.whole = Some(whole.clone());
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
                    self.response.insert(name, kind);
                }
                // The usage is null in every chunk but the last.
                (_, Value::Null) if self.response.contains_key(&name) => {}
                (_, value) => {
                    self.response.insert(name, value);
                }
            }
        }
        choices.into_iter().for_each(|choice| self.add_choice(choice));
    }

    fn add_choice(&mut self, choice: Value) {
        let Value::Object(mut choice) = choice else {
            return;
        };
        let index = choice.shift_remove("index").filter(Value::is_number).unwrap_or(json!(0));
        let delta = choice.shift_remove("delta");
        let choices = self.response.entry("choices").or_insert_with(|| json!([]));
        let Value::Array(choices) = choices else {
            return;
        };
        let place = choices.iter().position(|known| known["index"] == index);
        let place = place.unwrap_or_else(|| {
            choices
                .push(json!({"index": index, "message": {"role": "assistant", "content": null}}));
            choices.len() - 1
        });
        let Value::Object(known) = &mut choices[place] else {
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

    /// The response on one line, or as it came at one stroke. The content and
    /// the calls of the first choice are given: chunks may cut them within a
    /// character, and number calls oddly.
    ///
    /// # Errors
    /// [`Error::NestedTooDeeply`] if a chunk could not be joined.
    pub fn finish(&self, content: &str, calls: &[ToolCall]) -> Result<String> {
        if let Some(whole) = &self.whole {
            return Ok(whole.clone());
        }
        if self.is_incomplete {
            return Err(Error::NestedTooDeeply);
        }
        let mut response = self.response.clone();
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

/// Joins a field of a delta to what came before: strings are appended, lists
/// too (those of calls by their index), objects are joined field by field.
fn join(into: &mut Object, name: String, value: Value) {
    // These come whole each time they come.
    let is_whole = matches!(name.as_str(), "role" | "id" | "type" | "name");
    match (into.get_mut(&name), value) {
        (Some(Value::String(text)), Value::String(more)) if !is_whole => *text += &more,
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

fn join_element(known: &mut Vec<Value>, value: Value) {
    let index = value.get("index").filter(|index| index.is_number());
    let same =
        index.and_then(|index| known.iter().position(|known| known.get("index") == Some(index)));
    match (same.map(|place| &mut known[place]), value) {
        (Some(Value::Object(known)), Value::Object(more)) => {
            more.into_iter().for_each(|(name, value)| join(known, name, value));
        }
        (_, value) => known.push(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assembled(payloads: &[&str], content: &str) -> Value {
        let mut assembly = ResponseBuilder::default();
        for payload in payloads {
            assembly.add(&Payload::Chunk((*payload).to_owned()));
        }
        let response = assembly.finish(content, &[]).expect("a response");
        serde_json::from_str(&response).expect("JSON")
    }

    #[test]
    fn chunks_are_joined_to_a_response() {
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
        assert_eq!(assembled(&payloads, "Hello"), expected);
    }

    #[test]
    fn calls_are_joined_by_their_index() {
        let payloads = [
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}},{"index":1,"id":"b"}]}}]}"#,
        ];
        let calls = json!([
            {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            {"index": 1, "id": "b"},
        ]);
        assert_eq!(assembled(&payloads, "")["choices"][0]["message"]["tool_calls"], calls);
    }

    #[test]
    fn a_character_cut_in_two_is_whole_again() {
        let payloads = [
            r#"{"choices":[{"delta":{"content":"\ud83d"}}]}"#,
            r#"{"choices":[{"delta":{"content":"\ude00"}}]}"#,
        ];
        assert_eq!(assembled(&payloads, "😀")["choices"][0]["message"]["content"], "😀");
    }

    #[test]
    fn a_chunk_that_cannot_be_joined_is_a_fault() {
        let deep = "[".repeat(200) + &"]".repeat(200);
        let mut assembly = ResponseBuilder::default();
        assembly.add(&Payload::Chunk(format!(r#"{{"x":{deep}}}"#)));
        assert!(assembly.finish("a", &[]).is_err());
    }

    #[test]
    fn a_response_at_one_stroke_stays_as_it_is() {
        let payload = r#"{ "choices" : [{"message":{"content":"a"}}], "n": 1.0 }"#;
        let mut assembly = ResponseBuilder::default();
        assembly.add(&Payload::Response(payload.to_owned()));
        assert_eq!(assembly.finish("a", &[]).expect("a response"), payload);
    }
}
