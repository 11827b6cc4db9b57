//! Replacing a file atomically: after a crash it is the old file or the new
//! one, whole.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::files::paths::directory_of;

/// Puts `new`, which is in the same directory, in the place of the file at
/// `path`. Its contents reach the disk before its name does.
///
/// # Errors
/// When the file cannot be synced or renamed; the old file is then still there.
pub fn replace(new: NamedTempFile, path: &Path) -> io::Result<()> {
    new.as_file().sync_all()?;
    new.persist(path).map_err(|refused| refused.error)?;
    sync_directory(path)
}

/// Waits until the name of the file at `path` is on disk. Does nothing where
/// the directory cannot be opened or the file system cannot sync directories.
///
/// # Errors
/// When syncing the directory fails.
pub fn sync_directory(path: &Path) -> io::Result<()> {
    let Ok(directory) = File::open(directory_of(path)) else {
        return Ok(());
    };
    match directory.sync_all() {
        Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(()),
        synced => synced,
    }
}
