//! Text for a terminal: no control character gets out, however the text is cut,
//! and what is harmless stays as it is.

#![no_main]

use std::io::Write;

use gravix::output::sanitize::{Sanitizer, escape_controls, push_sanitized};
use gravix_fuzz::{pieces, text_pieces};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let mut whole = Vec::new();
    push_sanitized(&mut whole, &text);
    let shown = std::str::from_utf8(&whole).expect("the text stays UTF-8");
    assert!(!shown.contains(is_harmful), "{shown:?}");
    assert!(text.contains(is_harmful) || shown == text, "{shown:?}");

    let mut joined = Vec::new();
    text_pieces(&text).iter().for_each(|piece| push_sanitized(&mut joined, piece));
    assert_eq!(joined, whole, "in pieces");

    let mut sanitizer = Sanitizer(Vec::new());
    for piece in pieces(bytes) {
        sanitizer.write_all(piece).expect("memory is written");
    }
    let shown = String::from_utf8(sanitizer.0).expect("the text stays UTF-8");
    assert!(!shown.contains(is_harmful), "{shown:?}");

    if let Ok(value) = serde_json::from_str::<Value>(&text) {
        let escaped = escape_controls(&text);
        assert_eq!(serde_json::from_str::<Value>(&escaped).expect("JSON"), value);
        let is_blank = |c: char| matches!(c, '\n' | '\r' | '\t');
        assert!(!escaped.contains(|c| is_harmful(c) && !is_blank(c)), "{escaped:?}");
    }
});

/// Whether a terminal may take a character for more than a sign.
fn is_harmful(c: char) -> bool {
    let is_bidirectional = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    is_bidirectional || (c.is_control() && !matches!(c, '\n' | '\t'))
}
