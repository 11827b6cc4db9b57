//! How the input is read.

use std::sync::Arc;

use crate::batch::source::record::RecordKind;
use crate::batch::source::selection::{Selection, Shard};
use crate::batch::table::question::Question;

#[derive(Debug, Clone)]
pub struct ReadOptions {
    pub kind: RecordKind,
    /// What is asked about each record. Without one, a record is a request itself.
    pub question: Option<Arc<Question>>,
    pub selection: Selection,
    /// Bad records are recorded as failures instead of ending the run.
    pub skips_bad: bool,
    /// Rows whose prompt comes out empty are left out.
    pub skips_empty: bool,
}

impl ReadOptions {
    /// All records, each a request itself.
    pub fn new(kind: RecordKind) -> Self {
        let selection = Selection::new(Shard::ALL, None);
        Self { kind, question: None, selection, skips_bad: false, skips_empty: false }
    }

    /// The same; a request in JSON must not ask for several replies if `has_one_choice`.
    pub fn with_one_choice(self, has_one_choice: bool) -> Self {
        match self.kind {
            RecordKind::Json { .. } => Self { kind: RecordKind::Json { has_one_choice }, ..self },
            _ => self,
        }
    }
}
