//! One line of the input, parsed: a request of the Batch API, a prompt or
//! messages with fields of a request body, or plain text.

use std::borrow::Cow;

use memchr::memchr;
use serde_json::Value;
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::batch::source::json_fields::{JsonFields, parse_string};
use crate::files::lines::Line;
use crate::history::line;
use crate::json::{self, OnlyObject};

/// What each line of an input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// A JSON object. With `has_one_choice` it must not ask for several replies.
    Json { has_one_choice: bool },
    /// A prompt.
    Text,
}

/// A line that is not a request.
#[derive(Debug, PartialEq, Eq)]
pub struct InvalidRequest {
    /// The line's id, if it could be parsed.
    pub id: Option<String>,
    pub reason: String,
}

/// The id of a line, or its number if it has none.
pub fn id<'a>(line: &'a Result<RequestLine, InvalidRequest>, number: u64) -> Cow<'a, str> {
    let id = match line {
        Ok(request) => request.id.as_deref(),
        Err(invalid) => invalid.id.as_deref(),
    };
    id_or(id, number)
}

/// `id`, or the line's number if there is none.
pub fn id_or(id: Option<&str>, number: u64) -> Cow<'_, str> {
    id.map_or_else(|| number.to_string().into(), Cow::Borrowed)
}

/// A line that is a request.
#[derive(Debug)]
pub struct RequestLine<'a> {
    pub(super) id: Option<Cow<'a, str>>,
    pub(super) system: LineSystem<'a>,
    pub(super) messages: LineMessages<'a>,
    /// The other fields of the request body.
    pub(super) fields: JsonFields<'a>,
}

/// The system prompt of a line.
#[derive(Debug)]
pub(super) enum LineSystem<'a> {
    /// The line has no system prompt: the default applies.
    Default,
    /// `null`: no system prompt, not even the default.
    None,
    /// A JSON string.
    Own(&'a str),
}

