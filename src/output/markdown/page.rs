//! The blocks of a document, one after the other, and the lines they become.

use std::ops::RangeInclusive;

use crate::output::markdown::code::CodeWriter;
use crate::output::markdown::container::{Container, margin};
use crate::output::markdown::html::HtmlEnd;
use crate::output::markdown::inline::Inline;
use crate::output::markdown::line_start::{
    BlockStart, Context, Fence, FencedLine, LineStart, parse, parse_fenced, parse_verbatim,
};
use crate::output::markdown::style::{Look, Style};
use crate::output::markdown::table::Table;
use crate::output::markdown::width;
use crate::output::markdown::wrap::{Wrapper, trim_spaces};
use crate::output::sanitize::push_sanitized;

/// A line of a paragraph with so many columns may have been ended because it was full,
/// and any other was ended on purpose.
pub const FULL_LINE: RangeInclusive<usize> = 60..=100;

/// Columns by which code is indented.
const CODE_INDENT: usize = 4;

/// A longer line is no row of a table, in bytes.
const MAX_ROW: usize = 64 << 10;

/// The texts that end blocks are shorter, in bytes.
const MAX_END: usize = 16;

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

#[derive(Debug)]
pub struct Page {
    pub(crate) look: Look,
    pub(crate) line: Wrapper,
    inline: Inline,
    pub(crate) containers: Vec<Container>,
    pub(crate) block: Block,
    /// A line that may be the header of a table; it may belong to the paragraph.
    pub(crate) header: Option<String>,
    /// If a blank line is to come before the next block, in how many containers.
    blank: Option<usize>,
    is_empty: bool,
    last_line: LastLine,
}

/// The block that is open.
#[derive(Debug)]
pub(crate) enum Block {
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
struct LastLine {
    width: usize,
    /// Spaces at its end.
    spaces: usize,
    ends_in_backslash: bool,
}

impl Page {
    pub fn new(look: Look, width: usize) -> Self {
        Self {
            look,
            line: Wrapper::new(look, width),
            inline: Inline::default(),
            containers: Vec::new(),
            block: Block::None,
            header: None,
            blank: None,
            is_empty: true,
            last_line: LastLine::default(),
        }
    }

    pub fn set_width(&mut self, width: usize) {
        self.line.width = width;
    }

    fn in_paragraph(&self) -> bool {
        matches!(self.block, Block::Paragraph) || self.header.is_some()
    }

    /// Begins a line, of which `text` is here. Returns where the rest of it goes, and how
    /// much of `text` has been read; `None` if more of the line decides.
    pub fn begin_line(
        &mut self,
        text: &str,
        is_whole: bool,
        out: &mut Vec<u8>,
    ) -> Option<(Rest, usize)> {
        if let Block::Fenced(fence, _) = &self.block {
            match parse_fenced(&self.containers, fence, text, is_whole)? {
                FencedLine::Outside => self.close_block(out),
                FencedLine::End => {
                    self.close_block(out);
                    return Some((Rest::Nowhere, text.len()));
                }
                FencedLine::Code(length) => return Some((Rest::Block, length)),
            }
        }
        if let Block::Verbatim { spans_blanks, .. } = self.block {
            let start = parse_verbatim(&self.containers, text, is_whole)?;
            let is_blank = start.block == BlockStart::Blank;
            if start.kept == self.containers.len() && (!is_blank || spans_blanks) {
                if !is_blank {
                    self.line.indent(start.indent, out);
                }
                return Some((Rest::Block, start.length));
            }
        }
        let in_paragraph = self.in_paragraph();
        let context = Context { containers: &self.containers, in_paragraph };
        let start = parse(&context, text, is_whole)?;
        let length = start.length;
        Some((self.begin(start, out), length))
    }

    /// Begins a line of text, whatever it begins with. Returns where it goes, and that
    /// none of it has been read.
    pub fn begin_text(&mut self, out: &mut Vec<u8>) -> (Rest, usize) {
        let goes_on = !matches!(self.block, Block::None | Block::Table(_) | Block::LongTable);
        if !goes_on || self.header.is_some() {
            let kept = self.containers.len();
            let new = Vec::new();
            let block = BlockStart::Text;
            self.begin(LineStart { kept, new, block, length: 0, indent: 0 }, out);
        } else if matches!(self.block, Block::Paragraph) {
            self.go_on(out);
        }
        (Rest::Block, 0)
    }

