//! The messages of a history as part of a request body, streamed from the file
//! so that memory does not grow with it.

use std::fs::{File, TryLockError};
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use memchr::memchr;

use crate::error::Error;
use crate::files::interrupted::uninterrupted;
use crate::history::line::trim;

/// Message lines of a history, already checked, as the elements of a JSON array
/// without its brackets: newlines between messages are read as commas, all
/// other bytes are unchanged. Can be read any number of times.
#[derive(Debug, Clone)]
pub struct HistoryMessages {
    path: PathBuf,
    file: Arc<File>,
    /// Byte ranges of the file, each starting and ending at a message.
    ranges: Vec<Range<u64>>,
    /// Set if the lock is released once all is read. The next reader then fails
    /// unless the file still has this version.
    version: Option<FileVersion>,
}

/// The state of a file at one time, to detect that it changed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct FileVersion {
    length: u64,
    modified: Option<SystemTime>,
}

impl FileVersion {
    fn of(file: &File) -> Option<Self> {
        let metadata = file.metadata().ok()?;
        Some(Self { length: metadata.len(), modified: metadata.modified().ok() })
    }
}

impl HistoryMessages {
    /// The messages in these byte ranges of `file`; empty ranges are ignored.
    /// With `is_shared` the lock is released whenever all have been read.
    pub fn new(
        path: &Path,
        file: Arc<File>,
        ranges: impl IntoIterator<Item = Range<u64>>,
        is_shared: bool,
    ) -> Self {
        let ranges = ranges.into_iter().filter(|range| !range.is_empty()).collect();
        let version = FileVersion::of(&file).filter(|_| is_shared);
        Self { path: path.to_owned(), file, ranges, version }
    }

    /// The length in bytes.
    pub fn len(&self) -> u64 {
        let bytes: u64 = self.ranges.iter().map(|range| range.end - range.start).sum();
        // A comma separates two ranges.
        bytes + self.ranges.len().saturating_sub(1) as u64
    }

    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// A reader of all the messages. Its I/O errors wrap [`Error::Unreadable`].
    pub fn reader(&self) -> impl Read + use<> {
        MessagesReader {
            messages: self.clone(),
            current: 0,
            is_blank: true,
            is_checked: self.version.is_none(),
        }
    }

    /// Acquires the lock again, and fails if the file has changed meanwhile.
    fn ensure_unchanged(&self) -> io::Result<()> {
        let attempt = uninterrupted(|| self.file.try_lock_shared());
        let is_free = !matches!(attempt, Err(TryLockError::WouldBlock));
        if is_free && FileVersion::of(&self.file) == self.version {
            return Ok(());
        }
        Err(io::Error::other("it changed before it was sent again"))
    }

    fn unreadable(&self, source: io::Error) -> io::Error {
        io::Error::other(Error::Unreadable { path: self.path.clone(), source })
    }
}

struct MessagesReader {
    /// The ranges shrink as they are read.
    messages: HistoryMessages,
    /// The index of the range being read.
    current: usize,
    /// The line being read has only white space so far.
    is_blank: bool,
    /// The file is known to be unchanged.
    is_checked: bool,
}

impl Read for MessagesReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.is_checked {
            self.messages.ensure_unchanged().map_err(|error| self.messages.unreadable(error))?;
            self.is_checked = true;
        }
        let Some(range) = self.messages.ranges.get_mut(self.current) else {
            return Ok(0);
        };
        if buffer.is_empty() {
            return Ok(0);
        }
        if range.is_empty() {
            return Ok(self.begin_next(buffer));
        }
        let left = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let room = left.min(buffer.len());
        let file = &self.messages.file;
        let read = match uninterrupted(|| file.read_at(&mut buffer[..room], range.start)) {
            Ok(0) => Err(io::Error::other("it was truncated while being sent")),
            read => read,
        };
        let start = range.start;
        let read = read.map_err(|error| self.messages.unreadable(error))?;
        self.messages.ranges[self.current].start = start + read as u64;
        self.is_blank = join_lines(&mut buffer[..read], self.is_blank);
        Ok(read)
    }
}

impl MessagesReader {
    /// Writes the comma before the next range. After the last range, releases
    /// the lock of a shared file. Returns the number of bytes written.
    fn begin_next(&mut self, buffer: &mut [u8]) -> usize {
        self.current += 1;
        self.is_blank = true;
        if self.current < self.messages.ranges.len() {
            buffer[0] = b',';
            return 1;
        }
        if self.messages.version.is_some() {
            // Without locks in the file system there is nothing to release.
            let _ = self.messages.file.unlock();
        }
        0
    }
}

/// Replaces each newline that ends a message by a comma. Newlines of blank
/// lines stay as white space. `is_blank` says whether the first line is blank
/// so far; returns the same for the last line.
fn join_lines(mut text: &mut [u8], mut is_blank: bool) -> bool {
    while let Some(newline) = memchr(b'\n', text) {
        if !is_blank || !trim(&text[..newline]).is_empty() {
            text[newline] = b',';
        }
        is_blank = true;
        text = &mut text[newline + 1..];
    }
    is_blank && trim(text).is_empty()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn messages_are_joined_by_commas_whatever_the_buffer_size() {
        let mut file = tempfile::tempfile().expect("the file is created");
        file.write_all(b"{1}\n\n \r\n{22}\r\n{3}\n{44}").expect("the file is written");
        let file = Arc::new(file);
        let messages = HistoryMessages::new(Path::new("x"), file, [0..3, 5..5, 8..22], false);
        let expected = "{1},{22}\r,{3},{44}";
        assert_eq!(messages.len(), expected.len() as u64);
        for size in 1..30 {
            let mut reader = messages.reader();
            let mut read = Vec::new();
            let mut buffer = vec![0; size];
            loop {
                match reader.read(&mut buffer).expect("the file is readable") {
                    0 => break,
                    count => read.extend_from_slice(&buffer[..count]),
                }
            }
            assert_eq!(String::from_utf8(read).expect("UTF-8"), expected, "{size} bytes at a time");
        }
    }
}
