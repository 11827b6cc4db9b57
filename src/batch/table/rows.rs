//! The rows of a table in CSV or TSV, each with the line on which it begins.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use memchr::memchr_iter;

/// How much is read at once: 128 KiB.
const BLOCK: usize = 128 << 10;

/// A longer row is not read: 64 MiB. Quotes that never end would take in the whole file.
const ROW_LIMIT: usize = 64 << 20;

/// The cells of a row, without their quotes.
#[derive(Debug, Default)]
pub struct RawRow {
    /// The cells, one after the other. What follows them is unused.
    text: Vec<u8>,
    /// Where each of them ends. What follows is unused.
    ends: Vec<usize>,
    count: usize,
}

impl RawRow {
    /// How many cells the row has.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The bytes of a cell, counted from 0; `None` if the row is too short.
    pub fn cell(&self, at: usize) -> Option<&[u8]> {
        let end = *self.ends[..self.count].get(at)?;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.text[start..end])
    }
}

/// Why the rest of a table cannot be read.
#[derive(Debug)]
pub enum TableError {
    Io(io::Error),
    /// The last row, which begins on this line, ends inside quotes.
    OpenQuotes {
        line: u64,
    },
    /// The row that begins on this line is longer than 64 MiB.
    TooLong {
        line: u64,
    },
}

pub struct TableRows<R> {
    source: BufReader<R>,
    parser: Reader,
    row: RawRow,
    /// The line of the next byte, from 1.
    line: u64,
}

impl<R: Read> TableRows<R> {
    pub fn new(source: R, delimiter: u8) -> Self {
        let source = BufReader::with_capacity(BLOCK, source);
        let parser = ReaderBuilder::new().delimiter(delimiter).build();
        Self { source, parser, row: RawRow::default(), line: 1 }
    }

    /// The next row and the line on which it begins; `None` at the end. Empty lines
    /// between rows are passed over.
    ///
    /// # Errors
    /// [`TableError`]. Nothing can be read after it.
    pub fn next_row(&mut self) -> Result<Option<(u64, &RawRow)>, TableError> {
        if self.skip_line_ends().map_err(TableError::Io)? {
            return Ok(None);
        }
        let start = self.line;
        let mut length = 0;
        self.row.count = 0;
        loop {
            let buffer = filled(&mut self.source).map_err(TableError::Io)?;
            let is_end = buffer.is_empty();
            // A newline ends the last row too, unless it is inside quotes.
            let input = if is_end { b"\n" } else { buffer };
            let RawRow { text, ends, count } = &mut self.row;
            let (result, read, written, ended) =
                self.parser.read_record(input, &mut text[length..], &mut ends[*count..]);
            self.line += memchr_iter(b'\n', &input[..read]).count() as u64;
            length += written;
            *count += ended;
            if !is_end {
                self.source.consume(read);
            }
            match result {
                ReadRecordResult::Record => return Ok(Some((start, &self.row))),
                ReadRecordResult::InputEmpty if is_end => {
                    return Err(TableError::OpenQuotes { line: start });
                }
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if length >= ROW_LIMIT => {
                    return Err(TableError::TooLong { line: start });
                }
                ReadRecordResult::OutputFull => text.resize((2 * length).max(4096), 0),
                ReadRecordResult::OutputEndsFull => ends.resize((2 * *count).max(16), 0),
                // Only an empty input gives this.
                ReadRecordResult::End => return Ok(None),
            }
        }
    }

    /// Passes over what separates rows, so that a row's line is that of its first
    /// cell. Returns whether the source has ended.
    fn skip_line_ends(&mut self) -> io::Result<bool> {
        loop {
            let buffer = filled(&mut self.source)?;
            if buffer.is_empty() {
                return Ok(true);
            }
            let rest = buffer.iter().position(|byte| !b"\r\n".contains(byte));
            let skipped = rest.unwrap_or(buffer.len());
            self.line += memchr_iter(b'\n', &buffer[..skipped]).count() as u64;
            self.source.consume(skipped);
            if rest.is_some() {
                return Ok(false);
            }
        }
    }
}

/// The bytes that can be read; none at the end.
fn filled<R: Read>(source: &mut BufReader<R>) -> io::Result<&[u8]> {
    loop {
        match source.fill_buf() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
            Ok(_) => return Ok(source.buffer()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its bytes a few at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(buffer.len());
            Read::take(&mut self.0, count as u64).read(buffer)
        }
    }

    type Rows = Vec<(u64, Vec<String>)>;

    /// All rows, and the line of the row in which the table breaks off.
    fn read(text: &str, block: usize) -> (Rows, Option<u64>) {
        let mut rows = TableRows::new(Slow(text.as_bytes(), block), b',');
        let mut read = Rows::new();
        loop {
            match rows.next_row() {
                Ok(None) => return (read, None),
                Ok(Some((line, row))) => {
                    let cell = |at| String::from_utf8_lossy(row.cell(at).expect("a cell")).into();
                    read.push((line, (0..row.count()).map(cell).collect()));
                }
                Err(TableError::OpenQuotes { line }) => return (read, Some(line)),
                Err(error) => panic!("{error:?}"),
            }
        }
    }

    #[track_caller]
    fn assert_rows(text: &str, rows: &[(u64, &[&str])], open: Option<u64>) {
        let owned = |(line, cells): &(u64, &[&str])| {
            (*line, cells.iter().map(|cell| (*cell).to_owned()).collect())
        };
        let expected: Rows = rows.iter().map(owned).collect();
        for block in [1, 2, 3, 7, 1000] {
            assert_eq!(read(text, block), (expected.clone(), open), "{text:?} by {block}");
        }
    }

    #[test]
    fn every_kind_of_line_end_and_quotes_are_understood() {
        assert_rows("a,b\n1,2\n", &[(1, &["a", "b"]), (2, &["1", "2"])], None);
        assert_rows("a,b\r\n1,2", &[(1, &["a", "b"]), (2, &["1", "2"])], None);
        assert_rows("a\r\n\r\n\"x\ny\"\r\nz", &[(1, &["a"]), (3, &["x\ny"]), (5, &["z"])], None);
        assert_rows("a\n\n\nb\n\n", &[(1, &["a"]), (4, &["b"])], None);
        assert_rows("\"a\"\"b\",\"\",c\"d\n", &[(1, &["a\"b", "", "c\"d"])], None);
        assert_rows("\"\"\n,\n", &[(1, &[""]), (2, &["", ""])], None);
        assert_rows("", &[], None);
        assert_rows("\n\r\n", &[], None);
    }

    #[test]
    fn quotes_that_never_end_are_found() {
        assert_rows("a\n\"b\nc\n", &[(1, &["a"])], Some(2));
        assert_rows("a\nb,\"", &[(1, &["a"])], Some(2));
        assert_rows("a\n\"b\"", &[(1, &["a"]), (2, &["b"])], None);
        assert_rows("a\n\"b\"\"", &[(1, &["a"])], Some(2));
    }

    #[test]
    fn a_row_may_be_long() {
        let long = "x".repeat(300_000);
        let text = format!("a\n{long},\"{long}\"\n{}\n", ",".repeat(5000));
        let (rows, open) = read(&text, 100_000);
        assert_eq!((rows[1].1[1].len(), rows[2].1.len(), open), (300_000, 5001, None));
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_cell() {
        assert_eq!(read("\u{feff}a\n", 100).0[0].1, ["a"]);
        assert_eq!(read("\u{feff}\"a\"\n", 100).0[0].1, ["a"]);
    }
}
