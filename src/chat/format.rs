//! The format a reply must have: how to request it, and how to check a reply
//! against it.

use serde_json::{Value, json};

use crate::chat::code_block;
use crate::chat::schema::Schema;
use crate::json;

pub enum ReplyFormat {
    /// Any text.
    Text,
    /// A JSON object.
    JsonObject,
    /// JSON that matches this schema.
    Schema(Box<Schema>),
    /// One of these words. At least two.
    Choice(Vec<String>),
}

impl ReplyFormat {
    /// The `response_format` field of the request.
    pub fn response_format(&self) -> Option<Value> {
        let schema = |name: &str, schema: &Value| {
            let schema = json!({"name": name, "strict": true, "schema": schema});
            json!({"type": "json_schema", "json_schema": schema})
        };
        match self {
            Self::Text => None,
            Self::JsonObject => Some(json!({"type": "json_object"})),
            Self::Schema(required) => Some(schema(&required.name(), required.source())),
            Self::Choice(words) => Some(schema(
                "choice",
                &json!({
                    "type": "object",
                    "properties": {"answer": {"type": "string", "enum": words}},
                    "required": ["answer"],
                    "additionalProperties": false,
                }),
            )),
        }
    }

    /// An instruction to send along with the prompt. A choice has one, so that
    /// it also works on servers without schemas.
    pub fn instruction(&self) -> Option<String> {
        match self {
            Self::Choice(words) => Some(format!(
                "Answer with one of these words and with nothing else: {}.",
                words.join(", ")
            )),
            _ => None,
        }
    }

    /// Returns the reply as it should be printed: JSON without a code fence
    /// around it, or the chosen word as the user spelled it.
    ///
    /// # Errors
    /// The reason why the reply does not have this format.
    pub fn check(&self, reply: &str) -> Result<String, String> {
        match self {
            Self::Text => Ok(reply.to_owned()),
            Self::JsonObject => {
                let (text, value) = parse_json(reply)?;
                match value {
                    Value::Object(_) => Ok(text),
                    other => Err(format!("{}, not an object", json::kind(&other))),
                }
            }
            Self::Schema(schema) => {
                let (text, value) = parse_json(reply)?;
                schema.validate(&value).map(|()| text)
            }
            Self::Choice(words) => chosen(reply, words)
                .cloned()
                .ok_or_else(|| format!("not one of {}", words.join(", "))),
        }
    }
}

/// Parses a reply that is JSON, or a code block of JSON. Returns the JSON text
/// and its value.
fn parse_json(reply: &str) -> Result<(String, Value), String> {
    match serde_json::from_str(reply) {
        Ok(value) => Ok((reply.to_owned(), value)),
        Err(error) => {
            let inside = code_block::unwrap(reply).ok_or_else(|| format!("not JSON: {error}"))?;
            match serde_json::from_str(&inside) {
                Ok(value) => Ok((inside.trim().to_owned(), value)),
                Err(error) => Err(format!("not JSON: {error}")),
            }
        }
    }
}

/// The word that a reply chooses, given as plain text or as the JSON that the
/// schema asks for.
fn chosen<'a>(reply: &str, words: &'a [String]) -> Option<&'a String> {
    let answer = match parse_json(reply) {
        Ok((_, Value::Object(object))) => match object.get("answer")? {
            Value::String(word) => word.clone(),
            answer @ (Value::Number(_) | Value::Bool(_)) => answer.to_string(),
            _ => return None,
        },
        Ok((_, Value::String(word))) => word,
        _ => reply.to_owned(),
    };
    let decoration: &[char] = &['"', '\'', '`', '*', '.', '!'];
    let bare = answer.trim().trim_matches(decoration).trim();
    let matches_in_any_case = |word: &&String| word.to_lowercase() == bare.to_lowercase();
    words
        .iter()
        .find(|word| [answer.trim(), bare].contains(&word.as_str()))
        .or_else(|| words.iter().find(matches_in_any_case))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_recognized_in_any_case_and_decoration() {
        let words = ["red", "Green", "no.", "7"].map(str::to_owned);
        for (reply, word) in [
            ("red", Some("red")),
            (" Red.\n", Some("red")),
            ("**green**", Some("Green")),
            (r#"{"answer":"red"}"#, Some("red")),
            ("```json\n{\"answer\": \"green\"}\n```", Some("Green")),
            ("\"red\"", Some("red")),
            ("no.", Some("no.")),
            ("red, I think", None),
            ("redgreen", None),
            (r#"{"color":"red"}"#, None),
            (r#"{"answer":7}"#, Some("7")),
            (r#"{"answer":["red"]}"#, None),
            ("", None),
        ] {
            assert_eq!(chosen(reply, &words).map(String::as_str), word, "{reply}");
        }
    }
}
