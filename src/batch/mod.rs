//! Many requests: their lines in, their lines out, and the pace between.

pub mod descriptors;
pub mod feed;
pub mod gate;
pub mod ids;
pub mod input;
pub mod merge;
pub mod outcome;
pub mod progress;
pub mod request;
pub mod results;
pub mod sink;
pub mod tally;

mod object;
mod search;
mod spool;
mod throttle;
