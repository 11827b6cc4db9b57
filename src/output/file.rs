//! The file of `--output`, which is replaced at one stroke or not at all.

use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::files::paths::{directory_of, follow};
use crate::files::replace::replace;
use crate::output::stdout::{Bytes, Output};
use crate::signals::DeferSignals;

#[derive(Debug, PartialEq, Eq)]
pub struct OutputFile {
    /// Where links lead, so that they stay links.
    path: PathBuf,
}

impl OutputFile {
    /// The file that `--output` names; standard output is none, as with curl.
    pub fn named(path: Option<&Path>) -> Option<&Path> {
        path.filter(|path| path.as_os_str() != "-" && path.as_os_str() != "/dev/stdout")
    }

    /// Makes sure that `path` can be written, before anything is sent.
    ///
    /// # Errors
    /// [`Error::Unwritable`].
    pub fn prepare(path: &Path) -> Result<Self> {
        let unwritable = |source| Error::Unwritable { path: path.to_owned(), source };
        // What is behind a descriptor is written to, and not replaced: it may
        // have no path, and others write to it too.
        if is_descriptor(path) {
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
        // This file has no name: nothing is left of it, whatever happens.
        tempfile::tempfile_in(directory_of(&file.path)).map_err(unwritable)?;
        Ok(file)
    }

    /// The file that is there now, for [`crate::files::paths::identity`].
    pub fn metadata(&self) -> Option<Metadata> {
        fs::metadata(&self.path).ok()
    }

    /// Writes `text` and the newline that it may lack. `bytes` holds where
    /// the file is a terminal.
    ///
    /// # Errors
    /// [`Error::NotSaved`]; a regular file is then what it was.
    pub fn commit(&self, text: &str, bytes: Bytes) -> Result<()> {
        self.commit_with(|file| {
            let bytes = if file.is_terminal() { bytes } else { Bytes::Exact };
            write(file, text, bytes).map_err(|source| self.not_saved(source))
        })
    }

    /// Has `write` write the file, as a whole or not at all.
    ///
    /// # Errors
    /// Those of `write`, and [`Error::NotSaved`].
    pub fn commit_with(&self, write: impl FnOnce(&File) -> Result<()>) -> Result<()> {
        let not_saved = |source| self.not_saved(source);
        let metadata = fs::metadata(&self.path).ok();
        let is_device = metadata.as_ref().is_some_and(|metadata| !metadata.is_file());
        if is_device || is_descriptor(&self.path) {
            let device = File::options().append(true).open(&self.path).map_err(not_saved)?;
            return write(&device);
        }
        let _hold = DeferSignals::until_drop();
        let old = metadata.map(|metadata| metadata.permissions());
        let beside = tempfile::Builder::new()
            .prefix(".gravix-")
            // The umask applies to a new file; an old one keeps its mode.
            .permissions(old.clone().unwrap_or(Permissions::from_mode(0o666)))
            .tempfile_in(directory_of(&self.path))
            .map_err(not_saved)?;
        write(beside.as_file())?;
        if let Some(old) = old {
            beside.as_file().set_permissions(old).map_err(not_saved)?;
        }
        replace(beside, &self.path).map_err(not_saved)
    }

    pub fn not_saved(&self, source: io::Error) -> Error {
        Error::NotSaved { path: self.path.clone(), source }
    }
}

fn is_descriptor(path: &Path) -> bool {
    ["/dev/fd", "/dev/stderr", "/proc/self/fd"].iter().any(|place| path.starts_with(place))
}

fn write(file: impl Write, text: &str, bytes: Bytes) -> io::Result<()> {
    let mut output = Output::new(file, bytes);
    output.write(text)?;
    output.finish()
}
