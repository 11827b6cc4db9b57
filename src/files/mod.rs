//! Files: reading lines and text, appending lines, resolving paths.

pub mod append;
pub mod lines;
pub mod paths;
pub mod replace;
pub mod text;
