//! Markdown shown on a terminal while it arrives. Lines are read one after the other,
//! and what is written stays: the cursor never moves up. What is held back is the
//! beginning of a line until its kind is known, a word, a span that is not closed yet
//! ([`spans::MAX_SPAN`]), and a table ([`table`]).
//!
//! The end of a line within a paragraph is kept, because models write verses and
//! addresses so, unless the line is as wide as those of a text that was wrapped already
//! ([`block::FULL_LINE`]) and the next one begins with a small letter.

pub mod block;
pub mod code;
pub mod container;
pub mod held;
pub mod html;
pub mod inline;
pub mod languages;
pub mod line_reader;
pub mod line_start;
pub mod links;
pub mod page;
pub mod page_lines;
pub mod rows;
pub mod spans;
pub mod style;
pub mod table;
pub mod width;
pub mod wrap;

use crate::output::markdown::block::Rest;
use crate::output::markdown::page::Page;
use crate::output::markdown::style::Look;

/// A line whose beginning is longer than this, in bytes, is text.
const MAX_START: usize = 256;

#[derive(Debug)]
pub struct Renderer {
    page: Page,
    /// The beginning of a line, until its kind is known.
    start: String,
    /// Where the rest of the line goes; `None` while its kind is not known.
    rest: Option<Rest>,
    /// A carriage return that may belong to the end of a line.
    has_return: bool,
}

impl Renderer {
    /// A renderer for a terminal of `width` columns.
    pub fn new(look: Look, width: usize) -> Self {
        let page = Page::new(look, width);
        Self { page, start: String::new(), rest: None, has_return: false }
    }

    /// Sets the columns of the terminal, for the words and lines to come.
    pub fn set_width(&mut self, width: usize) {
        self.page.set_width(width);
    }

    /// Adds text, and appends to `out` what can be shown of it.
    pub fn push(&mut self, text: &str, out: &mut Vec<u8>) {
        for piece in text.split_inclusive('\n') {
            let line = piece.strip_suffix('\n');
            if std::mem::take(&mut self.has_return) && line != Some("") {
                self.add("\r", out);
            }
            let part = line.unwrap_or(piece);
            let without_return = part.strip_suffix('\r');
            self.add(without_return.unwrap_or(part), out);
            match line {
                Some(_) => self.end_line(out),
                None => self.has_return = without_return.is_some(),
            }
        }
    }

