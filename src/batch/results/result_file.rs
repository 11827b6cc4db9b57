//! The files that take lines of output: locked for the whole run, read to see
//! what is done already, healed, and appended to in whole lines.

use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::io::{self, IsTerminal, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::batch::ids::{IdHasher, SortedIds};
use crate::batch::results::result_line::ParsedResult;
use crate::batch::results::spool::{self, Spool};
use crate::error::{Error, Result};
use crate::files::append::{append_lines, move_torn};
use crate::files::lines::Lines;
use crate::files::paths::{follow, is_still_at};
use crate::output::notes::Notes;
use crate::output::sanitize::{escape_controls, push_sanitized};
use crate::output::stdout;
use crate::signals::DeferSignals;

/// Where lines of output go.
#[derive(Debug)]
pub struct ResultFile {
    target: ResultTarget,
    file: File,
    /// Then lines are sanitized.
    is_terminal: bool,
}

#[derive(Debug)]
enum ResultTarget {
    Stdout,
    /// A pipe or a device, which is written to and never read.
    Device(PathBuf),
    /// A regular file, which nobody else writes while this lives.
    File {
        /// Where links lead.
        path: PathBuf,
        /// It was not there before.
        is_new: bool,
    },
}

impl ResultFile {
    /// # Errors
    /// [`Error::Stdout`].
    pub fn stdout() -> Result<Self> {
        Ok(Self::new(ResultTarget::Stdout, stdout::stdout_file()?))
    }

    fn new(target: ResultTarget, file: File) -> Self {
        Self { target, is_terminal: file.is_terminal(), file }
    }

    /// Opens a file to append to; it is created where there is none.
    ///
    /// # Errors
    /// [`Error::Unwritable`], and [`Error::Busy`] where another run writes it.
    pub fn open(path: &Path) -> Result<Self> {
        let unwritable = |source| Error::Unwritable { path: path.to_owned(), source };
        if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            let file = File::options().append(true).open(path).map_err(unwritable)?;
            return Ok(Self::new(ResultTarget::Device(path.to_owned()), file));
        }
        let path = follow(path).map_err(unwritable)?;
        loop {
            let is_new = !path.exists();
            let mut options = File::options();
            let options = options.read(true).append(true).create(true);
            let file = options.open(&path).map_err(unwritable)?;
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => return Err(Error::Busy(path)),
                // A file system without locks is done without.
                Ok(()) | Err(TryLockError::Error(_)) => {}
            }
            if is_still_at(&file, &path) {
                return Ok(Self::new(ResultTarget::File { path, is_new }, file));
            }
        }
    }

    pub fn is_at(&self, path: &Path) -> bool {
        is_still_at(&self.file, path)
    }

    pub fn file(&self) -> &File {
        &self.file
    }

    pub fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Where lines can be kept that come before their turn.
    ///
    /// # Errors
    /// Those of [`Spool::open`].
    pub fn spool(&self) -> Result<Option<Spool>> {
        match &self.target {
            ResultTarget::File { path, .. } => Spool::open(path, &self.file).map(Some),
            ResultTarget::Stdout | ResultTarget::Device(_) => Ok(None),
        }
    }

    /// The ids that have a good response. A torn last line is moved to
    /// `FILE.torn` with a warning, and what a run that was killed had kept for
    /// later is appended.
    ///
    /// # Errors
    /// [`Error::Line`] for a line that is no output of a run,
    /// [`Error::Unreadable`] and [`Error::Unwritable`].
    pub fn done(&mut self, hasher: &IdHasher, notes: &Notes) -> Result<SortedIds> {
        let mut done = SortedIds::default();
        let ResultTarget::File { path, .. } = &self.target else {
            return Ok(done);
        };
        let torn = read(&self.file, path, |told, _| {
            if told.is_good {
                done.push(hasher.hash(&told.id));
            }
            Ok(())
        })?;
        if let Some(torn) = torn {
            let aside = move_torn(&self.file, torn, path)?;
            let (path, aside) = (path.display(), aside.display());
            notes.warn(format_args!("the last line of {path} was torn; it is in {aside} now"));
        }
        done.settle();
        let Some(left) = spool::left(path, &self.file)? else {
            return Ok(done);
        };
        let spool = spool::beside(path);
        let mut taken = HashSet::new();
        for line in left.split_inclusive(|&byte| byte == b'\n') {
            // The last one may be torn; what failed is tried again.
            let Some(told) = ParsedResult::read(line).ok().filter(|told| told.is_good) else {
                continue;
            };
            let hash = hasher.hash(&told.id);
            if line.ends_with(b"\n") && !done.contains(hash) && taken.insert(hash) {
                self.append(line)?;
            }
        }
        taken.into_iter().for_each(|hash| done.push(hash));
        done.settle();
        // What stays is known to be in the output by the next run.
        let _ = fs::remove_file(spool);
        Ok(done)
    }

    /// Whether nothing was written by an earlier run.
    pub fn is_empty(&self) -> bool {
        match self.target {
            ResultTarget::Stdout | ResultTarget::Device(_) => true,
            ResultTarget::File { .. } => {
                self.file.metadata().is_ok_and(|metadata| metadata.len() == 0)
            }
        }
    }

    /// Writes whole lines at once, or none of them to a regular file.
    ///
    /// # Errors
    /// [`Error::NotSaved`], and those of standard output.
    pub fn append(&mut self, lines: &[u8]) -> Result<()> {
        let sanitized = self.is_terminal.then(|| sanitized(lines));
        let lines = sanitized.as_deref().unwrap_or(lines);
        let (path, written) = match &self.target {
            ResultTarget::Stdout => {
                return self.file.write_all(lines).map_err(stdout::stdout_error);
            }
            ResultTarget::Device(path) => (path, self.file.write_all(lines)),
            ResultTarget::File { path, .. } => {
                let _hold = DeferSignals::until_drop();
                let written = match is_still_at(&self.file, path) {
                    true => append_lines(&self.file, lines.to_vec(), |_| Ok(())).map(drop),
                    false => Err(io::Error::other("another file took its place meanwhile")),
                };
                (path, written)
            }
        };
        written.map_err(|source| Error::NotSaved { path: path.clone(), source })
    }

    /// Waits until all is on disk.
    ///
    /// # Errors
    /// [`Error::NotSaved`].
    pub fn sync(&self) -> Result<()> {
        match &self.target {
            ResultTarget::Stdout | ResultTarget::Device(_) => Ok(()),
            ResultTarget::File { path, .. } => {
                let synced = self.file.sync_data();
                synced.map_err(|source| Error::NotSaved { path: path.clone(), source })
            }
        }
    }
}

