//! A result file: locked for the whole run, repaired and read to resume an
//! earlier run, and appended to in whole lines.

use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use crate::batch::earlier::Earlier;
use crate::batch::results::file_end::{self, FileEnd};
use crate::batch::results::reader::{Flaws, read_results};
use crate::batch::results::spool::{self, Spool};
use crate::batch::results::stored_reply::ResultJudge;
use crate::batch::results::stored_result::StoredResult;
use crate::error::{Error, Result};
use crate::files::append;
use crate::files::interrupted::uninterrupted;
use crate::files::paths::{follow, is_still_at};
use crate::output::closed;
use crate::output::notes::Notes;
use crate::output::sanitize::push_sanitized;
use crate::output::stdout;
use crate::signals::DeferSignals;

/// A file, a device or standard output that results are written to.
#[derive(Debug)]
pub struct ResultFile {
    target: ResultTarget,
    file: File,
    /// Lines for a terminal are sanitized.
    is_terminal: bool,
}

#[derive(Debug)]
enum ResultTarget {
    Stdout,
    /// A pipe or a device, which is only written.
    Device(PathBuf),
    /// A regular file, which is locked.
    File {
        /// With symbolic links resolved.
        path: PathBuf,
        /// This run created it, and removes it if nothing is written.
        is_new: bool,
        /// After the last line that this run wrote; `None` before it.
        end: Option<FileEnd>,
    },
}

impl ResultFile {
    /// # Errors
    /// [`Error::Stdout`] if standard output is closed.
    pub fn stdout() -> Result<Self> {
        Ok(Self::new(ResultTarget::Stdout, stdout::stdout_file()?))
    }

    fn new(target: ResultTarget, file: File) -> Self {
        Self { target, is_terminal: file.is_terminal(), file }
    }

