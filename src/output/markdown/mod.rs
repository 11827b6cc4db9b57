//! Markdown shown on a terminal while it arrives. Lines are read one after the other,
//! and what is written stays: the cursor never moves up. What is held back is the
//! beginning of a line until its kind is known, a word, a span that is not closed yet
//! ([`spans::MAX_SPAN`]), and a table ([`table`]).
//!
//! The end of a line within a paragraph is kept, because models write verses and
//! addresses so, unless the line is as wide as those of a text that was wrapped already
//! ([`block::FULL_LINE`]).

pub mod block;
pub mod code;
pub mod container;
pub mod held;
pub mod html;
pub mod inline;
pub mod languages;
pub mod line_reader;
pub mod line_start;
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
