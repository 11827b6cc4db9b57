//! Lines that may be rows of a table: the first is one only if a row of dashes follows.

use crate::output::markdown::block::Block;
use crate::output::markdown::page::Page;
use crate::output::markdown::table::Table;
use crate::output::sanitize::push_sanitized;

impl Page {
    pub(super) fn in_table(&self) -> bool {
        matches!(self.block, Block::Table(_) | Block::LongTable)
    }

    pub(super) fn end_row(&mut self, row: String, out: &mut Vec<u8>) {
        if let Block::LongTable = self.block {
            return write_line(&row, out);
        }
        if let Block::Table(table) = &mut self.block {
            if !table.push(&row) {
                let source = std::mem::take(&mut table.source);
                self.block = Block::LongTable;
                self.begin_code(out);
                source.lines().for_each(|line| write_line(line, out));
            }
            return;
        }
        let table = self.header.as_ref().and_then(|header| Table::begin(header, &row));
        match table {
            Some(table) => {
                self.header = None;
                self.close_block(out);
                self.block = Block::Table(table);
            }
            None => {
                self.release_header(out);
                self.header = Some(row);
            }
        }
    }

    /// Makes text of a line that began no table.
    pub(super) fn release_header(&mut self, out: &mut Vec<u8>) {
        if let Some(header) = self.header.take() {
            self.add_long_row(&header, out);
        }
    }

    /// Adds a line to the paragraph, or to a new one.
    pub(super) fn add_long_row(&mut self, row: &str, out: &mut Vec<u8>) {
        self.release_header(out);
        match self.block {
            Block::Paragraph => self.go_on(row, out),
            Block::LongTable => {}
            _ => {
                self.close_block(out);
                self.begin_paragraph(out);
            }
        }
        self.add_to_block(row, out);
    }

    pub(super) fn write_table(&mut self, table: &Table, out: &mut Vec<u8>) {
        let columns = self.columns_for_text();
        match table.lines(self.look, columns) {
            Some(lines) => {
                self.begin_lines(out);
                lines.iter().for_each(|line| self.line.write_line(line, out));
            }
            None => {
                self.begin_code(out);
                table.source.lines().for_each(|line| write_line(line, out));
            }
        }
    }
}

/// Writes a row as its source.
fn write_line(row: &str, out: &mut Vec<u8>) {
    push_sanitized(out, row);
    out.push(b'\n');
}
