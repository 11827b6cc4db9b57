//! The messages of a history as text to read: a heading with the role, then the
//! content.

use std::borrow::Cow;
use std::io::{self, Write};

use textwrap::Options;

use crate::commands::history::saved_message::SavedMessage;
use crate::history::line::trim;
use crate::output::markdown::Renderer;
use crate::output::sanitize::push_sanitized;
use crate::output::stdout::TextMode;

/// How messages are shown.
#[derive(Debug, Clone, Copy)]
pub struct Transcript {
    pub mode: TextMode,
    /// Lines are wrapped at this many columns.
    pub width: Option<usize>,
    /// Whether roles are bold.
    pub is_bold: bool,
}

impl Transcript {
    /// Writes the message on `line`, after a blank line unless it is the first.
    /// Returns false if `line` is blank.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn write(&self, line: &[u8], is_first: bool, out: &mut impl Write) -> io::Result<bool> {
        let line = trim(line);
        if line.is_empty() {
            return Ok(false);
        }
        let saved = SavedMessage::parse(line);
        let role = saved.as_ref().map_or("message", |message| &message.role);
        let mut message = Vec::new();
        self.push(&mut message, &format!("{role}:"));
        if self.is_bold {
            message = [b"\x1b[1m", message.as_slice(), b"\x1b[0m"].concat();
        }
        message.push(b'\n');
        match saved {
            Some(saved) => self.push_body(&saved, &mut message),
            // It is nested too deeply.
            None => self.push_lines(&String::from_utf8_lossy(line), &mut message),
        }
        if !is_first {
            out.write_all(b"\n")?;
        }
        out.write_all(&message)?;
        Ok(true)
    }

    /// What a model wrote is Markdown; what it was given can be anything.
    fn push_body(&self, saved: &SavedMessage, out: &mut Vec<u8>) {
        match self.mode {
            TextMode::Markdown { look, width } if saved.role == "assistant" => {
                let mut renderer = Renderer::new(look, width.columns());
                renderer.push(&saved.content_text(), out);
                renderer.finish(out);
                saved.calls_text().iter().for_each(|calls| self.push_lines(calls, out));
            }
            _ => self.push_lines(&saved.text(), out),
        }
    }

    fn push_lines(&self, text: &str, out: &mut Vec<u8>) {
        let mut body = Vec::new();
        self.push(&mut body, text);
        for line in String::from_utf8_lossy(&body).lines() {
            self.wrap(line, out);
        }
    }

    fn push(&self, out: &mut Vec<u8>, text: &str) {
        match self.mode {
            TextMode::Exact => out.extend_from_slice(text.as_bytes()),
            TextMode::Sanitized | TextMode::Markdown { .. } => push_sanitized(out, text),
        }
    }

    fn wrap(&self, line: &str, out: &mut Vec<u8>) {
        let lines = match self.width {
            Some(width) => textwrap::wrap(line, Options::new(width)),
            None => vec![Cow::Borrowed(line)],
        };
        for line in lines {
            out.extend_from_slice(line.as_bytes());
            out.push(b'\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(line: &str, width: Option<usize>) -> String {
        let transcript = Transcript { mode: TextMode::Sanitized, width, is_bold: false };
        let mut shown = Vec::new();
        transcript.write(line.as_bytes(), true, &mut shown).expect("writing to a vector");
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
