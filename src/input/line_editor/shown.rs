//! A line as the screen shows it while it is edited.

use std::borrow::Cow;

use crate::files::text::is_harmful;

/// `line` without control characters, which would act on the terminal: the line may come
/// from a history or a text editor. Each one becomes a single character, because the line
/// editor counts columns.
pub fn shown(line: &str) -> Cow<'_, str> {
    let is_hidden = |c: char| is_harmful(c) && !matches!(c, '\n' | '\t');
    match line.contains(is_hidden) {
        true => line.chars().map(|c| if is_hidden(c) { picture(c) } else { c }).collect(),
        false => Cow::Borrowed(line),
    }
}

/// The picture of a control character (Unicode's block Control Pictures).
fn picture(c: char) -> char {
    match u32::from(c) {
        code @ 0..0x20 => char::from_u32(0x2400 + code).unwrap_or(char::REPLACEMENT_CHARACTER),
        0x7f => '\u{2421}',
        _ => char::REPLACEMENT_CHARACTER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_control_character_is_shown_as_one_harmless_character() {
        for (line, expected) in [
            ("plain\ttext\nin two lines", "plain\ttext\nin two lines"),
            ("\u{1b}]0;title\u{7}", "␛]0;title␇"),
            ("\0\r\u{7f}", "␀␍␡"),
            ("\u{9b}31m \u{202e}", "\u{fffd}31m \u{fffd}"),
        ] {
            assert_eq!(shown(line), expected);
        }
    }
}
