//! Tables: rows read from CSV, TSV or JSON objects, the question about each row, and
//! the rows written with their replies.

pub mod cells;
pub mod columns;
pub mod question;
pub mod row_format;
pub mod rows;
pub mod view;
