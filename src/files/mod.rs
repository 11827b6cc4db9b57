//! Files: lines, appends, paths and text.

pub mod append;
pub mod lines;
pub mod paths;
pub mod replace;
pub mod text;
