//! What is in a history file and where: the whole file from its beginning,
//! or its newest turns from its end. Changes nothing.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use memchr::{memchr_iter, memrchr};

use crate::files::lines::{Line, Lines};
use crate::history::line::{self, InvalidLine, trimmed_len};

const BLOCK: usize = 128 << 10;

/// How much of a conversation is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    All,
    /// The system message at the head, and the newest turns. A turn begins
    /// at a `user` message.
    Turns(u64),
}

/// Offsets are in bytes from the beginning of the file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// The system message that heads the file.
    pub system: Range<u64>,
    /// The other messages of the window.
    pub messages: Range<u64>,
    /// The role of the newest message.
    pub last_role: Option<String>,
    /// Where the file ends, or the torn line that follows this.
    pub end: u64,
    /// A last line that was cut while it was being written.
    pub torn: Range<u64>,
}

/// A scan that failed.
#[derive(Debug)]
pub enum ScanError {
    Io(io::Error),
    /// The line counts from 1.
    Line {
        line: u64,
        fault: InvalidLine,
    },
}

impl From<io::Error> for ScanError {
    fn from(error: io::Error) -> Self {
        ScanError::Io(error)
    }
}

impl Scan {
    /// Checks the lines of the window.
    ///
    /// # Errors
    /// [`ScanError::Line`] for the first line that is no message.
    pub fn of(file: &File, window: Window) -> Result<Self, ScanError> {
        let mut scan = match window {
            Window::All => Self::from_the_beginning(file),
            Window::Turns(turns) => Self::from_the_end(file, turns),
        }?;
        if scan.messages.is_empty() {
            scan.messages = 0..0;
        }
        Ok(scan)
    }

    fn from_the_beginning(file: &File) -> Result<Self, ScanError> {
        let mut scan = Self::default();
        let mut lines = Lines::of(file)?;
        while let Some(line) = lines.next_line()? {
            match line::role(line.text) {
                Ok(Some(role)) => scan.add(&line, role),
                Ok(None) => {}
                Err(fault) if fault.is_torn && !line.is_terminated => {
                    scan.end = line.start;
                    scan.torn = line.range();
                    break;
                }
                Err(fault) => return Err(ScanError::Line { line: line.number, fault }),
            }
            scan.end = line.range().end;
        }
        Ok(scan)
    }

    /// Counts a message that follows all others.
    fn add(&mut self, line: &Line<'_>, role: String) {
        let begin = line.start;
        let end = begin + trimmed_len(line.text) as u64;
        if self.last_role.is_none() && role == "system" {
            self.system = begin..end;
            self.messages = line.range().end..line.range().end;
        } else {
            if self.messages.is_empty() {
                self.messages.start = begin;
            }
            self.messages.end = end;
        }
        self.last_role = Some(role);
    }

    fn from_the_end(file: &File, turns: u64) -> Result<Self, ScanError> {
        let mut scan = Self { end: file.metadata()?.len(), ..Self::default() };
        let first = scan.take_head(file)?;
        let role_of_head = scan.last_role.take();
        let mut lines = Backwards::new(file, first, scan.end);
        let mut newest = None;
        let mut oldest = scan.end;
        let mut taken = 0;
        while newest.is_none() || taken < turns {
            let Some((range, text)) = lines.next()? else {
                break;
            };
            let is_terminated = text.ends_with(b"\n");
            let role = match line::role(text) {
                Err(fault) if fault.is_torn && !is_terminated => {
                    scan.end = range.start;
                    scan.torn = range;
                    continue;
                }
                Err(fault) => {
                    let line = 1 + newlines_before(file, range.start)?;
                    return Err(ScanError::Line { line, fault });
                }
                Ok(role) => role,
            };
            let Some(role) = role else {
                continue;
            };
            newest.get_or_insert(range.start + trimmed_len(text) as u64);
            if taken < turns {
                oldest = range.start;
                taken += u64::from(role == "user");
            }
            scan.last_role.get_or_insert(role);
        }
        scan.messages = oldest..newest.unwrap_or(oldest).max(oldest);
        scan.last_role = scan.last_role.or(role_of_head);
        Ok(scan)
    }

    /// Takes the system message at the head, and gives the offset from which
    /// on there may be others.
    fn take_head(&mut self, file: &File) -> Result<u64, ScanError> {
        let mut lines = Lines::of(file)?;
        while let Some(line) = lines.next_line()? {
            match line::role(line.text) {
                Ok(None) => {}
                Ok(Some(role)) if role == "system" => {
                    self.add(&line, role);
                    return Ok(line.range().end);
                }
                // Whether it is a fault is found from the end.
                Ok(Some(_)) | Err(_) => return Ok(line.start),
            }
        }
        Ok(self.end)
    }
}

/// The lines of a file from its end down to `first`, one in memory at a time.
struct Backwards<'a> {
    file: &'a File,
    first: u64,
    /// Where the line before begins, which is where the next one ends.
    end: u64,
    text: Vec<u8>,
    /// What was read last, which begins at this offset.
    block: Vec<u8>,
    block_start: u64,
}

impl<'a> Backwards<'a> {
    fn new(file: &'a File, first: u64, end: u64) -> Self {
        Self { file, first, end, text: Vec::new(), block: Vec::new(), block_start: end }
    }

