//! The prompt and the fields of a request.

pub mod attachment;
pub mod fields;
pub mod file_or_json;
pub mod prompt;
pub mod reply_policy;
