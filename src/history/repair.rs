//! Moving lines that are not messages out of a history.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::error::{Error, LineFormat, Result};
use crate::files::lines::{BYTE_ORDER_MARK, Line, Lines};
use crate::files::paths::with_suffix;
use crate::files::{replace, side_file};
use crate::history::conversation::History;
use crate::history::line::{self, InvalidLine};
use crate::history::lock::LockWait;
use crate::history::locked_file::Access;
use crate::history::notice::NoticeHandler;
use crate::signals::DeferSignals;

/// At most this many line numbers are reported.
const MAX_REPORTED: usize = 10;

/// The lines that a repair moved.
#[derive(Debug, Default)]
pub struct RepairReport {
    /// How many.
    pub lines: u64,
    /// The numbers of the first ones, at most ten, counted from 1.
    pub first: Vec<u64>,
}

impl RepairReport {
    fn add(&mut self, number: u64) {
        self.lines += 1;
        if self.first.len() < MAX_REPORTED {
            self.first.push(number);
        }
    }
}

/// Moves the lines of the history at `path` that are not messages to
/// `FILE.bad`, in order. The other lines stay byte for byte: they replace the
/// file atomically, under its lock. If there is nothing to move, nothing is
/// written.
///
/// # Errors
/// [`Error::Usage`] for the path `-`, [`Error::Line`] for a file that is not
/// text at all or is in another known format, [`Error::Unreadable`] or
/// [`Error::Unwritable`] if the history cannot be opened, locked, read or
/// replaced, and [`Error::SideFile`] if `FILE.bad` cannot be used. The history is then unchanged,
/// unless only the sync of its directory failed.
pub fn move_bad_lines(path: &Path, on_notice: NoticeHandler<'_>) -> Result<RepairReport> {
    let history = History::open_unchecked(path, Access::Change, LockWait::Forever, on_notice)?;
    history.ensure_text(path)?;
    let unwritable = |source| Error::Unwritable { path: path.to_owned(), source };
    if !needs_repair(&history, path)? {
        return Ok(RepairReport::default());
    }
    let aside = with_suffix(history.path(), ".bad");
    let bad = side_file::open_to_append(&aside, history.file()).map_err(|source| {
        let task = format!("move the bad lines of {} to", path.display());
        Error::SideFile { task, path: aside.clone(), source }
    })?;
    let _deferred = DeferSignals::until_drop();
    split_file(history.path(), history.file(), bad).map_err(unwritable)
}

/// Whether the history has lines that are not messages. A file in another known
/// format is not a damaged history, and a repair would leave nothing in it.
fn needs_repair(history: &History, path: &Path) -> Result<bool> {
    let unwritable = |source| Error::Unwritable { path: path.to_owned(), source };
    let mut lines = Lines::from_file(history.file()).map_err(unwritable)?;
    let (mut has_messages, mut first_bad) = (false, None);
    while let Some(line) = lines.next_line().map_err(unwritable)? {
        match line::role(line.text) {
            Ok(role) => has_messages |= role.is_some(),
            Err(invalid) => drop(first_bad.get_or_insert((line.number, invalid))),
        }
    }
    match first_bad {
        Some((line, InvalidLine { reason, format: Some(format), .. }))
            if !has_messages || format == LineFormat::Multiline =>
        {
            Err(Error::Line { path: path.to_owned(), line, reason, format: Some(format) })
        }
        bad => Ok(bad.is_some()),
    }
}

fn split_file(path: &Path, file: &File, bad: File) -> io::Result<RepairReport> {
    let good = replace::create_like(file, path)?;
    let report = separate(file, BufWriter::new(good.as_file()), BufWriter::new(&bad))?;
    bad.sync_all()?;
    replace::replace(good, path)?;
    Ok(report)
}

/// Copies each line of `file` to `good` if it is a message or blank, and to
/// `bad` otherwise.
fn separate(file: &File, mut good: impl Write, mut bad: impl Write) -> io::Result<RepairReport> {
    let mut report = RepairReport::default();
    let mut lines = Lines::from_file(file)?;
    while let Some(line) = lines.next_line()? {
        if line::role(line.text).is_ok() {
            copy(&line, &mut good)?;
        } else {
            report.add(line.number);
            bad.write_all(line.text)?;
            bad.write_all(if line.is_terminated { b"" } else { b"\n" })?;
        }
    }
    good.flush()?;
    bad.flush()?;
    Ok(report)
}

fn copy(line: &Line<'_>, out: &mut impl Write) -> io::Result<()> {
    // `Lines` strips the byte order mark, but counts its bytes.
    if line.number == 1 && line.start > 0 {
        out.write_all(BYTE_ORDER_MARK)?;
    }
    out.write_all(line.text)
}
