//! How much of a reply is held in memory.

use crate::error::{Error, Result};
use crate::headroom;

/// Counts what is held of one reply, up to a limit.
#[derive(Debug)]
pub struct HeldBytes {
    limit: usize,
    left: usize,
    /// There is memory for as much.
    ensured: usize,
}

impl HeldBytes {
    pub fn up_to(limit: usize) -> Self {
        Self { limit, left: limit, ensured: 0 }
    }

    /// More bytes are held.
    ///
    /// # Errors
    /// [`Error::ReplyTooLong`] if that is more than the limit, and [`Error::Limit`] if
    /// there is no memory for it.
    pub fn add(&mut self, bytes: usize) -> Result<()> {
        self.left =
            self.left.checked_sub(bytes).ok_or(Error::ReplyTooLong { limit: self.limit })?;
        let held = self.limit - self.left;
        if held > self.ensured {
            self.ensured = held + held / 4;
            headroom::ensure(self.ensured)?;
        }
        Ok(())
    }

    /// Bytes that were added are no longer held.
    pub fn remove(&mut self, bytes: usize) {
        self.left = self.left.saturating_add(bytes).min(self.limit);
    }
}
