//! Reading a source line by line, one line in memory at a time.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::ops::Range;

pub const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How much is read at once: 128 KiB.
const BLOCK: usize = 128 << 10;

/// The byte that ends a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Separator {
    Newline,
    Nul,
}

impl Separator {
    pub fn byte(self) -> u8 {
        match self {
            Self::Newline => b'\n',
            Self::Nul => 0,
        }
    }
}

pub struct Line<'a> {
    /// Counts from 1.
    pub number: u64,
    /// The offset of `text` from the start of the source, in bytes.
    pub start: u64,
    /// With the separator, without a byte order mark.
    pub text: &'a [u8],
    /// `text` ends in the separator.
    pub is_terminated: bool,
    /// The line is longer than the limit; `text` is only its start.
    pub is_too_long: bool,
}

impl<'a> Line<'a> {
    /// The byte range of `text` in the source.
    pub fn range(&self) -> Range<u64> {
        self.start..self.start + self.text.len() as u64
    }

    /// The line without its separator, and without a carriage return before a
    /// newline.
    pub fn content(&self) -> &'a [u8] {
        match self.text {
            [content @ .., b'\r', b'\n'] => content,
            text if self.is_terminated => &text[..text.len() - 1],
            text => text,
        }
    }
}

pub struct Lines<R> {
    reader: BufReader<R>,
    separator: Separator,
    /// At most this many bytes of a line are kept.
    limit: u64,
    /// The current line.
    text: Vec<u8>,
    number: u64,
    offset: u64,
}

impl<'a> Lines<&'a File> {
    /// The lines of a file from its start.
    ///
    /// # Errors
    /// An I/O error if seeking fails.
    pub fn from_file(mut file: &'a File) -> io::Result<Self> {
        file.rewind()?;
        Ok(Self::new(file, Separator::Newline))
    }
}

impl<R: Read> Lines<R> {
    pub fn new(source: R, separator: Separator) -> Self {
        let reader = BufReader::with_capacity(BLOCK, source);
        Self { reader, separator, limit: u64::MAX, text: Vec::new(), number: 0, offset: 0 }
    }

    /// Keeps only the first `limit` bytes of each line.
    pub fn with_limit(self, limit: u64) -> Self {
        Self { limit, ..self }
    }

    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// The I/O error of the source.
    pub fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        self.text.clear();
        let separator = self.separator.byte();
        let mut limited = self.reader.by_ref().take(self.limit);
        let mut read = limited.read_until(separator, &mut self.text)? as u64;
        if read == 0 {
            return Ok(None);
        }
        let is_cut = read == self.limit && self.text.last() != Some(&separator);
        let beyond = if is_cut { self.reader.skip_until(separator)? as u64 } else { 0 };
        read += beyond;
        self.number += 1;
        let has_mark = self.number == 1 && self.text.starts_with(BYTE_ORDER_MARK);
        let mark = if has_mark { BYTE_ORDER_MARK.len() } else { 0 };
        let start = self.offset + mark as u64;
        self.offset += read;
        let text = &self.text[mark..];
        Ok(Some(Line {
            number: self.number,
            start,
            text,
            is_terminated: text.last() == Some(&separator),
            is_too_long: beyond > 0,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8], separator: Separator) -> Vec<String> {
        let mut lines = Lines::new(text, separator).with_limit(8);
        let mut all = Vec::new();
        while let Some(line) = lines.next_line().expect("a slice is readable") {
            assert_eq!(line.number, all.len() as u64 + 1);
            all.push(String::from_utf8(line.content().to_vec()).expect("UTF-8"));
        }
        all
    }

    #[test]
    fn content_strips_line_ends_and_nothing_else() {
        assert_eq!(all(b"\xef\xbb\xbfa\r\n\n b \nc", Separator::Newline), ["a", "", " b ", "c"]);
        assert_eq!(all(b"a\r\n\0\0b\0", Separator::Nul), ["a\r\n", "", "b"]);
        assert!(all(b"", Separator::Newline).is_empty());
    }

    #[test]
    fn only_the_start_of_a_line_over_the_limit_is_kept() {
        let text = b"1234567\n123456789\n12345678";
        let mut lines = Lines::new(text.as_slice(), Separator::Newline).with_limit(8);
        let mut next = || {
            let line = lines.next_line().expect("a slice is readable").expect("there is a line");
            (line.start, line.content().to_vec(), line.is_too_long)
        };
        assert_eq!(next(), (0, b"1234567".to_vec(), false));
        assert_eq!(next(), (8, b"12345678".to_vec(), true));
        assert_eq!(next(), (18, b"12345678".to_vec(), false));
    }
}
