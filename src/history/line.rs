//! One line of a history file: is it a message, and what is its role?

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::error::Category;

use crate::json;

/// Why a line is not a message.
#[derive(Debug, PartialEq, Eq)]
pub struct InvalidLine {
    pub reason: String,
    /// The line is not JSON, as after an interrupted write.
    pub is_torn: bool,
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
    })?;
    match serde_json::from_str::<MessageRole>(text) {
        Ok(message) => Ok(Some(message.role)),
        Err(error) => {
            let is_torn = error.classify() != Category::Data;
            let reason = match text.as_bytes()[0] {
                b'[' => "an array; jq -c '.[]' puts each message on its own line".to_owned(),
                _ if is_torn => format!("not JSON at column {}", error.column()),
                b'{' => json::reason(&error),
                _ => "not an object".to_owned(),
            };
            Err(InvalidLine { reason: format!("not a message: {reason}"), is_torn })
        }
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
            (b"[]", false),
            (b"{}", false),
            (b"{\"role\":1}", false),
        ] {
            assert_eq!(role(line).expect_err("the line is invalid").is_torn, is_torn, "{line:?}");
        }
    }
}
