//! The question about each row: the templates of its prompt and of its system prompt,
//! and where its id is.

use crate::batch::table::cells::{Cells, listed, shown};
use crate::template::Template;

#[derive(Debug)]
pub struct Question {
    pub prompt: Template,
    /// `None` if the system prompt has no variables.
    pub system: Option<Template>,
    /// The column with the id; the record's number, or in JSON its `id`, without one.
    pub id: Option<String>,
}

/// What is asked about one row.
#[derive(Debug, PartialEq, Eq)]
pub struct AskedRow {
    pub prompt: String,
    pub system: Option<String>,
}

impl Question {
    /// Checks that there are columns of all names that are used.
    ///
    /// # Errors
    /// The reason, with the names that there are.
    pub fn ensure_known(&self, columns: &Cells) -> Result<(), String> {
        let unknown = |name: &&str| columns.get(name).is_none();
        let system = self.system.iter().flat_map(Template::variables);
        let columns = || listed(columns.names());
        if let Some(name) = self.prompt.variables().chain(system).find(unknown) {
            return Err(format!("no column for {{{{{name}}}}}; the columns are {}", columns()));
        }
        match self.id.as_deref().filter(unknown) {
            Some(id) => {
                Err(format!("no column {} for --id; the columns are {}", shown(id), columns()))
            }
            None => Ok(()),
        }
    }

    /// The prompt and the system prompt of a row.
    ///
    /// # Errors
    /// The reason, if it lacks a column.
    pub fn ask(&self, cells: &Cells) -> Result<AskedRow, String> {
        self.ensure_known(cells)?;
        let expand = |template: &Template| {
            template
                .expand(|name| cells.get(name).map_or_else(Default::default, |cell| cell.text()))
        };
        Ok(AskedRow { prompt: expand(&self.prompt), system: self.system.as_ref().map(expand) })
    }

    /// The id of a row in the column for it; `None` without such a column.
    ///
    /// # Errors
    /// The reason, if the cell is empty.
    pub fn id(&self, cells: &Cells) -> Result<Option<String>, String> {
        let Some(name) = &self.id else {
            return Ok(None);
        };
        let id = cells.get(name).map(|cell| cell.text().into_owned()).unwrap_or_default();
        match id.is_empty() {
            true => Err(format!("its id, the column {}, is empty", shown(name))),
            false => Ok(Some(id)),
        }
    }
}
