//! The columns that characters take, one after the other, and where a line may break
//! between them.

use unicode_width::UnicodeWidthChar;

/// Adds up the widths of characters. A sequence that is one emoji counts once, as
/// terminals show it.
#[derive(Debug, Clone, Copy, Default)]
pub struct WidthCounter {
    /// The character before, and its width; NUL if there is none.
    last: char,
    last_width: usize,
}

const JOINER: char = '\u{200d}';
const EMOJI_STYLE: char = '\u{fe0f}';

impl WidthCounter {
    /// How many columns the text grows by with `c`.
    pub fn add(&mut self, c: char) -> usize {
        if c.is_ascii() {
            (self.last, self.last_width) = (c, 1);
            return 1;
        }
        let width = match c {
            // A skin tone changes the emoji before it.
            '\u{1f3fb}'..='\u{1f3ff}' if self.last_width == 2 => 0,
            // The emoji form of a character that is narrow as text.
            EMOJI_STYLE if self.last_width == 1 && !self.last.is_ascii() => 1,
            _ if self.last == JOINER => 0,
            _ => c.width().unwrap_or_default(),
        };
        self.last = c;
        if width > 0 {
            self.last_width = width;
        }
        width
    }

    /// Whether a line may break before `c`, which is of `width` columns, though there
    /// is no space: Chinese and Japanese texts and rows of emoji have none.
    pub fn may_break_before(self, c: char, width: usize) -> bool {
        if c.is_ascii() && self.last.is_ascii() || width == 0 || self.last == JOINER {
            return false;
        }
        let has_no_words = |c: char, width: usize| {
            width == 2 && !matches!(c, '\u{1100}'..='\u{11ff}' | '\u{ac00}'..='\u{d7ff}')
        };
        (has_no_words(c, width) || has_no_words(self.last, self.last_width))
            && !stays_with_the_last(c)
            && !stays_with_the_next(self.last)
    }
}

/// Closing punctuation, which begins no line (JIS X 4051).
fn stays_with_the_last(c: char) -> bool {
    "、。，．・：；？！゛゜ー々〜）］｝〉》」』】〕”’…‥%％,.:;!?)]}>\"'*/-".contains(c)
}

/// Opening punctuation, which ends no line.
fn stays_with_the_next(c: char) -> bool {
    "（［｛〈《「『【〔“‘([{<\"'*/-$#@".contains(c)
}

/// The columns that `c` takes on its own.
pub fn of(c: char) -> usize {
    c.width().unwrap_or_default()
}

/// The columns that `text` takes.
pub fn width(text: &str) -> usize {
    let mut counter = WidthCounter::default();
    text.chars().map(|c| counter.add(c)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emoji_of_several_characters_counts_once() {
        for (text, columns) in [
            ("abc", 3),
            ("日本語", 6),
            ("é", 1),
            ("e\u{301}", 1),
            ("👍🏽", 2),
            ("👩\u{200d}👩\u{200d}👧", 2),
            ("❤️", 2),
            ("🇩🇪", 2),
            ("🙂🙂", 4),
            ("שלום", 4),
        ] {
            assert_eq!(width(text), columns, "{text}");
        }
    }

    #[test]
    fn a_line_breaks_between_ideographs_but_not_before_a_full_stop() {
        let breaks = |text: &str| {
            let mut counter = WidthCounter::default();
            let mut parts = String::new();
            for c in text.chars() {
                let before = counter;
                if before.may_break_before(c, counter.add(c)) && !parts.is_empty() {
                    parts.push('|');
                }
                parts.push(c);
            }
            parts
        };
        assert_eq!(breaks("日本語。「あ」"), "日|本|語。|「あ」");
        assert_eq!(breaks("用Rust写"), "用|Rust|写");
        assert_eq!(breaks("a-b c"), "a-b c");
        assert_eq!(breaks("🙂👍🏽"), "🙂|👍🏽");
        assert_eq!(breaks("안녕하세요"), "안녕하세요");
    }
}
