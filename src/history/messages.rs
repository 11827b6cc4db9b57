//! Message lines on their way into a request: read from the file in place,
//! never held in memory.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use memchr::memchr;

use super::line::trim;

/// Checked message lines of a file, oldest first, as elements of a JSON
/// array without its brackets: the newlines between messages read as commas,
/// and everything else as it stands. Can be read any number of times.
#[derive(Debug, Clone)]
pub struct Messages {
    file: Arc<File>,
    /// Each from the first byte of a message to the last one of another.
    ranges: Vec<Range<u64>>,
    /// The lock is given back when all is read.
    releases: bool,
}

impl Messages {
    /// Empty ranges count for nothing. With `releases` the lock of the file
    /// is given back when they were read for the first time: others append,
    /// and what is read again is still there.
    pub fn new(
        file: Arc<File>,
        ranges: impl IntoIterator<Item = Range<u64>>,
        releases: bool,
    ) -> Self {
        let ranges = ranges.into_iter().filter(|range| !range.is_empty());
        Self { file, ranges: ranges.collect(), releases }
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

    pub fn reader(&self) -> impl Read + use<> {
        MessagesReader {
            file: Arc::clone(&self.file),
            ranges: self.ranges.clone(),
            next: 0,
            is_blank: true,
            releases: self.releases,
        }
    }
}

struct MessagesReader {
    file: Arc<File>,
    /// What is left to read of each range.
    ranges: Vec<Range<u64>>,
    /// The range under way.
    next: usize,
    /// The line under way has only white space so far.
    is_blank: bool,
    releases: bool,
}

impl Read for MessagesReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(range) = self.ranges.get_mut(self.next).filter(|_| !buffer.is_empty()) else {
            return Ok(0);
        };
        if range.is_empty() {
            self.next += 1;
            self.is_blank = true;
            if self.next == self.ranges.len() {
                if self.releases {
                    // A lock that was not had cannot be given back.
                    let _ = self.file.unlock();
                }
                return Ok(0);
            }
            buffer[0] = b',';
            return Ok(1);
        }
        let left = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let room = left.min(buffer.len());
        let read = self.file.read_at(&mut buffer[..room], range.start)?;
        if read == 0 {
            return Err(io::Error::other("the history was cut short while it was being sent"));
        }
        range.start += read as u64;
        self.is_blank = join_lines(&mut buffer[..read], self.is_blank);
        Ok(read)
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
        let messages = Messages::new(file, [0..3, 5..5, 8..22], false);
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