    /// Opens and locks a file to append to, and creates it if needed.
    ///
    /// # Errors
    /// [`Error::Unwritable`], and [`Error::Busy`] if another run is writing it.
    pub fn open(path: &Path) -> Result<Self> {
        let unwritable = |source| Error::Unwritable { path: path.to_owned(), source };
        closed::ensure_open_at(path).map_err(unwritable)?;
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
            match uninterrupted(|| file.try_lock()) {
                Err(TryLockError::WouldBlock) => return Err(Error::Busy(path)),
                // Some file systems have no locks: go on without one.
                Ok(()) | Err(TryLockError::Error(_)) => {}
            }
            if is_still_at(&file, &path) {
                return Ok(Self::new(ResultTarget::File { path, is_new, end: None }, file));
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

    /// Creates the spool of a regular file, for results that come out of order.
    ///
    /// # Errors
    /// [`Error::SideFile`] and [`Error::Unwritable`].
    pub fn spool(&self) -> Result<Option<Spool>> {
        match &self.target {
            ResultTarget::File { path, .. } => Spool::create(path, &self.file).map(Some),
            ResultTarget::Stdout | ResultTarget::Device(_) => Ok(None),
        }
    }

    /// Calls `visit` with each result of a regular file. Nothing is changed.
    ///
    /// # Errors
    /// [`Error::Line`] for a line that is JSON but not a
    /// result, and [`Error::Unreadable`].
    pub fn read(&self, judge: &ResultJudge, mut visit: impl FnMut(&StoredResult)) -> Result<Flaws> {
        match &self.target {
            ResultTarget::Stdout | ResultTarget::Device(_) => Ok(Flaws::default()),
            ResultTarget::File { path, .. } => {
                read_results(&self.file, path, judge, |result, _| visit(result))
            }
        }
    }

    /// Appends results that a killed run left in its spool, and adds them to
    /// `earlier`, which knows those of the file. Failures are left out.
    ///
    /// # Errors
    /// [`Error::SideFile`], [`Error::Unreadable`], [`Error::Unwritable`], and
    /// [`Error::NotSaved`] if appending fails.
    pub fn recover(&mut self, judge: &ResultJudge, earlier: &mut Earlier) -> Result<()> {
        let ResultTarget::File { path, .. } = &self.target else {
            return Ok(());
        };
        let Some((_, leftover)) = spool::read_leftover(path, &self.file)? else {
            return Ok(());
        };
        let spool = spool::path_for(path);
        let mut recovered = HashSet::new();
        // Later, the other threads of the run would take the signals.
        let _hold = DeferSignals::until_drop();
        for line in leftover.split_inclusive(|&byte| byte == b'\n') {
            let Ok(result) = StoredResult::parse(line, judge) else {
                continue;
            };
            let is_done = result.standing.is_done();
            // The last line may be torn.
            let is_whole = line.ends_with(b"\n");
            let hash = earlier.hash(&result.id);
            if is_whole && is_done && !earlier.has(&result) && recovered.insert(hash) {
                self.append(line)?;
                earlier.add(&result);
            }
        }
        earlier.sort();
        // If the spool stays, the next run sees that its results are done.
        let _ = fs::remove_file(spool);
        Ok(())
    }

    /// Moves a torn last line to `FILE.torn`, with a warning.
    ///
    /// # Errors
    /// [`Error::SideFile`] and [`Error::Unwritable`].
    pub fn move_torn(&self, flaws: &Flaws, notes: &Notes) -> Result<()> {
        let (ResultTarget::File { path, .. }, Some(torn)) = (&self.target, &flaws.torn) else {
            return Ok(());
        };
        let aside = append::move_torn(&self.file, torn.clone(), path)?;
        let (path, aside) = (path.display(), aside.display());
        notes.warn(format_args!("the last line of {path} was torn; it is in {aside} now"));
        Ok(())
    }

    /// Moves lines that are not JSON to `FILE.bad`, with a warning.
    ///
    /// # Errors
    /// [`Error::SideFile`] and [`Error::Unwritable`].
    pub fn move_bad(&mut self, flaws: &Flaws, notes: &Notes) -> Result<()> {
        let ResultTarget::File { path, .. } = &self.target else {
            return Ok(());
        };
        if flaws.bad.is_empty() {
            return Ok(());
        }
        let (file, aside) = flaws.bad.move_out(&self.file, path)?;
        self.file = file;
        let pronoun = if flaws.bad.count() == 1 { "it is" } else { "they are" };
        let (told, aside) = (flaws.bad.told(path), aside.display());
        notes.warn(format_args!("{told}; {pronoun} in {aside} now"));
        Ok(())
    }

    pub fn is_regular(&self) -> bool {
        matches!(self.target, ResultTarget::File { .. })
    }

    /// Whether a regular file has no content; true for anything else.
    pub fn is_empty(&self) -> bool {
        match self.target {
            ResultTarget::Stdout | ResultTarget::Device(_) => true,
            ResultTarget::File { .. } => {
                self.file.metadata().is_ok_and(|metadata| metadata.len() == 0)
            }
        }
    }

    /// Appends whole lines. If that fails, a regular file is left unchanged.
    ///
    /// # Errors
    /// [`Error::NotSaved`] for a file, [`Error::Stdout`] and
    /// [`Error::StdoutClosed`].
    pub fn append(&mut self, lines: &[u8]) -> Result<()> {
        let mut sanitized = Vec::new();
        if self.is_terminal {
            push_sanitized(&mut sanitized, &String::from_utf8_lossy(lines));
        }
        let lines = if self.is_terminal { &sanitized } else { lines };
        let (path, written) = match &mut self.target {
            ResultTarget::Stdout => {
                return self.file.write_all(lines).map_err(stdout::stdout_error);
            }
            ResultTarget::Device(path) => (&*path, self.file.write_all(lines)),
            ResultTarget::File { path, end, .. } => {
                (&*path, file_end::append(&self.file, path, end, lines))
            }
        };
        written.map_err(|source| Error::NotSaved { path: path.clone(), source })
    }

    /// Waits until everything is on disk.
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

    /// Keeps a new file even if nothing is written: the run is complete and has
    /// no results.
    pub fn keep_if_empty(&mut self) {
        if let ResultTarget::File { is_new, .. } = &mut self.target {
            *is_new = false;
        }
    }

    /// Removes the file if this run created it and wrote nothing.
    pub fn remove_if_unused(&self) {
        if let ResultTarget::File { path, is_new: true, .. } = &self.target
            && self.is_empty()
            && is_still_at(&self.file, path)
        {
            let _ = fs::remove_file(path);
        }
    }
}

impl Drop for ResultFile {
    fn drop(&mut self) {
        self.remove_if_unused();
    }
}
