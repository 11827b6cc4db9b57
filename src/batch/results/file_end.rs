//! Where a result file ends, so that most appends need a single look at it.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;

use crate::files::append::{append_at, append_lines};
use crate::files::paths::{identity, is_still_at};

/// Where a file ends in a whole line.
#[derive(Debug)]
pub struct FileEnd {
    /// The device and inode.
    identity: (u64, u64),
    length: u64,
}

impl FileEnd {
    fn of(file: &File) -> Option<Self> {
        let metadata = file.metadata().ok()?;
        Some(Self { identity: identity(&metadata)?, length: metadata.len() })
    }

    /// Whether the file is still at `path` and nobody else has changed its length.
    fn is_at(&self, path: &Path) -> bool {
        let is_same = |metadata: Metadata| {
            identity(&metadata) == Some(self.identity) && metadata.len() == self.length
        };
        fs::metadata(path).is_ok_and(is_same)
    }
}

/// Appends to the file at `path`. `end` is where the last line of this run ends:
/// if it is known, a single system call checks the file.
///
/// # Errors
/// Those of writing, or if another file has replaced it.
pub fn append(file: &File, path: &Path, end: &mut Option<FileEnd>, lines: &[u8]) -> io::Result<()> {
    if let Some(end) = end.as_mut().filter(|end| end.is_at(path)) {
        append_at(file, end.length, lines)?;
        end.length += lines.len() as u64;
        return Ok(());
    }
    if !is_still_at(file, path) {
        return Err(io::Error::other("another file has replaced it"));
    }
    append_lines(file, lines.to_vec(), |_| Ok(()))?;
    *end = FileEnd::of(file);
    Ok(())
}
