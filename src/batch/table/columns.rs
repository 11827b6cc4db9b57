//! The columns of the table that is written: those of the input that are kept, those of
//! the reply, and the error.

use std::collections::HashSet;

use indexmap::IndexSet;

use crate::batch::table::cells::{Cells, Header, LINE_COLUMN, listed, shown};
use crate::files::shell;

/// The column that says why a row has no reply.
pub const ERROR: &str = "error";

/// An input with more columns than this is no table.
const MAX_COLUMNS: usize = 10_000;

/// The columns of an input, in the order in which they appear.
#[derive(Debug, Clone, Default)]
pub struct ColumnNames(IndexSet<String>);

impl ColumnNames {
    pub fn of_header(header: &Header) -> Self {
        Self(header.names().cloned().collect())
    }

    /// The one column of lines that are prompts.
    pub fn of_lines() -> Self {
        Self(IndexSet::from([LINE_COLUMN.to_owned()]))
    }

    /// Adds the columns of a record that are new.
    ///
    /// # Errors
    /// The reason, if they are too many.
    pub fn add(&mut self, cells: &Cells) -> Result<(), String> {
        for name in cells.names() {
            if !self.0.contains(name) {
                self.0.insert(name.to_owned());
            }
        }
        match self.0.len() > MAX_COLUMNS {
            true => Err(format!("the rows have more than {MAX_COLUMNS} different columns")),
            false => Ok(()),
        }
    }
}

/// Which columns of the input are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeptColumns {
    /// These, in this order.
    Only(Vec<String>),
    AllBut(Vec<String>),
}

/// Where a reply is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplyColumns {
    One(String),
    /// Each of these fields of a JSON object has a column of its name.
    Fields(Vec<String>),
}

impl ReplyColumns {
    pub fn names(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Fields(names) => names,
        }
    }
}

/// What the columns of the output are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnPlan {
    pub kept: KeptColumns,
    pub reply: ReplyColumns,
}

impl ColumnPlan {
    /// The columns of the input that are written, in order.
    ///
    /// # Errors
    /// The reason, if the input lacks a column that is named, or if two columns would
    /// have the same name.
    pub fn resolve(&self, input: &ColumnNames) -> Result<Vec<String>, String> {
        let (named, option) = match &self.kept {
            KeptColumns::Only(names) => (names, "--keep"),
            KeptColumns::AllBut(names) => (names, "--drop"),
        };
        if let Some(name) = named.iter().find(|name| !input.0.contains(*name)) {
            let columns = listed(input.0.iter().map(String::as_str));
            return Err(format!(
                "no column {} for {option}; the columns are {columns}",
                shown(name)
            ));
        }
        let kept: Vec<String> = match &self.kept {
            KeptColumns::Only(names) => names.clone(),
            KeptColumns::AllBut(dropped) => {
                input.0.iter().filter(|name| !dropped.contains(name)).cloned().collect()
            }
        };
        let own: Vec<&str> = kept.iter().map(String::as_str).filter(|n| self.is_own(n)).collect();
        match own.is_empty() {
            true => Ok(kept),
            false => Err(self.collision(&own)),
        }
    }

    /// Whether a column of the input is written.
    pub fn keeps(&self, name: &str) -> bool {
        match &self.kept {
            KeptColumns::Only(names) => names.iter().any(|known| known == name),
            KeptColumns::AllBut(dropped) => dropped.iter().all(|known| known != name),
        }
    }

    /// Whether gravix itself writes a column of this name.
    pub fn is_own(&self, name: &str) -> bool {
        name == ERROR || self.reply.names().iter().any(|known| known == name)
    }

    /// Why columns of the input with these names cannot be written.
    pub fn collision(&self, names: &[&str]) -> String {
        let (columns, them) = match names {
            [name] => (format!("a column {}", shown(name)), "it"),
            names => (format!("the columns {}", listed(names.iter().copied())), "them"),
        };
        let rename = match (&self.reply, names) {
            (ReplyColumns::One(reply), [name]) if reply == name => {
                "name another for the reply with --column, or "
            }
            (ReplyColumns::Fields(_), [name]) if *name != ERROR => {
                "choose others with --columns, or "
            }
            // One new name is not enough.
            _ => "",
        };
        let without = match &self.kept {
            KeptColumns::Only(_) => format!("leave {them} out of --keep"),
            KeptColumns::AllBut(_) => {
                format!("leave {them} out with --drop {}", shell::word(&names.join(",")))
            }
        };
        format!("the input has {columns}, and so has the output; {rename}{without}")
    }

    /// # Errors
    /// The reason, if two columns of the reply would have the same name.
    pub fn ensure_unlike(&self) -> Result<(), String> {
        let mut known = HashSet::from([ERROR]);
        match self.reply.names().iter().find(|name| !known.insert(name)) {
            Some(name) if name == ERROR => Err(
                "the column error says why a row has no reply; choose other columns for the reply"
                    .to_owned(),
            ),
            Some(name) => Err(format!("two columns would have the name {}", shown(name))),
            None => Ok(()),
        }
    }
}
