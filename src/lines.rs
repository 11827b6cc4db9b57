//! The lines of a source from its beginning, one in memory at a time. Knows
//! nothing of what they hold.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek};
use std::ops::Range;

pub const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What is read at once: 128 KiB.
const BLOCK: usize = 128 << 10;

/// What a line ends with.
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
    /// Where `text` begins, in bytes from the beginning of the source.
    pub start: u64,
    /// Without a byte order mark, with its separator.
    pub text: &'a [u8],
    pub is_terminated: bool,
}

impl<'a> Line<'a> {
    pub fn range(&self) -> Range<u64> {
        self.start..self.start + self.text.len() as u64
    }

    /// The line without its separator, nor the carriage return before a
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
    /// In bytes; a longer line is an error.
    limit: u64,
    text: Vec<u8>,
    number: u64,
    offset: u64,
}

impl<'a> Lines<&'a File> {
    /// The lines of a file from its beginning.
    pub fn of(mut file: &'a File) -> io::Result<Self> {
        file.rewind()?;
        Ok(Self::new(file, Separator::Newline))
    }
}

impl<R: Read> Lines<R> {
    pub fn new(source: R, separator: Separator) -> Self {
        let reader = BufReader::with_capacity(BLOCK, source);
        Self { reader, separator, limit: u64::MAX, text: Vec::new(), number: 0, offset: 0 }
    }

    /// The same; lines of more bytes are an error.
    pub fn up_to(self, limit: u64) -> Self {
        Self { limit, ..self }
    }

    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// Those of the source, and [`ErrorKind::FileTooLarge`].
    pub fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.text.clear();
        let separator = self.separator.byte();
        let mut limited = self.reader.by_ref().take(self.limit);
        let read = limited.read_until(separator, &mut self.text)? as u64;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        let has_mark = self.number == 1 && self.text.starts_with(BYTE_ORDER_MARK);
        let mark = if has_mark { BYTE_ORDER_MARK.len() } else { 0 };
        let start = self.offset + mark as u64;
        self.offset += read;
        let text = &self.text[mark..];
        let is_terminated = text.last() == Some(&separator);
        if read == self.limit && !is_terminated {
            let reason = format!("line {} is longer than {} bytes", self.number, self.limit);
            return Err(io::Error::new(ErrorKind::FileTooLarge, reason));
        }
        Ok(Some(Line { number: self.number, start, text, is_terminated }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8], separator: Separator) -> Vec<String> {
        let mut lines = Lines::new(text, separator).up_to(8);
        let mut all = Vec::new();
        while let Some(line) = lines.next().expect("short lines") {
            assert_eq!(line.number, all.len() as u64 + 1);
            all.push(String::from_utf8(line.content().to_vec()).expect("UTF-8"));
        }
        all
    }

    #[test]
    fn lines_lose_their_ends_and_nothing_else() {
        assert_eq!(all(b"\xef\xbb\xbfa\r\n\n b \nc", Separator::Newline), ["a", "", " b ", "c"]);
        assert_eq!(all(b"a\r\n\0\0b\0", Separator::Nul), ["a\r\n", "", "b"]);
        assert!(all(b"", Separator::Newline).is_empty());
    }

    #[test]
    fn a_line_beyond_the_limit_is_an_error() {
        let mut lines = Lines::new(b"1234567\n12345678\n".as_slice(), Separator::Newline).up_to(8);
        assert_eq!(lines.next().ok().flatten().map(|line| line.start), Some(0));
        assert_eq!(lines.next().err().map(|error| error.kind()), Some(ErrorKind::FileTooLarge));
    }
}
