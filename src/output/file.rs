//! The file of `--output`, replaced atomically.

use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::files::paths::{directory_of, follow};
use crate::files::replace::{create_beside, replace};
use crate::output::closed;
use crate::output::stdout::{self, TextMode, TextWriter};
use crate::signals::DeferSignals;

#[derive(Debug, PartialEq, Eq)]
pub struct OutputFile {
    /// The target of symbolic links, which stay links.
    path: PathBuf,
}

impl OutputFile {
    /// The file that `--output` names; `None` for standard output.
    pub fn named(path: Option<&Path>) -> Option<&Path> {
        path.filter(|path| !stdout::is_named(path))
    }

    /// Checks that `path` can be written, before anything is sent.
    ///
    /// # Errors
    /// [`Error::Unwritable`] if it cannot.
    pub fn prepare(path: &Path) -> Result<Self> {
        let unwritable = |source| Error::Unwritable { path: path.to_owned(), source };
        // A file behind a descriptor is appended to, not replaced: it may have
        // no path, and others may write to it too.
        if is_descriptor(path) {
            closed::ensure_open_at(path).map_err(unwritable)?;
            drop(File::options().append(true).open(path).map_err(unwritable)?);
            return Ok(Self { path: path.to_owned() });
        }
        if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir()) {
            return Ok(Self { path: path.to_owned() });
        }
        let file = Self { path: follow(path).map_err(unwritable)? };
        match fs::metadata(&file.path) {
            Ok(metadata) if metadata.is_dir() => {
                return Err(unwritable(ErrorKind::IsADirectory.into()));
            }
            Ok(_) => drop(File::options().write(true).open(&file.path).map_err(unwritable)?),
            Err(_) if path.as_os_str().as_bytes().ends_with(b"/") => {
                return Err(unwritable(ErrorKind::IsADirectory.into()));
            }
            Err(_) => {}
        }
        // This file has no name, so nothing is left of it even after a crash.
        tempfile::tempfile_in(directory_of(&file.path)).map_err(unwritable)?;
        Ok(file)
    }

    /// The metadata of the file that is there now, if there is one.
    pub fn metadata(&self) -> Option<Metadata> {
        fs::metadata(&self.path).ok()
    }

    /// Replaces the file with `text`, ended by a newline. A terminal gets the
    /// text in `terminal_mode`, a file byte for byte.
    ///
    /// # Errors
    /// [`Error::NotSaved`]; a regular file is then unchanged.
    pub fn commit(&self, text: &str, terminal_mode: TextMode) -> Result<()> {
        self.commit_with(|file| {
            let mode = if file.is_terminal() { terminal_mode } else { TextMode::Exact };
            write_text(file, text, mode).map_err(|source| self.not_saved(source))
        })
    }

    /// Replaces the file with what `write` writes, if that succeeds. A device
    /// or descriptor is written to directly.
    ///
    /// # Errors
    /// An error of `write`, or [`Error::NotSaved`]; a regular file is then
    /// unchanged.
    pub fn commit_with(&self, write: impl FnOnce(&File) -> Result<()>) -> Result<()> {
        let _deferred = DeferSignals::until_drop();
        self.replace_with(write)
    }

    /// The same for what takes long to write: a signal may end the process meanwhile. The
    /// file is then unchanged, and the next run removes what is left beside it.
    ///
    /// # Errors
    /// The same as [`commit_with`](Self::commit_with).
    pub fn replace_with(&self, write: impl FnOnce(&File) -> Result<()>) -> Result<()> {
        let not_saved = |source| self.not_saved(source);
        let metadata = fs::metadata(&self.path).ok();
        let is_device = metadata.as_ref().is_some_and(|metadata| !metadata.is_file());
        if is_device || is_descriptor(&self.path) {
            let device = File::options().append(true).open(&self.path).map_err(not_saved)?;
            return write(&device);
        }
        let old = metadata.map(|metadata| metadata.permissions());
        // The umask applies to a new file; a replaced one keeps its mode.
        let mode = old.clone().unwrap_or(Permissions::from_mode(0o666));
        let new = create_beside(&self.path, Some(mode)).map_err(not_saved)?;
        write(new.as_file())?;
        if let Some(old) = old {
            new.as_file().set_permissions(old).map_err(not_saved)?;
        }
        replace(new, &self.path).map(drop).map_err(not_saved)
    }

    pub fn not_saved(&self, source: io::Error) -> Error {
        Error::NotSaved { path: self.path.clone(), source }
    }
}

fn is_descriptor(path: &Path) -> bool {
    ["/dev/fd", "/dev/stderr", "/proc/self/fd"].iter().any(|prefix| path.starts_with(prefix))
}

fn write_text(file: impl Write, text: &str, mode: TextMode) -> io::Result<()> {
    let mut writer = TextWriter::new(file, mode);
    writer.write(text)?;
    writer.finish()
}