    fn next(&mut self) -> io::Result<Option<(Range<u64>, &[u8])>> {
        if self.end <= self.first {
            return Ok(None);
        }
        // The newline that ends the line is its own.
        let range = self.line_start(self.end - 1)?..self.end;
        self.end = range.start;
        let length = usize::try_from(range.end - range.start).map_err(io::Error::other)?;
        let block_end = self.block_start + self.block.len() as u64;
        self.text.clear();
        if range.start >= self.block_start && range.end <= block_end {
            let begin = (range.start - self.block_start) as usize;
            self.text.extend_from_slice(&self.block[begin..begin + length]);
        } else {
            self.text.resize(length, 0);
            self.file.read_exact_at(&mut self.text, range.start)?;
        }
        Ok(Some((range, &self.text)))
    }

    /// Where the line begins that holds the byte before `offset`.
    fn line_start(&mut self, mut offset: u64) -> io::Result<u64> {
        while offset > self.first {
            if offset <= self.block_start {
                self.read_block_before(offset)?;
            }
            let known = (offset - self.block_start) as usize;
            if let Some(newline) = memrchr(b'\n', &self.block[..known]) {
                return Ok(self.block_start + newline as u64 + 1);
            }
            offset = self.block_start;
        }
        Ok(self.first)
    }

    fn read_block_before(&mut self, offset: u64) -> io::Result<()> {
        self.block_start = offset.saturating_sub(BLOCK as u64).max(self.first);
        self.block.resize((offset - self.block_start) as usize, 0);
        self.file.read_exact_at(&mut self.block, self.block_start)
    }
}

fn newlines_before(mut file: &File, offset: u64) -> io::Result<u64> {
    file.rewind()?;
    let mut reader = BufReader::with_capacity(BLOCK, file).take(offset);
    let mut count = 0;
    loop {
        let block = reader.fill_buf()?;
        if block.is_empty() {
            return Ok(count);
        }
        count += memchr_iter(b'\n', block).count() as u64;
        let length = block.len();
        reader.consume(length);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    fn scan(text: &[u8], window: Window) -> Result<Scan, String> {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(text).expect("a file");
        Scan::of(&file, window).map_err(|failure| match failure {
            ScanError::Io(error) => panic!("{error}"),
            ScanError::Line { line, fault } => format!("{line}: {}", fault.reason),
        })
    }

    /// The text that the window sends.
    fn window(text: &str, turns: u64) -> String {
        let scan = scan(text.as_bytes(), Window::Turns(turns)).expect("messages");
        let part = |range: Range<u64>| &text[range.start as usize..range.end as usize];
        format!("{}|{}", part(scan.system), part(scan.messages))
    }

    const SYSTEM: &str = r#"{"role":"system"}"#;
    const USER: &str = r#"{"role":"user"}"#;
    const ASSISTANT: &str = r#"{"role":"assistant"}"#;
    const TOOL: &str = r#"{"role":"tool"}"#;

    #[test]
    fn the_newest_turns_are_found_from_the_end() {
        let text = [SYSTEM, USER, ASSISTANT, USER, ASSISTANT, TOOL, ASSISTANT].join("\n") + "\n\n";
        let newest = [USER, ASSISTANT, TOOL, ASSISTANT].join("\n");
        assert_eq!(window(&text, 0), format!("{SYSTEM}|"));
        assert_eq!(window(&text, 1), format!("{SYSTEM}|{newest}"));
        let both = [USER, ASSISTANT, &newest].join("\n");
        assert_eq!(window(&text, 2), format!("{SYSTEM}|{both}"));
        assert_eq!(window(&text, 9), format!("{SYSTEM}|{both}"));
        assert_eq!(window(&format!("{SYSTEM}\n"), 3), format!("{SYSTEM}|"));
        assert_eq!(window("\n \n", 3), "|");
        assert_eq!(window("", 3), "|");
    }

    #[test]
    fn a_fault_is_found_by_its_line_from_the_end_too() {
        let text = [USER, "[]", USER, ASSISTANT].join("\n");
        assert!(scan(text.as_bytes(), Window::All).expect_err("a fault").starts_with("2: "));
        assert!(scan(text.as_bytes(), Window::Turns(2)).expect_err("a fault").starts_with("2: "));
        assert!(scan(text.as_bytes(), Window::Turns(1)).is_ok());
    }

    #[test]
    fn a_block_is_read_once_for_all_its_lines() {
        // With a block read for every line this would take minutes.
        let text = format!("{USER}\n{}", "\n".repeat(4 << 20));
        assert_eq!(window(&text, 1), format!("|{USER}"));
    }

    #[test]
    fn a_message_longer_than_a_block_is_found_whole() {
        let long = format!(r#"{{"role":"user","content":"{}"}}"#, "x".repeat(3 * BLOCK));
        let text = [USER, ASSISTANT, &long, ASSISTANT].join("\n");
        assert_eq!(window(&text, 1), format!("|{long}\n{ASSISTANT}"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn both_ways_through_a_file_find_the_same(
            lines in prop::collection::vec(
                prop::sample::select(vec![SYSTEM, USER, ASSISTANT, TOOL, "", " ", "\r", "{\"role\":"]),
                0..12,
            ),
            has_mark: bool,
            is_terminated: bool,
        ) {
            let mark = if has_mark { "\u{feff}" } else { "" };
            let end = if is_terminated { "\n" } else { "" };
            let text = format!("{mark}{}{end}", lines.join("\n"));
            let forwards = scan(text.as_bytes(), Window::All);
            let backwards = scan(text.as_bytes(), Window::Turns(100));
            match (forwards, backwards) {
                (Ok(forwards), Ok(backwards)) => prop_assert_eq!(forwards, backwards),
                // From the end the last fault of several is met first.
                (forwards, backwards) => prop_assert!(forwards.is_err() && backwards.is_err()),
            }
        }
    }
}
