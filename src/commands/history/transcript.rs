//! A history's messages, made readable. Reads no files and knows no pager.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use textwrap::Options;

use crate::history::line::trim;
use crate::output::sanitize::push_sanitized;
use crate::output::stdout::Bytes;

/// How messages are shown.
#[derive(Debug, Clone, Copy)]
pub struct Transcript {
    pub bytes: Bytes,
    /// Lines are wrapped to so many columns.
    pub width: Option<usize>,
    pub has_colour: bool,
}

#[derive(Deserialize)]
struct ShownMessage<'a> {
    role: Cow<'a, str>,
    content: Option<Value>,
    #[serde(borrow)]
    tool_calls: Option<&'a RawValue>,
}

impl Transcript {
    /// Writes the message that `line` holds, with a blank line before it
    /// unless it is the first. Tells whether there was one.
    pub fn write(&self, line: &[u8], is_first: bool, out: &mut impl Write) -> io::Result<bool> {
        let line = trim(line);
        if line.is_empty() {
            return Ok(false);
        }
        let (role, text) = match serde_json::from_slice::<ShownMessage>(line) {
            Ok(message) => (message.role.to_string(), message.text()),
            // Lone surrogates, which a message may hold and a text may not.
            Err(_) => ("message".to_owned(), String::from_utf8_lossy(line).into_owned()),
        };
        let mut shown = Vec::new();
        self.push(&mut shown, &format!("{role}:"));
        if self.has_colour {
            shown = [b"\x1b[1m", shown.as_slice(), b"\x1b[0m"].concat();
        }
        shown.push(b'\n');
        let mut body = Vec::new();
        self.push(&mut body, &text);
        let body = String::from_utf8_lossy(&body);
        for line in body.lines() {
            self.wrap(line, &mut shown);
        }
        if !is_first {
            out.write_all(b"\n")?;
        }
        out.write_all(&shown)?;
        Ok(true)
    }

    fn push(&self, shown: &mut Vec<u8>, text: &str) {
        match self.bytes {
            Bytes::Exact => shown.extend_from_slice(text.as_bytes()),
            Bytes::Sanitized => push_sanitized(shown, text),
        }
    }

    fn wrap(&self, line: &str, shown: &mut Vec<u8>) {
        let lines = match self.width {
            Some(width) => textwrap::wrap(line, Options::new(width)),
            None => vec![Cow::Borrowed(line)],
        };
        for line in lines {
            shown.extend_from_slice(line.as_bytes());
            shown.push(b'\n');
        }
    }
}

impl ShownMessage<'_> {
    /// The texts of the content; what is no text is named in brackets.
    fn text(&self) -> String {
        let mut parts = Vec::new();
        match &self.content {
            Some(Value::String(text)) => parts.push(text.clone()),
            Some(Value::Array(array)) => parts.extend(array.iter().map(part)),
            Some(Value::Null) | None => {}
            Some(other) => parts.push(other.to_string()),
        }
        parts.extend(self.tool_calls.map(|calls| format!("[tool calls: {calls}]")));
        parts.join("\n")
    }
}

fn part(part: &Value) -> String {
    match (&part["text"], &part["type"]) {
        (Value::String(text), _) => text.clone(),
        (_, Value::String(kind)) => format!("[{kind}]"),
        _ => "[something else]".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(line: &str, width: Option<usize>) -> String {
        let transcript = Transcript { bytes: Bytes::Sanitized, width, has_colour: false };
        let mut shown = Vec::new();
        transcript.write(line.as_bytes(), true, &mut shown).expect("a vector takes all");
        String::from_utf8(shown).expect("UTF-8")
    }

    #[test]
    fn messages_are_shown_with_their_roles() {
        assert_eq!(
            show(r#"{"role":"user","content":"a\n\n  b\u001b"}"#, None),
            "user:\na\n\n  b^[\n"
        );
        assert_eq!(show(r#"{"role":"assistant","content":null}"#, None), "assistant:\n");
        let parts = r#"[{"type":"text","text":"a"},{"type":"image_url","image_url":{}}]"#;
        let line = format!(r#"{{"role":"user","content":{parts}}}"#);
        assert_eq!(show(&line, None), "user:\na\n[image_url]\n");
        let line = r#"{"role":"assistant","tool_calls":[{"id":"1"}]}"#;
        assert_eq!(show(line, None), "assistant:\n[tool calls: [{\"id\":\"1\"}]]\n");
        assert_eq!(show(" \n", None), "");
    }

    #[test]
    fn long_lines_are_wrapped_at_words() {
        let line = r#"{"role":"user","content":"one two three\n  short"}"#;
        assert_eq!(show(line, Some(8)), "user:\none two\nthree\n  short\n");
    }
}
