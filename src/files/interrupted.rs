//! System calls that a signal has interrupted. The standard library makes most of
//! them again, but not pread(2) and flock(2).

use std::fs::TryLockError;
use std::io::{self, ErrorKind};

/// Makes `call` again until it is not interrupted.
///
/// # Errors
/// The error of `call`.
pub fn uninterrupted<T, E: MaybeInterrupted>(
    mut call: impl FnMut() -> Result<T, E>,
) -> Result<T, E> {
    loop {
        match call() {
            Err(error) if error.is_interrupted() => {}
            ended => return ended,
        }
    }
}

pub trait MaybeInterrupted {
    fn is_interrupted(&self) -> bool;
}

impl MaybeInterrupted for io::Error {
    fn is_interrupted(&self) -> bool {
        self.kind() == ErrorKind::Interrupted
    }
}

impl MaybeInterrupted for TryLockError {
    fn is_interrupted(&self) -> bool {
        matches!(self, Self::Error(error) if error.is_interrupted())
    }
}
