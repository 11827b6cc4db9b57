//! When requests may be sent.

pub mod gate;
pub mod search;
pub mod throttle;
