//! Standard output, standard error, and files of replies.

pub mod file;
pub mod notes;
pub mod sanitize;
pub mod stdout;
pub mod terminal;
