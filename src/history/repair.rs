//! Taking lines that are no messages out of a history.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::Path;

use crate::error::{Error, Result};
use crate::files::append::open_private;
use crate::files::lines::{BYTE_ORDER_MARK, Line, Lines};
use crate::files::paths::{directory_of, with_suffix};
use crate::files::replace;
use crate::history::conversation::History;
use crate::history::line;
use crate::history::lock::LockWait;
use crate::history::locked_file::Access;
use crate::history::notice::TakeNotice;
use crate::signals::DeferSignals;

/// How many lines are named.
const NAMED: usize = 10;

/// What a repair moved.
#[derive(Debug, Default)]
pub struct RepairReport {
    pub lines: u64,
    /// The numbers of the first ones, from 1.
    pub first: Vec<u64>,
}

impl RepairReport {
    fn add(&mut self, number: u64) {
        self.lines += 1;
        if self.first.len() < NAMED {
            self.first.push(number);
        }
    }
}

/// Moves the lines of the history at `path` that are no messages to
/// `FILE.bad`, in order. The file is replaced at one stroke by what is left
/// of it, byte for byte, under its lock.
///
/// # Errors
/// [`Error::Unwritable`]; the history is then as it was.
pub fn move_bad_lines(path: &Path, take_notice: TakeNotice<'_>) -> Result<RepairReport> {
    let history = History::open_unchecked(path, Access::Change, LockWait::Forever, take_notice)?;
    let unwritable = |source| Error::Unwritable { path: path.to_owned(), source };
    let mut lines = Lines::of(history.file()).map_err(unwritable)?;
    loop {
        match lines.next_line().map_err(unwritable)? {
            None => return Ok(RepairReport::default()),
            Some(line) if line::role(line.text).is_err() => break,
            Some(_) => {}
        }
    }
    let aside = with_suffix(history.path(), ".bad");
    let bad =
        open_private(&aside).map_err(|source| Error::Unwritable { path: aside.clone(), source })?;
    let _hold = DeferSignals::until_drop();
    split_file(history.path(), history.file(), bad).map_err(unwritable)
}

fn split_file(path: &Path, file: &File, bad: File) -> io::Result<RepairReport> {
    let old = file.metadata()?;
    let good = tempfile::Builder::new().prefix(".gravix-").tempfile_in(directory_of(path))?;
    let moved = part(file, BufWriter::new(good.as_file()), BufWriter::new(&bad))?;
    bad.sync_all()?;
    fchown(good.as_file(), Some(old.uid()), Some(old.gid()))?;
    good.as_file().set_permissions(old.permissions())?;
    replace::replace(good, path)?;
    Ok(moved)
}

/// Copies each line to one of the two.
fn part(file: &File, mut good: impl Write, mut bad: impl Write) -> io::Result<RepairReport> {
    let mut moved = RepairReport::default();
    let mut lines = Lines::of(file)?;
    while let Some(line) = lines.next_line()? {
        if line::role(line.text).is_ok() {
            copy(&line, &mut good)?;
        } else {
            moved.add(line.number);
            bad.write_all(line.text)?;
            bad.write_all(if line.is_terminated { b"" } else { b"\n" })?;
        }
    }
    good.flush()?;
    bad.flush()?;
    Ok(moved)
}

fn copy(line: &Line<'_>, out: &mut impl Write) -> io::Result<()> {
    // Only the first line can begin after a mark.
    if line.number == 1 && line.start > 0 {
        out.write_all(BYTE_ORDER_MARK)?;
    }
    out.write_all(line.text)
}
