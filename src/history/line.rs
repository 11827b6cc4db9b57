//! One line of a history file: is it a message, and what is its role?

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use crate::error::LineFormat;
use crate::json;

/// Why a line is not a message.
#[derive(Debug, PartialEq, Eq)]
pub struct InvalidLine {
    pub reason: String,
    /// The line is not JSON, as after an interrupted write.
    pub is_torn: bool,
    /// What the line is instead, if that is known.
    pub format: Option<LineFormat>,
}

/// Whether a message with this role sets the behaviour of the model. OpenAI's
/// newer models call such a role `developer`.
pub fn is_system(role: &str) -> bool {
    matches!(role, "system" | "developer")
}

/// The role of the message in `line`; `None` for a blank line.
///
/// # Errors
/// [`InvalidLine`] if the line is not UTF-8, or not an object with one string
/// `role` and at most one `content`.
pub fn role(line: &[u8]) -> Result<Option<String>, InvalidLine> {
    let text = trim(line);
    if text.is_empty() {
        return Ok(None);
    }
    let text = std::str::from_utf8(text).map_err(|error| InvalidLine {
        reason: format!("not UTF-8 at byte offset {} of the line", error.valid_up_to()),
        is_torn: true,
        format: None,
    })?;
    match serde_json::from_str::<MessageRole>(text) {
        Ok(message) => Ok(Some(message.role)),
        Err(error) => {
            let syntax = serde_json::from_str::<IgnoredAny>(text).err();
            let is_spread = line.ends_with(b"\n") && is_open(text);
            let format = if is_spread { Some(LineFormat::Multiline) } else { format_of(text) };
            let reason = match (format, &syntax, text.as_bytes()[0]) {
                (Some(format), _, _) => description(format).to_owned(),
                (None, Some(syntax), _) => format!("not JSON at column {}", syntax.column()),
                (None, None, b'{') => json::reason(&error),
                (None, None, b'[') => "an array".to_owned(),
                (None, None, _) => "not an object".to_owned(),
            };
            let reason = format!("not a message: {reason}");
            Err(InvalidLine { reason, is_torn: syntax.is_some(), format })
        }
    }
}

/// Whether `line` is the beginning of JSON and ends between two values, where
/// printers of JSON break a line.
fn is_open(line: &str) -> bool {
    line.ends_with(['{', '[', ','])
        && serde_json::from_str::<IgnoredAny>(line).is_err_and(|error| error.is_eof())
}

/// The format of a line of JSON that is not a message, if it is a known one.
fn format_of(line: &str) -> Option<LineFormat> {
    let object = match json::parse_leniently(line)? {
        Value::Object(object) => object,
        Value::Array(items) if items.first().is_some_and(Value::is_object) => {
            return Some(LineFormat::Array);
        }
        _ => return None,
    };
    let is_array = |name| object.get(name).is_some_and(Value::is_array);
    let is_string = |name| object.get(name).is_some_and(Value::is_string);
    match () {
        () if object.contains_key("role") => None,
        () if is_array("messages") => Some(LineFormat::Messages),
        () if is_array("conversations") => {
            Some(LineFormat::ShareGpt { has_system: is_string("system") })
        }
        () if is_string("from") && is_string("value") => Some(LineFormat::ShareGptTurn),
        () => None,
    }
}

fn description(format: LineFormat) -> &'static str {
    match format {
        LineFormat::Array => "an array of objects",
        LineFormat::Messages => "an object that holds messages",
        LineFormat::ShareGpt { .. } => "a conversation in the format of ShareGPT",
        LineFormat::ShareGptTurn => "a turn in the format of ShareGPT",
        LineFormat::Multiline => "JSON that goes on in the next line",
        LineFormat::NotText(_) => "not text",
    }
}

/// `line` without leading and trailing JSON white space (RFC 8259, section 2).
pub fn trim(line: &[u8]) -> &[u8] {
    let end = trimmed_len(line);
    let begin = line[..end].iter().position(|byte| !is_blank(*byte));
    &line[begin.unwrap_or(end)..end]
}

/// The length of `line` without trailing JSON white space, in bytes.
pub fn trimmed_len(line: &[u8]) -> usize {
    line.iter().rposition(|byte| !is_blank(*byte)).map_or(0, |last| last + 1)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// An object with one string `role` and at most one `content`.
struct MessageRole {
    role: String,
}

impl<'de> Deserialize<'de> for MessageRole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MessageVisitor)
    }
}

struct MessageVisitor;

impl<'de> Visitor<'de> for MessageVisitor {
    type Value = MessageRole;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a role")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<MessageRole, A::Error> {
        let mut role = None;
        let mut has_content = false;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match key.as_ref() {
                "role" if role.is_some() => return Err(A::Error::duplicate_field("role")),
                "role" => role = Some(map.next_value()?),
                "content" if has_content => return Err(A::Error::duplicate_field("content")),
                name => {
                    has_content |= name == "content";
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(MessageRole { role: role.ok_or_else(|| A::Error::missing_field("role"))? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_message_blank_or_invalid() {
        assert_eq!(role(b" {\"role\":\"user\"}\r\n"), Ok(Some("user".to_owned())));
        assert_eq!(role(b" \t\r\n"), Ok(None));
        for (line, is_torn) in [
            (&b"{\"role\":\"us"[..], true),
            (b"{\"role\":\"user\"", true),
            (b"{\"role\":\"\xc3", true),
            (b"\x0c", true),
            (b"[\"a", true),
            (b"{\"role\":1,", true),
            (b"[]", false),
            (b"{\"role\":\"\\ud83d\"}", false),
            (b"{}", false),
            (b"{\"role\":1}", false),
        ] {
            assert_eq!(role(line).expect_err("the line is invalid").is_torn, is_torn, "{line:?}");
        }
    }
}
