//! A request that is ready to be sent: an input line, completed from the
//! options.

use std::borrow::Cow;
use std::ops::Range;

use serde_json::Value;

use crate::batch::fingerprint::Fingerprint;
use crate::batch::source::instruction::Instruction;
use crate::batch::source::overriding::{Overriding, over, without_leading_system};
use crate::batch::source::request_line::{LineMessages, LineSystem, RequestLine, id_or};
use crate::chat::format::drop_strict;
use crate::chat::message::Message;
use crate::chat::tool_call;
use crate::exchange::Question;
use crate::json::{self, Object};
use crate::wire::body::RequestBody;

/// The field that asks for a format of the reply.
const FORMAT: &str = "response_format";

/// What ends a body behind its last message.
const END: &str = "]}";

/// The fields and the system prompt of lines that do not have their own.
#[derive(Debug, Default)]
pub struct Defaults {
    /// Names and JSON values of fields of the request body.
    fields: Vec<(String, String)>,
    /// What asks for strictness in the value of `response_format`.
    strict: Option<Range<usize>>,
    /// The system prompt, as a JSON string.
    system: Option<String>,
    /// What the model is told about the format of the options.
    instruction: Option<Instruction>,
    /// What overrides the lines' own.
    overriding: Overriding,
}

/// A request that is ready to be sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct BatchRequest {
    pub id: String,
    /// Of the body as it was built: without corrections, and with what was asked for
    /// strictly.
    pub fingerprint: Fingerprint,
    /// The body up to the end of its last message, so that a correction can be
    /// appended.
    body: String,
    /// The field in the body that asks for the format of the options.
    format: Option<Range<usize>>,
    /// What in the body asks the server to keep to the schema strictly. `None` if
    /// nothing does, or if the line says so itself.
    strict: Option<Range<usize>>,
    /// The line has no `response_format`, so the options' format applies.
    pub has_default_format: bool,
}

impl Question for BatchRequest {
    fn body(&self, correction: Option<[Message<'_>; 2]>) -> RequestBody {
        let mut body = self.body.clone().into_bytes();
        for message in correction.into_iter().flatten() {
            body.push(b',');
            body.extend(message.json());
        }
        body.extend_from_slice(END.as_bytes());
        RequestBody::from(body)
    }

    fn offered_tools(&self) -> Option<Vec<String>> {
        let body = self.body.clone() + END;
        let fields = json::fields(&body, ["tools", "functions"]);
        let [tools, functions] = fields.map(|field| json::parse_leniently(field?.get()));
        tool_call::offered_names([tools.as_ref(), functions.as_ref()])
    }

    fn drop_schema(&mut self) -> bool {
        self.strict = None;
        let format = self.format.take();
        format.map(|range| self.body.replace_range(range, "")).is_some()
    }

    fn drop_strict(&mut self) -> bool {
        let Some(strict) = self.strict.take() else {
            return false;
        };
        if let Some(format) = &mut self.format {
            format.end -= strict.len();
        }
        self.body.replace_range(strict, "");
        true
    }
}

impl Defaults {
    /// `fields` are fields of the request body, without `messages`. `instruction` goes
    /// behind the system prompt of each line in the format of the options.
    pub fn new(fields: &Object, system: Option<&str>, instruction: Option<&str>) -> Self {
        let field = |(name, value): (&String, &Value)| (name.clone(), value.to_string());
        Self {
            fields: fields.iter().map(field).collect(),
            strict: fields.get(FORMAT).and_then(strict_range),
            system: system.map(|text| Value::from(text).to_string()),
            instruction: instruction.map(Instruction::new),
            ..Self::default()
        }
    }

    /// The same, but these win over what a line says.
    pub fn with_overriding(self, overriding: Overriding) -> Self {
        Self { overriding, ..self }
    }

    /// Whether the fields ask for several replies to a request.
    pub fn asks_for_several(&self) -> bool {
        let is_several = |n: &str| n.parse().is_ok_and(|n: f64| n > 1.0);
        self.fields.iter().any(|(name, value)| name == "n" && is_several(value))
    }

