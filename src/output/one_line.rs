//! Texts of a list, each on one line: cut to the width of a terminal, or escaped for a
//! pipe.

use textwrap::core::display_width;

use crate::output::sanitize::{escape_controls, is_harmful, visible};

/// `text` as the inside of a JSON string, in which nothing ends the line or the column.
pub fn escaped(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    escape_controls(&json[1..json.len() - 1])
}

/// `text` with one space for each run of white space.
pub fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// As much of `line` as fits into `width` columns, with control characters visible.
pub fn cut(line: &str, width: usize) -> String {
    let show = |c: char| if is_harmful(c) { visible(c) } else { c.to_string() };
    let line: String = line.chars().map(show).collect();
    if display_width(&line) <= width {
        return line;
    }
    let mut used = 0;
    let fits = |c: &char| {
        used += display_width(c.encode_utf8(&mut [0; 4]));
        // The last column is for the ellipsis.
        used < width
    };
    let start: String = line.chars().take_while(fits).collect();
    format!("{start}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_at_the_width_of_its_characters() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        // Each takes two columns.
        assert_eq!(cut("鎖鎖鎖", 5), "鎖鎖…");
        assert_eq!(cut("鎖鎖鎖", 4), "鎖…");
        assert_eq!(cut("a\u{1b}[31m", 20), "a^[[31m");
    }

    #[test]
    fn a_question_in_a_pipe_has_no_character_that_ends_a_line_or_a_column() {
        assert_eq!(escaped("a\tb\n\"c\"\u{1b}\u{9b}é"), r#"a\tb\n\"c\"\u001b\u009bé"#);
    }
}
