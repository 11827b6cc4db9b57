//! The chunks of a stream joined to the one object that a response at one
//! stroke would have been.

use serde_json::{Value, json};

use crate::json::{self, Object};

/// A response as far as it has come.
#[derive(Debug, Default)]
pub struct Assembly {
    response: Object,
    /// The object as the server sent it, where it sent one.
    whole: Option<String>,
}

impl Assembly {
    /// Adds one payload of the reply.
    pub fn add(&mut self, payload: &str) {
        let Some(Value::Object(mut chunk)) = json::parse_leniently(payload) else {
            return;
        };
        let choices = chunk.shift_remove("choices");
        let choices = match choices {
            Some(Value::Array(choices)) => choices,
            _ => Vec::new(),
        };
        if choices.iter().any(|choice| choice["message"].is_object()) {
            self.whole = Some(payload.to_owned());
            return;
        }
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
        let index = choice.shift_remove("index").unwrap_or(json!(0));
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

    /// The response on one line, or as it came at one stroke. `content` is
    /// the text of the first choice, which chunks may cut within a character.
    pub fn finish(&self, content: &str) -> String {
        if let Some(whole) = &self.whole {
            return whole.clone();
        }
        let mut response = self.response.clone();
        if let Some(place) = response.get_mut("choices").and_then(|choices| {
            let first = choices.as_array_mut()?.iter_mut().find(|choice| choice["index"] == 0)?;
            first.pointer_mut("/message/content")
        }) && place.is_string()
        {
            *place = content.into();
        }
        Value::from(response).to_string()
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
        let mut assembly = Assembly::default();
        payloads.iter().for_each(|payload| assembly.add(payload));
        serde_json::from_str(&assembly.finish(content)).expect("JSON")
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
    fn a_response_at_one_stroke_stays_as_it_is() {
        let payload = r#"{ "choices" : [{"message":{"content":"a"}}], "n": 1.0 }"#;
        let mut assembly = Assembly::default();
        assembly.add(payload);
        assert_eq!(assembly.finish("a"), payload);
    }
}
