//! The results of a batch: written, resumed and merged.

pub mod group;
pub mod merge_plan;
pub mod result_file;
pub mod result_line;
pub mod sink;
pub mod spool;
