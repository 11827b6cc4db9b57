//! Why a run stops before all of its requests have been tried.

use std::fmt;
use std::time::Duration;

use crate::batch::price::amount;
use crate::batch::results::result_line::RequestError;
use crate::error::Error;
use crate::output::numbers::grouped;

/// A run stops after this many failures in a row that the request is not to blame
/// for: the next one would fail too.
pub const MAX_CONSECUTIVE: u64 = 16;

#[derive(Debug)]
pub enum Stop {
    /// The user allowed no more failures than this.
    MaxFailures(u64),
    /// The run may cost no more than `max`, and has cost `cost`.
    MaxCost { max: f64, cost: f64, is_estimate: bool },
    /// This many requests in a row failed, and the last one for this reason.
    NothingWorks { count: u64, last: Cause },
    /// No request has succeeded for as long as the user waits, which may be not at
    /// all.
    NoSuccess { patience: Duration, last: Cause },
}

/// A failure that other requests would meet too.
#[derive(Debug)]
pub struct Cause {
    pub message: String,
    /// The exit status of a run that failed only for this reason.
    pub status: u8,
}

impl From<&RequestError> for Cause {
    fn from(error: &RequestError) -> Self {
        Self { message: error.message.clone(), status: error.status }
    }
}

impl Stop {
    /// The error of a run that stops with requests left. Their number is known if the
    /// end of the input was seen.
    pub fn into_error(self, left: Option<u64>) -> Error {
        let status = match &self {
            Self::MaxFailures(_) | Self::MaxCost { .. } => 5,
            Self::NothingWorks { last, .. } | Self::NoSuccess { last, .. } => last.status,
        };
        let left = match left {
            None => "requests are left".to_owned(),
            Some(1) => "1 request is left".to_owned(),
            Some(left) => format!("{} requests are left", grouped(left)),
        };
        Error::BatchStopped { status, reason: format!("{self}; {left}") }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MaxFailures(1) => f.write_str("after 1 failure (--max-failures 1)"),
            Self::MaxFailures(max) => write!(f, "after {max} failures (--max-failures {max})"),
            Self::MaxCost { max, cost, is_estimate } => {
                let kind = if *is_estimate { "an estimated" } else { "a" };
                write!(f, "at {kind} cost of {} (--max-cost {max})", amount(*cost))
            }
            Self::NothingWorks { count, last } => {
                write!(f, "after {count} failures in a row: {}", last.message)
            }
            Self::NoSuccess { patience, last } if patience.is_zero() => {
                write!(f, "when a request had no retries left (--patience 0): {}", last.message)
            }
            Self::NoSuccess { patience, last } => {
                let patience = humantime::format_duration(*patience);
                write!(f, "after {patience} without a success (--patience): {}", last.message)
            }
        }
    }
}
