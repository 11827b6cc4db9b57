//! Results that are written together: those that arrived while the files were in
//! use, and the errors of those that could not be written.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Result};

/// A result that is to be written.
pub struct Arrival {
    /// That of its request.
    pub index: u64,
    pub line: Vec<u8>,
    /// `line` is for the file of failures.
    pub is_for_errors: bool,
    /// What the user is told about a failure that has no line of its own.
    pub report: Option<FailureReport>,
}

pub struct FailureReport {
    pub message: String,
    /// The text of the reply, valid or not.
    pub text: String,
}

/// The results that nobody has begun to write.
#[derive(Default)]
pub struct Arrivals(Mutex<Vec<Arrival>>);

impl Arrivals {
    pub fn push(&self, arrival: Arrival) {
        self.change(|arrivals| arrivals.push(arrival));
    }

    /// Takes all of them, in the order in which they arrived.
    pub fn take(&self) -> Vec<Arrival> {
        self.change(std::mem::take)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Vec<Arrival>) -> T) -> T {
        // A panic cannot leave the list half changed.
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Why results could not be written, by the index of their request.
#[derive(Default)]
pub struct WriteErrors(BTreeMap<u64, Error>);

impl WriteErrors {
    /// None of these results could be written for this reason.
    pub fn add(&mut self, indices: &[u64], error: &Error) {
        self.0.extend(indices.iter().map(|index| (*index, again(error))));
    }

    /// # Errors
    /// Why the result could not be written.
    pub fn take(&mut self, index: u64) -> Result<()> {
        self.0.remove(&index).map_or(Ok(()), Err)
    }
}

/// The error of a write once more, for each worker that it concerns.
fn again(error: &Error) -> Error {
    let again = |source: &io::Error| match source.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(source.kind(), source.to_string()),
    };
    match error {
        Error::NotSaved { path, source } => {
            Error::NotSaved { path: path.clone(), source: again(source) }
        }
        Error::Stdout(source) => Error::Stdout(again(source)),
        _ => Error::StdoutClosed,
    }
}

/// Lines as one text.
pub fn joined(lines: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let join = |mut joined: Vec<u8>, line: Vec<u8>| {
        joined.extend_from_slice(&line);
        joined
    };
    lines.reduce(join).unwrap_or_default()
}
