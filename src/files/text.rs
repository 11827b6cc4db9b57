//! Bytes of files, and bytes made into text.

use std::fs;
use std::path::Path;

use crate::error::{Error, Result};
use crate::files::lines::BYTE_ORDER_MARK;

/// The bytes of a file.
///
/// # Errors
/// [`Error::Unreadable`].
pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|source| Error::Unreadable { path: path.to_owned(), source })
}

/// The text of a file, without a byte order mark.
///
/// # Errors
/// [`Error::Unreadable`], and [`Error::Input`] for text that is not UTF-8.
pub fn read_text(path: &Path) -> Result<String> {
    let bytes = read(path)?;
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes).to_vec();
    String::from_utf8(bytes).map_err(|_| Error::Input(format!("{}: not UTF-8", path.display())))
}

/// What becomes of bytes that are not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// They are an error.
    Strict,
    /// Each bad sequence becomes U+FFFD.
    Lossy,
}

impl Encoding {
    /// `bytes` as text; `what` stands for them in messages.
    ///
    /// # Errors
    /// [`Error::NotUtf8`].
    pub fn decode(self, bytes: Vec<u8>, what: &str) -> Result<String> {
        String::from_utf8(bytes).or_else(|error| match self {
            Self::Lossy => Ok(String::from_utf8_lossy(error.as_bytes()).into_owned()),
            Self::Strict => {
                let offset = error.utf8_error().valid_up_to();
                Err(Error::NotUtf8 { what: what.to_owned(), offset })
            }
        })
    }
}