    fn begin(&mut self, mut start: LineStart, out: &mut Vec<u8>) -> Rest {
        let is_text = start.block == BlockStart::Text && start.new.is_empty();
        if is_text && self.in_paragraph() && FULL_LINE.contains(&self.last_line.width) {
            // It goes on though it is not indented, or has no `>`.
            start.kept = self.containers.len();
        }
        let is_kept = start.kept == self.containers.len() && start.new.is_empty();
        if start.block == BlockStart::Row {
            let goes_on = is_kept && (self.in_paragraph() || self.in_table());
            if !goes_on {
                self.release_header(out);
                self.change_containers(start, out);
            }
            return Rest::Row(String::new());
        }
        self.release_header(out);
        match (&start.block, &mut self.block) {
            (BlockStart::Text, Block::Paragraph) if is_kept => {
                self.go_on(out);
                return Rest::Block;
            }
            (BlockStart::IndentedCode, Block::Indented(_, blanks)) if is_kept => {
                out.extend(std::iter::repeat_n(b'\n', std::mem::take(blanks)));
                self.indent_code(start.indent, out);
                return Rest::Block;
            }
            (BlockStart::Blank, Block::Indented(_, blanks)) if is_kept => {
                *blanks += 1;
                return Rest::Nowhere;
            }
            (BlockStart::Blank, _) => {
                self.change_containers(start, out);
                self.blank.get_or_insert(self.containers.len());
                return Rest::Nowhere;
            }
            _ => {}
        }
        let LineStart { block, indent, .. } = self.change_containers(start, out);
        self.begin_block(block, indent, out)
    }

    /// Closes the block and the containers that have ended, and opens new ones.
    fn change_containers(&mut self, mut start: LineStart, out: &mut Vec<u8>) -> LineStart {
        self.close_block(out);
        self.drop_containers(start.kept, out);
        self.containers.append(&mut start.new);
        start
    }

    fn drop_containers(&mut self, kept: usize, out: &mut Vec<u8>) {
        if self.containers[kept..].iter().any(Container::has_marker) {
            self.write_markers(out);
        }
        self.containers.truncate(kept);
        self.blank = self.blank.map(|depth| depth.min(kept));
    }

    /// Writes markers of items on a line of their own.
    fn write_markers(&mut self, out: &mut Vec<u8>) {
        self.begin_lines(out);
        self.line.newline(out);
    }

    fn begin_block(&mut self, block: BlockStart, indent: usize, out: &mut Vec<u8>) -> Rest {
        match block {
            BlockStart::Fence(fence) => {
                if fence.info.is_empty() && self.blank.is_none() {
                    self.blank = Some(self.containers.len());
                }
                self.begin_code(out);
                if !fence.info.is_empty() {
                    let mut info = Vec::new();
                    push_sanitized(&mut info, &fence.info);
                    self.look.paint(out, Style::DIM, &String::from_utf8_lossy(&info));
                    out.push(b'\n');
                }
                let writer = CodeWriter::new(self.look, &fence.info);
                self.block = Block::Fenced(fence, writer);
                return Rest::Nowhere;
            }
            BlockStart::IndentedCode => {
                self.begin_code(out);
                self.block = Block::Indented(CodeWriter::new(self.look, ""), 0);
                self.indent_code(indent, out);
                return Rest::Block;
            }
            _ => self.begin_lines(out),
        }
        self.block = match block {
            BlockStart::Rule => {
                let rule = "─".repeat(self.line.capacity());
                self.line.text(Style::DIM, &rule, out);
                self.line.finish_line(out);
                return Rest::Nowhere;
            }
            BlockStart::Heading(level) => {
                let style = match level {
                    1 => Style::BOLD | Style::UNDERLINE | Style::CYAN,
                    2 => Style::BOLD | Style::CYAN,
                    _ => Style::BOLD,
                };
                self.begin_inline(style);
                if self.look == Look::Plain {
                    self.line.text(style, &("#".repeat(level) + " "), out);
                }
                // A space before it lets hash signs alone be its end.
                Block::Heading(" ".to_owned())
            }
            BlockStart::Html(HtmlEnd::BlankLine) | BlockStart::Definition => {
                let is_definition = block == BlockStart::Definition;
                verbatim(is_definition.then_some(""), false)
            }
            BlockStart::Html(HtmlEnd::Text(end)) => verbatim(Some(end), true),
            BlockStart::Formula(end) => {
                if end == "$$" {
                    self.line.text(Style::NONE, "$", out);
                }
                verbatim(Some(end), false)
            }
            _ => {
                self.begin_inline(Style::NONE);
                Block::Paragraph
            }
        };
        Rest::Block
    }

    pub(crate) fn begin_paragraph(&mut self, out: &mut Vec<u8>) {
        self.begin_lines(out);
        self.begin_inline(Style::NONE);
        self.block = Block::Paragraph;
    }

    fn begin_inline(&mut self, style: Style) {
        self.inline = Inline::new(style, self.look != Look::Colours);
        self.last_line = LastLine::default();
    }

    /// Begins lines with text: the blank line before them, and their margin.
    pub(crate) fn begin_lines(&mut self, out: &mut Vec<u8>) {
        if let Some(depth) = self.blank.take().filter(|_| !self.is_empty) {
            let depth = depth.min(self.containers.len());
            let mut kept = self.containers[..depth].to_vec();
            let start = out.len();
            out.append(&mut margin(&mut kept, self.look, self.line.width).rest);
            // The spaces of this line alone.
            let mut line = out.split_off(start);
            trim_spaces(&mut line);
            out.append(&mut line);
            out.push(b'\n');
        }
        self.is_empty = false;
        self.line.set_margin(margin(&mut self.containers, self.look, self.line.width));
    }

