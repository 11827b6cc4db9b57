//! Message lines on their way into a request: read from the file in place,
//! never held in memory.

use std::fs::{File, TryLockError};
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use memchr::memchr;

use crate::error::Error;
use crate::history::line::trim;

/// Checked message lines of a file, oldest first, as elements of a JSON
/// array without its brackets: the newlines between messages read as commas,
/// and everything else as it stands. Can be read any number of times.
#[derive(Debug, Clone)]
pub struct HistoryMessages {
    path: PathBuf,
    file: Arc<File>,
    /// Each from the first byte of a message to the last one of another.
    ranges: Vec<Range<u64>>,
    sharing: Option<Sharing>,
}

/// A file whose lock is held while it is being read, and no longer. Read
/// again, it must be what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sharing {
    length: u64,
    modified: Option<SystemTime>,
}

impl Sharing {
    fn of(file: &File) -> Option<Self> {
        let metadata = file.metadata().ok()?;
        Some(Self { length: metadata.len(), modified: metadata.modified().ok() })
    }
}

impl HistoryMessages {
    /// Empty ranges count for nothing. With `is_shared` the lock is given
    /// back whenever all was read.
    pub fn new(
        path: &Path,
        file: Arc<File>,
        ranges: impl IntoIterator<Item = Range<u64>>,
        is_shared: bool,
    ) -> Self {
        let ranges = ranges.into_iter().filter(|range| !range.is_empty()).collect();
        let sharing = Sharing::of(&file).filter(|_| is_shared);
        Self { path: path.to_owned(), file, ranges, sharing }
    }

    /// The length in bytes.
    pub fn len(&self) -> u64 {
        let bytes: u64 = self.ranges.iter().map(|range| range.end - range.start).sum();
        // A comma stands between two ranges.
        bytes + self.ranges.len().saturating_sub(1) as u64
    }

    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Reads the messages from the first one. Its errors hold an
    /// [`Error::Unreadable`].
    pub fn reader(&self) -> impl Read + use<> {
        MessagesReader {
            messages: self.clone(),
            next: 0,
            is_blank: true,
            is_checked: self.sharing.is_none(),
        }
    }

    /// Takes the lock again where it was given back.
    fn ensure_unchanged(&self) -> io::Result<()> {
        let is_free = !matches!(self.file.try_lock_shared(), Err(TryLockError::WouldBlock));
        if is_free && Sharing::of(&self.file) == self.sharing {
            return Ok(());
        }
        Err(io::Error::other("it changed before it was sent again"))
    }

    fn unreadable(&self, source: io::Error) -> io::Error {
        io::Error::other(Error::Unreadable { path: self.path.clone(), source })
    }
}

struct MessagesReader {
    /// What is left to read.
    messages: HistoryMessages,
    /// The range under way.
    next: usize,
    /// The line under way has only white space so far.
    is_blank: bool,
    is_checked: bool,
}

impl Read for MessagesReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.is_checked {
            self.messages.ensure_unchanged().map_err(|error| self.messages.unreadable(error))?;
            self.is_checked = true;
        }
        let Some(range) = self.messages.ranges.get_mut(self.next) else {
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
        let read = match self.messages.file.read_at(&mut buffer[..room], range.start) {
            Ok(0) => Err(io::Error::other("it was cut short while it was being sent")),
            read => read,
        };
        let start = range.start;
        let read = read.map_err(|error| self.messages.unreadable(error))?;
        self.messages.ranges[self.next].start = start + read as u64;
        self.is_blank = join_lines(&mut buffer[..read], self.is_blank);
        Ok(read)
    }
}

impl MessagesReader {
    /// Goes on to the next range, with a comma before it; at the end the lock
    /// is given back.
    fn begin_next(&mut self, buffer: &mut [u8]) -> usize {
        self.next += 1;
        self.is_blank = true;
        if self.next < self.messages.ranges.len() {
            buffer[0] = b',';
            return 1;
        }
        if self.messages.sharing.is_some() {
            // A lock that was not had cannot be given back.
            let _ = self.messages.file.unlock();
        }
        0
    }
}

/// Makes commas of the newlines that end a message; those of blank lines
/// stay white space. Gives whether the last line is blank so far.
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
    fn messages_are_joined_however_they_are_read() {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(b"{1}\n\n \r\n{22}\r\n{3}\n{44}").expect("a file");
        let file = Arc::new(file);
        let messages = HistoryMessages::new(Path::new("x"), file, [0..3, 5..5, 8..22], false);
        let expected = "{1},{22}\r,{3},{44}";
        assert_eq!(messages.len(), expected.len() as u64);
        for size in 1..30 {
            let mut reader = messages.reader();
            let mut read = Vec::new();
            let mut buffer = vec![0; size];
            loop {
                match reader.read(&mut buffer).expect("the file") {
                    0 => break,
                    count => read.extend_from_slice(&buffer[..count]),
                }
            }
            assert_eq!(String::from_utf8(read).expect("UTF-8"), expected, "{size} at a time");
        }
    }
}
