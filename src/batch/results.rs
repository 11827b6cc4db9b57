//! The files that take lines of output: locked for the whole run, read to see
//! what is done already, healed, and appended to in whole lines.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::ids::{Gathered, Hasher};
use super::outcome::Told;
use crate::append::{append_lines, move_torn};
use crate::error::{Error, Result};
use crate::lines::Lines;
use crate::notes::Notes;
use crate::output;
use crate::paths::{follow, is_still_at};
use crate::signals::Hold;

/// Where lines of output go.
#[derive(Debug)]
pub enum Results {
    /// Standard output, a pipe or a device.
    Stream(File),
    /// A regular file.
    File(Appended),
}

/// A regular file that nobody else writes while this lives.
#[derive(Debug)]
pub struct Appended {
    /// Where links lead.
    path: PathBuf,
    file: File,
    /// It was not there before.
    is_new: bool,
}

impl Drop for Appended {
    fn drop(&mut self) {
        // A run that came to nothing leaves no trace.
        let is_empty = || self.file.metadata().is_ok_and(|metadata| metadata.len() == 0);
        if self.is_new && is_empty() && is_still_at(&self.file, &self.path) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Results {
    pub fn stdout() -> Result<Self> {
        Ok(Self::Stream(output::stdout_file()?))
    }

    /// Opens a file to append to; it is created where there is none.
    ///
    /// # Errors
    /// [`Error::Unwritable`], and [`Error::Busy`] where another run writes it.
    pub fn open(path: &Path) -> Result<Self> {
        let unwritable = |source| Error::Unwritable { path: path.to_owned(), source };
        if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            let file = File::options().append(true).open(path).map_err(unwritable)?;
            return Ok(Self::Stream(file));
        }
        let place = follow(path).map_err(unwritable)?;
        loop {
            let is_new = !place.exists();
            let mut options = File::options();
            let options = options.read(true).append(true).create(true);
            let file = options.open(&place).map_err(unwritable)?;
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => return Err(Error::Busy(path.to_owned())),
                // A file system without locks is done without.
                Ok(()) | Err(TryLockError::Error(_)) => {}
            }
            if is_still_at(&file, &place) {
                return Ok(Self::File(Appended { path: place, file, is_new }));
            }
        }
    }

    pub fn file(&self) -> &File {
        let (Self::Stream(file) | Self::File(Appended { file, .. })) = self;
        file
    }

    /// The ids that have a good response. A torn last line is moved to
    /// `FILE.torn` with a warning.
    ///
    /// # Errors
    /// [`Error::Line`] for a line that is no output of a run,
    /// [`Error::Unreadable`] and [`Error::Unwritable`].
    pub fn done(&self, hasher: &Hasher, notes: &Notes) -> Result<Gathered> {
        let mut done = Gathered::default();
        let Self::File(Appended { path, file, .. }) = self else {
            return Ok(done);
        };
        let torn = read(file, path, |told, _| {
            if told.is_good {
                done.push(hasher.hash(&told.id));
            }
            Ok(())
        })?;
        if let Some(torn) = torn {
            move_torn(file, torn, path, notes)?;
        }
        done.settle();
        Ok(done)
    }

    pub fn is_empty(&self) -> bool {
        match self {
            Self::Stream(_) => true,
            Self::File(Appended { file, .. }) => {
                file.metadata().is_ok_and(|metadata| metadata.len() == 0)
            }
        }
    }

    /// Writes whole lines at once, or none of them to a regular file.
    ///
    /// # Errors
    /// [`Error::NotSaved`], and those of standard output.
    pub fn append(&mut self, lines: Vec<u8>) -> Result<()> {
        match self {
            Self::Stream(stream) => stream.write_all(&lines).map_err(output::stdout_error),
            Self::File(Appended { path, file, .. }) => {
                let _hold = Hold::new();
                let written = match is_still_at(file, path) {
                    true => append_lines(file, lines, |_| Ok(())).map(drop),
                    false => Err(io::Error::other("another file took its place meanwhile")),
                };
                written.map_err(|source| Error::NotSaved { path: path.clone(), source })
            }
        }
    }

    /// Waits until all is on disk.
    ///
    /// # Errors
    /// [`Error::NotSaved`].
    pub fn sync(&self) -> Result<()> {
        match self {
            Self::Stream(_) => Ok(()),
            Self::File(Appended { path, file, .. }) => {
                file.sync_data().map_err(|source| Error::NotSaved { path: path.clone(), source })
            }
        }
    }
}

/// Reads lines of output, each with its text. Gives where a torn last line is.
///
/// # Errors
/// [`Error::Line`] for the first line that is none, [`Error::Unreadable`], and
/// those of `take`.
pub fn read(
    file: &File,
    path: &Path,
    mut take: impl FnMut(Told, &[u8]) -> Result<()>,
) -> Result<Option<std::ops::Range<u64>>> {
    let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
    let mut lines = Lines::of(file).map_err(unreadable)?;
    while let Some(line) = lines.next().map_err(unreadable)? {
        let text = line.content().trim_ascii();
        if text.is_empty() {
            continue;
        }
        match Told::read(text) {
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
