//! Standard output, messages on stderr, and the file of `--output`.

pub mod closed;
pub mod file;
pub mod markdown;
pub mod notes;
pub mod numbers;
pub mod one_line;
pub mod reasoning;
pub mod sanitize;
pub mod status_line;
pub mod stdout;
pub mod terminal;
pub mod wait_line;
pub mod window;