    /// Whether the reply to a line must be in the format of the options.
    pub fn has_default_format(&self, line: &RequestLine) -> bool {
        !line.fields.contains(FORMAT) || self.overriding.has(FORMAT)
    }

    /// What recognizes the request of a line.
    pub fn fingerprint(&self, line: &RequestLine) -> Fingerprint {
        self.complete(line, 0).fingerprint
    }

    /// Whether the system prompt of a line is among its messages, and stays there.
    fn keeps_system(&self, line: &RequestLine) -> bool {
        let has_system = matches!(&line.messages, LineMessages::Array { has_system: true, .. });
        has_system && !self.overriding.system
    }

    /// The request of a line. Its number is the id if the line has none.
    pub fn complete(&self, line: &RequestLine, number: u64) -> BatchRequest {
        let mut body = String::from("{");
        let (mut format, mut strict) = (None, None);
        let wins = |name: &str| self.overriding.has(name);
        for (name, value) in &self.fields {
            let field = body.len();
            match line.fields.get(name) {
                Some(_) if !wins(name) => continue,
                own if name != FORMAT => push_field(&mut body, name, &over(own, value)),
                _ => push_field(&mut body, name, value),
            }
            if name == FORMAT {
                format = Some(field..body.len());
                let start = body.len() - 1 - value.len();
                strict = self.strict.clone().map(|range| start + range.start..start + range.end);
            }
        }
        for (name, value) in line.fields.iter().filter(|(name, _)| !wins(name)) {
            push_field(&mut body, name, value.get());
        }
        body += "\"messages\":[";
        let instruction = self.instruction.as_ref().filter(|_| self.has_default_format(line));
        if let Some(system) = self.system_of(line, instruction) {
            body += &format!(r#"{{"role":"system","content":{system}}},"#);
        }
        self.push_messages(&mut body, &line.messages, instruction);
        let length = body.len();
        body += END;
        let fingerprint = Fingerprint::of(&body);
        body.truncate(length);
        BatchRequest {
            fingerprint,
            id: id_or(line.id.as_deref(), number).into_owned(),
            body,
            format,
            strict,
            has_default_format: self.has_default_format(line),
        }
    }

    /// Adds the messages of a line, behind the system prompt before them.
    fn push_messages(
        &self,
        body: &mut String,
        messages: &LineMessages,
        instruction: Option<&Instruction>,
    ) {
        match (messages, instruction) {
            (LineMessages::Prompt(content), _) => {
                *body += &format!(r#"{{"role":"user","content":{content}}}"#);
            }
            (LineMessages::Array { json, has_system: true }, _) if self.overriding.system => {
                *body += &without_leading_system(json);
                // A system message that was alone.
                body.truncate(body.trim_end_matches(',').len());
            }
            (LineMessages::Array { json, has_system: true }, Some(instruction)) => {
                *body += &instruction.in_messages(json);
            }
            (LineMessages::Array { json, .. }, _) => {
                let inside = json.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
                *body += inside.unwrap_or_default().trim();
            }
        }
    }

    /// The system prompt before the messages of a line, as JSON.
    fn system_of<'a>(
        &'a self,
        line: &'a RequestLine,
        instruction: Option<&Instruction>,
    ) -> Option<Cow<'a, str>> {
        let system = match (&line.system, &line.messages) {
            _ if self.overriding.system => self.system.as_deref(),
            (LineSystem::Own(system), _) => Some(system.as_ref()),
            (LineSystem::None, _) | (_, LineMessages::Array { has_system: true, .. }) => None,
            (LineSystem::Default, _) => self.system.as_deref(),
        };
        match instruction {
            Some(instruction) if !self.keeps_system(line) => Some(instruction.after(system).into()),
            _ => system.map(Cow::Borrowed),
        }
    }
}

/// Where in the JSON of a `response_format` strictness is asked for.
fn strict_range(format: &Value) -> Option<Range<usize>> {
    let mut without = format.clone();
    if !drop_strict(&mut without) {
        return None;
    }
    let (with, without) = (format.to_string(), without.to_string());
    let is_same = |(a, b): &(u8, u8)| a == b;
    let start = with.bytes().zip(without.bytes()).take_while(is_same).count();
    Some(start..start + with.len() - without.len())
}

fn push_field(body: &mut String, name: &str, value: &str) {
    *body += &Value::from(name).to_string();
    body.push(':');
    *body += value;
    body.push(',');
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::batch::source::read_options::ReadOptions;
    use crate::batch::source::record::{Record, RecordKind};
    use crate::files::lines::{Lines, Separator};

    fn completed(line: &str, kind: RecordKind) -> BatchRequest {
        let fields = json!({"model": "m", "temperature": 1.5});
        let fields = fields.as_object().expect("the value is an object");
        let defaults = Defaults::new(fields, Some("Be brief."), None);
        let mut lines = Lines::new(line.as_bytes(), Separator::Newline);
        let line = lines.next_line().expect("memory is readable").expect("there is a line");
        let parsed = RequestLine::parse(&Record::of_line(line), &ReadOptions::new(kind))
            .expect("the line is a request");
        defaults.complete(&parsed.expect("the line is not blank"), 7)
    }

    #[track_caller]
    fn assert_completed(line: &str, id: &str, body: &Value) {
        let request = completed(line, RecordKind::Json { has_one_choice: false });
        let text = request.body.clone() + "]}";
        assert_eq!(request.id, id);
        assert_eq!(serde_json::from_str::<Value>(&text).expect(&text), *body);
    }

    #[test]
    fn every_form_of_line_becomes_a_request() {
        let system = json!({"role": "system", "content": "Be brief."});
        let user = json!({"role": "user", "content": "hi"});
        let whole = json!({"model": "m", "temperature": 1.5, "messages": [system, user]});
        assert_completed(r#"{"prompt":"hi"}"#, "7", &whole);
        assert_completed(r#"{"id":"a","prompt":"hi"}"#, "a", &whole);
        assert_completed(
            r#"{"id":12.0,"messages":[{"role":"user","content":"hi"}]}"#,
            "12.0",
            &whole,
        );
        assert_completed(
            r#"{"custom_id":"c","method":"POST","url":"/v1/chat/completions","label":1,"body":{"messages":[{"role":"user","content":"hi"}]}}"#,
            "c",
            &whole,
        );
        assert_completed(
            r#"{"prompt":[{"type":"text","text":"hi"}],"system":null,"model":"n","top_k":3}"#,
            "7",
            &json!({"model": "n", "temperature": 1.5, "top_k": 3,
                "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]}),
        );
        let own = json!({"role": "system", "content": "Rhyme."});
        let whole = json!({"model": "m", "temperature": 1.5, "messages": [own, user]});
        assert_completed(r#"{"prompt":"hi","system":"Rhyme."}"#, "7", &whole);
        assert_completed(
            r#"{"body":{"messages": [ {"role":"system","content":"Rhyme."},{"role":"user","content":"hi"} ]}}"#,
            "7",
            &whole,
        );
    }

    #[test]
    fn a_line_of_text_becomes_the_prompt_unchanged() {
        let request = completed(r#"{"a": "b\n"} "#, RecordKind::Text(Separator::Newline));
        let body: Value = serde_json::from_str(&(request.body + "]}")).expect("the body is JSON");
        assert_eq!(body["messages"][1]["content"], r#"{"a": "b\n"} "#);
    }

    #[test]
    fn the_values_of_a_line_keep_their_bytes() {
        let line = r#"{"prompt":"\u0041\ud83d","seed":1.50,"stop":["\/"]}"#;
        let request = completed(line, RecordKind::Json { has_one_choice: false });
        for part in [r#""\u0041\ud83d""#, r#""seed":1.50"#, r#"["\/"]"#] {
            assert!(request.body.contains(part), "{request:?}");
        }
    }
}
