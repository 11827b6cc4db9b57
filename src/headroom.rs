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
    if bytes < SMALL {
        return Ok(());
    }
    let mut probe = Vec::<u8>::new();
    let reserved = probe.try_reserve_exact(bytes.saturating_mul(COPIES));
    // Else the compiler sees that nobody uses the memory, and leaves it out.
    black_box(&probe);
    reserved.map_err(|_| no_memory(ErrorKind::OutOfMemory.into()))
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
        assert!(ensure(0).is_ok() && ensure(SMALL).is_ok());
        assert!(matches!(ensure(usize::MAX), Err(Error::Limit { .. })));
    }
}
