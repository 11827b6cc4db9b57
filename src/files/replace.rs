//! Replacing a file atomically: a crash leaves the whole old or the whole new
//! file.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::files::paths::directory_of;

/// Replaces the file at `path` with `new`, which must be in the same directory.
/// `new` is synced before it is renamed, and the directory after.
///
/// # Errors
/// When `new` cannot be synced or renamed: the old file is then still there. Or
/// when the directory cannot be synced.
pub fn replace(new: NamedTempFile, path: &Path) -> io::Result<()> {
    new.as_file().sync_all()?;
    new.persist(path).map_err(|error| error.error)?;
    sync_directory(path)
}

/// Syncs the directory of `path`, so that the file's name survives a crash. Does
/// nothing if the directory cannot be opened or the file system cannot sync it.
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
