//! A file beside one that the user named, such as `FILE.torn`. Nobody named it,
//! so what others may have put in its place is neither used nor waited for.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::{Uid, geteuid};

use crate::files::input::not_a_file;

const DIRECTORY: &str = "it is a directory, not a file";

/// Opens the file at `path`, beside the file `named`, to append to it and to read
/// it. If there is none, creates one that only its owner can read.
///
/// # Errors
/// When it cannot be opened or created, and for what [`open_to_read`] refuses.
pub fn open_to_append(path: &Path, named: &File) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true);
    match options.clone().create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            open_existing(path, Some(named), &mut options)
        }
        created => created,
    }
}

/// Opens the file at `path`, beside the file `named` if there is one, to read it.
///
/// # Errors
/// When it cannot be opened, or is not a regular file of the user or of the owner
/// of `named`. Root may use every regular file.
pub fn open_to_read(path: &Path, named: Option<&File>) -> io::Result<File> {
    open_existing(path, named, OpenOptions::new().read(true))
}

fn open_existing(path: &Path, named: Option<&File>, options: &mut OpenOptions) -> io::Result<File> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let file = options.custom_flags(flags.bits()).open(path).map_err(|error| {
        match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::ELOOP) => io::Error::other("it is a symbolic link, not a file"),
            Some(Errno::EISDIR) => io::Error::other(DIRECTORY),
            // A socket, or a device without a driver.
            Some(Errno::ENXIO) => io::Error::other("it is not a regular file"),
            _ => error,
        }
    })?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::Error::other(DIRECTORY));
    }
    if !metadata.is_file() {
        return Err(not_a_file(&metadata));
    }
    let user = geteuid();
    let named_owner = match named {
        Some(named) => Uid::from_raw(named.metadata()?.uid()),
        None => user,
    };
    if !is_usable([user, named_owner], Uid::from_raw(metadata.uid())) {
        return Err(io::Error::other("it belongs to another user"));
    }
    // Only opening it must not block.
    let status = OFlag::from_bits_retain(fcntl(&file, FcntlArg::F_GETFL)?);
    fcntl(&file, FcntlArg::F_SETFL(status - OFlag::O_NONBLOCK))?;
    Ok(file)
}

/// Whether `user` may use a file of `owner` that is beside a file of `named`.
fn is_usable([user, named]: [Uid; 2], owner: Uid) -> bool {
    user.is_root() || owner == user || owner == named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_root_may_use_what_is_anothers() {
        for (user, named, owner, expected) in
            [(1, 1, 1, true), (1, 1, 2, false), (1, 1, 0, false), (1, 2, 2, true), (0, 1, 2, true)]
        {
            let owners = [Uid::from_raw(user), Uid::from_raw(named)];
            assert_eq!(is_usable(owners, Uid::from_raw(owner)), expected, "{owners:?} {owner}");
        }
    }
}
