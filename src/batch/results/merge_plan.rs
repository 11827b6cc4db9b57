//! Merging result files: one line per id, successes preferred.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use crate::batch::ids::{IdHasher, Marks};
use crate::batch::results::best_lines::BestLines;
use crate::batch::results::stored_reply::{ResultJudge, Standing};
use crate::batch::results::{reader, spool};
use crate::error::{Error, Result};
use crate::files::interrupted::uninterrupted;
use crate::files::lines::Lines;
use crate::output::notes::Notes;

/// A result file to merge. It is locked, so no run is writing it.
pub struct MergeSource {
    path: PathBuf,
    file: File,
}

impl MergeSource {
    /// Opens and locks a result file.
    ///
    /// # Errors
    /// [`Error::Unreadable`] if it cannot be opened or is not a regular file, and
    /// [`Error::Busy`] if a run is writing it.
    pub fn open(path: PathBuf) -> Result<Self> {
        let unreadable = |source| Error::Unreadable { path: path.clone(), source };
        let file = File::open(&path).map_err(unreadable)?;
        if !file.metadata().map_err(unreadable)?.is_file() {
            let reason = "not a regular file, so it cannot be read twice";
            return Err(unreadable(io::Error::other(reason)));
        }
        Self::locked(path, file)
    }

    fn locked(path: PathBuf, file: File) -> Result<Self> {
        match uninterrupted(|| file.try_lock_shared()) {
            Err(std::fs::TryLockError::WouldBlock) => Err(Error::Busy(path)),
            // Some file systems have no locks: go on without one.
            Ok(()) | Err(std::fs::TryLockError::Error(_)) => Ok(Self { path, file }),
        }
    }

    /// The file of results that a killed `--ordered` run left beside this file.
    ///
    /// # Errors
    /// [`Error::Unreadable`], [`Error::SideFile`] if it cannot be used,
    /// [`Error::Unwritable`] if it belongs to another result file, and
    /// [`Error::Busy`] if a run is writing it.
    pub fn spooled(&self) -> Result<Option<Self>> {
        let path = spool::path_for(&self.path);
        let leftover = spool::read_leftover(&self.path, &self.file)?;
        leftover.map(|(file, _)| Self::locked(path, file)).transpose()
    }
}

/// Which line of each id is kept: the last good one, or else the last one.
pub struct MergePlan {
    /// The places of the lines that are kept, counted through all sources.
    kept: Marks,
    /// How many lines each source has. A file system without locks may let it grow.
    lines: Vec<u64>,
}

impl MergePlan {
    /// Reads all lines of `sources`.
    ///
    /// # Errors
    /// [`Error::Line`] for a line that is JSON but not a
    /// result, and [`Error::Unreadable`].
    pub fn new(sources: &[MergeSource], judge: &ResultJudge, notes: &Notes) -> Result<Self> {
        let hasher = IdHasher::default();
        let (mut best, mut lines) = (BestLines::default(), Vec::new());
        let mut before = 0;
        for MergeSource { path, file } in sources {
            let flaws = reader::read_results(file, path, judge, |result, line| {
                let is_good = result.standing == Standing::Done;
                let place = before + line.number - 1;
                best.add(hasher.hash(&result.id), is_good, place);
            })?;
            before += flaws.lines;
            lines.push(flaws.lines);
            if !flaws.bad.is_empty() {
                notes.warn(format_args!("{}; they are left out", flaws.bad.told(path)));
            }
            if flaws.torn.is_some() {
                let path = path.display();
                notes.warn(format_args!("the last line of {path} is torn and left out"));
            }
        }
        best.sort();
        let mut kept = Marks::none_of(before as usize);
        for place in best.places() {
            kept.add(place as usize);
        }
        Ok(Self { kept, lines })
    }

    /// Writes one line per id.
    ///
    /// # Errors
    /// [`Error::Unreadable`], and the error into which `classify` turns a failed write.
    pub fn write(
        self,
        sources: &[MergeSource],
        out: &mut dyn Write,
        classify: impl Fn(io::Error) -> Error,
    ) -> Result<()> {
        let mut place = 0;
        for (MergeSource { path, file }, count) in sources.iter().zip(self.lines) {
            let unreadable = |source| Error::Unreadable { path: path.clone(), source };
            let mut lines = Lines::from_file(file).map_err(unreadable)?;
            for place in place..place + count {
                let Some(line) = lines.next_line().map_err(unreadable)? else {
                    break;
                };
                if self.kept.has(place as usize) {
                    let text = line.content().trim_ascii();
                    let written = out.write_all(text).and_then(|()| out.write_all(b"\n"));
                    written.map_err(&classify)?;
                }
            }
            place += count;
        }
        Ok(())
    }
}
