//! Scanning a history file for its messages: the whole file from the start, or
//! the newest turns from the end.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use memchr::{memchr_iter, memrchr};

use crate::files::lines::{Line, Lines};
use crate::history::line::{self, InvalidLine, trimmed_len};

/// How much of a file is read at once: 128 KiB.
const BLOCK: usize = 128 << 10;

/// Which messages of a history to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    All,
    /// A leading system or developer message and this many of the newest turns. A turn
    /// starts at a `user` message.
    Turns(u64),
}

/// Where the messages of a history are. Offsets are in bytes from the start of
/// the file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// The leading system message; empty if there is none.
    pub system: Range<u64>,
    /// The other messages of the window.
    pub messages: Range<u64>,
    /// The role of the newest message.
    pub last_role: Option<String>,
    /// How many turns of the window begin at a `user` message.
    pub turns: u64,
    /// The newest `user` message of the window; empty if there is none.
    pub last_prompt: Range<u64>,
    /// The end of the file, or the start of its torn last line.
    pub end: u64,
    /// A last line whose write was interrupted; empty if there is none.
    pub torn: Range<u64>,
}

/// Why a scan failed.
#[derive(Debug)]
pub enum ScanError {
    Io(io::Error),
    /// `line` counts from 1.
    Line {
        line: u64,
        invalid: InvalidLine,
    },
}

impl From<io::Error> for ScanError {
    fn from(error: io::Error) -> Self {
        ScanError::Io(error)
    }
}

impl Scan {
    /// Scans and checks the lines of the window.
    ///
    /// # Errors
    /// [`ScanError::Line`] for a line that is not a message, and
    /// [`ScanError::Io`] if the file cannot be read.
    pub fn from_file(file: &File, window: Window) -> Result<Self, ScanError> {
        let mut scan = match window {
            Window::All => Self::scan_forward(file),
            Window::Turns(turns) => Self::scan_backward(file, turns),
        }?;
        if scan.messages.is_empty() {
            scan.messages = 0..0;
        }
        Ok(scan)
    }

    /// Leaves out what follows the newest `user` message, if the model has answered it.
    /// Returns where that is in the file.
    pub fn leave_out_answer(&mut self) -> Option<Range<u64>> {
        let is_answered = self.last_role.as_deref() == Some("assistant");
        let end = Some(self.last_prompt.end).filter(|end| is_answered && *end > 0)?;
        self.messages.end = end;
        self.last_role = Some("user".to_owned());
        Some(end..self.end)
    }

    fn scan_forward(file: &File) -> Result<Self, ScanError> {
        let mut scan = Self::default();
        let mut lines = Lines::from_file(file)?;
        while let Some(line) = lines.next_line()? {
            match line::role(line.text) {
                Ok(Some(role)) => scan.add(&line, role),
                Ok(None) => {}
                Err(invalid) if invalid.is_torn && !line.is_terminated => {
                    scan.end = line.start;
                    scan.torn = line.range();
                    break;
                }
                Err(invalid) => return Err(ScanError::Line { line: line.number, invalid }),
            }
            scan.end = line.range().end;
        }
        Ok(scan)
    }

    /// Adds the message on `line`, which is after all messages so far.
    fn add(&mut self, line: &Line<'_>, role: String) {
        let start = line.start;
        let end = start + trimmed_len(line.text) as u64;
        if self.last_role.is_none() && line::is_system(&role) {
            self.system = start..end;
            self.messages = line.range().end..line.range().end;
        } else {
            if self.messages.is_empty() {
                self.messages.start = start;
            }
            self.messages.end = end;
        }
        if role == "user" {
            self.turns += 1;
            self.last_prompt = start..end;
        }
        self.last_role = Some(role);
    }

    fn scan_backward(file: &File, turns: u64) -> Result<Self, ScanError> {
        let mut scan = Self { end: file.metadata()?.len(), ..Self::default() };
        let start = scan.read_system(file)?;
        let system_role = scan.last_role.take();
        let mut lines = ReverseLines::new(file, start, scan.end);
        let mut newest_end = None;
        let mut oldest_start = scan.end;
        while newest_end.is_none() || scan.turns < turns {
            let Some((range, text)) = lines.next()? else {
                break;
            };
            let is_terminated = text.ends_with(b"\n");
            let role = match line::role(text) {
                Err(invalid) if invalid.is_torn && !is_terminated => {
                    scan.end = range.start;
                    scan.torn = range;
                    continue;
                }
                Err(invalid) => {
                    let line = 1 + newlines_before(file, range.start)?;
                    return Err(ScanError::Line { line, invalid });
                }
                Ok(role) => role,
            };
            let Some(role) = role else {
                continue;
            };
            let end = range.start + trimmed_len(text) as u64;
            newest_end.get_or_insert(end);
            if scan.turns < turns {
                oldest_start = range.start;
                if role == "user" {
                    scan.turns += 1;
                    if scan.last_prompt.is_empty() {
                        scan.last_prompt = range.start..end;
                    }
                }
            }
            scan.last_role.get_or_insert(role);
        }
        scan.messages = oldest_start..newest_end.unwrap_or(oldest_start).max(oldest_start);
        scan.last_role = scan.last_role.or(system_role);
        Ok(scan)
    }

