//! Many requests: their lines in, their lines out, and the pace between.

pub mod ids;
pub mod open_files;
pub mod progress;
pub mod rate;
pub mod results;
pub mod run;
pub mod source;
pub mod tally;
pub mod worker;
