//! One line of the input made into a request: that of the Batch API, a prompt
//! or messages with what belongs to them, or plain text. What a line does not
//! say is filled in from the options.

use std::borrow::Cow;

use serde_json::Value;
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::batch::source::json_fields::{JsonFields, string};
use crate::chat::message::Message;
use crate::exchange::Question;
use crate::files::lines::Line;
use crate::json::{self, Object};
use crate::wire::body::RequestBody;

/// What the lines of an input are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// JSON objects.
    Json,
    /// Prompts.
    Text,
}

/// What a line leaves out.
#[derive(Debug, Default)]
pub struct Defaults {
    /// The fields of a body, each as JSON.
    fields: Vec<(String, String)>,
    /// The system prompt, as a JSON string.
    system: Option<String>,
}

/// A line that is no request.
#[derive(Debug, PartialEq, Eq)]
pub struct InvalidRequest {
    /// The line's own id, as far as it has one.
    pub id: Option<String>,
    pub reason: String,
}

/// The id of a line: its own, or else its number.
pub fn id<'a>(line: &'a Result<RequestLine, InvalidRequest>, number: u64) -> Cow<'a, str> {
    let id = match line {
        Ok(request) => request.id.as_deref(),
        Err(invalid) => invalid.id.as_deref(),
    };
    id_or(id, number)
}

/// An id, or else the line's number.
pub fn id_or(id: Option<&str>, number: u64) -> Cow<'_, str> {
    id.map_or_else(|| number.to_string().into(), Cow::Borrowed)
}

/// A line as it was read.
#[derive(Debug)]
pub struct RequestLine<'a> {
    /// The line's own id.
    id: Option<Cow<'a, str>>,
    system: LineSystem<'a>,
    messages: LineMessages<'a>,
    fields: JsonFields<'a>,
}

/// The system prompt of a line.
#[derive(Debug)]
enum LineSystem<'a> {
    /// That of the options.
    Default,
    /// None at all.
    None,
    /// This one, as a JSON string.
    Own(&'a str),
}

