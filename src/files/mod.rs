//! Files: reading lines and text, saying what is no text, appending lines,
//! resolving paths, and quoting them for a shell.

pub mod append;
pub mod input;
pub mod interrupted;
pub mod likeness;
pub mod lines;
pub mod paths;
pub mod replace;
pub mod shell;
pub mod side_file;
pub mod text;
