//! Control characters made harmless for a terminal.

use std::io::{self, Write};

/// Appends `text` to `out`, with every control character except newline and tab
/// made visible: C0 and DEL as `^X`, C1 as `<U+009B>`. Each character is treated
/// on its own, so an escape sequence cut in two is harmless too.
pub fn push_sanitized(out: &mut Vec<u8>, text: &str) {
    let mut plain = 0;
    for (at, c) in text.char_indices() {
        if !c.is_control() || matches!(c, '\n' | '\t') {
            continue;
        }
        out.extend_from_slice(&text.as_bytes()[plain..at]);
        plain = at + c.len_utf8();
        match u8::try_from(c) {
            Ok(ascii) if ascii.is_ascii() => out.extend_from_slice(&[b'^', ascii ^ 0x40]),
            _ => out.extend_from_slice(format!("<U+{:04X}>", u32::from(c)).as_bytes()),
        }
    }
    out.extend_from_slice(&text.as_bytes()[plain..]);
}

/// `json` with DEL and C1 escaped, the control characters that JSON allows in a
/// string (RFC 8259 7). The value stays the same.
pub fn escape_controls(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\u{7f}'..='\u{9f}' => escaped += &format!("\\u{:04x}", u32::from(c)),
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
}
