//! Whole lines appended to a file in one write, or not at all. Knows nothing
//! of what the lines hold.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::files::paths::with_suffix;

/// Appends `lines` to a file that is open for appending, and for reading
/// where it has a length. A last line without its newline gets one. Then
/// `settle` runs; where that or the write fails, the file is as it was.
/// Gives the length before.
///
/// # Errors
/// Those of the write and of `settle`.
pub fn append_lines(
    file: &File,
    mut lines: Vec<u8>,
    settle: impl FnOnce(&File) -> io::Result<()>,
) -> io::Result<u64> {
    let end = file.metadata()?.len();
    if !ends_in_newline(file, end)? {
        lines.insert(0, b'\n');
    }
    let mut writer = file;
    let written = writer.write_all(&lines).and_then(|()| settle(file));
    if written.is_err() {
        // The first fault is the one to report.
        let _ = file.set_len(end);
    }
    written.map(|()| end)
}

/// Whether the first `length` bytes of `file` are whole lines.
pub fn ends_in_newline(file: &File, length: u64) -> io::Result<bool> {
    let mut last = *b"\n";
    if length > 0 {
        file.read_exact_at(&mut last, length - 1)?;
    }
    Ok(last == *b"\n")
}

/// Moves a torn last line of the file at `path` to `FILE.torn`, so that nothing
/// of it is lost. Returns the path of that file.
///
/// # Errors
/// [`Error::Unwritable`].
pub fn move_torn(file: &File, torn: Range<u64>, path: &Path) -> Result<PathBuf> {
    let aside = with_suffix(path, ".torn");
    let moved = set_aside(file, torn.clone(), &aside);
    moved.map_err(|source| Error::Unwritable { path: aside.clone(), source })?;
    truncate(file, torn.start, path)?;
    Ok(aside)
}

/// Cuts the file at `path` off at `end`, and waits until that is on disk.
///
/// # Errors
/// [`Error::Unwritable`].
pub fn truncate(file: &File, end: u64, path: &Path) -> Result<()> {
    let cut = file.set_len(end).and_then(|()| file.sync_data());
    cut.map_err(|source| Error::Unwritable { path: path.to_owned(), source })
}

/// Appends a range of `file` to the file at `path`, as a line, and waits
/// until it is on disk.
fn set_aside(file: &File, range: Range<u64>, path: &Path) -> io::Result<()> {
    let length = usize::try_from(range.end - range.start).map_err(io::Error::other)?;
    let mut line = vec![0; length];
    file.read_exact_at(&mut line, range.start)?;
    line.push(b'\n');
    let mut aside = open_private(path)?;
    aside.write_all(&line)?;
    aside.sync_all()
}

/// Opens a file to append to, which is the owner's alone when it is new.
pub fn open_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}
