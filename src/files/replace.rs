//! Replacing a file atomically: a crash leaves the whole old or the whole new
//! file, and what it leaves of the new one is removed later.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Permissions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::files::interrupted::uninterrupted;
use crate::files::paths::{directory_of, is_still_at};
use crate::files::side_file;

/// How many new files for the same target can be found again after a crash.
const SLOTS: u8 = 4;

/// How much of a target's name is part of the new file's. A name can have at most
/// 255 bytes, and on encrypted file systems 143.
const MAX_NAME_BYTES: usize = 100;

/// Creates the file that is to replace the one at `path`, in the same directory.
/// It is locked, as a sign that its run is alive. What killed runs left of such
/// files is removed.
///
/// # Errors
/// When it cannot be created.
pub fn create_beside(path: &Path, permissions: Option<Permissions>) -> io::Result<NamedTempFile> {
    remove_abandoned(path);
    let create = |name: &OsStr, random: usize| {
        tempfile::Builder::new()
            .prefix(name)
            .rand_bytes(random)
            .permissions(permissions.clone().unwrap_or(Permissions::from_mode(0o600)))
            .tempfile_in(directory_of(path))
    };
    for slot in 0..SLOTS {
        let mut new = match create(&slot_name(path, slot), 0) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
            created => created?,
        };
        // A file system without locks is accepted: nothing is removed there.
        let is_taken =
            matches!(uninterrupted(|| new.as_file().try_lock()), Err(TryLockError::WouldBlock));
        if !is_taken && is_still_at(new.as_file(), new.path()) {
            return Ok(new);
        }
        // Another run found it before it was locked and removes it. What is there
        // then may be its own.
        new.disable_cleanup(true);
    }
    create(".gravix-".as_ref(), 6)
}

/// The same for a file that is to have the owner and the permissions of `old`, which is
/// the one at `path`.
///
/// # Errors
/// When it cannot be created, or not with this owner.
pub fn create_like(old: &File, path: &Path) -> io::Result<NamedTempFile> {
    let old = old.metadata()?;
    let new = create_beside(path, None)?;
    fchown(new.as_file(), Some(old.uid()), Some(old.gid()))?;
    new.as_file().set_permissions(old.permissions())?;
    Ok(new)
}

/// Removes what killed runs left of files that were to replace the one at `path`.
pub fn remove_abandoned(path: &Path) {
    for slot in 0..SLOTS {
        let left_over = directory_of(path).join(slot_name(path, slot));
        let Ok(file) = side_file::open_to_read(&left_over, None) else {
            continue;
        };
        // Without locks nobody knows whether its run is alive.
        if uninterrupted(|| file.try_lock()).is_ok() && is_still_at(&file, &left_over) {
            let _ = fs::remove_file(left_over);
        }
    }
}

fn slot_name(path: &Path, slot: u8) -> OsString {
    let name = path.file_name().unwrap_or_default().as_bytes();
    let mut end = name.len().min(MAX_NAME_BYTES);
    // Some file systems refuse half a character.
    while end < name.len() && name[end] & 0xc0 == 0x80 {
        end -= 1;
    }
    let mut slot_name = OsString::from(".gravix-");
    slot_name.push(OsStr::from_bytes(&name[..end]));
    slot_name.push(format!("-{slot}"));
    slot_name
}

/// Replaces the file at `path` with `new`, which must be in the same directory.
/// `new` is synced before it is renamed, and the directory after. Returns it, open and
/// locked as it was.
///
/// # Errors
/// When `new` cannot be synced or renamed: the old file is then still there. Or
/// when the directory cannot be synced.
pub fn replace(new: NamedTempFile, path: &Path) -> io::Result<File> {
    new.as_file().sync_all()?;
    let file = new.persist(path).map_err(|error| error.error)?;
    sync_directory(path).map(|()| file)
}

/// Replaces `file`, which is at `path`, with a copy in which a line end and `lines` stand
/// for `range`. The owner and the permissions stay, and so does what others have added
/// behind it. Returns how many bytes that is.
///
/// # Errors
/// The errors of [`create_like`] and [`replace`], or when a file cannot be read or written.
pub fn replace_range(file: &File, path: &Path, range: Range<u64>, lines: &[u8]) -> io::Result<u64> {
    let new = create_like(file, path)?;
    let (mut source, mut out) = (file, new.as_file());
    source.seek(SeekFrom::Start(0))?;
    io::copy(&mut source.take(range.start), &mut out)?;
    out.write_all(&[b"\n", lines].concat())?;
    source.seek(SeekFrom::Start(range.end))?;
    let added = io::copy(&mut source, &mut out)?;
    replace(new, path).map(|_| added)
}

/// Gives `new`, which must be in the same directory, the name `path`. It is synced
/// before, and the directory after.
///
/// # Errors
/// [`ErrorKind::AlreadyExists`] if there is such a file; when `new` cannot be synced or
/// named, or the directory cannot be synced.
pub fn add(new: NamedTempFile, path: &Path) -> io::Result<()> {
    new.as_file().sync_all()?;
    new.persist_noclobber(path).map_err(|error| error.error)?;
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
