//! Batches: request lines in, several workers sending at a limited rate, and
//! result lines out.

pub mod budget;
pub mod copies;
pub mod earlier;
pub mod fingerprint;
pub mod forecast;
pub mod ids;
pub mod open_files;
pub mod price;
pub mod progress;
pub mod rate;
pub mod report;
pub mod results;
pub mod row;
pub mod run;
pub mod set_aside;
pub mod source;
pub mod stop;
pub mod table;
pub mod tally;
pub mod worker;
pub mod worker_loop;
