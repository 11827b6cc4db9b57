//! The server's response as one JSON object. The chunks of a stream are joined
//! into the object that a plain response would have been, because the output
//! of whole responses and the results of a batch need it.

use std::collections::HashMap;

use indexmap::IndexMap;
use serde_json::value::RawValue;

use crate::chat::decoded_message::DecodedMessage;
use crate::chat::event::Payload;
use crate::chat::held_bytes::HeldBytes;
use crate::chat::joined::JoinedObject;
use crate::chat::joiner::Joiner;
use crate::error::{Error, Result};
use crate::json;

/// The index of the choice that is the reply.
const FIRST: &str = "0";

/// What a choice takes in memory besides its fields, roughly.
const CHOICE_BYTES: usize = 512;

/// A response, joined from the payloads received so far.
#[derive(Debug, Default)]
pub struct ResponseBuilder {
    /// The fields of the joined chunks, also those that gravix does not know.
    /// `choices` only has its place here.
    fields: JoinedObject,
    choices: Vec<JoinedChoice>,
    /// Where the choices are, by their `index`.
    positions: HashMap<String, usize>,
    /// A plain response, kept byte for byte.
    plain: Option<String>,
    /// A chunk is missing because it could not be joined.
    is_incomplete: bool,
    /// The most that was sent as the content of choice 0.
    content: SentContent,
}

#[derive(Debug)]
struct JoinedChoice {
    /// As JSON.
    index: String,
    message: JoinedObject,
    /// The fields besides `index` and `message`.
    others: JoinedObject,
}

/// What was sent as a content. What was decoded of it takes its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum SentContent {
    #[default]
    Nothing,
    Null,
    Text,
}

impl ResponseBuilder {
    /// Adds a payload. A chunk's fields replace those of earlier chunks, except
    /// that null replaces nothing and `choices` are joined.
    ///
    /// # Errors
    /// [`Error::ReplyTooLong`] if more is held than allowed.
    pub fn add(&mut self, payload: &Payload, held: &mut HeldBytes) -> Result<()> {
        let added = match payload {
            Payload::Chunk(chunk) => self.add_chunk(chunk, held),
            Payload::Response(response) => {
                self.plain = Some(response.clone());
                held.add(response.len())
            }
        };
        match added {
            Err(Error::CannotJoin) => self.is_incomplete = true,
            added => return added,
        }
        Ok(())
    }

    fn add_chunk(&mut self, chunk: &str, held: &mut HeldBytes) -> Result<()> {
        let finite;
        let fields = match json::unique_fields(chunk) {
            Some(fields) => fields,
            None => {
                finite = json::without_non_finite(chunk).ok_or(Error::CannotJoin)?;
                json::unique_fields(&finite).ok_or(Error::CannotJoin)?
            }
        };
        let mut joiner = Joiner::new(held);
        for (name, value) in &fields {
            match name.as_str() {
                "choices" => {}
                "object" => {
                    let kind = json::to_raw(&value.get().replace(".chunk\"", "\""));
                    joiner.replace(&mut self.fields, name, kind.as_deref().unwrap_or(value))?;
                }
                // OpenAI sends `usage: null` in every chunk but the last.
                _ => joiner.replace(&mut self.fields, name, value)?,
            }
        }
        let mut added = Ok(());
        if let Some(choices) = fields.get("choices") {
            json::each_element(choices, |choice| {
                added = self.add_choice(choice, held);
                added.is_ok()
            });
        }
        added
    }

    /// Joins the `delta` to the choice's `message`. Choices are matched by
    /// `index`, which is 0 if missing.
    fn add_choice(&mut self, choice: &RawValue, held: &mut HeldBytes) -> Result<()> {
        if !choice.get().starts_with('{') {
            return Ok(());
        }
        let mut fields = json::unique_fields(choice.get()).ok_or(Error::CannotJoin)?;
        let index = index_of(fields.shift_remove("index"));
        let position = match self.positions.get(&index) {
            Some(position) => *position,
            None => self.add_new_choice(index, held)?,
        };
        for name in ["delta", "message"] {
            let message = fields.shift_remove(name).filter(|json| json.get().starts_with('{'));
            if let Some(message) = message {
                let message = json::unique_fields(message.get()).ok_or(Error::CannotJoin)?;
                self.add_message(position, message, name == "delta", held)?;
            }
        }
        let known = &mut self.choices[position].others;
        let mut joiner = Joiner::new(held);
        for (name, value) in fields {
            match value.get().starts_with('{') {
                true => joiner.join(known, &name, value)?,
                false => joiner.replace(known, &name, value)?,
            }
        }
        Ok(())
    }

