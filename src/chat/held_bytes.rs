//! How much of a reply is held in memory.

use crate::error::{Error, Result};

/// Counts what is held of one reply, up to a limit.
#[derive(Debug)]
pub struct HeldBytes {
    limit: usize,
    left: usize,
}

impl HeldBytes {
    pub fn up_to(limit: usize) -> Self {
        Self { limit, left: limit }
    }

    /// More bytes are held.
    ///
    /// # Errors
    /// [`Error::ReplyTooLong`] if that is more than the limit.
    pub fn add(&mut self, bytes: usize) -> Result<()> {
        self.left =
            self.left.checked_sub(bytes).ok_or(Error::ReplyTooLong { limit: self.limit })?;
        Ok(())
    }

    /// Bytes that were added are no longer held.
    pub fn remove(&mut self, bytes: usize) {
        self.left = self.left.saturating_add(bytes).min(self.limit);
    }
}
