//! The rate limit: when each request of a batch may be sent.

pub mod gate;
pub mod gate_state;
pub mod outage;
pub mod search;
pub mod throttle;
pub mod token_bucket;
pub mod token_limit;
