//! A record that is not a request.

/// Why a record is not a request, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidRequest {
    /// The record's id, if it could be parsed.
    pub id: Option<String>,
    pub reason: String,
    pub flaw: Flaw,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// The record is not one of this input. It ends the run, unless bad records are
    /// skipped.
    Bad,
    /// The row is well formed, but its prompt came out empty: only this row fails.
    EmptyPrompt,
}

impl InvalidRequest {
    pub fn bad(reason: String) -> Self {
        Self { id: None, reason, flaw: Flaw::Bad }
    }

    pub fn with_id(self, id: Option<String>) -> Self {
        Self { id, ..self }
    }
}
