//! One record of the input after another: lines, or the rows of a table.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Take};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use memchr::memchr;
use serde_json::error::Category;

use crate::batch::source::invalid_request::InvalidRequest;
use crate::batch::source::json_fields::JsonFields;
use crate::batch::table::cells::{Cells, Header};
use crate::batch::table::columns::ColumnNames;
use crate::batch::table::rows::{RawRow, TableError, TableRows};
use crate::files::lines::{Line, Lines, Separator};
use crate::json;

/// What to do with an input that is not JSON.
const OTHER_KINDS: &str = "use --lines for plain-text prompts, or --csv for a table";

/// A longer line is not a request: 64 MiB.
const LINE_LIMIT: u64 = 64 << 20;

/// The bytes of an input: from an offset of its own, or as they come.
pub struct InputBytes {
    pub file: Arc<File>,
    /// Where the next bytes are, if the input can be read twice.
    pub offset: Option<u64>,
}

impl Read for InputBytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(offset) = &mut self.offset else {
            return (&*self.file).read(buffer);
        };
        let read = self.file.read_at(buffer, *offset)?;
        *offset += read as u64;
        Ok(read)
    }
}

/// What the records of an input are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKind {
    /// Lines, each a JSON object. With `has_one_choice` it must not ask for several
    /// replies.
    Json { has_one_choice: bool },
    /// Prompts.
    Text(Separator),
    /// The rows of a table, whose first one is a header.
    Table { delimiter: u8 },
}

/// Where a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The number of the line, or of the row after the header. Counts from 1.
    pub number: u64,
    /// The line on which it begins, from 1.
    pub line: u64,
    is_row: bool,
}

impl Place {
    /// What is at it.
    pub fn noun(self) -> &'static str {
        if self.is_row { "row" } else { "line" }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, line, is_row } = self;
        match is_row {
            true => write!(f, "{line}: row {number}"),
            false => write!(f, "{line}"),
        }
    }
}

pub struct Record<'a> {
    pub place: Place,
    pub content: RecordContent<'a>,
}

pub enum RecordContent<'a> {
    Line(Line<'a>),
    Row { header: &'a Header, row: &'a RawRow },
}

/// Why no more records can be read.
#[derive(Debug)]
pub enum ReadError {
    Io(io::Error),
    /// What is at this line cannot be a table.
    Table {
        line: u64,
        reason: String,
    },
}

pub enum RecordReader {
    Lines(Lines<Take<InputBytes>>),
    Table { rows: Box<TableRows<Take<InputBytes>>>, header: Arc<Header>, number: u64 },
}

impl RecordReader {
    /// Reads the header of a table.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn new(source: Take<InputBytes>, kind: RecordKind) -> Result<Self, ReadError> {
        let lines = |source, separator| Lines::new(source, separator).with_limit(LINE_LIMIT);
        let delimiter = match kind {
            RecordKind::Json { .. } => return Ok(Self::Lines(lines(source, Separator::Newline))),
            RecordKind::Text(separator) => return Ok(Self::Lines(lines(source, separator))),
            RecordKind::Table { delimiter } => delimiter,
        };
        let mut rows = TableRows::new(source, delimiter);
        let header = match rows.next_row()? {
            Some((line, row)) => {
                Header::new(row).map_err(|reason| ReadError::Table { line, reason })?
            }
            None => {
                let reason = "no header: the first row must name the columns".to_owned();
                return Err(ReadError::Table { line: 1, reason });
            }
        };
        Ok(Self::Table { rows: rows.into(), header: header.into(), number: 0 })
    }

    /// The header of a table.
    pub fn header(&self) -> Option<&Arc<Header>> {
        match self {
            Self::Lines(_) => None,
            Self::Table { header, .. } => Some(header),
        }
    }

    /// The columns of all records, if they are known before these are read.
    pub fn known_columns(&self, kind: RecordKind) -> Option<ColumnNames> {
        match kind {
            RecordKind::Text(_) => Some(ColumnNames::of_lines()),
            _ => self.header().map(|header| ColumnNames::of_header(header)),
        }
    }

    /// The next record; `None` at the end.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn next_record(&mut self) -> Result<Option<Record<'_>>, ReadError> {
        match self {
            Self::Lines(lines) => {
                Ok(lines.next_line().map_err(ReadError::Io)?.map(Record::of_line))
            }
            Self::Table { rows, header, number } => Ok(rows.next_row()?.map(|(line, row)| {
                *number += 1;
                let place = Place { number: *number, line, is_row: true };
                Record { place, content: RecordContent::Row { header, row } }
            })),
        }
    }
}

