//! Several outputs made into one, with one line an id.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use crate::batch::ids::{IdHasher, SeenIds, SortedIds};
use crate::batch::results::{result_file, spool};
use crate::error::{Error, Result};
use crate::output::notes::Notes;

/// An output that nobody writes any more.
pub struct MergeSource {
    path: PathBuf,
    file: File,
}

impl MergeSource {
    /// Opens an output to read it, which is locked until this is dropped.
    ///
    /// # Errors
    /// [`Error::Unreadable`], and [`Error::Busy`] while a run writes it.
    pub fn open(path: PathBuf) -> Result<Self> {
        let unreadable = |source| Error::Unreadable { path: path.clone(), source };
        let file = File::open(&path).map_err(unreadable)?;
        if !file.metadata().map_err(unreadable)?.is_file() {
            let reason = "not a regular file, which can be read twice";
            return Err(unreadable(io::Error::other(reason)));
        }
        match file.try_lock_shared() {
            Err(std::fs::TryLockError::WouldBlock) => Err(Error::Busy(path)),
            // A file system without locks is done without.
            Ok(()) | Err(std::fs::TryLockError::Error(_)) => Ok(Self { path, file }),
        }
    }

    /// What waits for its turn in this output.
    ///
    /// # Errors
    /// Those of [`spool::left`] and [`Self::open`].
    pub fn waiting(&self) -> Result<Option<Self>> {
        match spool::left(&self.path, &self.file)? {
            Some(_) => Self::open(spool::beside(&self.path)).map(Some),
            None => Ok(None),
        }
    }
}

/// Which line of an id is to stay.
#[derive(Debug, Default)]
pub struct MergePlan {
    hasher: IdHasher,
    /// Ids that have a good line.
    good: SortedIds,
    /// How many failed lines there are of other ids.
    failed: HashMap<u128, u64>,
}

impl MergePlan {
    /// Reads all lines of `sources`.
    ///
    /// # Errors
    /// Those of [`result_file::read`].
    pub fn new(sources: &[MergeSource], notes: &Notes) -> Result<Self> {
        let mut plan = Self::default();
        for MergeSource { path, file } in sources {
            let torn = result_file::read(file, path, |told, _| {
                let hash = plan.hasher.hash(&told.id);
                match told.is_good {
                    true => plan.good.push(hash),
                    false => *plan.failed.entry(hash).or_default() += 1,
                }
                Ok(())
            })?;
            if torn.is_some() {
                let path = path.display();
                notes.warn(format_args!("the last line of {path} is torn and left out"));
            }
        }
        plan.good.settle();
        plan.failed.retain(|hash, _| !plan.good.contains(*hash));
        Ok(plan)
    }

    /// Writes one line an id: the first good one, or else the last.
    ///
    /// # Errors
    /// Those of [`result_file::read`]; `refused` is what a fault of `out` means.
    pub fn write(
        mut self,
        sources: &[MergeSource],
        out: &mut dyn Write,
        refused: impl Fn(io::Error) -> Error,
    ) -> Result<()> {
        let mut written = SeenIds::default();
        for MergeSource { path, file } in sources {
            result_file::read(file, path, |told, line| {
                let hash = self.hasher.hash(&told.id);
                let is_it = match self.failed.get_mut(&hash) {
                    None => told.is_good && written.insert(hash),
                    Some(left) => {
                        *left -= 1;
                        *left == 0
                    }
                };
                if !is_it {
                    return Ok(());
                }
                out.write_all(line).and_then(|()| out.write_all(b"\n")).map_err(&refused)
            })?;
        }
        Ok(())
    }
}
