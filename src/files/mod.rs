//! Files: reading lines and text, appending lines, resolving paths, and quoting
//! them for a shell.

pub mod append;
pub mod lines;
pub mod paths;
pub mod replace;
pub mod shell;
pub mod text;
