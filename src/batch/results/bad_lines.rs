//! Lines of a result file that are not JSON, and moving them out of it.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::{Path, PathBuf};

use nix::fcntl::{FcntlArg, OFlag, fcntl};

use crate::batch::results::stored_result::InvalidResult;
use crate::error::{Error, Result};
use crate::files::interrupted::uninterrupted;
use crate::files::lines::Line;
use crate::files::paths::with_suffix;
use crate::files::{replace, side_file};
use crate::output::numbers::grouped;
use crate::signals::DeferSignals;

/// At most this many line numbers are told.
const MAX_TOLD: usize = 10;

#[derive(Debug, Default)]
pub struct BadLines {
    /// Where they are, in bytes. Neighbours are one range.
    ranges: Vec<Range<u64>>,
    count: u64,
    /// The numbers of the first ones, from 1.
    numbers: Vec<u64>,
    /// Why the first one is bad.
    reason: Option<InvalidResult>,
}

impl BadLines {
    pub fn add(&mut self, line: &Line, reason: InvalidResult) {
        let Range { start, end } = line.range();
        match self.ranges.last_mut() {
            Some(last) if last.end == start => last.end = end,
            _ => self.ranges.push(start..end),
        }
        self.count += 1;
        if self.numbers.len() < MAX_TOLD {
            self.numbers.push(line.number);
        }
        self.reason.get_or_insert(reason);
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many they are and where, as the beginning of a sentence about the file at
    /// `path`.
    pub fn told(&self, path: &Path) -> String {
        let path = path.display();
        let mut numbers: Vec<String> = self.numbers.iter().map(u64::to_string).collect();
        if self.count > MAX_TOLD as u64 {
            numbers.push("...".to_owned());
        }
        match self.count {
            1 => format!("1 line of {path} is not JSON (line {})", numbers.concat()),
            count => {
                let count = grouped(count);
                format!("{count} lines of {path} are not JSON (lines {})", numbers.join(", "))
            }
        }
    }

    /// The error for a file without any result; `None` if no line is bad.
    pub fn error(&self, path: &Path) -> Option<Error> {
        let reason = self.reason.as_ref()?.to_string();
        let line = *self.numbers.first()?;
        Some(Error::Line { path: path.to_owned(), line, reason, format: None })
    }

    /// Moves the lines from the locked `file` at `path` to `FILE.bad`. The others stay byte
    /// for byte: they replace the file atomically. Returns the new file, open for
    /// appending and locked, and the path of `FILE.bad`.
    ///
    /// # Errors
    /// [`Error::SideFile`], and [`Error::Unwritable`] if the file cannot be replaced. It is
    /// then unchanged, unless only the sync of its directory failed.
    pub fn move_out(&self, file: &File, path: &Path) -> Result<(File, PathBuf)> {
        let aside = with_suffix(path, ".bad");
        let bad = side_file::open_to_append(&aside, file).map_err(|source| {
            let task = format!("move the bad lines of {} to", path.display());
            Error::SideFile { task, path: aside.clone(), source }
        })?;
        let _deferred = DeferSignals::until_drop();
        match self.split(file, path, &bad) {
            Ok(good) => Ok((good, aside)),
            Err(source) => Err(Error::Unwritable { path: path.to_owned(), source }),
        }
    }

    fn split(&self, file: &File, path: &Path, bad: &File) -> io::Result<File> {
        let old = file.metadata()?;
        let new = replace::create_beside(path, None)?;
        let good = new.as_file().try_clone()?;
        // The run's lock is on the old file. Some file systems have no locks.
        let _ = uninterrupted(|| good.try_lock());
        fcntl(&good, FcntlArg::F_SETFL(OFlag::O_APPEND))?;
        let mut kept = BufWriter::new(&good);
        let mut moved = BufWriter::new(bad);
        let mut end = 0;
        for range in &self.ranges {
            copy(file, end..range.start, &mut kept)?;
            copy(file, range.clone(), &mut moved)?;
            end = range.end;
        }
        copy(file, end..old.len(), &mut kept)?;
        kept.flush()?;
        moved.flush()?;
        bad.sync_all()?;
        fchown(&good, Some(old.uid()), Some(old.gid()))?;
        good.set_permissions(old.permissions())?;
        replace::replace(new, path)
    }
}

fn copy(mut file: &File, range: Range<u64>, out: &mut impl Write) -> io::Result<()> {
    file.seek(SeekFrom::Start(range.start))?;
    io::copy(&mut file.take(range.end - range.start), out).map(drop)
}
