//! Code blocks in a reply: each line of one is in the text, a text that is
//! nothing but a block is unwrapped to that block, and what gravix fences is found
//! again.

#![no_main]

use gravix::chat::code_block;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let blocks = code_block::find_all(text);
    let plain = without_cr(text);
    for block in &blocks {
        for line in without_cr(&block.content).lines() {
            // Of a tab that is partly indentation, spaces are left.
            assert!(plain.contains(line.trim_start_matches([' ', '\t'])), "{line:?}");
        }
        assert!(block.is_in(&block.language));
    }
    if let Some(content) = code_block::unwrap(text) {
        let [block] = code_block::find_all(text.trim()).try_into().expect("one block");
        assert_eq!(block.content, content);
    }

    let fenced = code_block::fence("rust", &plain);
    let [block] = code_block::find_all(&fenced).try_into().expect("one block");
    assert_eq!((block.language.as_str(), block.content), ("rust", with_newline(&plain)));
});

/// CR LF ends a line as LF does, and CR may be lost from the last line of an open
/// block. NUL is no character in Markdown.
fn without_cr(text: &str) -> String {
    text.replace('\r', "").replace('\0', "\u{fffd}")
}

/// `content` with a newline at its end, unless it is empty.
fn with_newline(content: &str) -> String {
    let newline = if content.is_empty() || content.ends_with('\n') { "" } else { "\n" };
    format!("{content}{newline}")
}