    /// Begins code, which has no margin, so that it can be copied.
    fn begin_code(&mut self, out: &mut Vec<u8>) {
        let has_markers = self.containers.iter().any(Container::has_marker);
        self.begin_lines(out);
        if has_markers {
            self.line.newline(out);
        }
    }

    fn indent_code(&mut self, indent: usize, out: &mut Vec<u8>) {
        out.extend(std::iter::repeat_n(b' ', indent.saturating_sub(CODE_INDENT)));
    }

    /// Goes on with the paragraph on another line.
    pub(crate) fn go_on(&mut self, out: &mut Vec<u8>) {
        let LastLine { width, spaces, ends_in_backslash } = std::mem::take(&mut self.last_line);
        let is_kept = !FULL_LINE.contains(&width) || spaces >= 2 || ends_in_backslash;
        self.add_inline(if is_kept { "\n" } else { " " }, out);
    }

    fn add_inline(&mut self, text: &str, out: &mut Vec<u8>) {
        let line = &mut self.line;
        self.inline.push(text, &mut |style, text| line.text(style, text, out));
    }

    /// Adds a part of a line.
    pub fn add(&mut self, rest: &mut Rest, part: &str, out: &mut Vec<u8>) {
        match rest {
            Rest::Nowhere => {}
            Rest::Block => self.add_to_block(part, out),
            Rest::Row(row) => {
                *row += part;
                if row.len() > MAX_ROW {
                    let row = std::mem::take(row);
                    self.add_long_row(&row, out);
                    *rest = Rest::Block;
                }
            }
        }
    }

    pub(crate) fn add_to_block(&mut self, part: &str, out: &mut Vec<u8>) {
        match &mut self.block {
            Block::Paragraph => {
                self.last_line.add(part);
                self.add_inline(part, out);
            }
            Block::Heading(tail) => {
                *tail += part;
                let end = tail.trim_end_matches(['#', ' ', '\t']).len();
                let text: String = tail.drain(..end).collect();
                self.add_inline(&text, out);
            }
            Block::Fenced(_, code) | Block::Indented(code, _) => code.push(part, out),
            Block::Verbatim { end, seen, .. } => {
                self.line.text(Style::NONE, part, out);
                *seen += part;
                if end.is_some_and(|end| seen.contains(end)) {
                    *end = Some("");
                }
                let before = seen.len().saturating_sub(MAX_END);
                let before = (before..).find(|at| seen.is_char_boundary(*at));
                seen.drain(..before.unwrap_or_default());
            }
            Block::LongTable => push_sanitized(out, part),
            Block::None | Block::Table(_) => {}
        }
    }

    pub fn end_line(&mut self, rest: Rest, out: &mut Vec<u8>) {
        match rest {
            Rest::Nowhere => {}
            Rest::Row(row) => self.end_row(row, out),
            Rest::Block => self.end_line_of_block(out),
        }
    }

    fn end_line_of_block(&mut self, out: &mut Vec<u8>) {
        match &mut self.block {
            Block::Heading(tail) => {
                let text = tail.trim_end();
                let kept = text.trim_end_matches('#');
                let is_closed = kept.ends_with([' ', '\t']);
                let text = if is_closed { kept } else { text }.to_owned();
                self.add_inline(&text, out);
                self.close_block(out);
            }
            Block::Fenced(_, code) | Block::Indented(code, _) => code.end_line(out),
            Block::Verbatim { end, seen, .. } => {
                seen.clear();
                let has_ended = *end == Some("");
                self.line.newline(out);
                if has_ended {
                    self.close_block(out);
                }
            }
            Block::LongTable => out.push(b'\n'),
            Block::None | Block::Paragraph | Block::Table(_) => {}
        }
    }

    pub(crate) fn close_block(&mut self, out: &mut Vec<u8>) {
        match std::mem::replace(&mut self.block, Block::None) {
            Block::Paragraph | Block::Heading(_) => {
                let line = &mut self.line;
                self.inline.finish(&mut |style, text| line.text(style, text, out));
                line.finish_line(out);
            }
            // Something must tell the code from what follows.
            Block::Fenced(..) => self.blank = Some(self.containers.len()),
            Block::Indented(_, blanks) if blanks > 0 => self.blank = Some(self.containers.len()),
            Block::Verbatim { .. } => self.line.finish_line(out),
            Block::Table(table) => self.write_table(&table, out),
            Block::None | Block::Indented(..) | Block::LongTable => {}
        }
    }

    /// Ends the document. What is added next is another one.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.release_header(out);
        self.close_block(out);
        self.drop_containers(0, out);
        *self = Self::new(self.look, self.line.width);
    }
}

impl LastLine {
    fn add(&mut self, part: &str) {
        self.width += match part.is_ascii() {
            true => part.len(),
            false => part.chars().map(width::of).sum(),
        };
        let text = part.trim_end_matches(' ');
        let before = if text.is_empty() { self.spaces } else { 0 };
        self.spaces = before + part.len() - text.len();
        if !part.is_empty() {
            self.ends_in_backslash = part.ends_with('\\');
        }
    }
}

fn verbatim(end: Option<&'static str>, spans_blanks: bool) -> Block {
    Block::Verbatim { end, spans_blanks, seen: String::new() }
}
