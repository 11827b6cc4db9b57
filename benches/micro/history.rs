//! The files of gravix that find the messages of a history.

#[path = "../../src/history/line.rs"]
mod line;
#[path = "../../src/history/survey.rs"]
pub mod survey;
