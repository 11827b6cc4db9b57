//! The form that a reply must have: what the request says of it, and whether
//! a reply has it. Knows nothing of how replies come.

use serde_json::{Value, json};

use crate::chat::code_block;
use crate::chat::schema::Schema;
use crate::json;

pub enum ReplyFormat {
    /// Any text.
    Text,
    /// A JSON object.
    JsonObject,
    /// JSON that this schema describes.
    Schema(Box<Schema>),
    /// One of these words; at least two.
    Choice(Vec<String>),
}

impl ReplyFormat {
    /// The field `response_format` of the request.
    pub fn response_format(&self) -> Option<Value> {
        let schema = |name: &str, schema: &Value| {
            let schema = json!({"name": name, "strict": true, "schema": schema});
            json!({"type": "json_schema", "json_schema": schema})
        };
        match self {
            Self::Text => None,
            Self::JsonObject => Some(json!({"type": "json_object"})),
            Self::Schema(demanded) => Some(schema(&demanded.name(), demanded.source())),
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

    /// What the model must be told beside the prompt.
    pub fn instruction(&self) -> Option<String> {
        match self {
            Self::Choice(words) => Some(format!(
                "Answer with one of these words and with nothing else: {}.",
                words.join(", ")
            )),
            _ => None,
        }
    }

    /// What the model is told of a reply that has this `fault`.
    pub fn correction(fault: &str) -> String {
        format!(
            "This is not what was asked for: {fault}. Answer again, with nothing but what was asked for."
        )
    }

    /// A reply in this form, as it is to be printed.
    ///
    /// # Errors
    /// Why the reply has not this form.
    pub fn check(&self, reply: &str) -> Result<String, String> {
        match self {
            Self::Text => Ok(reply.to_owned()),
            Self::JsonObject => {
                let (text, value) = json_of(reply)?;
                match value {
                    Value::Object(_) => Ok(text),
                    other => Err(format!("{}, not an object", json::kind(&other))),
                }
            }
            Self::Schema(schema) => {
                let (text, value) = json_of(reply)?;
                schema.validate(&value).map(|()| text)
            }
            Self::Choice(words) => chosen(reply, words)
                .cloned()
                .ok_or_else(|| format!("none of the words {}", words.join(", "))),
        }
    }
}

/// The JSON of a reply, without the code fence that it may be in.
fn json_of(reply: &str) -> Result<(String, Value), String> {
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

/// The word that a reply means: alone, or as the JSON that was asked for.
fn chosen<'a>(reply: &str, words: &'a [String]) -> Option<&'a String> {
    let answer = match json_of(reply) {
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
    let is_same = |word: &&String| word.to_lowercase() == bare.to_lowercase();
    words
        .iter()
        .find(|word| [answer.trim(), bare].contains(&word.as_str()))
        .or_else(|| words.iter().find(is_same))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_known_however_it_is_dressed() {
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
