//! The thoughts at the beginning of a reply: the same whole and in pieces, and no
//! character of the text is lost.

#![no_main]

use gravix::chat::thoughts::{self, SplitText, ThoughtSplitter, ThoughtsPolicy};
use gravix_fuzz::text_pieces;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let whole = split(&[text]);
    assert_eq!(split(&text_pieces(text)), whole, "in pieces");
    assert!(text.ends_with(&whole.text));
    assert!(text.contains(thoughts::OPEN) || whole.text == text);

    let opened = thoughts::len(text, ThoughtsPolicy::TakeOpened);
    assert_eq!(&text[opened..], whole.text);
    let all = thoughts::len(text, ThoughtsPolicy::TakeAll);
    assert!(text.is_char_boundary(all) && all >= opened);
    assert!(all == 0 || text[..all].contains("</think>") || opened == all);
    thoughts::without_closing_tags(text);
});

fn split(pieces: &[&str]) -> SplitText {
    let mut splitter = ThoughtSplitter::default();
    let mut split = SplitText::default();
    let mut add = |piece: SplitText| {
        split.thoughts += &piece.thoughts;
        split.text += &piece.text;
    };
    pieces.iter().for_each(|piece| add(splitter.push(piece)));
    add(splitter.end());
    split
}
