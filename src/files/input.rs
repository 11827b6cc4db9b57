//! Opening inputs and reading them into memory: endless ones are refused.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, IsTerminal, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// The longest input that is read into memory: 256 MiB. A pipe may have no end.
const MAX_BYTES: u64 = 256 << 20;

/// Opens a file to read it to its end.
///
/// # Errors
/// When it cannot be opened, and the errors of [`ensure_readable`].
pub fn open(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    ensure_readable(&file)?;
    Ok(file)
}

/// Checks that `file` is neither a directory nor a device such as `/dev/zero`,
/// which has no end. `/dev/null` and terminals have one.
///
/// # Errors
/// An I/O error that names the kind of file.
pub fn ensure_readable(file: &File) -> io::Result<()> {
    let metadata = file.metadata()?;
    let kind = metadata.file_type();
    let has_end = || file.is_terminal() || is_null_device(&metadata);
    match () {
        () if kind.is_dir() => Err(ErrorKind::IsADirectory.into()),
        () if kind.is_block_device() => Err(not_a_file(&metadata)),
        () if kind.is_char_device() && !has_end() => Err(not_a_file(&metadata)),
        () => Ok(()),
    }
}

/// The error for what is not a regular file where one is needed.
pub fn not_a_file(metadata: &Metadata) -> io::Error {
    let kind = metadata.file_type();
    io::Error::other(match () {
        () if kind.is_dir() => return ErrorKind::IsADirectory.into(),
        () if kind.is_fifo() => "it is a FIFO, not a file",
        () if kind.is_socket() => "it is a socket, not a file",
        () => "it is a device, not a file",
    })
}

/// Reads a file to its end.
///
/// # Errors
/// When the file cannot be opened or read, is a directory or an endless device, or
/// is longer than 256 MiB.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let length = file.metadata()?.len().min(MAX_BYTES);
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    Bounded::new(file).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads `source` to its end.
///
/// # Errors
/// The errors of [`Bounded`].
pub fn read_to_end(source: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    Bounded::new(source).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A reader that fails, besides the errors of its source, after 256 MiB.
pub struct Bounded<R> {
    source: R,
    left: u64,
}

impl<R> Bounded<R> {
    pub fn new(source: R) -> Self {
        Self { source, left: MAX_BYTES }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        let left = self.left.checked_sub(read as u64);
        self.left = left.ok_or_else(|| io::Error::other("it is longer than 256 MiB"))?;
        Ok(read)
    }
}

fn is_null_device(metadata: &Metadata) -> bool {
    fs::metadata("/dev/null").is_ok_and(|null| null.rdev() == metadata.rdev())
}
