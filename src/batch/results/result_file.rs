//! A result file: locked for the whole run, repaired and read to resume an
//! earlier run, and appended to in whole lines.

use std::collections::HashSet;
use std::fs::{self, File, Metadata, TryLockError};
use std::io::{self, IsTerminal, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::batch::ids::{IdHasher, SortedIds};
use crate::batch::results::result_line::{InvalidResult, ParsedResult};
use crate::batch::results::spool::{self, Spool};
use crate::error::{Error, Result};
use crate::files::append::{append_at, append_lines, move_torn};
use crate::files::interrupted::uninterrupted;
use crate::files::lines::Lines;
use crate::files::paths::{follow, identity, is_still_at};
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

/// Where a file ends in a whole line.
#[derive(Debug)]
struct FileEnd {
    /// The device and inode.
    identity: (u64, u64),
    length: u64,
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

    /// Repairs the file and returns the ids that have succeeded. A torn last
    /// line is moved to `FILE.torn` with a warning, and results that a killed
    /// run left in its spool are appended.
    ///
    /// # Errors
    /// [`Error::Line`] for a line that is not a result, [`Error::Unreadable`],
    /// [`Error::Unwritable`], [`Error::SideFile`], and [`Error::NotSaved`] if
    /// appending fails.
    pub fn resume(&mut self, hasher: &IdHasher, notes: &Notes) -> Result<SortedIds> {
        let mut done = SortedIds::default();
        let ResultTarget::File { path, .. } = &self.target else {
            return Ok(done);
        };
        let torn = for_each_result(&self.file, path, |result, _| {
            if result.is_success {
                done.push(hasher.hash(&result.id));
            }
            Ok(())
        })?;
        if let Some(torn) = torn {
            let aside = move_torn(&self.file, torn, path)?;
            let (path, aside) = (path.display(), aside.display());
            notes.warn(format_args!("the last line of {path} was torn; it is in {aside} now"));
        }
        done.sort();
        let Some((_, leftover)) = spool::read_leftover(path, &self.file)? else {
            return Ok(done);
        };
        let spool = spool::path_for(path);
        let mut recovered = HashSet::new();
        // Later, the other threads of the run would take the signals.
        let _hold = DeferSignals::until_drop();
        for line in leftover.split_inclusive(|&byte| byte == b'\n') {
            // The last line may be torn; failed requests are sent again.
            let parsed = ParsedResult::parse(line).ok().filter(|result| result.is_success);
            let Some(result) = parsed else {
                continue;
            };
            let hash = hasher.hash(&result.id);
            if line.ends_with(b"\n") && !done.contains(hash) && recovered.insert(hash) {
                self.append(line)?;
            }
        }
        recovered.into_iter().for_each(|hash| done.push(hash));
        done.sort();
        // If the spool stays, the next run sees that its results are done.
        let _ = fs::remove_file(spool);
        Ok(done)
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
                (&*path, append_to_file(&self.file, path, end, lines))
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

impl FileEnd {
    fn of(file: &File) -> Option<Self> {
        let metadata = file.metadata().ok()?;
        Some(Self { identity: identity(&metadata)?, length: metadata.len() })
    }

    /// Whether the file is still at `path` and nobody else has changed its length.
    fn is_at(&self, path: &Path) -> bool {
        let is_same = |metadata: Metadata| {
            identity(&metadata) == Some(self.identity) && metadata.len() == self.length
        };
        fs::metadata(path).is_ok_and(is_same)
    }
}

/// Appends to the file at `path`. `end` is where the last line of this run ends:
/// if it is known, a single system call checks the file.
fn append_to_file(
    file: &File,
    path: &Path,
    end: &mut Option<FileEnd>,
    lines: &[u8],
) -> io::Result<()> {
    if let Some(end) = end.as_mut().filter(|end| end.is_at(path)) {
        append_at(file, end.length, lines)?;
        end.length += lines.len() as u64;
        return Ok(());
    }
    if !is_still_at(file, path) {
        return Err(io::Error::other("another file has replaced it"));
    }
    append_lines(file, lines.to_vec(), |_| Ok(()))?;
    *end = FileEnd::of(file);
    Ok(())
}

/// Calls `visit` with each result of a file and its line. Returns the range of
/// a torn last line.
///
/// # Errors
/// [`Error::Line`] for a line that is not a result, [`Error::Unreadable`], and
/// the first error of `visit`.
pub fn for_each_result(
    file: &File,
    path: &Path,
    mut visit: impl FnMut(ParsedResult, &[u8]) -> Result<()>,
) -> Result<Option<Range<u64>>> {
    let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
    let mut lines = Lines::from_file(file).map_err(unreadable)?;
    while let Some(line) = lines.next_line().map_err(unreadable)? {
        let text = line.content().trim_ascii();
        // A spool can be read as a result file: only its header is different.
        if text.is_empty() || (line.number == 1 && text.starts_with(spool::HEADER_START)) {
            continue;
        }
        match ParsedResult::parse(text) {
            Ok(result) => visit(result, text)?,
            Err(invalid) if !line.is_terminated && invalid != InvalidResult::Other => {
                return Ok(Some(line.range()));
            }
            Err(invalid) => {
                return Err(Error::Line {
                    path: path.to_owned(),
                    line: line.number,
                    reason: invalid.to_string(),
                    format: None,
                });
            }
        }
    }
    Ok(None)
}
