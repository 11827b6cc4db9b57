//! The table of a batch, which replaces the one of an earlier run.

use crate::batch::results::stored_reply::ResultJudge;
use crate::batch::table::view::TableView;
use crate::error::{Error, Result};
use crate::output::file::OutputFile;
use crate::output::notes::Notes;

pub struct TableFile {
    pub view: TableView,
    pub output: OutputFile,
}

impl TableFile {
    /// Writes the table at the end of a run. `ended` is how the run ended. If the table
    /// could not be written too, that is only a warning.
    ///
    /// # Errors
    /// The error in `ended`, and those of [`TableView::write`].
    pub fn finish(&self, judge: &ResultJudge, ended: Result<()>, notes: &Notes) -> Result<()> {
        let written = self.output.replace_with(|file| {
            self.view.write(judge, file, |source| self.output.not_saved(source))
        });
        // The replies are in the results.
        let written = written.map_err(|error| match error {
            Error::NotSaved { path, source } => Error::Unwritable { path, source },
            error => error,
        });
        notes.first_error(ended, written)
    }
}
