//! The results of a batch: written, resumed and merged.

pub mod bad_lines;
pub mod best_lines;
pub mod file_end;
pub mod group;
mod input_order;
pub mod judged_line;
pub mod line_file;
pub mod merge_plan;
pub mod reader;
pub mod result_file;
pub mod result_line;
pub mod sink;
pub mod spool;
pub mod stored_reply;
pub mod stored_result;
