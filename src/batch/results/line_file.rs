//! The lines of a result file, found by where they begin.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use memchr::memchr;

use crate::files::interrupted::uninterrupted;

/// How much is read at once: 128 KiB, of which the first part is for lines that come
/// soon before the last one.
const BLOCK: usize = 128 << 10;
const BEFORE: u64 = 32 << 10;

pub struct LineFile<'a> {
    file: &'a File,
    block: Vec<u8>,
    /// The offset of the block.
    start: u64,
}

impl<'a> LineFile<'a> {
    pub fn new(file: &'a File) -> Self {
        Self { file, block: Vec::new(), start: 0 }
    }

    /// The line that begins at `offset`, without its newline.
    ///
    /// # Errors
    /// An I/O error if the file cannot be read or the line does not end.
    pub fn line(&mut self, offset: u64) -> io::Result<&[u8]> {
        let mut length = BLOCK;
        let end = loop {
            let inside = offset.checked_sub(self.start).map(|inside| inside as usize);
            let rest = inside.and_then(|inside| self.block.get(inside..));
            if let Some(end) = rest.and_then(|rest| memchr(b'\n', rest)) {
                break end;
            }
            let is_whole = self.read(offset.saturating_sub(BEFORE), length)?;
            if is_whole && memchr(b'\n', self.after(offset)).is_none() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            length *= 2;
        };
        Ok(&self.after(offset)[..end])
    }

    /// The part of the block from this offset on.
    fn after(&self, offset: u64) -> &[u8] {
        let inside = offset.saturating_sub(self.start) as usize;
        self.block.get(inside..).unwrap_or_default()
    }

    /// Returns whether the block reaches the end of the file.
    fn read(&mut self, start: u64, length: usize) -> io::Result<bool> {
        self.block.resize(length, 0);
        self.start = start;
        let mut filled = 0;
        while filled < length {
            let at = start + filled as u64;
            match uninterrupted(|| self.file.read_at(&mut self.block[filled..], at))? {
                0 => break,
                read => filled += read,
            }
        }
        self.block.truncate(filled);
        Ok(filled < length)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn every_line_is_found_in_any_order() {
        let mut file = tempfile::tempfile().expect("a file");
        let lines: Vec<String> = [10, 100, 70_000, 3, 400_000, 0, 20_000, 5]
            .iter()
            .map(|length| "x".repeat(*length))
            .collect();
        let mut offsets = Vec::new();
        let mut offset = 0;
        for line in &lines {
            offsets.push(offset);
            offset += line.len() as u64 + 1;
            writeln!(file, "{line}").expect("the file can be written");
        }
        let mut reader = LineFile::new(&file);
        for at in [0, 1, 2, 3, 4, 5, 6, 7, 0, 4, 3, 7, 2, 6, 5, 1] {
            let line = reader.line(offsets[at]).expect("a line");
            assert_eq!(line.len(), lines[at].len(), "{at}");
        }
        assert!(reader.line(offset).is_err());
    }
}