    fn add_new_choice(&mut self, index: String, held: &mut HeldBytes) -> Result<usize> {
        held.add(CHOICE_BYTES)?;
        let message = JoinedObject::parse(r#"{"role":"assistant","content":null}"#);
        let message = message.unwrap_or_default();
        self.positions.insert(index.clone(), self.choices.len());
        self.choices.push(JoinedChoice { index, message, others: JoinedObject::default() });
        if !self.fields.contains("choices") {
            Joiner::new(held).replace(&mut self.fields, "choices", RawValue::NULL)?;
        }
        Ok(self.choices.len() - 1)
    }

    /// Adds a delta to a message. A `message` beside the deltas, with which some
    /// servers close a stream, repeats them: it adds only fields that they lack.
    fn add_message(
        &mut self,
        position: usize,
        mut fields: IndexMap<String, &RawValue>,
        is_delta: bool,
        held: &mut HeldBytes,
    ) -> Result<()> {
        let JoinedChoice { index, message, .. } = &mut self.choices[position];
        if let Some(content) = fields.get("content").filter(|_| index == FIRST) {
            let is_null = content.get() == "null";
            let sent = if is_null { SentContent::Null } else { SentContent::Text };
            self.content = self.content.max(sent);
            fields.shift_remove("content");
        }
        let mut joiner = Joiner::new(held);
        for (name, value) in fields {
            if is_delta {
                joiner.join(message, &name, value)?;
            } else if message.is_null(&name) {
                joiner.replace(message, &name, value)?;
            }
        }
        Ok(())
    }

    /// The response: a plain one byte for byte, joined chunks on one line.
    ///
    /// # Errors
    /// [`Error::CannotJoin`] if a chunk could not be joined.
    pub fn finish(&self, decoded: &DecodedMessage<'_>) -> Result<String> {
        if let Some(plain) = &self.plain {
            return Ok(plain.clone());
        }
        if self.is_incomplete {
            return Err(Error::CannotJoin);
        }
        let choices: Vec<String> =
            self.choices.iter().map(|choice| self.choice_json(choice, decoded)).collect();
        let choices = format!("[{}]", choices.join(","));
        let has_choices = !self.choices.is_empty();
        Ok(self.fields.to_json(&[("choices", has_choices.then_some(choices))]))
    }

    fn choice_json(&self, choice: &JoinedChoice, decoded: &DecodedMessage<'_>) -> String {
        let JoinedChoice { index, message, others } = choice;
        let (mut changes, mut finish) = (Vec::new(), None);
        if index == FIRST {
            changes.extend(decoded.content_change(self.content == SentContent::Text));
            changes.extend(decoded.call_changes(message));
            finish = decoded.finish.map(|finish| json::quoted(&finish.word));
        }
        let message = message.to_json(&changes);
        let finish = finish.map(|word| ("finish_reason", Some(word)));
        let others = others.to_json(finish.as_slice());
        match others.as_str() {
            "{}" => format!(r#"{{"index":{index},"message":{message}}}"#),
            others => format!(r#"{{"index":{index},"message":{message},{}"#, &others[1..]),
        }
    }

    /// The assistant's message as the server sent it, on one line, with U+FFFD for
    /// lone surrogates. `None` if there is none, or it could not be joined.
    pub fn message(&self, decoded: &DecodedMessage<'_>) -> Option<String> {
        if self.is_incomplete {
            return None;
        }
        let mut changes = Vec::new();
        let sent;
        let message = match &self.plain {
            Some(plain) => {
                sent = sent_message(plain)?;
                &sent
            }
            None => {
                changes.extend(decoded.content_change(self.content == SentContent::Text));
                if self.content == SentContent::Nothing && changes.is_empty() {
                    changes.push(("content", None));
                }
                &self.choices[*self.positions.get(FIRST)?].message
            }
        };
        if !message.contains("role") {
            changes.push(("role", Some(json::quoted("assistant"))));
        }
        changes.extend(decoded.call_changes(message));
        json::without_lone_surrogates(&message.to_json(&changes))
    }
}

/// The message of choice 0 in a plain response. Infinite numbers, which JSON does
/// not have, become null.
fn sent_message(response: &str) -> Option<JoinedObject> {
    let finite;
    let [choices] = match json::try_fields(response, ["choices"]) {
        Ok(found) => found,
        Err(_) => {
            finite = json::without_non_finite(response)?;
            json::fields(&finite, ["choices"])
        }
    };
    let mut message = None;
    json::each_element(choices?, |choice| {
        let [index, found] = json::fields(choice.get(), ["index", "message"]);
        message = found.filter(|_| index_of(index) == FIRST);
        message.is_none()
    });
    JoinedObject::parse(message?.get())
}

/// The index of a choice as JSON: 0 if it is missing. Some servers send it as a
/// string, and `0.0` is 0 too.
fn index_of(index: Option<&RawValue>) -> String {
    let text = index.map_or("", RawValue::get);
    let number = match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inside) => inside.parse::<u64>().ok().map(|number| number.to_string()),
        None => Some(text.to_owned())
            .filter(|text| text.starts_with(|c: char| c == '-' || c.is_ascii_digit())),
    };
    number.filter(|number| number.parse() != Ok(0.0)).unwrap_or_else(|| FIRST.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn add(builder: &mut ResponseBuilder, payload: Payload) {
        builder.add(&payload, &mut HeldBytes::up_to(1 << 20)).expect("a short reply");
    }

    fn decoded(content: &str) -> DecodedMessage<'_> {
        DecodedMessage { content, calls: &[], finish: None }
    }

    /// The response joined from these chunks.
    fn joined(chunks: &[&str], content: &str) -> Value {
        let mut builder = ResponseBuilder::default();
        for chunk in chunks {
            add(&mut builder, Payload::Chunk((*chunk).to_owned()));
        }
        let response = builder.finish(&decoded(content)).expect("a response");
        serde_json::from_str(&response).expect(&response)
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
    fn what_is_sent_once_may_be_nested_to_any_depth() {
        let deep = "[".repeat(200_000) + &"]".repeat(200_000);
        let mut builder = ResponseBuilder::default();
        add(&mut builder, Payload::Chunk(format!(r#"{{"x":{deep}}}"#)));
        let response = builder.finish(&decoded("")).expect("a response");
        assert_eq!(response, format!(r#"{{"x":{deep}}}"#));
    }

    #[test]
    fn what_is_joined_may_not_be_nested_too_deeply() {
        let deep = r#"{"a":"#.repeat(200) + "1" + &"}".repeat(200);
        let mut builder = ResponseBuilder::default();
        for _ in 0..2 {
            let delta = format!(r#"{{"choices":[{{"delta":{{"x":{deep}}}}}]}}"#);
            add(&mut builder, Payload::Chunk(delta));
        }
        assert!(matches!(builder.finish(&decoded("a")), Err(Error::CannotJoin)));
    }

    #[test]
    fn more_than_may_be_held_is_an_error() {
        let mut held = HeldBytes::up_to(2000);
        let mut builder = ResponseBuilder::default();
        let payload =
            |delta: &str| Payload::Chunk(format!(r#"{{"choices":[{{"delta":{delta}}}]}}"#));
        // What is replaced is no longer held.
        for _ in 0..100 {
            let role = payload(r#"{"role":"assistant","content":"a"}"#);
            builder.add(&role, &mut held).expect("a short reply");
        }
        let results: Vec<_> = (0..40)
            .map(|_| {
                builder
                    .add(&payload(r#"{"x":"0123456789012345678901234567890123456789"}"#), &mut held)
            })
            .collect();
        assert!(results[..20].iter().all(Result::is_ok), "{results:?}");
        assert!(matches!(results[39], Err(Error::ReplyTooLong { limit: 2000 })), "{results:?}");
    }

    #[test]
    fn a_plain_response_is_kept_byte_for_byte() {
        let payload = r#"{ "choices" : [{"message":{"content":"a"}}], "n": 1.0 }"#;
        let mut builder = ResponseBuilder::default();
        add(&mut builder, Payload::Response(payload.to_owned()));
        assert_eq!(builder.finish(&decoded("a")).expect("a response"), payload);
    }
}
