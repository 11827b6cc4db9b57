//! Appending whole lines to a file in one write, and cutting off a torn one.

use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::files::paths::with_suffix;
use crate::files::side_file;

/// Appends `lines` to a file that is open for appending, and for reading unless
/// it is empty. If the last line has no newline, it gets one. `sync` runs after
/// the write. Returns the file's old length.
///
/// # Errors
/// When the file cannot be read or written, or `sync` fails; the file is then
/// cut back to its old length.
pub fn append_lines(
    file: &File,
    mut lines: Vec<u8>,
    sync: impl FnOnce(&File) -> io::Result<()>,
) -> io::Result<u64> {
    let end = file.metadata()?.len();
    if !ends_in_newline(file, end)? {
        lines.insert(0, b'\n');
    }
    append_at(file, end, &lines)?;
    sync(file).inspect_err(|_| cut_back(file, end))?;
    Ok(end)
}

/// Appends `lines` to a file that is open for appending, whose length is `end`, and
/// whose last line is whole.
///
/// # Errors
/// When the file cannot be written; it is then cut back to its old length.
pub fn append_at(mut file: &File, end: u64, lines: &[u8]) -> io::Result<()> {
    file.write_all(lines).inspect_err(|_| cut_back(file, end))
}

fn cut_back(file: &File, end: u64) {
    // The error before this one is the one to report.
    let _ = file.set_len(end);
}

/// Whether the first `length` bytes of `file` are empty or end in a newline.
pub fn ends_in_newline(file: &File, length: u64) -> io::Result<bool> {
    let mut last = *b"\n";
    if length > 0 {
        file.read_exact_at(&mut last, length - 1)?;
    }
    Ok(last == *b"\n")
}

/// Moves `torn`, the range of a torn last line, from the file at `path` to
/// `FILE.torn`. Returns the path of that file.
///
/// # Errors
/// [`Error::SideFile`] and [`Error::Unwritable`].
pub fn move_torn(file: &File, torn: Range<u64>, path: &Path) -> Result<PathBuf> {
    let aside = with_suffix(path, ".torn");
    copy_line(file, torn.clone(), &aside).map_err(|source| {
        let task = format!("move the torn last line of {} to", path.display());
        Error::SideFile { task, path: aside.clone(), source }
    })?;
    truncate(file, torn.start, path)?;
    Ok(aside)
}

/// Cuts the file at `path` off at `end`, and syncs it.
///
/// # Errors
/// [`Error::Unwritable`] if it cannot be cut or synced.
pub fn truncate(file: &File, end: u64, path: &Path) -> Result<()> {
    let cut = file.set_len(end).and_then(|()| file.sync_data());
    cut.map_err(|source| Error::Unwritable { path: path.to_owned(), source })
}

/// Appends a range of `file` to its side file at `path`, as a line, and syncs it.
fn copy_line(file: &File, range: Range<u64>, path: &Path) -> io::Result<()> {
    let length = usize::try_from(range.end - range.start).map_err(io::Error::other)?;
    let mut line = vec![0; length];
    file.read_exact_at(&mut line, range.start)?;
    line.push(b'\n');
    let mut target = side_file::open_to_append(path, file)?;
    target.write_all(&line)?;
    target.sync_all()
}