impl ResultFile {
    /// The file stays, also if nothing was written: that is what the run came
    /// to.
    pub fn keep(&mut self) {
        if let ResultTarget::File { is_new, .. } = &mut self.target {
            *is_new = false;
        }
    }

    /// Takes the file away that a run made which came to nothing.
    pub fn leave_no_trace(&self) {
        if let ResultTarget::File { path, is_new: true } = &self.target
            && self.is_empty()
            && is_still_at(&self.file, path)
        {
            let _ = fs::remove_file(path);
        }
    }
}

impl Drop for ResultFile {
    fn drop(&mut self) {
        self.leave_no_trace();
    }
}

/// Lines for a terminal: JSON stays JSON, and raw texts lose what could harm.
fn sanitized(lines: &[u8]) -> Vec<u8> {
    let mut sanitized = Vec::new();
    push_sanitized(&mut sanitized, &escape_controls(&String::from_utf8_lossy(lines)));
    sanitized
}

/// Reads lines of output, each with its text. Gives where a torn last line is.
///
/// # Errors
/// [`Error::Line`] for the first line that is none, [`Error::Unreadable`], and
/// those of `take`.
pub fn read(
    file: &File,
    path: &Path,
    mut take: impl FnMut(ParsedResult, &[u8]) -> Result<()>,
) -> Result<Option<Range<u64>>> {
    let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
    let mut lines = Lines::from_file(file).map_err(unreadable)?;
    while let Some(line) = lines.next_line().map_err(unreadable)? {
        let text = line.content().trim_ascii();
        // What waits for another file is an output but for its first line.
        if text.is_empty() || (line.number == 1 && text.starts_with(spool::HEAD)) {
            continue;
        }
        match ParsedResult::read(text) {
            Ok(told) => take(told, text)?,
            Err(error) if !line.is_terminated && !error.is_data() => return Ok(Some(line.range())),
            Err(_) => {
                return Err(Error::Line {
                    path: path.to_owned(),
                    line: line.number,
                    reason: "not the output of a batch".to_owned(),
                });
            }
        }
    }
    Ok(None)
}
