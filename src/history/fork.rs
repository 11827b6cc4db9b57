//! Copying a history, or its first turns, to a new file.

use std::fs;
use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::path::Path;

use crate::error::{Error, Result};
use crate::files::lines::Lines;
use crate::files::replace;
use crate::history::conversation::History;
use crate::history::line;
use crate::signals::DeferSignals;

/// Where turn number `turns` of `history` ends, counted from 1: at the user message
/// after it, or at the end of the file. In bytes.
///
/// # Errors
/// [`Error::Usage`] if there are fewer turns, and [`Error::Unreadable`].
pub fn end_of_turn(history: &History, turns: u64) -> Result<u64> {
    if turns > history.scan().turns {
        return Err(too_few(history));
    }
    next_turn(history, turns)
        .map_err(|source| Error::Unreadable { path: history.path().to_owned(), source })
}

/// Copies `history` up to the offset `end` to `new`, byte for byte. A last line that
/// lacks its newline gets one.
///
/// # Errors
/// [`Error::Unwritable`] if `new` exists or cannot be written, and
/// [`Error::Unreadable`]. Nothing is at `new` then, unless only the sync of its
/// directory failed.
pub fn copy(history: &History, end: u64, new: &Path) -> Result<()> {
    let unwritable = |source| Error::Unwritable { path: new.to_owned(), source };
    ensure_free(new).map_err(unwritable)?;
    let source = history
        .read_range(0..end)
        .map_err(|source| Error::Unreadable { path: history.path().to_owned(), source })?;
    let _deferred = DeferSignals::until_drop();
    write_new(source, new).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => unwritable(already_exists()),
        _ => unwritable(error),
    })
}

fn too_few(history: &History) -> Error {
    let path = history.path().display();
    Error::Usage(match history.scan().turns {
        0 => format!("{path} has no turns"),
        1 => format!("{path} has only 1 turn"),
        count => format!("{path} has only {count} turns"),
    })
}

/// Refuses a file that exists, also one that is a broken link.
fn ensure_free(new: &Path) -> io::Result<()> {
    match fs::symlink_metadata(new) {
        Ok(_) => Err(already_exists()),
        Err(_) => Ok(()),
    }
}

fn already_exists() -> io::Error {
    io::Error::other("it already exists")
}

/// The offset of the user message after this many turns, or of the end.
fn next_turn(history: &History, turns: u64) -> io::Result<u64> {
    let mut lines = Lines::from_file(history.file())?;
    let mut begun = 0;
    while let Some(line) = lines.next_line()? {
        if line::role(line.text).is_ok_and(|role| role.as_deref() == Some("user")) {
            begun += 1;
        }
        if begun > turns {
            return Ok(line.start);
        }
    }
    Ok(history.scan().end)
}

fn write_new(mut source: impl Read, new: &Path) -> io::Result<()> {
    let file = replace::create_beside(new, None)?;
    let mut copy = EndedLines { out: BufWriter::new(file.as_file()), last: b'\n' };
    io::copy(&mut source, &mut copy)?;
    copy.finish()?;
    replace::add(file, new)
}

/// Writes to `out`, and a newline at the end if the last line lacks it.
struct EndedLines<W> {
    out: W,
    last: u8,
}

impl<W: Write> EndedLines<W> {
    fn finish(mut self) -> io::Result<()> {
        if self.last != b'\n' {
            self.out.write_all(b"\n")?;
        }
        self.out.flush()
    }
}

impl<W: Write> Write for EndedLines<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.last = bytes[..written].last().copied().unwrap_or(self.last);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
