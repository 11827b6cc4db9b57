//! The format a reply must have: how to request it, and how to check a reply
//! against it.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Map, Value, json};

use crate::chat::schema::{Schema, SchemaPattern};
use crate::chat::{code_block, command_line};
use crate::json::{self, JsonError};

pub enum ReplyFormat {
    /// Any text.
    Text,
    /// A JSON object.
    JsonObject,
    /// JSON that matches this schema.
    Schema(Box<Schema>),
    /// One of these words.
    Choice(Choice),
    /// One line for this shell.
    CommandLine(String),
}

/// What stands between a system prompt and an instruction behind it. Servers accept only
/// one system message.
pub const BEFORE_INSTRUCTION: &str = "\n\n";

pub struct Choice {
    /// At least two.
    words: Vec<String>,
    /// The server refused their schema, and answered without it.
    schema_refused: AtomicBool,
}

impl Choice {
    pub fn new(words: Vec<String>) -> Self {
        Self { words, schema_refused: AtomicBool::new(false) }
    }

    /// Whether a server refused the schema of the words.
    pub fn is_schema_refused(&self) -> bool {
        self.schema_refused.load(Ordering::Relaxed)
    }

    /// Remembers that the server refused the schema.
    pub fn refuse_schema(&self) {
        self.schema_refused.store(true, Ordering::Relaxed);
    }
}

/// A text that has the required format, as it should be printed.
#[derive(Debug)]
pub struct CheckedText {
    pub text: String,
    /// The patterns of the schema that took too long to be matched.
    pub unchecked: Vec<SchemaPattern>,
}

impl ReplyFormat {
    /// The `response_format` field of the request.
    pub fn response_format(&self) -> Option<Value> {
        let json_schema = match self {
            Self::Text | Self::CommandLine(_) => return None,
            Self::JsonObject => return Some(json!({"type": "json_object"})),
            Self::Schema(schema) if schema.strict_obstacle().is_some() => {
                json!({"name": schema.name(), "schema": schema.source()})
            }
            Self::Schema(schema) => {
                json!({"name": schema.name(), "strict": true, "schema": schema.source()})
            }
            Self::Choice(Choice { words, .. }) => {
                json!({"name": "choice", "strict": true, "schema": {
                    "type": "object",
                    "properties": {"answer": {"type": "string", "enum": words}},
                    "required": ["answer"],
                    "additionalProperties": false,
                }})
            }
        };
        Some(json!({"type": "json_schema", "json_schema": json_schema}))
    }

    /// An instruction to send along with the prompt. A choice has one, so that
    /// it also works on servers without schemas, and so has a line of shell, for
    /// which there is no schema.
    pub fn instruction(&self) -> Option<String> {
        match self {
            Self::Choice(Choice { words, .. }) => Some(format!(
                "Answer with one of these words and with nothing else: {}.",
                words.join(", ")
            )),
            Self::CommandLine(shell) => Some(command_line::instruction(shell)),
            _ => None,
        }
    }

    /// Whether the model may call a tool instead.
    pub fn allows_calls(&self) -> bool {
        !matches!(self, Self::Choice(_) | Self::CommandLine(_))
    }

    /// Returns the reply as it should be printed: JSON without a code fence
    /// around it, the chosen word as the user spelled it, or the bare line of shell.
    ///
    /// # Errors
    /// The reason why the reply does not have this format.
    pub fn check(&self, reply: &str) -> Result<CheckedText, String> {
        match self {
            Self::Text => Ok(reply.to_owned().into()),
            Self::JsonObject => {
                let (text, value) = parse_json(reply)?;
                match value {
                    Value::Object(_) => Ok(text.into()),
                    other => Err(format!("{}, not an object", json::kind(&other))),
                }
            }
            Self::Schema(schema) => {
                let (text, value) = parse_json(reply)?;
                schema.validate(&value).map(|unchecked| CheckedText { text, unchecked })
            }
            Self::CommandLine(_) => command_line::find(reply).map(CheckedText::from),
            Self::Choice(Choice { words, .. }) => chosen(reply, words)
                .map(|word| word.clone().into())
                .ok_or_else(|| format!("not one of {}", words.join(", "))),
        }
    }
}

impl From<String> for CheckedText {
    fn from(text: String) -> Self {
        Self { text, unchecked: Vec::new() }
    }
}

/// Removes from a `response_format` what asks the server to keep to the schema
/// strictly. Returns false if there is nothing to remove.
pub fn drop_strict(response_format: &mut Value) -> bool {
    let schema = response_format.get_mut("json_schema").and_then(Value::as_object_mut);
    let is_strict = |schema: &&mut Map<String, Value>| schema.get("strict") == Some(&true.into());
    schema.filter(is_strict).is_some_and(|schema| schema.shift_remove("strict").is_some())
}

/// Parses a reply that is JSON, or a code block of JSON. Returns the JSON text
/// and its value.
fn parse_json(reply: &str) -> Result<(String, Value), String> {
    let fenced = match json::parse_checkable(reply) {
        Ok(value) => return Ok((reply.to_owned(), value)),
        Err(JsonError::Syntax(_)) => code_block::unwrap(reply),
        Err(JsonError::Repeated(_) | JsonError::TooManyValues | JsonError::NoMemory) => None,
    };
    let text = fenced.as_deref().map_or(reply, str::trim);
    let value = json::parse_checkable(text).map_err(|error| error.to_string())?;
    Ok((text.to_owned(), value))
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
