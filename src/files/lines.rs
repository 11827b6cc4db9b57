//! The lines of a source from its beginning, one in memory at a time. Knows
//! nothing of what they hold.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
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
    /// It goes on beyond the limit; `text` is its beginning.
    pub is_too_long: bool,
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
    /// In bytes; no more of a line is kept.
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

    /// The same; of lines with more bytes the beginning is kept alone.
    pub fn up_to(self, limit: u64) -> Self {
        Self { limit, ..self }
    }

    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// Those of the source.
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
        let mut lines = Lines::new(text, separator).up_to(8);
        let mut all = Vec::new();
        while let Some(line) = lines.next_line().expect("short lines") {
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
    fn of_a_line_beyond_the_limit_the_beginning_is_left() {
        let text = b"1234567\n123456789\n12345678";
        let mut lines = Lines::new(text.as_slice(), Separator::Newline).up_to(8);
        let mut next = || {
            let line = lines.next_line().expect("memory").expect("a line");
            (line.start, line.content().to_vec(), line.is_too_long)
        };
        assert_eq!(next(), (0, b"1234567".to_vec(), false));
        assert_eq!(next(), (8, b"12345678".to_vec(), true));
        assert_eq!(next(), (18, b"12345678".to_vec(), false));
    }
}
