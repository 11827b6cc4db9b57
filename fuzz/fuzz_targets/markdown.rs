//! Rendered Markdown: the same however the text is cut, with no escape sequence but the
//! renderer's own.

#![no_main]

use gravix::output::markdown::Renderer;
use gravix::output::markdown::style::Look;
use gravix_fuzz::text_pieces;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    for look in [Look::Plain, Look::NoColours, Look::Colours] {
        let whole = rendered(&[&text], look);
        assert_eq!(rendered(&text_pieces(&text), look), whole, "in pieces");
        for part in whole.split('\x1b').skip(1) {
            let (codes, _) = part.split_once('m').expect("a style");
            assert!(look != Look::Plain, "{part:?}");
            assert!(
                codes.bytes().all(|b| b == b'[' || b == b';' || b.is_ascii_digit()),
                "{part:?}"
            );
        }
        let is_harmful = |c: char| c.is_control() && !matches!(c, '\n' | '\t' | '\x1b');
        assert!(!whole.contains(is_harmful), "{whole:?}");
    }
});

fn rendered(parts: &[&str], look: Look) -> String {
    let mut renderer = Renderer::new(look, 30);
    let mut out = Vec::new();
    parts.iter().for_each(|part| renderer.push(part, &mut out));
    renderer.finish(&mut out);
    String::from_utf8(out).expect("the text stays UTF-8")
}
