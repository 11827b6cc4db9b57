//! Reading files, and decoding bytes as UTF-8.

use std::fs;
use std::path::Path;

use crate::error::{Error, Result};
use crate::files::lines::BYTE_ORDER_MARK;

/// Reads a file.
///
/// # Errors
/// [`Error::Unreadable`] if it cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|source| Error::Unreadable { path: path.to_owned(), source })
}

/// Reads a text file and strips a byte order mark.
///
/// # Errors
/// [`Error::Unreadable`] if it cannot be read, [`Error::Input`] if it is not
/// UTF-8.
pub fn read_text(path: &Path) -> Result<String> {
    let bytes = read(path)?;
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes).to_vec();
    String::from_utf8(bytes).map_err(|_| Error::Input(format!("{} is not UTF-8", path.display())))
}

/// How to treat bytes that are not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Report an error.
    Strict,
    /// Replace each invalid sequence by U+FFFD.
    Lossy,
}

impl Encoding {
    /// Decodes `bytes`; `what` names them in messages.
    ///
    /// # Errors
    /// [`Error::NotUtf8`] if they are not UTF-8 and the encoding is strict.
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