#[derive(Debug)]
pub(super) enum LineMessages<'a> {
    /// The content of a single user message, as JSON: a string or an array of
    /// parts.
    Prompt(Cow<'a, str>),
    /// The messages, as a JSON array.
    Array { json: &'a str, has_system: bool },
}

impl<'a> RequestLine<'a> {
    /// Parses a line; `None` if it is blank.
    ///
    /// # Errors
    /// The reason, if it is not a request.
    pub fn parse(line: &Line<'a>, kind: LineKind) -> Result<Option<Self>, InvalidRequest> {
        match line.is_too_long {
            true => Err(InvalidRequest { id: None, reason: "longer than 64 MiB".to_owned() }),
            false => Self::parse_content(line.content(), kind),
        }
    }

    fn parse_content(line: &'a [u8], kind: LineKind) -> Result<Option<Self>, InvalidRequest> {
        let invalid = |reason: String| InvalidRequest { id: None, reason };
        let text = std::str::from_utf8(line).map_err(|error| {
            invalid(format!("not UTF-8 at byte offset {} of the line", error.valid_up_to()))
        })?;
        if text.trim().is_empty() {
            return Ok(None);
        }
        if kind == LineKind::Text {
            if let Some(offset) = memchr(0, line) {
                return Err(invalid(format!(
                    "a NUL character at byte offset {offset} of the line"
                )));
            }
            return Ok(Some(Self {
                id: None,
                system: LineSystem::Default,
                messages: LineMessages::Prompt(Value::from(text).to_string().into()),
                fields: JsonFields::default(),
            }));
        }
        let mut fields = serde_json::from_str::<JsonFields>(text).map_err(|error| {
            invalid(match error.classify() {
                Category::Data if text.trim_start().starts_with('{') => json::reason(&error),
                Category::Data if text.trim_start().starts_with('[') => {
                    "an array, not an object; jq -c '.[]' puts each element on its own line"
                        .to_owned()
                }
                Category::Data => "not an object; use --lines for plain-text prompts".to_owned(),
                _ => format!(
                    "not JSON at column {}; use --lines for plain-text prompts",
                    error.column()
                ),
            })
        })?;
        let id = fields.remove_id().map_err(invalid)?;
        let parsed = match fields.contains("body") {
            true => Self::from_batch_api(fields),
            false => Self::from_short_form(fields),
        };
        match parsed.and_then(|line| line.ensure_one_choice(kind)) {
            Ok(line) => Ok(Some(Self { id, ..line })),
            Err(reason) => Err(InvalidRequest { id: id.map(Cow::into_owned), reason }),
        }
    }

    fn ensure_one_choice(self, kind: LineKind) -> Result<Self, String> {
        let asks_for_more = |n: &RawValue| n.get().parse().is_ok_and(|n: f64| n > 1.0);
        match self.fields.get("n") {
            Some(n) if kind == LineKind::Json { has_one_choice: true } && asks_for_more(n) => {
                Err(format!("its n is {n}, but --text prints one reply"))
            }
            _ => Ok(self),
        }
    }

    /// A line of the Batch API. Fields that the API does not define are ignored:
    /// users keep notes of their own there.
    fn from_batch_api(mut fields: JsonFields<'a>) -> Result<Self, String> {
        for (name, expected) in [("method", "POST"), ("url", "/v1/chat/completions")] {
            let Some(value) = fields.remove(name) else {
                continue;
            };
            let value = parse_string(name, value)?;
            let is_supported = match name {
                "url" => value.ends_with("/chat/completions"),
                _ => value == expected,
            };
            if !is_supported {
                return Err(format!("its {name} is {value}, but only {expected} is supported"));
            }
        }
        if fields.contains("prompt") || fields.contains("messages") {
            return Err("it has both a body and a prompt or messages".to_owned());
        }
        let body = fields.remove("body").map_or("", RawValue::get);
        let mut fields = serde_json::from_str::<JsonFields>(body).map_err(|error| {
            match body.starts_with('{') {
                true => format!("body: {}", json::reason(&error)),
                false => "its body is not an object".to_owned(),
            }
        })?;
        let messages = fields.remove("messages").ok_or("its body has no messages")?;
        Ok(Self {
            id: None,
            system: LineSystem::Default,
            messages: LineMessages::from_array(messages)?,
            fields,
        })
    }

    /// A line with a prompt or messages, and with fields of the request body.
    fn from_short_form(mut fields: JsonFields<'a>) -> Result<Self, String> {
        let messages = match (fields.remove("prompt"), fields.remove("messages")) {
            (Some(prompt), None) => LineMessages::from_prompt(prompt)?,
            (None, Some(messages)) => LineMessages::from_array(messages)?,
            (Some(_), Some(_)) => return Err("it has both a prompt and messages".to_owned()),
            (None, None) => {
                let names: Vec<&str> = fields.iter().map(|(name, _)| name).collect();
                let found = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
                return Err(format!("neither a prompt nor messages nor a body (found: {found})"));
            }
        };
        let system = match fields.remove("system").map(RawValue::get) {
            None => LineSystem::Default,
            Some("null") => LineSystem::None,
            Some(_) if matches!(messages, LineMessages::Array { has_system: true, .. }) => {
                return Err("it has a system prompt, and its messages have one too".to_owned());
            }
            Some(text) if text.starts_with('"') => LineSystem::Own(text),
            Some(_) => return Err("its system prompt is not a string".to_owned()),
        };
        Ok(Self { id: None, system, messages, fields })
    }
}

impl<'a> LineMessages<'a> {
    fn from_prompt(prompt: &'a RawValue) -> Result<Self, String> {
        let json = prompt.get();
        let is_blank = match json.as_bytes()[0] {
            b'"' => serde_json::from_str::<Cow<str>>(json).is_ok_and(|text| text.trim().is_empty()),
            b'[' => json[1..].trim_start().starts_with(']'),
            _ => return Err("its prompt is neither a string nor an array of parts".to_owned()),
        };
        if is_blank {
            return Err("its prompt is empty".to_owned());
        }
        Ok(Self::Prompt(json.into()))
    }

    fn from_array(messages: &'a RawValue) -> Result<Self, String> {
        #[derive(serde::Deserialize)]
        struct Role<'a> {
            #[serde(borrow)]
            role: Cow<'a, str>,
        }
        let json = messages.get();
        let roles =
            serde_json::from_str::<Vec<OnlyObject<Role>>>(json).map_err(|error| {
                match json.starts_with('[') {
                    true => format!("not a message: {}", json::reason(&error)),
                    false => "its messages are not an array".to_owned(),
                }
            })?;
        if roles.is_empty() {
            return Err("its messages array is empty".to_owned());
        }
        let has_system = roles.iter().any(|message| line::is_system(&message.0.role));
        Ok(Self::Array { json, has_system })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blank_line_is_not_a_prompt() {
        assert!(matches!(RequestLine::parse_content(b" \t", LineKind::Text), Ok(None)));
    }

    #[test]
    fn an_invalid_line_gives_the_reason() {
        for (line, reason) in [
            ("[]", "an array"),
            ("1", "not an object"),
            ("{", "not JSON"),
            ("{}", "neither a prompt"),
            (r#"{"promt":"a","id":1,"n":2}"#, "(found: promt, n)"),
            (r#"{"prompt":" \n"}"#, "empty"),
            (r#"{"prompt":[]}"#, "empty"),
            (r#"{"prompt":1}"#, "neither a string"),
            (r#"{"prompt":"a","prompt":"b"}"#, "twice"),
            (r#"{"prompt":"a","messages":[]}"#, "both"),
            (r#"{"messages":[]}"#, "empty"),
            (r#"{"messages":{}}"#, "not an array"),
            (r#"{"messages":[{"content":"a"}]}"#, "role"),
            (r#"{"body":[]}"#, "not an object"),
            (r#"{"body":{"messages":[1]}}"#, "not a message"),
            (r#"{"messages":[["user"]]}"#, "not a message: invalid type: sequence"),
            (r#"{"body":{"model":"m"}}"#, "no messages"),
            (r#"{"prompt":"a","body":{"messages":[{"role":"user"}]}}"#, "both a body and a prompt"),
            (r#"{"method":"GET","body":{"messages":[{"role":"user"}]}}"#, "method"),
            (r#"{"url":"/v1/embeddings","body":{"messages":[{"role":"user"}]}}"#, "/v1/embeddings"),
            (r#"{"id":[],"prompt":"a"}"#, "id"),
            (r#"{"system":1,"prompt":"a"}"#, "system"),
            (r#"{"system":"x","messages":[{"role":"system"}]}"#, "system"),
        ] {
            let parsed = RequestLine::parse_content(
                line.as_bytes(),
                LineKind::Json { has_one_choice: false },
            );
            let invalid = parsed.expect_err(line);
            assert!(invalid.reason.contains(reason), "{line}: {}", invalid.reason);
        }
    }
}
