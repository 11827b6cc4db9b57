//! A row of the output: the cells of the input that are kept, the reply and the error, as
//! CSV, TSV or a JSON object.

use csv_core::{Writer, WriterBuilder};
use serde_json::value::RawValue;

use crate::batch::table::cells::{Cell, Cells};
use crate::batch::table::columns::{ColumnPlan, ERROR, ReplyColumns};
use crate::json;

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableFormat {
    /// Cells between delimiters, and a header.
    Delimited(u8),
    /// A JSON object a line.
    Json,
}

pub struct RowFormat {
    format: TableFormat,
    columns: ColumnPlan,
    /// The columns of the input that are written; of a JSON object, all that it has.
    kept: Vec<String>,
    /// The replies are JSON.
    has_json: bool,
    /// Knows which cells need quotes.
    quoting: Writer,
}

impl RowFormat {
    /// `kept` are the columns of the input that a delimited table has.
    pub fn new(
        format: TableFormat,
        columns: ColumnPlan,
        kept: Vec<String>,
        has_json: bool,
    ) -> Self {
        let delimiter = match format {
            TableFormat::Delimited(delimiter) => delimiter,
            TableFormat::Json => b',',
        };
        let quoting = WriterBuilder::new().delimiter(delimiter).build();
        Self { format, columns, kept, has_json, quoting }
    }

    /// The line before the rows; empty for JSON.
    pub fn header(&self) -> Vec<u8> {
        let TableFormat::Delimited(_) = self.format else {
            return Vec::new();
        };
        let mut line = Vec::new();
        let names = self.kept.iter().chain(self.columns.reply.names());
        for name in names.map(String::as_str).chain([ERROR]) {
            self.push_cell(&mut line, name);
        }
        end_line(&mut line);
        line
    }

    /// The beginning of a row, up to the reply.
    ///
    /// # Errors
    /// The reason, if a column of a JSON object is one of the output's own.
    pub fn begin(&self, cells: Option<&Cells>) -> Result<Vec<u8>, String> {
        let mut row = Vec::new();
        if let TableFormat::Delimited(_) = self.format {
            for name in &self.kept {
                let cell = cells.and_then(|cells| cells.get(name));
                self.push_cell(&mut row, &cell.map(Cell::text).unwrap_or_default());
            }
            return Ok(row);
        }
        row.push(b'{');
        let Some(cells) = cells else {
            return Ok(row);
        };
        for name in cells.names() {
            if !self.columns.keeps(name) {
                continue;
            }
            if self.columns.is_own(name) {
                return Err(self.columns.collision(&[name]));
            }
            let cell = cells.get(name).map_or_else(|| "null".to_owned(), Cell::json);
            push_field(&mut row, name, &cell);
        }
        Ok(row)
    }

    /// Adds the rest to the beginning of a row: the reply, or why there is none.
    pub fn finish(&self, row: &mut Vec<u8>, reply: Result<&str, &str>) {
        let (reply, mut error) = (reply.ok(), reply.err());
        match &self.columns.reply {
            ReplyColumns::One(name) => self.push_reply(row, name, reply),
            ReplyColumns::Fields(names) => {
                let fields = reply.and_then(json::unique_fields);
                if reply.is_some() && fields.is_none() {
                    error = Some("the reply is not an object");
                }
                for name in names {
                    let value = fields.as_ref().and_then(|fields| fields.get(name.as_str()));
                    self.push_value(row, name, value.copied());
                }
            }
        }
        match self.format {
            TableFormat::Delimited(_) => {
                self.push_cell(row, error.unwrap_or_default());
                end_line(row);
            }
            TableFormat::Json => {
                push_field(row, ERROR, &error.map_or_else(|| "null".to_owned(), json::quoted));
                row.extend(b"}\n");
            }
        }
    }

    fn push_reply(&self, row: &mut Vec<u8>, name: &str, reply: Option<&str>) {
        match (self.format, reply) {
            (TableFormat::Delimited(_), reply) => self.push_cell(row, reply.unwrap_or_default()),
            (TableFormat::Json, None) => push_field(row, name, "null"),
            (TableFormat::Json, Some(reply)) if self.has_json => {
                push_field(row, name, &json::compact(reply));
            }
            (TableFormat::Json, Some(reply)) => push_field(row, name, &json::quoted(reply)),
        }
    }

    /// A field of a reply that is an object.
    fn push_value(&self, row: &mut Vec<u8>, name: &str, value: Option<&RawValue>) {
        let cell = value.map(Cell::Json);
        match self.format {
            TableFormat::Delimited(_) => {
                self.push_cell(row, &cell.map(Cell::text).unwrap_or_default());
            }
            TableFormat::Json => {
                push_field(row, name, &cell.map_or_else(|| "null".to_owned(), Cell::json));
            }
        }
    }

    /// Adds a cell and the delimiter behind it.
    fn push_cell(&self, row: &mut Vec<u8>, cell: &str) {
        if self.quoting.should_quote(cell.as_bytes()) {
            row.push(b'"');
            for (index, part) in cell.split('"').enumerate() {
                row.extend_from_slice(if index == 0 { b"" } else { b"\"\"" });
                row.extend_from_slice(part.as_bytes());
            }
            row.push(b'"');
        } else {
            row.extend_from_slice(cell.as_bytes());
        }
        row.push(self.quoting.get_delimiter());
    }
}

/// Puts the end of the line in place of the last delimiter.
fn end_line(row: &mut Vec<u8>) {
    row.pop();
    row.push(b'\n');
}

fn push_field(row: &mut Vec<u8>, name: &str, value: &str) {
    if row.len() > 1 {
        row.push(b',');
    }
    row.extend_from_slice(json::quoted(name).as_bytes());
    row.push(b':');
    row.extend_from_slice(value.as_bytes());
}
