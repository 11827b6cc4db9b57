//! Standard input: what it is, and reading it.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result, TextOrigin};
use crate::files;
use crate::files::text::Encoding;
use crate::input::attachment;

/// What standard input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stdin {
    Terminal,
    /// A pipe or a file, which should have something in it.
    Redirected,
    /// Another device, such as `/dev/null`, which also stands for a closed
    /// descriptor.
    Device,
    /// Never read, because of `--no-stdin`.
    Refused,
}

impl Stdin {
    /// What standard input is, if it is not a terminal.
    pub fn detect() -> Self {
        let stdin = io::stdin().as_fd().try_clone_to_owned().map(File::from);
        match stdin.and_then(|stdin| stdin.metadata()) {
            Ok(metadata) if metadata.file_type().is_char_device() => Self::Device,
            _ => Self::Redirected,
        }
    }

    /// Whether it becomes a part of the prompt although nothing asks for it.
    pub fn is_read_unasked(self) -> bool {
        matches!(self, Self::Redirected | Self::Device)
    }
}

/// Whether `path` is a name of standard input.
pub fn is_stdin_name(path: &Path) -> bool {
    ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"].iter().any(|name| path == Path::new(name))
}

/// Reads standard input as text, without one line end at its end.
///
/// # Errors
/// [`Error::Unreadable`], [`Error::Input`] if it is an image, and [`Error::NotText`] if
/// it is not text and `encoding` is strict.
pub fn read_text(input: impl Read, encoding: Encoding) -> Result<String> {
    let bytes = read_bytes(input)?;
    attachment::ensure_not_image(&bytes, "standard input", "-a - attaches it")?;
    encoding.decode(strip_line_end(bytes), TextOrigin::StandardInput)
}

/// Reads all of standard input.
///
/// # Errors
/// [`Error::Unreadable`].
pub fn read_bytes(input: impl Read) -> Result<Vec<u8>> {
    files::input::read_to_end(input)
        .map_err(|source| Error::Unreadable { path: PathBuf::from("standard input"), source })
}

/// Fails if what was read of standard input, which `place` asks for, is empty.
///
/// # Errors
/// [`Error::Usage`].
pub fn ensure_not_empty(read: impl AsRef<[u8]>, place: &str) -> Result<()> {
    match read.as_ref().is_empty() {
        true => Err(Error::Usage(format!(
            "standard input is empty, but {place} asks for it; nothing was sent"
        ))),
        false => Ok(()),
    }
}

/// Removes one line end at the end.
pub fn strip_line_end(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.ends_with(b"\n") {
        bytes.pop();
        if bytes.ends_with(b"\r") {
            bytes.pop();
        }
    }
    bytes
}
