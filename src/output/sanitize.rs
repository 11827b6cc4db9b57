//! Control characters made harmless for a terminal.

use std::io::{self, Write};

pub use crate::files::text::is_harmful;

/// Appends `text` to `out`, with every control character except newline and tab
/// made visible: C0 and DEL as `^X`, C1 and bidirectional controls as `<U+009B>`.
/// Each character is treated on its own, so an escape sequence cut in two is
/// harmless too.
pub fn push_sanitized(out: &mut Vec<u8>, text: &str) {
    let mut plain = 0;
    for (at, c) in text.char_indices() {
        if !is_harmful(c) || matches!(c, '\n' | '\t') {
            continue;
        }
        out.extend_from_slice(&text.as_bytes()[plain..at]);
        plain = at + c.len_utf8();
        out.extend_from_slice(visible(c).as_bytes());
    }
    out.extend_from_slice(&text.as_bytes()[plain..]);
}

/// What stands for a character that is not printed itself.
pub fn visible(c: char) -> String {
    match u8::try_from(c) {
        Ok(ascii) if ascii.is_ascii() => format!("^{}", char::from(ascii ^ 0x40)),
        _ => format!("<U+{:04X}>", u32::from(c)),
    }
}

/// `json` with those harmful characters escaped that JSON allows in a string (RFC
/// 8259 7). The value stays the same.
pub fn escape_controls(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            c if c >= '\u{7f}' && is_harmful(c) => {
                escaped += &format!("\\u{:04x}", u32::from(c));
            }
            c => escaped.push(c),
        }
    }
    escaped
}

/// A writer that sanitizes each text it is given, which must be whole lines.
pub struct Sanitizer<W>(pub W);

impl<W: Write> Write for Sanitizer<W> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let mut sanitized = Vec::new();
        push_sanitized(&mut sanitized, &String::from_utf8_lossy(text));
        self.0.write_all(&sanitized)?;
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_made_visible() {
        let mut out = Vec::new();
        push_sanitized(&mut out, "a\x1b[31mé\u{9b}\x7f\t\n\r\0日");
        assert_eq!(out, "a^[[31mé<U+009B>^?\t\n^M^@日".as_bytes());
    }

    #[test]
    fn bidirectional_controls_are_made_visible_and_marks_and_joiners_stay() {
        for (text, shown) in [
            ("a\u{202a}\u{202e}b\u{202c}", "a<U+202A><U+202E>b<U+202C>"),
            ("\u{2066}\u{2067}\u{2068}\u{2069}", "<U+2066><U+2067><U+2068><U+2069>"),
            ("שלום\u{200f}! \u{200e}مرحبا\u{61c}", "שלום\u{200f}! \u{200e}مرحبا\u{61c}"),
            ("👩\u{200d}👩\u{200d}👧 می\u{200c}خواهم", "👩\u{200d}👩\u{200d}👧 می\u{200c}خواهم"),
        ] {
            let mut out = Vec::new();
            push_sanitized(&mut out, text);
            assert_eq!(out, shown.as_bytes(), "{text:?}");
        }
        assert_eq!(
            escape_controls("{\"a\":\"\u{202e}\u{200f}\u{9b}\"}\n"),
            "{\"a\":\"\\u202e\u{200f}\\u009b\"}\n"
        );
    }
}