impl<'a> Record<'a> {
    pub fn of_line(line: Line<'a>) -> Self {
        let place = Place { number: line.number, line: line.number, is_row: false };
        Self { place, content: RecordContent::Line(line) }
    }

    /// The cells, by the names of their columns; `None` for a blank line.
    ///
    /// # Errors
    /// The reason, if there are none, or not one for each column.
    pub fn cells(&self, kind: RecordKind) -> Result<Option<Cells<'a>>, InvalidRequest> {
        let line = match &self.content {
            RecordContent::Line(line) => line,
            RecordContent::Row { header, row } => {
                header.ensure_fits(row).map_err(InvalidRequest::bad)?;
                return Ok(Some(Cells::Row { header, row: Some(row) }));
            }
        };
        let text = line_text(line).map_err(InvalidRequest::bad)?;
        if text.trim().is_empty() {
            return Ok(None);
        }
        let cells = match kind {
            RecordKind::Text(_) => prompt(text).map(Cells::Line),
            _ => object(text).map(Cells::Object),
        };
        cells.map(Some).map_err(InvalidRequest::bad)
    }

    /// The cells to write. A row that does not fit the header is cut or filled up; a
    /// blank line, or one that cannot be read, has none.
    pub fn cells_to_write(&self, kind: RecordKind) -> Option<Cells<'a>> {
        match (&self.content, self.cells(kind)) {
            (RecordContent::Row { header, row }, Err(_)) => {
                Some(Cells::Row { header, row: Some(row) })
            }
            (_, cells) => cells.ok().flatten(),
        }
    }
}

fn line_text<'a>(line: &Line<'a>) -> Result<&'a str, String> {
    if line.is_too_long {
        return Err("longer than 64 MiB".to_owned());
    }
    str::from_utf8(line.content())
        .map_err(|error| format!("not UTF-8 at byte offset {} of the line", error.valid_up_to()))
}

fn prompt(text: &str) -> Result<&str, String> {
    match memchr(0, text.as_bytes()) {
        Some(offset) => Err(format!("a NUL character at byte offset {offset} of the line")),
        None => Ok(text),
    }
}

fn object(text: &str) -> Result<JsonFields<'_>, String> {
    serde_json::from_str::<JsonFields>(text).map_err(|error| match error.classify() {
        Category::Data if text.trim_start().starts_with('{') => json::reason(&error),
        Category::Data if text.trim_start().starts_with('[') => {
            "an array, not an object; jq -c '.[]' puts each element on its own line".to_owned()
        }
        Category::Data => format!("not an object; {OTHER_KINDS}"),
        _ => format!("not JSON at column {}; {OTHER_KINDS}", error.column()),
    })
}

impl From<TableError> for ReadError {
    fn from(error: TableError) -> Self {
        match error {
            TableError::Io(error) => Self::Io(error),
            TableError::OpenQuotes { line } => Self::Table {
                line,
                reason: "the quotes of a cell in this row never end".to_owned(),
            },
            TableError::TooLong { line } => Self::Table {
                line,
                reason: "this row is longer than 64 MiB; perhaps its quotes never end".to_owned(),
            },
        }
    }
}
