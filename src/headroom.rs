//! Whether there is memory for more. If an allocation fails, Rust ends the
//! process, so what may become large asks first.

use std::hint::black_box;
use std::io::{self, ErrorKind};

use crate::error::Error;

/// Below this, no machine on which gravix can start lacks memory.
const SMALL: usize = 1 << 20;

/// Checks that there is memory to hold `bytes` of a reply several times, since they
/// are copied while they are decoded.
///
/// # Errors
/// [`Error::Limit`] if there is not.
pub fn ensure(bytes: usize) -> Result<(), Error> {
    match bytes {
        0..SMALL => Ok(()),
        bytes => probe(bytes.saturating_mul(COPIES)).map_err(no_memory),
    }
}

/// Checks that there is memory for another thread: for its stack, and for what it
/// allocates when it starts, without which glibc ends the process.
///
/// # Errors
/// [`ErrorKind::OutOfMemory`] if there is not.
pub fn ensure_for_thread() -> io::Result<()> {
    probe(4 << 20)
}

/// Allocates `bytes` for a moment.
fn probe(bytes: usize) -> io::Result<()> {
    let mut probe = Vec::<u8>::new();
    let reserved = probe.try_reserve_exact(bytes);
    // Else the compiler sees that nobody uses the memory, and leaves it out.
    black_box(&probe);
    reserved.map_err(|_| ErrorKind::OutOfMemory.into())
}

/// How often a reply is in memory at once: as it was received, as an event, and as
/// what was decoded of it.
const COPIES: usize = 6;

/// The error for memory that the system refuses.
pub fn no_memory(source: io::Error) -> Error {
    Error::Limit { action: "hold the reply".to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_memory_for_little_and_not_for_everything() {
        assert!(ensure(0).is_ok() && ensure(SMALL).is_ok() && ensure_for_thread().is_ok());
        assert!(matches!(ensure(usize::MAX), Err(Error::Limit { .. })));
    }
}
