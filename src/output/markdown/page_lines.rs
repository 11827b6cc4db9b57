//! What is added to the block of a page, and the lines that it becomes.

use crate::output::markdown::block::{Block, Rest};
use crate::output::markdown::container::{Container, margin};
use crate::output::markdown::line_reader::TAB;
use crate::output::markdown::page::Page;
use crate::output::markdown::style::Style;
use crate::output::markdown::wrap::trim_spaces;
use crate::output::sanitize::push_sanitized;

/// A longer line is no row of a table, in bytes.
const MAX_ROW: usize = 64 << 10;

/// The texts that end blocks are shorter, in bytes.
const MAX_END: usize = 16;

impl Page {
    /// Begins lines with text: the blank line before them, and their margin.
    pub(super) fn begin_lines(&mut self, out: &mut Vec<u8>) {
        if let Some(depth) = self.blank.take().filter(|_| !self.is_empty) {
            let depth = depth.min(self.containers.len());
            let mut kept = self.containers[..depth].to_vec();
            let (mut blank, _) = margin(&mut kept, self.look, self.line.width);
            trim_spaces(&mut blank.rest);
            out.append(&mut blank.rest);
            out.push(b'\n');
        }
        self.is_empty = false;
        let (margin, markers) = margin(&mut self.containers, self.look, self.line.width);
        self.line.set_margin(margin);
        self.line.text(Style::NONE, &markers, out);
    }

    /// How many columns a line of text has in the containers.
    pub(super) fn columns_for_text(&self) -> usize {
        let (margin, _) = margin(&mut self.containers.clone(), self.look, self.line.width);
        self.line.width.saturating_sub(margin.width)
    }

    /// Begins code, which has no margin, so that it can be copied.
    pub(super) fn begin_code(&mut self, out: &mut Vec<u8>) {
        let has_markers = self.containers.iter().any(Container::has_marker);
        self.begin_lines(out);
        if has_markers {
            self.line.newline(out);
        }
    }

    pub(super) fn indent_code(&mut self, indent: usize, out: &mut Vec<u8>) {
        out.extend(std::iter::repeat_n(b' ', indent.saturating_sub(TAB)));
    }

    /// Goes on with the paragraph on another line, which begins with `text`.
    pub(super) fn go_on(&mut self, text: &str, out: &mut Vec<u8>) {
        let last = std::mem::take(&mut self.last_line);
        let is_kept = !last.was_full_before(text) || last.spaces >= 2 || last.ends_in_backslash;
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

    pub(super) fn add_to_block(&mut self, part: &str, out: &mut Vec<u8>) {
        match &mut self.block {
            Block::Paragraph => {
                self.last_line.add(part);
                self.add_inline(part, out);
            }
            Block::Heading(tail) => {
                let end = part.trim_end_matches(['#', ' ', '\t']).len();
                let before = if end > 0 { std::mem::take(tail) } else { String::new() };
                *tail += &part[end..];
                self.add_inline(&(before + &part[..end]), out);
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

    pub(super) fn close_block(&mut self, out: &mut Vec<u8>) {
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
