//! Markdown: however the text is cut, the same is written, and no control character
//! in it is one that gravix did not write.

#![no_main]

use gravix::output::markdown::Renderer;
use gravix::output::markdown::style::Look;
use gravix::output::sanitize::is_harmful;
use gravix_fuzz::{random, text_pieces};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let columns = random(bytes).usize(1..120);
    let whole = rendered(&[&text], Look::Colours, columns);
    assert_eq!(rendered(&text_pieces(&text), Look::Colours, columns), whole, "in pieces");

    let plain = rendered(&[&text], Look::Plain, columns);
    let is_bad = |c: char| is_harmful(c) && !matches!(c, '\n' | '\t');
    assert!(!plain.contains(is_bad), "{plain:?}");
});

fn rendered(pieces: &[&str], look: Look, columns: usize) -> String {
    let mut renderer = Renderer::new(look, columns);
    let mut out = Vec::new();
    pieces.iter().for_each(|piece| renderer.push(piece, &mut out));
    renderer.finish(&mut out);
    String::from_utf8(out).expect("the text stays UTF-8")
}
