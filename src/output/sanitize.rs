//! What text may be sent to a terminal.

/// Appends `text` to `out` with every control character but newline and tab
/// made visible: C0 and DEL as `^X`, C1 as `<U+009B>`. Each character stands
/// for itself, so that an escape sequence cut in two is harmless too.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_become_visible() {
        let mut out = Vec::new();
        push_sanitized(&mut out, "a\x1b[31mé\u{9b}\x7f\t\n\r\0日");
        assert_eq!(out, "a^[[31mé<U+009B>^?\t\n^M^@日".as_bytes());
    }
}