    /// Ends the text, and the line at hand. What is added next is another text.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if self.rest.is_some() || !self.start.is_empty() {
            self.end_line(out);
        }
        self.page.finish(out);
        self.has_return = false;
    }

    /// Adds a part of a line.
    fn add(&mut self, part: &str, out: &mut Vec<u8>) {
        let mut part = part;
        while self.rest.is_none() {
            let Some(c) = part.chars().next() else { return };
            part = &part[c.len_utf8()..];
            self.start.push(c);
            self.begin_line(false, out);
        }
        if !part.is_empty() {
            self.add_rest(part, out);
        }
    }

    fn add_rest(&mut self, part: &str, out: &mut Vec<u8>) {
        if let Some(rest) = &mut self.rest {
            self.page.add(rest, part, out);
        }
    }

    /// Begins a block, if the line's beginning says which.
    fn begin_line(&mut self, is_whole: bool, out: &mut Vec<u8>) {
        let begun = match self.start.len() > MAX_START {
            true => Some(self.page.begin_text(out)),
            false => self.page.begin_line(&self.start, is_whole, out),
        };
        if let Some((rest, length)) = begun {
            self.rest = Some(rest);
            let start = std::mem::take(&mut self.start);
            if start.len() > length {
                self.add_rest(&start[length..], out);
            }
        }
    }

    fn end_line(&mut self, out: &mut Vec<u8>) {
        if self.rest.is_none() {
            self.begin_line(true, out);
        }
        if let Some(rest) = self.rest.take() {
            self.page.end_line(rest, out);
        }
        self.start.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, columns: usize) -> String {
        let mut renderer = Renderer::new(Look::Plain, columns);
        let mut out = Vec::new();
        renderer.push(text, &mut out);
        renderer.finish(&mut out);
        String::from_utf8(out).expect("UTF-8")
    }

    #[track_caller]
    fn check(cases: &[(&str, &str)]) {
        for (text, expected) in cases {
            assert_eq!(shown(text, 30), *expected, "{text:?}");
        }
    }

    #[test]
    fn blank_lines_between_blocks_are_those_of_the_source_but_one_at_most() {
        check(&[
            ("", ""),
            ("\n\n", ""),
            ("\n\na\n\n\n\nb\n\n", "a\n\nb\n"),
            ("# a\nb", "# a\nb\n"),
            ("a\n# b", "a\n# b\n"),
            ("- a\n- b\n\n- c", "• a\n• b\n\n• c\n"),
            ("> a\n>\n> b\n\nc", "│ a\n│\n│ b\n\nc\n"),
            ("> a\n\n> b", "│ a\n\n│ b\n"),
        ]);
    }

    #[test]
    fn code_is_apart_from_text_though_its_fences_are_gone() {
        check(&[
            ("a\n```\nb\n```\nc", "a\n\nb\n\nc\n"),
            ("a\n```sh\nb\n```\n\nc", "a\nsh\nb\n\nc\n"),
            ("```\n  b\n\n\n```", "  b\n\n\n"),
            ("    a\n\n      b\nc", "a\n\n  b\nc\n"),
            ("````\n```\n````\nc", "```\n\nc\n"),
            ("```\nlonger than thirty columns, but code", "longer than thirty columns, but code\n"),
        ]);
    }

    #[test]
    fn code_in_lists_and_quotes_has_nothing_before_it() {
        check(&[
            ("1. a\n   ```\n   b\n     c\n   ```\n2. d", "1. a\n\nb\n  c\n\n2. d\n"),
            ("- ```\n  a\n  ```", "•\na\n"),
            ("> ```\n> a\n> ```\n> b", "a\n│\n│ b\n"),
            // It is indented less than its fence, or its last fence is.
            ("1. a\n   ```\nb\n```\nc", "1. a\n\nb\n\nc\n"),
            ("- a\n    ```\n    b\n    ```\n- c", "• a\n\nb\n\n• c\n"),
        ]);
    }

    #[test]
    fn lists_are_nested_by_any_indentation_that_models_use() {
        check(&[
            ("- a\n  - b\n    - c\n- d", "• a\n  • b\n    • c\n• d\n"),
            ("- a\n    - b\n        - c\n- d", "• a\n  • b\n    • c\n• d\n"),
            ("1. a\n  - b\n  - c\n2. d", "1. a\n   • b\n   • c\n2. d\n"),
            ("   - a\n   - b", "• a\n• b\n"),
            ("- a\n - b", "• a\n• b\n"),
            ("*   a\n*   b", "• a\n• b\n"),
            ("- a\n\n  b\n\nc", "• a\n\n  b\n\nc\n"),
            ("- a\n- \n- b", "• a\n•\n• b\n"),
            ("1. a\n2. b\nc", "1. a\n2. b\nc\n"),
            ("a\n2. b", "a\n2. b\n"),
            ("1986. a", "1986. a\n"),
            ("- [ ] a\n- [x] b", "[ ] a\n[x] b\n"),
            ("10. words that are wrapped here", "10. words that are wrapped\n    here\n"),
        ]);
    }

    #[test]
    fn a_margin_leaves_half_of_the_width_for_text() {
        let text = "> > > 1. - 2. word word";
        assert_eq!(shown(text, 12), "│ │ │ 1. •\n│ │ │ 2.\n│ │ │ word\n│ │ │ word\n");
    }

    #[test]
    fn a_line_break_stays_unless_the_line_was_full() {
        check(&[("a\nb", "a\nb\n"), ("a  \nb\\\nc<br>\nd", "a\nb\nc\nd\n"), ("a\\", "a\\\n")]);
        let full = "word ".repeat(14);
        let words = shown(&format!("{}\nlast", full.trim_end()), 1000);
        assert_eq!(words, format!("{full}last\n"));
        for next in ["Last", "• last", "✅ last", "2: last", "**last:**"] {
            let text = format!("{}\n{next}", full.trim_end());
            assert_eq!(shown(&text, 1000), text.replace("**", "") + "\n");
        }
    }

    #[test]
    fn signs_that_are_no_markdown_stay() {
        for text in [
            "snake_case_word",
            "2*3*4",
            "5 * 3 * 2",
            "*.py and **/*.rs",
            "__init__.py",
            "**kwargs and *args",
            "a ~ b ~5",
            "$a_b*c*$",
            "$5 to $10",
            "\\(a_1 * b_1\\)",
            "[1] and [x][y]",
            "a < b > c",
            "AT&T &nosuch;",
            "C:\\Users\\x",
            "# ",
            "#hash",
            "a | b",
            "| a | b",
            "https://x.example/a_b_*c*",
            "`a",
        ] {
            assert_eq!(shown(text, 80).trim_end(), text.trim_end());
        }
    }

    #[test]
    fn emphasis_is_found_where_models_write_it() {
        check(&[
            ("*a* **b** ***c*** _d_ __E f__ ~~g~~", "a b c d E f g\n"),
            ("**a *b* c** *a **b** c*", "a b c a b c\n"),
            ("**Note:**text **\"a\"**b", "Note:text \"a\"b\n"),
            ("これは**「重要」**です。**次。**も", "これは「重要」です。次。も\n"),
            ("**a `*` b** [*c*](d)", "a `*` b c (d)\n"),
            ("**a\nb**", "a\nb\n"),
            ("**a\n\nb**", "**a\n\nb**\n"),
        ]);
    }

    #[test]
    fn links_show_their_address_where_it_differs() {
        check(&[
            ("[a](b)", "a (b)\n"),
            ("[b](b) [m@x.y](mailto:m@x.y)", "b m@x.y\n"),
            ("[a](<b c> \"title\") [](d)", "a (b c) d\n"),
            ("![a](b_(c)) <http://d>", "a (b_(c)) http://d\n"),
            ("[a\\]](b 'it''s')", "[a]](b 'it''s')\n"),
        ]);
    }

    #[test]
    fn html_and_formulas_are_text() {
        check(&[
            ("<div>\n  *a*\n</div>\n\n*b*", "<div>\n  *a*\n</div>\n\nb\n"),
            ("<!-- a\n\n*b* -->\n*c*", "<!-- a\n\n*b* -->\nc\n"),
            ("<kbd>*a*</kbd>", "<kbd>a</kbd>\n"),
            ("$$\na * b * c\n$$\n*d*", "$$\na * b * c\n$$\nd\n"),
            ("\\[ a_1 * b * \\]\n*d*", "\\[ a_1 * b * \\]\nd\n"),
            ("\\[a_1 * b_1\\]\n*d*", "\\[a_1 * b_1\\]\nd\n"),
            ("\\[1\\] A. Author, *d*", "\\[1\\] A. Author, d\n"),
        ]);
    }

    #[test]
    fn a_line_below_a_paragraph_is_a_rule() {
        let rule = "─".repeat(30);
        assert_eq!(shown("a\n===\nb\n-\n***", 30), format!("a\n{rule}\nb\n{rule}\n{rule}\n"));
        assert_eq!(shown("===", 30), "===\n");
    }

    #[test]
    fn a_table_that_is_long_or_too_wide_is_its_source() {
        let table = |rows: usize| format!("| a |\n|---|\n{}", "| *b* |\n".repeat(rows));
        assert_eq!(shown(&table(2), 30), "a\n─\nb\nb\n");
        assert_eq!(shown(&table(501), 30), table(501));
        let wide = format!("| {0} | {0} |\n|---|---|\n", "word ".repeat(9));
        assert_eq!(shown(&wide, 42), wide);
        assert_eq!(shown(&wide, 43).lines().count(), 4);
        let in_list = format!("1. {}", wide.trim_end().replace('\n', "\n   "));
        assert_eq!(shown(&in_list, 42), format!("1.\n{wide}"));
        assert!(shown(&in_list, 46).starts_with("1. word"));
    }

    #[test]
    fn what_is_added_after_the_end_is_another_document() {
        let mut renderer = Renderer::new(Look::Plain, 80);
        let mut out = Vec::new();
        for text in ["> - a **b", "c\n"] {
            renderer.push(text, &mut out);
            renderer.finish(&mut out);
        }
        assert_eq!(out, "│ • a **b\nc\n".as_bytes());
    }
}
