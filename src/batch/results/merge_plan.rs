//! Merging result files: one line per id, successes preferred.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use crate::batch::ids::{IdHasher, SeenIds, SortedIds};
use crate::batch::results::{result_file, spool};
use crate::error::{Error, Result};
use crate::files::interrupted::uninterrupted;
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

/// Which line of each id is kept.
#[derive(Debug, Default)]
pub struct MergePlan {
    hasher: IdHasher,
    /// Ids with a successful line.
    succeeded: SortedIds,
    /// Other ids, with their number of failed lines.
    failed: HashMap<u128, u64>,
}

impl MergePlan {
    /// Reads all lines of `sources`.
    ///
    /// # Errors
    /// [`Error::Line`] for a line that is not a result, and
    /// [`Error::Unreadable`].
    pub fn new(sources: &[MergeSource], notes: &Notes) -> Result<Self> {
        let mut plan = Self::default();
        for MergeSource { path, file } in sources {
            let torn = result_file::for_each_result(file, path, |result, _| {
                let hash = plan.hasher.hash(&result.id);
                match result.is_success {
                    true => plan.succeeded.push(hash),
                    false => *plan.failed.entry(hash).or_default() += 1,
                }
                Ok(())
            })?;
            if torn.is_some() {
                let path = path.display();
                notes.warn(format_args!("the last line of {path} is torn and left out"));
            }
        }
        plan.succeeded.sort();
        plan.failed.retain(|hash, _| !plan.succeeded.contains(*hash));
        Ok(plan)
    }

    /// Writes one line per id: its first success, or its last failure if there
    /// is none.
    ///
    /// # Errors
    /// [`Error::Line`], [`Error::Unreadable`], and the error into which
    /// `classify` turns a failed write.
    pub fn write(
        mut self,
        sources: &[MergeSource],
        out: &mut dyn Write,
        classify: impl Fn(io::Error) -> Error,
    ) -> Result<()> {
        let mut written = SeenIds::default();
        for MergeSource { path, file } in sources {
            result_file::for_each_result(file, path, |result, line| {
                let hash = self.hasher.hash(&result.id);
                let is_kept = match self.failed.get_mut(&hash) {
                    None => result.is_success && written.insert(hash),
                    Some(left) => {
                        *left -= 1;
                        *left == 0
                    }
                };
                if !is_kept {
                    return Ok(());
                }
                out.write_all(line).and_then(|()| out.write_all(b"\n")).map_err(&classify)
            })?;
        }
        Ok(())
    }
}
