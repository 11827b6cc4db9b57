//! The file of `--output`, which is replaced at one stroke or not at all.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

#[derive(Debug, PartialEq, Eq)]
pub struct OutputFile {
    path: PathBuf,
}

impl OutputFile {
    /// Makes sure that `path` can be written, before anything is sent.
    ///
    /// # Errors
    /// [`Error::Unwritable`].
    pub fn prepare(path: &Path) -> Result<Self> {
        let unwritable = |source| Error::Unwritable { path: path.to_owned(), source };
        // A link is followed, so that it stays one.
        let path = match fs::canonicalize(path) {
            Ok(target) => target,
            Err(error) if error.kind() == ErrorKind::NotFound => path.to_owned(),
            Err(error) => return Err(unwritable(error)),
        };
        let file = Self { path };
        match fs::metadata(&file.path) {
            Ok(metadata) if metadata.is_dir() => {
                return Err(unwritable(ErrorKind::IsADirectory.into()));
            }
            Ok(metadata) if !metadata.is_file() => return Ok(file),
            Ok(_) => drop(File::options().write(true).open(&file.path).map_err(unwritable)?),
            Err(_) => {}
        }
        // This file has no name: nothing is left of it, whatever happens.
        tempfile::tempfile_in(file.directory()).map_err(unwritable)?;
        Ok(file)
    }

    /// Writes `text` and the newline that it may lack.
    ///
    /// # Errors
    /// [`Error::NotSaved`]; a regular file is then what it was.
    pub fn commit(&self, text: &str) -> Result<()> {
        self.replace(text).map_err(|source| Error::NotSaved { path: self.path.clone(), source })
    }

    fn replace(&self, text: &str) -> io::Result<()> {
        let metadata = fs::metadata(&self.path);
        if metadata.as_ref().is_ok_and(|metadata| !metadata.is_file()) {
            let mut device = File::options().write(true).open(&self.path)?;
            return write_text(&mut device, text);
        }
        // The umask applies to a new file, and an old one keeps its mode.
        let mode = metadata.as_ref().map_or(0o666, |metadata| metadata.permissions().mode());
        let mut beside = tempfile::Builder::new()
            .prefix(".gravix-")
            .permissions(fs::Permissions::from_mode(mode))
            .tempfile_in(self.directory())?;
        write_text(beside.as_file_mut(), text)?;
        if let Ok(metadata) = metadata {
            beside.as_file().set_permissions(metadata.permissions())?;
        }
        beside.persist(&self.path)?;
        Ok(())
    }

    fn directory(&self) -> &Path {
        match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        }
    }
}

fn write_text(file: &mut File, text: &str) -> io::Result<()> {
    file.write_all(text.as_bytes())?;
    if !text.is_empty() && !text.ends_with('\n') {
        file.write_all(b"\n")?;
    }
    Ok(())
}
