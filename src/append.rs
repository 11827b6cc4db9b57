//! Whole lines appended to a file in one write, or not at all. Knows nothing
//! of what the lines hold.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;

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
