//! A table, laid out once all of it is there.

use crate::output::markdown::inline::Inline;
use crate::output::markdown::style::{Look, Style};
use crate::output::markdown::width::width;
use crate::output::markdown::wrap::{Wrapper, trim_spaces};

/// A longer table is written as its source.
const MAX_ROWS: usize = 500;
const MAX_BYTES: usize = 64 << 10;

/// A cell that wants more columns gets at least these.
const MIN_CELL: usize = 20;

const SEPARATOR: &str = " │ ";

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Align {
    #[default]
    Left,
    Centre,
    Right,
}

#[derive(Debug)]
pub struct Table {
    /// All its lines.
    pub source: String,
    header: Vec<String>,
    aligns: Vec<Align>,
    rows: Vec<Vec<String>>,
}

/// A line of a cell, and its columns.
type CellLine = (Vec<u8>, usize);

impl Table {
    /// The table that a header and the row of dashes below it begin, if they are ones.
    pub fn begin(header: &str, dashes: &str) -> Option<Self> {
        let aligns: Vec<Align> =
            split(dashes, 0).iter().map(|cell| align(cell)).collect::<Option<_>>()?;
        let source = format!("{header}\n{dashes}\n");
        (!aligns.is_empty()).then(|| {
            let header = split(header, aligns.len());
            Self { source, header, aligns, rows: Vec::new() }
        })
    }

    /// Adds a row. Returns false if the table is now too long.
    pub fn push(&mut self, row: &str) -> bool {
        self.source += row;
        self.source.push('\n');
        self.rows.push(split(row, self.aligns.len()));
        self.rows.len() <= MAX_ROWS && self.source.len() <= MAX_BYTES
    }

    /// The lines of the table in so many columns, each without what stands before it.
    /// `None` if its cells would be too narrow.
    pub fn lines(&self, look: Look, columns: usize) -> Option<Vec<Vec<u8>>> {
        let all = || std::iter::once(&self.header).chain(&self.rows);
        let count = all().map(Vec::len).max().unwrap_or_default();
        let mut wanted = vec![1; count];
        for row in all() {
            for (wanted, cell) in wanted.iter_mut().zip(row) {
                let lines = cell_lines(cell, look, usize::MAX, Style::NONE);
                let widest = lines.iter().map(|(_, width)| *width).max();
                *wanted = widest.unwrap_or_default().max(*wanted);
            }
        }
        let separators = width(SEPARATOR) * count.saturating_sub(1);
        let widths = share(&wanted, columns.checked_sub(separators)?)?;
        let mut lines = self.row(&self.header, &widths, (look, Style::BOLD));
        let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
        let mut painted = Vec::new();
        look.paint(&mut painted, Style::DIM, &rule.join("─┼─"));
        lines.push(painted);
        for row in &self.rows {
            lines.extend(self.row(row, &widths, (look, Style::NONE)));
        }
        Some(lines)
    }

    /// The lines of a row.
    fn row(
        &self,
        cells: &[String],
        widths: &[usize],
        (look, style): (Look, Style),
    ) -> Vec<Vec<u8>> {
        let empty = String::new();
        let cells = cells.iter().chain(std::iter::repeat(&empty));
        let cells: Vec<Vec<CellLine>> =
            cells.zip(widths).map(|(cell, width)| cell_lines(cell, look, *width, style)).collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or(1).max(1);
        let mut lines = vec![Vec::new(); height];
        for (index, line) in lines.iter_mut().enumerate() {
            for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
                if column > 0 {
                    look.paint(line, Style::DIM, SEPARATOR);
                }
                let empty = (Vec::new(), 0);
                let (text, used) = cell.get(index).unwrap_or(&empty);
                let space = width.saturating_sub(*used);
                let before = match self.aligns.get(column).copied().unwrap_or_default() {
                    Align::Left => 0,
                    Align::Centre => space / 2,
                    Align::Right => space,
                };
                line.extend(std::iter::repeat_n(b' ', before));
                line.extend_from_slice(text);
                line.extend(std::iter::repeat_n(b' ', space - before));
            }
            trim_spaces(line);
        }
        lines
    }
}

