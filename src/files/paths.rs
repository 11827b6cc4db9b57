//! Resolving, comparing and building paths.

use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The longest chain of symbolic links, as in Linux.
const MAX_LINKS: usize = 40;

/// Resolves symbolic links at `path`, even if the last target does not exist.
///
/// # Errors
/// An I/O error if there are more than 40 links in a row, as in a loop.
pub fn follow(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::read_link(&path) {
            Ok(target) => path = path.parent().unwrap_or(Path::new("")).join(target),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

/// The device and inode that identify a regular file under any name. `None` for
/// other files, such as devices, which several writers can share.
pub fn identity(metadata: &Metadata) -> Option<(u64, u64)> {
    metadata.is_file().then(|| (metadata.dev(), metadata.ino()))
}

/// Whether `path` still leads to the open `file`.
pub fn is_still_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(ours), Ok(theirs)) => (ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino()),
        (_, Err(error)) if error.kind() == ErrorKind::NotFound => false,
        // If the two cannot be compared, assume that nothing changed.
        _ => true,
    }
}

/// Whether users other than the owner can read a file with this metadata.
pub fn is_readable_by_others(metadata: &Metadata) -> bool {
    metadata.mode() & 0o044 != 0
}

/// Whether `path` stands for an open descriptor of this process, as that of a
/// process substitution, `<(…)`, does. No other process can open it.
pub fn is_descriptor(path: &Path) -> bool {
    ["/dev/fd", "/dev/stdin", "/proc/self/fd"].iter().any(|prefix| path.starts_with(prefix))
}

/// The directory that contains `path`.
pub fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// `path` with `suffix` appended to its name.
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}