    /// Reads a leading system message. Returns the offset where the other
    /// messages start.
    fn read_system(&mut self, file: &File) -> Result<u64, ScanError> {
        let mut lines = Lines::from_file(file)?;
        while let Some(line) = lines.next_line()? {
            match line::role(line.text) {
                Ok(None) => {}
                Ok(Some(role)) if line::is_system(&role) => {
                    self.add(&line, role);
                    return Ok(line.range().end);
                }
                // The backward scan reports an invalid line if it gets here.
                Ok(Some(_)) | Err(_) => return Ok(line.start),
            }
        }
        Ok(self.end)
    }
}

/// The lines of a file from its end back to the offset `start`, last line
/// first, one in memory at a time.
struct ReverseLines<'a> {
    file: &'a File,
    start: u64,
    /// Where the next line to return ends.
    end: u64,
    text: Vec<u8>,
    /// The block read last, and its offset.
    block: Vec<u8>,
    block_start: u64,
}

impl<'a> ReverseLines<'a> {
    fn new(file: &'a File, start: u64, end: u64) -> Self {
        Self { file, start, end, text: Vec::new(), block: Vec::new(), block_start: end }
    }

    fn next(&mut self) -> io::Result<Option<(Range<u64>, &[u8])>> {
        if self.end <= self.start {
            return Ok(None);
        }
        // The byte at `end - 1` is the line's own newline.
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

    /// The start of the line that holds the byte before `offset`.
    fn line_start(&mut self, mut offset: u64) -> io::Result<u64> {
        while offset > self.start {
            if offset <= self.block_start {
                self.read_block_before(offset)?;
            }
            let known = (offset - self.block_start) as usize;
            if let Some(newline) = memrchr(b'\n', &self.block[..known]) {
                return Ok(self.block_start + newline as u64 + 1);
            }
            offset = self.block_start;
        }
        Ok(self.start)
    }

    fn read_block_before(&mut self, offset: u64) -> io::Result<()> {
        self.block_start = offset.saturating_sub(BLOCK as u64).max(self.start);
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
        let mut file = tempfile::tempfile().expect("the file is created");
        file.write_all(text).expect("the file is written");
        Scan::from_file(&file, window).map_err(|error| match error {
            ScanError::Io(error) => panic!("{error}"),
            ScanError::Line { line, invalid } => format!("{line}: {}", invalid.reason),
        })
    }

    /// The system message and the other messages of the window, as text.
    fn window(text: &str, turns: u64) -> String {
        let scan = scan(text.as_bytes(), Window::Turns(turns)).expect("the lines are valid");
        let slice = |range: Range<u64>| &text[range.start as usize..range.end as usize];
        format!("{}|{}", slice(scan.system), slice(scan.messages))
    }

    const SYSTEM: &str = r#"{"role":"system"}"#;
    const USER: &str = r#"{"role":"user"}"#;
    const ASSISTANT: &str = r#"{"role":"assistant"}"#;
    const TOOL: &str = r#"{"role":"tool"}"#;

    #[test]
    fn a_backward_scan_finds_the_newest_turns() {
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
    fn both_scans_report_the_line_number_of_an_invalid_line() {
        let text = [USER, "[]", USER, ASSISTANT].join("\n");
        assert!(
            scan(text.as_bytes(), Window::All).expect_err("line 2 is invalid").starts_with("2: ")
        );
        assert!(
            scan(text.as_bytes(), Window::Turns(2))
                .expect_err("line 2 is invalid")
                .starts_with("2: ")
        );
        assert!(scan(text.as_bytes(), Window::Turns(1)).is_ok());
    }

    #[test]
    fn a_backward_scan_reads_each_block_once() {
        // Reading the block again for every line would take minutes.
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
        fn forward_and_backward_scans_agree(
            lines in prop::collection::vec(
                prop::sample::select(vec![SYSTEM, USER, ASSISTANT, TOOL, "", " ", "\r", "{\"role\":"]),
                0..12,
            ),
            has_byte_order_mark: bool,
            is_terminated: bool,
        ) {
            let mark = if has_byte_order_mark { "\u{feff}" } else { "" };
            let end = if is_terminated { "\n" } else { "" };
            let text = format!("{mark}{}{end}", lines.join("\n"));
            let forward = scan(text.as_bytes(), Window::All);
            let backward = scan(text.as_bytes(), Window::Turns(100));
            match (forward, backward) {
                (Ok(forward), Ok(backward)) => prop_assert_eq!(forward, backward),
                // With several invalid lines each scan reports the first it meets.
                (forward, backward) => prop_assert!(forward.is_err() && backward.is_err()),
            }
        }
    }
}
