//! Files: lines, appends, paths and text.

pub mod append;
pub mod lines;
pub mod paths;
pub mod text;
