//! The cells of one record of the input, by the names of their columns.

use std::borrow::Cow;

use indexmap::IndexSet;
use memchr::memchr;
use serde_json::value::RawValue;

use crate::batch::source::json_fields::JsonFields;
use crate::batch::table::rows::RawRow;
use crate::json;
use crate::output::numbers::grouped;
use crate::wtf8::Text;

/// The only column of an input whose lines are prompts.
pub const LINE_COLUMN: &str = "input";

/// At most this many columns are named in a message.
const MAX_LISTED: usize = 100;

/// The names of a table's columns.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Header(IndexSet<String>);

/// A record with named cells.
pub enum Cells<'a> {
    /// Of a header alone, the row is `None` and the cells are empty.
    Row {
        header: &'a Header,
        row: Option<&'a RawRow>,
    },
    Object(JsonFields<'a>),
    Line(&'a str),
}

/// What is in a cell.
#[derive(Debug, Clone, Copy)]
pub enum Cell<'a> {
    Text(&'a str),
    Json(&'a RawValue),
}

impl Header {
    /// # Errors
    /// The reason, if the row cannot be a header.
    pub fn new(row: &RawRow) -> Result<Self, String> {
        let mut names = IndexSet::new();
        for at in 0..row.count() {
            let name = str::from_utf8(row.cell(at).unwrap_or_default())
                .map_err(|_| format!("the name of column {} is not UTF-8", at + 1))?;
            // A reader that got the first bytes one by one leaves the mark here.
            let name = if at == 0 { name.trim_start_matches('\u{feff}') } else { name };
            if !names.insert(name.to_owned()) {
                return Err(match name {
                    "" => "the header has several columns without a name".to_owned(),
                    name => format!("the header has the column {} twice", shown(name)),
                });
            }
        }
        Ok(Self(names))
    }

    pub fn names(&self) -> impl Iterator<Item = &String> {
        self.0.iter()
    }

    /// What is probably between the cells, if the only name looks like several.
    pub fn other_delimiter(&self) -> Option<char> {
        let names = self.0.len() == 1;
        let only = self.0.first().filter(|_| names)?;
        [';', '\t', '|', ','].into_iter().find(|delimiter| only.contains(*delimiter))
    }

    /// Checks that a row has one cell of text for each column.
    ///
    /// # Errors
    /// The reason, if it does not.
    pub fn ensure_fits(&self, row: &RawRow) -> Result<(), String> {
        if row.count() != self.0.len() {
            let cells =
                |count| if count == 1 { "1 cell".to_owned() } else { format!("{count} cells") };
            return Err(format!(
                "it has {}, but the header has {}",
                cells(row.count()),
                self.0.len()
            ));
        }
        let is_text = |at: &usize| row.cell(*at).is_some_and(|cell| str::from_utf8(cell).is_ok());
        if let Some(at) = (0..row.count()).find(|at| !is_text(at)) {
            return Err(format!(
                "its column {} is not UTF-8; convert the file first, as with iconv -f WINDOWS-1252 -t UTF-8",
                shown(&self.0[at])
            ));
        }
        let has_nul = |at: &usize| row.cell(*at).is_some_and(|cell| memchr(0, cell).is_some());
        match (0..row.count()).find(has_nul) {
            Some(at) => Err(format!("its column {} has a NUL character", shown(&self.0[at]))),
            None => Ok(()),
        }
    }
}

impl<'a> Cells<'a> {
    /// The columns of a header.
    pub fn header(header: &'a Header) -> Self {
        Self::Row { header, row: None }
    }

    /// The cell of a column; `None` if the record has no such column.
    pub fn get(&self, name: &str) -> Option<Cell<'a>> {
        match self {
            Self::Row { header, row } => {
                let at = header.0.get_index_of(name)?;
                Some(Cell::Text(row.map_or("", |row| text(row, at))))
            }
            Self::Object(fields) => fields.get(name).map(Cell::Json),
            Self::Line(line) => (name == LINE_COLUMN).then_some(Cell::Text(line)),
        }
    }

    /// The names of the columns, in their order.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Self::Row { header, .. } => header.0.iter().map(String::as_str).collect(),
            Self::Object(fields) => fields.iter().map(|(name, _)| name).collect(),
            Self::Line(_) => vec![LINE_COLUMN],
        }
    }
}

/// What is not UTF-8 is replaced.
fn text(row: &RawRow, at: usize) -> &str {
    str::from_utf8(row.cell(at).unwrap_or_default()).unwrap_or("\u{fffd}")
}

impl<'a> Cell<'a> {
    /// The text of the cell. A null is empty, and any other value that is not a string is
    /// as JSON writes it.
    pub fn text(self) -> Cow<'a, str> {
        let value = match self {
            Self::Text(text) => return text.into(),
            Self::Json(value) => value,
        };
        match value.get().as_bytes()[0] {
            b'n' => "".into(),
            b'{' | b'[' => json::compact(value.get()).into(),
            b'"' => Text::scalar(value).map_or_else(String::new, Text::into_utf8).into(),
            _ => value.get().into(),
        }
    }

    /// The cell as a JSON value on one line.
    pub fn json(self) -> String {
        match self {
            Self::Text(text) => json::quoted(text),
            Self::Json(value) => json::compact(value.get()),
        }
    }
}

/// A column's name in a message: in quotes if it would be misread without them.
pub fn shown(name: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_alphanumeric() || "_-.".contains(c);
    match !name.is_empty() && name.chars().all(is_plain) {
        true => name.into(),
        false => format!("{name:?}").into(),
    }
}

/// The names of columns in a message, which may leave out some of many.
pub fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names = names.into_iter();
    let first: Vec<_> = names.by_ref().take(MAX_LISTED).map(shown).collect();
    match (first.is_empty(), names.count()) {
        (true, _) => "none".to_owned(),
        (false, 0) => first.join(", "),
        (false, more) => format!("{} and {} more", first.join(", "), grouped(more as u64)),
    }
}
