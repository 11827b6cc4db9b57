//! A history that comes from a pipe, as in `--history <(zcat chat.jsonl.gz)`.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;

use crate::error::{Error, Result};
use crate::files::input::Bounded;
use crate::files::paths::is_descriptor;
use crate::history::locked_file::Access;

/// Whether `path` is a pipe that this process has open. A FIFO, which has a path
/// of its own, is none: opening it can block for ever.
pub fn is_pipe(path: &Path) -> bool {
    let is_fifo = || fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo());
    is_descriptor(path) && is_fifo()
}

/// Refuses to write to the pipe at `path`.
///
/// # Errors
/// [`Error::ReadOnlyHistory`] or [`Error::Unwritable`] for access to write.
pub fn ensure_only_read(path: &Path, access: Access) -> Result<()> {
    let source = || io::Error::other("it is a pipe, not a file");
    match access {
        Access::Read => Ok(()),
        Access::Append => Err(Error::ReadOnlyHistory { path: path.to_owned(), source: source() }),
        Access::Change => Err(Error::Unwritable { path: path.to_owned(), source: source() }),
    }
}

/// Reads the pipe at `path` to its end. Returns an unnamed file in memory, which
/// can be read any number of times.
///
/// # Errors
/// When the pipe cannot be read, holds more than 256 MiB, or there is no memory.
pub fn read_into_memory(path: &Path) -> io::Result<File> {
    let mut memory = unnamed_file()?;
    // As private as a history on disk.
    memory.set_permissions(Permissions::from_mode(0o600))?;
    io::copy(&mut Bounded::new(File::open(path)?), &mut memory)?;
    Ok(memory)
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
fn unnamed_file() -> io::Result<File> {
    use nix::sys::memfd::{MFdFlags, memfd_create};
    Ok(memfd_create(c"history", MFdFlags::MFD_CLOEXEC)?.into())
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
fn unnamed_file() -> io::Result<File> {
    tempfile::tempfile()
}
