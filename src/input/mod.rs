//! The prompt and the fields of a request.

pub mod attachment;
pub mod fields;
pub mod prompt;