#[derive(Debug)]
enum LineMessages<'a> {
    /// The user's message: a string or an array of parts, as JSON.
    Prompt(Cow<'a, str>),
    /// An array of messages, as JSON.
    Given { array: &'a str, has_system: bool },
}

/// A request that is ready to be sent.
#[derive(Debug, PartialEq, Eq)]
pub struct BatchRequest {
    pub id: String,
    /// The body as far as its last message.
    body: String,
    /// The reply must be in the format that the options ask for.
    pub has_default_format: bool,
}

impl Question for BatchRequest {
    fn body(&self, correction: Option<[Message<'_>; 2]>) -> RequestBody {
        let mut body = self.body.clone().into_bytes();
        for message in correction.into_iter().flatten() {
            body.push(b',');
            body.extend(message.json());
        }
        body.extend_from_slice(b"]}");
        RequestBody::from(body)
    }
}

impl Defaults {
    /// `fields` are those of a body, without its messages.
    pub fn new(fields: &Object, system: Option<&str>) -> Self {
        let field = |(name, value): (&String, &Value)| (name.clone(), value.to_string());
        Self {
            fields: fields.iter().map(field).collect(),
            system: system.map(|text| Value::from(text).to_string()),
        }
    }

    /// The request of a line, which is called by its number where it has no
    /// id of its own.
    pub fn complete(&self, line: &RequestLine, number: u64) -> BatchRequest {
        let mut body = String::from("{");
        let default = |(name, _): &&(String, String)| !line.fields.has(name);
        for (name, value) in self.fields.iter().filter(default) {
            push_field(&mut body, name, value);
        }
        for (name, value) in line.fields.all() {
            push_field(&mut body, name, value.get());
        }
        body += "\"messages\":[";
        let system = match (&line.system, &line.messages) {
            (LineSystem::Own(system), _) => Some(*system),
            (LineSystem::None, _) | (_, LineMessages::Given { has_system: true, .. }) => None,
            (LineSystem::Default, _) => self.system.as_deref(),
        };
        if let Some(system) = system {
            body += &format!(r#"{{"role":"system","content":{system}}},"#);
        }
        match &line.messages {
            LineMessages::Prompt(content) => {
                body += &format!(r#"{{"role":"user","content":{content}}}"#);
            }
            LineMessages::Given { array, .. } => {
                let inside = array.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
                body += inside.unwrap_or_default().trim();
            }
        }
        BatchRequest {
            id: id_or(line.id.as_deref(), number).into_owned(),
            body,
            has_default_format: !line.fields.has("response_format"),
        }
    }
}

fn push_field(body: &mut String, name: &str, value: &str) {
    *body += &Value::from(name).to_string();
    body.push(':');
    *body += value;
    body.push(',');
}

impl<'a> RequestLine<'a> {
    /// Reads a line; `None` where it is blank.
    ///
    /// # Errors
    /// Why it is no request.
    pub fn read(line: &Line<'a>, kind: LineKind) -> Result<Option<Self>, InvalidRequest> {
        match line.is_too_long {
            true => Err(InvalidRequest { id: None, reason: "longer than 64 MiB".to_owned() }),
            false => Self::read_whole(line.content(), kind),
        }
    }

    fn read_whole(line: &'a [u8], kind: LineKind) -> Result<Option<Self>, InvalidRequest> {
        let fault = |reason: String| InvalidRequest { id: None, reason };
        let text = std::str::from_utf8(line).map_err(|error| {
            fault(format!("not UTF-8 at byte offset {} of the line", error.valid_up_to()))
        })?;
        if text.trim().is_empty() {
            return Ok(None);
        }
        if kind == LineKind::Text {
            return Ok(Some(Self {
                id: None,
                system: LineSystem::Default,
                messages: LineMessages::Prompt(Value::from(text).to_string().into()),
                fields: JsonFields::default(),
            }));
        }
        let mut fields: JsonFields = serde_json::from_str(text).map_err(|error| {
            fault(match error.classify() {
                Category::Data if text.trim_start().starts_with('{') => json::reason(&error),
                Category::Data if text.trim_start().starts_with('[') => {
                    "an array, not an object; jq -c '.[]' makes lines of its elements".to_owned()
                }
                Category::Data => "not an object; --lines takes lines of text".to_owned(),
                _ => format!(
                    "not JSON from column {} on; --lines takes lines of text",
                    error.column()
                ),
            })
        })?;
        let id = fields.take_id().map_err(fault)?;
        let read = if fields.has("body") { Self::batch(fields) } else { Self::short(fields) };
        match read {
            Ok(line) => Ok(Some(Self { id, ..line })),
            Err(reason) => Err(InvalidRequest { id: id.map(Cow::into_owned), reason }),
        }
    }

    /// A line of the Batch API. What else is in it is the user's own.
    fn batch(mut fields: JsonFields<'a>) -> Result<Self, String> {
        for (name, expected) in [("method", "POST"), ("url", "/v1/chat/completions")] {
            let Some(value) = fields.take(name) else {
                continue;
            };
            let value: Cow<str> = string(name, value)?;
            let is_it = match name {
                "url" => value.ends_with("/chat/completions"),
                _ => value == expected,
            };
            if !is_it {
                return Err(format!("its {name} is {value}, where gravix knows {expected} alone"));
            }
        }
        if fields.has("prompt") || fields.has("messages") {
            return Err("a body of its own leaves no room for a prompt or messages".to_owned());
        }
        let body = fields.take("body").map_or("", RawValue::get);
        let mut fields: JsonFields =
            serde_json::from_str(body).map_err(|error| match body.starts_with('{') {
                true => format!("body: {}", json::reason(&error)),
                false => "its body is not an object".to_owned(),
            })?;
        let messages = fields.take("messages").ok_or("its body has no messages")?;
        Ok(Self {
            id: None,
            system: LineSystem::Default,
            messages: LineMessages::given(messages)?,
            fields,
        })
    }

    /// A prompt or messages, and fields of a body.
    fn short(mut fields: JsonFields<'a>) -> Result<Self, String> {
        let messages = match (fields.take("prompt"), fields.take("messages")) {
            (Some(prompt), None) => LineMessages::prompt(prompt)?,
            (None, Some(messages)) => LineMessages::given(messages)?,
            (Some(_), Some(_)) => return Err("both a prompt and messages".to_owned()),
            (None, None) => {
                let names: Vec<&str> = fields.all().iter().map(|(name, _)| &**name).collect();
                let found = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
                return Err(format!("neither a prompt, nor messages, nor a body, but {found}"));
            }
        };
        let system = match fields.take("system").map(RawValue::get) {
            None => LineSystem::Default,
            Some("null") => LineSystem::None,
            Some(_) if matches!(messages, LineMessages::Given { has_system: true, .. }) => {
                return Err("a system prompt beside messages that have one".to_owned());
            }
            Some(text) if text.starts_with('"') => LineSystem::Own(text),
            Some(_) => return Err("its system prompt is not a string".to_owned()),
        };
        Ok(Self { id: None, system, messages, fields })
    }
}

impl<'a> LineMessages<'a> {
    fn prompt(prompt: &'a RawValue) -> Result<Self, String> {
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

    fn given(messages: &'a RawValue) -> Result<Self, String> {
        #[derive(serde::Deserialize)]
        struct Role<'a> {
            #[serde(borrow)]
            role: Cow<'a, str>,
        }
        let array = messages.get();
        let roles: Vec<Role> =
            serde_json::from_str(array).map_err(|error| match array.starts_with('[') {
                true => format!("not a message: {}", json::reason(&error)),
                false => "its messages are not an array".to_owned(),
            })?;
        if roles.is_empty() {
            return Err("its array of messages is empty".to_owned());
        }
        let has_system =
            roles.iter().any(|message| matches!(&*message.role, "system" | "developer"));
        Ok(Self::Given { array, has_system })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn completed(line: &str, kind: LineKind) -> Result<BatchRequest, String> {
        let fields = json!({"model": "m", "temperature": 1.5});
        let fields = fields.as_object().expect("an object");
        let defaults = Defaults::new(fields, Some("Be brief."));
        let parsed =
            RequestLine::read_whole(line.as_bytes(), kind).map_err(|fault| fault.reason)?;
        Ok(defaults.complete(&parsed.expect("no blank line"), 7))
    }

    #[track_caller]
    fn is_completed(line: &str, id: &str, body: &Value) {
        let request = completed(line, LineKind::Json).expect("a request");
        let text = request.body.clone() + "]}";
        assert_eq!(request.id, id);
        assert_eq!(serde_json::from_str::<Value>(&text).expect(&text), *body);
    }

    #[test]
    fn every_form_of_a_line_is_a_request() {
        let system = json!({"role": "system", "content": "Be brief."});
        let user = json!({"role": "user", "content": "hi"});
        let whole = json!({"model": "m", "temperature": 1.5, "messages": [system, user]});
        is_completed(r#"{"prompt":"hi"}"#, "7", &whole);
        is_completed(r#"{"id":"a","prompt":"hi"}"#, "a", &whole);
        is_completed(r#"{"id":12.0,"messages":[{"role":"user","content":"hi"}]}"#, "12.0", &whole);
        is_completed(
            r#"{"custom_id":"c","method":"POST","url":"/v1/chat/completions","label":1,"body":{"messages":[{"role":"user","content":"hi"}]}}"#,
            "c",
            &whole,
        );
        is_completed(
            r#"{"prompt":[{"type":"text","text":"hi"}],"system":null,"model":"n","top_k":3}"#,
            "7",
            &json!({"model": "n", "temperature": 1.5, "top_k": 3,
                "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]}),
        );
        let own = json!({"role": "system", "content": "Rhyme."});
        let whole = json!({"model": "m", "temperature": 1.5, "messages": [own, user]});
        is_completed(r#"{"prompt":"hi","system":"Rhyme."}"#, "7", &whole);
        is_completed(
            r#"{"body":{"messages": [ {"role":"system","content":"Rhyme."},{"role":"user","content":"hi"} ]}}"#,
            "7",
            &whole,
        );
    }

    #[test]
    fn text_is_a_prompt_as_it_is() {
        let request = completed(r#"{"a": "b\n"} "#, LineKind::Text).expect("a request");
        let body: Value = serde_json::from_str(&(request.body + "]}")).expect("JSON");
        assert_eq!(body["messages"][1]["content"], r#"{"a": "b\n"} "#);
        assert!(matches!(RequestLine::read_whole(b" \t", LineKind::Text), Ok(None)));
    }

    #[test]
    fn the_bytes_of_a_line_stay_as_they_are() {
        let line = r#"{"prompt":"\u0041\ud83d","seed":1.50,"stop":["\/"]}"#;
        let request = completed(line, LineKind::Json).expect("a request");
        for part in [r#""\u0041\ud83d""#, r#""seed":1.50"#, r#"["\/"]"#] {
            assert!(request.body.contains(part), "{request:?}");
        }
    }

    #[test]
    fn what_is_no_request_is_told() {
        for (line, reason) in [
            ("[]", "an array"),
            ("1", "not an object"),
            ("{", "not JSON"),
            ("{}", "neither a prompt"),
            (r#"{"promt":"a","id":1,"n":2}"#, "but promt, n"),
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
            (r#"{"body":{"model":"m"}}"#, "no messages"),
            (r#"{"prompt":"a","body":{"messages":[{"role":"user"}]}}"#, "no room"),
            (r#"{"method":"GET","body":{"messages":[{"role":"user"}]}}"#, "method"),
            (r#"{"url":"/v1/embeddings","body":{"messages":[{"role":"user"}]}}"#, "/v1/embeddings"),
            (r#"{"id":[],"prompt":"a"}"#, "id"),
            (r#"{"system":1,"prompt":"a"}"#, "system"),
            (r#"{"system":"x","messages":[{"role":"system"}]}"#, "system"),
        ] {
            let told = completed(line, LineKind::Json).expect_err(line);
            assert!(told.contains(reason), "{line}: {told}");
        }
    }
}
