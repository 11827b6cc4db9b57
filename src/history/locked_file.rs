//! Opening and locking a history file, and syncing its directory.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::files::input::not_a_file;
use crate::files::paths::is_still_at;
use crate::history::lock::{LockKind, LockRequest, LockWait};
use crate::history::notice::NoticeHandler;

/// What the caller does with the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read it and append to it. A missing file is created.
    Append,
    /// Read it and rewrite it. The file must exist.
    Change,
    /// Only read it.
    Read,
}

/// Opens `path` and locks it: shared to read, exclusive to write. If the file
/// was replaced before the lock was acquired, opens the new one. Also returns
/// whether the file was created.
///
/// # Errors
/// [`Error::Unreadable`], [`Error::Unwritable`] or [`Error::ReadOnlyHistory`]
/// if the file cannot be opened with this access or is not a regular file;
/// [`Error::Locked`] or
/// [`NetworkError::Deadline`](crate::error::NetworkError::Deadline) if another
/// process holds the lock for longer than `wait`; [`Error::Unreadable`] or
/// [`Error::Unwritable`] if locking fails.
pub fn open_locked(
    path: &Path,
    access: Access,
    wait: LockWait,
    on_notice: NoticeHandler<'_>,
) -> Result<(Arc<File>, bool)> {
    let kind = if access == Access::Read { LockKind::Shared } else { LockKind::Exclusive };
    loop {
        let (file, is_new) = open(path, access)?;
        let file = Arc::new(file);
        LockRequest { path, kind, wait, on_notice }.acquire(&file)?;
        if is_still_at(&file, path) {
            return Ok((file, is_new));
        }
    }
}

fn open(path: &Path, access: Access) -> Result<(File, bool)> {
    let unusable = |source: io::Error| match access {
        Access::Read => Error::Unreadable { path: path.to_owned(), source },
        Access::Change if source.kind() == ErrorKind::NotFound => {
            Error::Unreadable { path: path.to_owned(), source }
        }
        Access::Append if is_read_only(&source) => {
            Error::ReadOnlyHistory { path: path.to_owned(), source }
        }
        Access::Append | Access::Change => Error::Unwritable { path: path.to_owned(), source },
    };
    // Opening a FIFO would block, and a device has no messages.
    if let Some(metadata) = fs::metadata(path).ok().filter(|metadata| !metadata.is_file()) {
        return Err(unusable(not_a_file(&metadata)));
    }
    let mut options = OpenOptions::new();
    options.read(true).append(access != Access::Read);
    if access == Access::Append {
        let created = options.clone().create_new(true).mode(0o600).open(path);
        match created {
            Ok(file) => return Ok((file, true)),
            // It may be gone again: a failed turn removes the file it created.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                options.create(true).mode(0o600);
            }
            Err(error) => return Err(unusable(error)),
        }
    }
    Ok((options.open(path).map_err(unusable)?, false))
}

fn is_read_only(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem)
}
