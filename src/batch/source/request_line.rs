//! One record of the input as a request: a line of the Batch API, a prompt or messages
//! with fields of a request body, plain text, or a question about a row.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::batch::source::invalid_request::{Flaw, InvalidRequest};
use crate::batch::source::json_fields::{JsonFields, parse_string};
use crate::batch::source::read_options::ReadOptions;
use crate::batch::source::record::{Record, RecordKind};
use crate::batch::table::cells::Cells;
use crate::batch::table::question::Question;
use crate::history::line;
use crate::json::{self, OnlyObject};

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
    Own(Cow<'a, str>),
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
    /// Parses a record; `None` if it is blank, or is to be left out.
    ///
    /// # Errors
    /// The reason, if it is not a request.
    pub fn parse(
        record: &Record<'a>,
        options: &ReadOptions,
    ) -> Result<Option<Self>, InvalidRequest> {
        let Some(cells) = record.cells(options.kind)? else {
            return Ok(None);
        };
        if let Some(question) = &options.question {
            return Self::from_question(question, &cells, options.skips_empty);
        }
        match cells {
            Cells::Line(text) => Ok(Some(Self {
                id: None,
                system: LineSystem::Default,
                messages: LineMessages::Prompt(json::quoted(text).into()),
                fields: JsonFields::default(),
            })),
            Cells::Object(fields) => Self::from_object(fields, options.kind).map(Some),
            // Without a question, no table is read.
            Cells::Row { .. } => Ok(None),
        }
    }

    fn from_question(
        question: &Question,
        cells: &Cells,
        skips_empty: bool,
    ) -> Result<Option<Self>, InvalidRequest> {
        let own_id = match cells {
            Cells::Object(fields) if question.id.is_none() => fields.id(),
            _ => question.id(cells).map(|id| id.map(Cow::Owned)),
        };
        let id = own_id.map_err(InvalidRequest::bad)?.map(Cow::into_owned);
        let invalid = |reason, flaw| InvalidRequest { id: id.clone(), reason, flaw };
        let asked = question.ask(cells).map_err(|reason| invalid(reason, Flaw::Bad))?;
        if asked.prompt.trim().is_empty() {
            let failure = invalid("its prompt is empty".to_owned(), Flaw::EmptyPrompt);
            return if skips_empty { Ok(None) } else { Err(failure) };
        }
        let system = |text: String| LineSystem::Own(json::quoted(&text).into());
        Ok(Some(Self {
            system: asked.system.map_or(LineSystem::Default, system),
            messages: LineMessages::Prompt(json::quoted(&asked.prompt).into()),
            fields: JsonFields::default(),
            id: id.map(Cow::Owned),
        }))
    }

    fn from_object(mut fields: JsonFields<'a>, kind: RecordKind) -> Result<Self, InvalidRequest> {
        let id = fields.remove_id().map_err(InvalidRequest::bad)?;
        let parsed = match fields.contains("body") {
            true => Self::from_batch_api(fields),
            false => Self::from_short_form(fields),
        };
        match parsed.and_then(|line| line.ensure_one_choice(kind)) {
            Ok(line) => Ok(Self { id, ..line }),
            Err(reason) => Err(InvalidRequest::bad(reason).with_id(id.map(Cow::into_owned))),
        }
    }

    fn ensure_one_choice(self, kind: RecordKind) -> Result<Self, String> {
        let asks_for_more = |n: &RawValue| n.get().parse().is_ok_and(|n: f64| n > 1.0);
        match self.fields.get("n") {
            Some(n) if kind == (RecordKind::Json { has_one_choice: true }) && asks_for_more(n) => {
                Err(format!("its n is {n}, but only one reply is written"))
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
                let (found, way_out) = match names.first() {
                    None => ("nothing".to_owned(), String::new()),
                    Some(name) => {
                        let way_out = format!("; to ask about them, add -T '...{{{{{name}}}}}...'");
                        (names.join(", "), way_out)
                    }
                };
                return Err(format!(
                    "neither a prompt nor messages nor a body (found: {found}){way_out}"
                ));
            }
        };
        let system = match fields.remove("system").map(RawValue::get) {
            None => LineSystem::Default,
            Some("null") => LineSystem::None,
            Some(_) if matches!(messages, LineMessages::Array { has_system: true, .. }) => {
                return Err("it has a system prompt, and its messages have one too".to_owned());
            }
            Some(text) if text.starts_with('"') => LineSystem::Own(text.into()),
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
    use crate::files::lines::{Lines, Separator};

    #[track_caller]
    fn reason(line: &str, kind: RecordKind) -> Option<String> {
        let mut lines = Lines::new(line.as_bytes(), Separator::Newline);
        let line = lines.next_line().expect("memory is readable").expect("there is a line");
        let parsed = RequestLine::parse(&Record::of_line(line), &ReadOptions::new(kind));
        parsed.err().map(|invalid| invalid.reason)
    }

    #[test]
    fn a_blank_line_is_not_a_prompt() {
        assert_eq!(reason(" \t", RecordKind::Text(Separator::Newline)), None);
    }

    #[test]
    fn an_invalid_line_gives_the_reason() {
        for (line, part) in [
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
            let given = reason(line, RecordKind::Json { has_one_choice: false }).expect(line);
            assert!(given.contains(part), "{line}: {given}");
        }
    }
}
