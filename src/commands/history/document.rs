//! The messages of a history as a Markdown document: a heading with the role, then the
//! content.

use std::io::{self, Write};

use serde_json::Value;

use crate::chat::code_block::{fence, missing_fence};
use crate::commands::history::saved_message::{SavedMessage, kind_of};
use crate::history::line::trim;
use crate::json;
use crate::output::sanitize::{push_sanitized, visible};
use crate::output::stdout::TextMode;

/// Writes the message on `line`, after a blank line unless it is the first. Returns
/// false if `line` is blank.
///
/// # Errors
/// When `out` cannot be written.
pub fn write(
    line: &[u8],
    is_first: bool,
    mode: TextMode,
    out: &mut impl Write,
) -> io::Result<bool> {
    let line = trim(line);
    if line.is_empty() {
        return Ok(false);
    }
    let text = match SavedMessage::parse(line) {
        Some(message) => section(&message),
        // It is nested too deeply.
        None => format!("## Message\n\n{}\n", fence("json", &String::from_utf8_lossy(line))),
    };
    let mut section = Vec::new();
    if !is_first {
        section.push(b'\n');
    }
    match mode {
        TextMode::Exact => section.extend_from_slice(text.as_bytes()),
        TextMode::Sanitized | TextMode::Markdown { .. } => push_sanitized(&mut section, &text),
    }
    out.write_all(&section)?;
    Ok(true)
}

/// A message with its heading; it ends in a newline.
fn section(message: &SavedMessage) -> String {
    // What a tool prints is seldom Markdown.
    let is_result = matches!(message.role.as_str(), "tool" | "function");
    let text = |text: &str| match is_result {
        true => fence("", text),
        false => closed(text),
    };
    let mut parts = vec![format!("## {}", heading(&message.role))];
    parts.extend(message.parts(text, attachment));
    if let Some(calls) = message.tool_calls {
        parts.extend(tool_calls(calls.get()));
    }
    let mut section = parts.join("\n\n");
    if !section.ends_with('\n') {
        section.push('\n');
    }
    section
}

/// The role with a capital letter, on one line.
fn heading(role: &str) -> String {
    let mut chars = role.chars();
    let first = chars.next().map(char::to_uppercase).into_iter().flatten();
    let show = |c: char| if c.is_control() { visible(c) } else { c.to_string() };
    first.chain(chars).map(show).collect()
}

/// `text`, with the code block at its end closed: an open one, as of a reply that was
/// cut off, would swallow the rest of the document.
fn closed(text: &str) -> String {
    match missing_fence(text) {
        Some(fence) if text.ends_with('\n') => format!("{text}{fence}"),
        Some(fence) => format!("{text}\n{fence}"),
        None => text.to_owned(),
    }
}

/// A part that is no text: a link to an image on a server, or what the part is.
fn attachment(part: &Value) -> String {
    let kind = kind_of(part).unwrap_or("unknown part");
    let url = part.pointer("/image_url/url").and_then(Value::as_str).unwrap_or_default();
    match url.strip_prefix("data:").and_then(|data| data.split_once([';', ','])) {
        Some((media_type, _)) => format!("({kind}, {media_type})"),
        None if ["http://", "https://"].iter().any(|scheme| url.starts_with(scheme)) => {
            format!("![{kind}](<{url}>)")
        }
        None => format!("({kind})"),
    }
}

/// The calls in `tool_calls`: the name of each, and its arguments as a code block.
fn tool_calls(calls: &str) -> Vec<String> {
    match json::parse_leniently(calls) {
        Some(Value::Array(calls)) => calls.iter().map(tool_call).collect(),
        _ => vec![fence("json", calls)],
    }
}

fn tool_call(call: &Value) -> String {
    let (function, custom) = (&call["function"], &call["custom"]);
    let names = (function["name"].as_str(), custom["name"].as_str());
    let (name, block) = match (names, &function["arguments"], &custom["input"]) {
        ((Some(name), _), Value::String(arguments), _) => (name, fence("json", arguments)),
        ((None, Some(name)), _, Value::String(input)) => (name, fence("", input)),
        _ => return fence("json", &call.to_string()),
    };
    format!("Calls `{name}`:\n\n{block}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> String {
        let mut shown = Vec::new();
        write(line.as_bytes(), true, TextMode::Exact, &mut shown).expect("writing to a vector");
        String::from_utf8(shown).expect("UTF-8")
    }

    #[test]
    fn a_message_is_a_heading_and_its_text_unchanged() {
        let line = r##"{"role":"user","content":"# a\n\n- b\n"}"##;
        assert_eq!(shown(line), "## User\n\n# a\n\n- b\n");
        assert_eq!(shown(r#"{"role":"assistant","content":null}"#), "## Assistant\n");
        assert_eq!(shown(r#"{"role":"a\nb","content":1}"#), "## A^Jb\n\n1\n");
        assert_eq!(shown(" \n"), "");
    }

    #[test]
    fn an_open_code_block_is_closed() {
        let reply = |text: &str| {
            shown(&serde_json::json!({"role": "assistant", "content": text}).to_string())
        };
        assert_eq!(reply("a\n````sh\nls"), "## Assistant\n\na\n````sh\nls\n````\n");
        assert_eq!(reply("~~~\nls\n"), "## Assistant\n\n~~~\nls\n~~~\n");
        assert_eq!(reply("```\nls\n```"), "## Assistant\n\n```\nls\n```\n");
    }

    #[test]
    fn calls_results_and_images_have_forms_of_their_own() {
        let call = r#"{"id":"1","function":{"name":"ls","arguments":"{\"a\":1}"}}"#;
        let line = format!(r#"{{"role":"assistant","content":"Wait.","tool_calls":[{call}]}}"#);
        let calls = "Calls `ls`:\n\n```json\n{\"a\":1}\n```\n";
        assert_eq!(shown(&line), format!("## Assistant\n\nWait.\n\n{calls}"));
        let odd = r#"{"role":"assistant","tool_calls":[7]}"#;
        assert_eq!(shown(odd), "## Assistant\n\n```json\n7\n```\n");
        let result = r#"{"role":"tool","content":"a ``` b"}"#;
        assert_eq!(shown(result), "## Tool\n\n````\na ``` b\n````\n");
        for (url, expected) in [
            ("https://x.example/a b.png", "![image_url](<https://x.example/a b.png>)"),
            ("data:image/png;base64,AAAA", "(image_url, image/png)"),
            ("file:a.png", "(image_url)"),
        ] {
            let part = serde_json::json!({"type": "image_url", "image_url": {"url": url}});
            let line = serde_json::json!({"role": "user", "content": [part]}).to_string();
            assert_eq!(shown(&line), format!("## User\n\n{expected}\n"));
        }
    }
}
