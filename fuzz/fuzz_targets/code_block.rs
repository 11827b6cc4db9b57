//! Code blocks in a reply: each line of one is in the text, a text that is
//! nothing but a block is unwrapped to that block, and what gravix fences is found
//! again.

#![no_main]

use gravix::chat::code_block;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let blocks = code_block::find_all(text);
    for block in &blocks {
        for line in block.content.lines() {
            // Of a tab that is partly indentation, spaces are left.
            let line = line.trim_start_matches([' ', '\t']);
            assert!(
                text.replace('\0', "\u{fffd}").contains(&line.replace('\0', "\u{fffd}")),
                "{line:?}"
            );
        }
        assert!(block.is_in(&block.language));
    }
    if let Some(content) = code_block::unwrap(text) {
        assert_eq!(blocks.len(), 1);
        assert_eq!(with_newline(&blocks[0].content), with_newline(&content));
    }

    let content = text.replace('\r', "").replace('\0', "");
    let fenced = code_block::fence("rust", &content);
    let [block] = code_block::find_all(&fenced).try_into().expect("one block");
    assert_eq!((block.language.as_str(), block.content), ("rust", with_newline(&content)));
});

/// `content` with a newline at its end, unless it is empty.
fn with_newline(content: &str) -> String {
    let newline = if content.is_empty() || content.ends_with('\n') { "" } else { "\n" };
    format!("{content}{newline}")
}