/// Divides `columns` among cells that want so many. `None` if they are too few.
fn share(wanted: &[usize], columns: usize) -> Option<Vec<usize>> {
    let least: usize = wanted.iter().map(|wanted| wanted.min(&MIN_CELL)).sum();
    if least > columns {
        return None;
    }
    // The widest cells are narrowed, until all fit.
    let total = |limit: usize| wanted.iter().map(|wanted| (*wanted).min(limit)).sum::<usize>();
    let (mut low, mut high) = (MIN_CELL, columns.max(MIN_CELL));
    while low < high {
        let middle = (low + high).div_ceil(2);
        if total(middle) <= columns {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    let mut spare = columns - total(low);
    let widths = wanted.iter().map(|wanted| {
        let more = usize::from(*wanted > low && spare > 0);
        spare -= more;
        (*wanted).min(low) + more
    });
    Some(widths.collect())
}

/// The lines of a cell.
fn cell_lines(cell: &str, look: Look, columns: usize, style: Style) -> Vec<CellLine> {
    let mut wrapper = Wrapper::new(look, columns);
    let mut text = Vec::new();
    let mut inline = Inline::new(style, look != Look::Colours);
    let mut sink = |style, piece: &str| wrapper.text(style, piece, &mut text);
    inline.push(cell, &mut sink);
    inline.finish(&mut sink);
    wrapper.finish_line(&mut text);
    let lines = text.split(|byte| *byte == b'\n').map(|line| (line.to_vec(), visible_width(line)));
    let mut lines: Vec<CellLine> = lines.collect();
    // Each line ends in a newline.
    lines.pop();
    lines
}

/// The columns of a line that has escape sequences of ours.
fn visible_width(line: &[u8]) -> usize {
    let line = String::from_utf8_lossy(line);
    let mut parts = line.split("\x1b[");
    let first = parts.next().map_or(0, width);
    first
        + parts.filter_map(|part| part.split_once('m')).map(|(_, text)| width(text)).sum::<usize>()
}

fn align(cell: &str) -> Option<Align> {
    let (left, right) = (cell.starts_with(':'), cell.ends_with(':'));
    let dashes = cell.trim_matches(':');
    let is_dashes = !dashes.is_empty() && dashes.bytes().all(|byte| byte == b'-');
    is_dashes.then_some(match (left, right) {
        (true, true) => Align::Centre,
        (false, true) => Align::Right,
        _ => Align::Left,
    })
}

/// The cells of a row. If they are more than `expected`, a `|` within code separates
/// none: models forget to escape it.
fn split(row: &str, expected: usize) -> Vec<String> {
    let cells = split_at_bars(row, false);
    if expected > 0 && cells.len() > expected {
        let fewer = split_at_bars(row, true);
        if fewer.len() >= expected {
            return fewer;
        }
    }
    cells
}

fn split_at_bars(row: &str, keeps_code: bool) -> Vec<String> {
    let row = row.trim();
    let row = row.strip_prefix('|').unwrap_or(row);
    let mut cells = vec![String::new()];
    let mut chars = row.chars().peekable();
    let mut in_code = false;
    while let Some(c) = chars.next() {
        let cell = cells.last_mut().expect("there is a cell");
        match c {
            '\\' if chars.peek() == Some(&'|') => cell.extend(chars.next()),
            '|' if !(in_code && keeps_code) => cells.push(String::new()),
            c => {
                in_code ^= c == '`';
                cell.push(c);
            }
        }
    }
    if cells.last().is_some_and(|cell| cell.trim().is_empty()) && cells.len() > 1 {
        cells.pop();
    }
    cells.iter().map(|cell| cell.trim().to_owned()).collect()
}
