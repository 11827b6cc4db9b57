//! The instruction of a reply's format, behind the system prompt of a line. JSON stays
//! as it is written.

use serde_json::value::RawValue;

use crate::batch::source::json_fields::parse_string;
use crate::chat::format::BEFORE_INSTRUCTION;
use crate::history::line;
use crate::json;

#[derive(Debug)]
pub struct Instruction {
    /// As a JSON string.
    alone: String,
    /// The inside of a JSON string, to go behind another text.
    behind: String,
}

impl Instruction {
    pub fn new(text: &str) -> Self {
        let behind = json::quoted(&format!("{BEFORE_INSTRUCTION}{text}"));
        Self { alone: json::quoted(text), behind: behind[1..behind.len() - 1].to_owned() }
    }

    /// The system prompt with the instruction, as JSON strings.
    pub fn after(&self, system: Option<&str>) -> String {
        match system.and_then(|system| system.strip_suffix('"')) {
            None | Some("\"") => self.alone.clone(),
            Some(open) => format!("{open}{}\"", self.behind),
        }
    }

    /// The messages of a JSON array, separated by commas, with the instruction in the
    /// first system message.
    pub fn in_messages(&self, messages: &str) -> String {
        // The line was parsed before, so the array is one.
        let messages = serde_json::from_str::<Vec<&RawValue>>(messages).unwrap_or_default();
        let first = messages.iter().position(|message| is_system(message));
        let message = |(at, message): (usize, &&RawValue)| match Some(at) == first {
            true => self.in_message(message.get()),
            false => message.get().to_owned(),
        };
        messages.iter().enumerate().map(message).collect::<Vec<_>>().join(",")
    }

    fn in_message(&self, message: &str) -> String {
        let mut fields = json::unique_fields(message).unwrap_or_default();
        let content = fields.shift_remove("content").map_or("null", RawValue::get);
        let content = match content.strip_suffix(']') {
            Some(parts) => {
                let comma = if parts.trim_end().ends_with('[') { "" } else { "," };
                format!(r#"{parts}{comma}{{"type":"text","text":{}}}]"#, self.alone)
            }
            None => self.after(Some(content).filter(|content| content.starts_with('"'))),
        };
        let mut instructed = String::from("{");
        for (name, value) in fields {
            instructed += &format!("{}:{},", json::quoted(&name), value.get());
        }
        instructed + "\"content\":" + &content + "}"
    }
}

/// Whether a message is a system or developer message.
pub fn is_system(message: &RawValue) -> bool {
    let [role] = json::fields(message.get(), ["role"]);
    role.and_then(|role| parse_string("role", role).ok()).is_some_and(|role| line::is_system(&role))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_instruction_goes_behind_a_system_prompt_and_keeps_its_bytes() {
        let instruction = Instruction::new("Say \"a\".");
        assert_eq!(instruction.after(None), r#""Say \"a\".""#);
        assert_eq!(instruction.after(Some("\"\"")), r#""Say \"a\".""#);
        let system = instruction.after(Some(r#""\u0041\ud83d\"""#));
        assert_eq!(system, r#""\u0041\ud83d\"\n\nSay \"a\".""#);
    }

    #[test]
    fn the_first_system_message_gets_the_instruction_and_the_others_stay() {
        let instruction = Instruction::new("I");
        for (messages, instructed) in [
            (
                r#"[{"role":"user","content":"\/"}, {"role":"developer","n":1.0,"content":"s"},{"role":"system","content":"t"}]"#,
                r#"{"role":"user","content":"\/"},{"role":"developer","n":1.0,"content":"s\n\nI"},{"role":"system","content":"t"}"#,
            ),
            (
                r#"[{"content":[{"type":"text","text":"s"} ],"role":"system"}]"#,
                r#"{"role":"system","content":[{"type":"text","text":"s"} ,{"type":"text","text":"I"}]}"#,
            ),
            (
                r#"[{"role":"system","content":[ ]}]"#,
                r#"{"role":"system","content":[ {"type":"text","text":"I"}]}"#,
            ),
            (r#"[{"role":"system","content":null}]"#, r#"{"role":"system","content":"I"}"#),
            (r#"[{"role":"system"}]"#, r#"{"role":"system","content":"I"}"#),
            (r#"[{"role":"user"}]"#, r#"{"role":"user"}"#),
        ] {
            assert_eq!(instruction.in_messages(messages), instructed);
        }
    }
}
