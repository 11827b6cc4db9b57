//! The block that is open in a document, and the line that is being added to it.

use std::ops::RangeInclusive;

use crate::output::markdown::code::CodeWriter;
use crate::output::markdown::line_start::Fence;
use crate::output::markdown::table::Table;
use crate::output::markdown::width;

/// A line of a paragraph with so many columns may have been ended because it was full,
/// and any other was ended on purpose.
pub const FULL_LINE: RangeInclusive<usize> = 60..=100;

/// Where the rest of a line goes.
#[derive(Debug)]
pub enum Rest {
    /// Into the block.
    Block,
    /// It is kept until it is whole: a row of a table.
    Row(String),
    /// Nowhere: all of the line has been read.
    Nowhere,
}

/// The block that is open.
#[derive(Debug)]
pub enum Block {
    None,
    Paragraph,
    /// And what may be the hash signs at its end.
    Heading(String),
    Fenced(Fence, CodeWriter),
    /// And how many blank lines may belong to it.
    Indented(CodeWriter, usize),
    /// HTML or a formula, which ends with a line that has `end` or is blank; and the end
    /// of the text so far.
    Verbatim {
        end: Option<&'static str>,
        spans_blanks: bool,
        seen: String,
    },
    Table(Table),
    /// A table that is too long to be held back.
    LongTable,
}

/// What the last line of a paragraph was like.
#[derive(Debug, Default)]
pub struct LastLine {
    pub width: usize,
    /// Spaces at its end.
    pub spaces: usize,
    pub ends_in_backslash: bool,
}

impl LastLine {
    /// Whether the line was ended because it was full, if `next` follows. Names, steps
    /// and items begin with other signs than small letters.
    pub fn was_full_before(&self, next: &str) -> bool {
        FULL_LINE.contains(&self.width) && next.starts_with(char::is_lowercase)
    }

    pub fn add(&mut self, part: &str) {
        self.width += match part.is_ascii() {
            true => part.len(),
            false => part.chars().map(|c| if c.is_ascii() { 1 } else { width::of(c) }).sum(),
        };
        let text = part.trim_end_matches(' ');
        let before = if text.is_empty() { self.spaces } else { 0 };
        self.spaces = before + part.len() - text.len();
        if !part.is_empty() {
            self.ends_in_backslash = part.ends_with('\\');
        }
    }
}

pub fn verbatim(end: Option<&'static str>, spans_blanks: bool) -> Block {
    Block::Verbatim { end, spans_blanks, seen: String::new() }
}
