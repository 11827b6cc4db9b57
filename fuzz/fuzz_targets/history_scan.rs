//! The scan of a history, from its start and from its end: what a plain reader
//! finds in all lines at once.

#![no_main]

use std::cell::RefCell;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use gravix::history::scan::{Scan, ScanError, Window};
use libfuzzer_sys::fuzz_target;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// So many spaces stand for this byte, which is in no message, and for up to six
/// of them: lines are longer than the blocks of 128 KiB that are read at once.
const LONG_BLANK: (u8, usize) = (0x01, 50_000);

thread_local! {
    static FILE: RefCell<File> = tempfile::tempfile().expect("a file is created").into();
}

fuzz_target!(|input: &[u8]| {
    let text = unfold(input);
    FILE.with_borrow(|file| {
        file.set_len(0).expect("the file is emptied");
        file.write_all_at(&text, 0).expect("the file is written");
        let windows = [0, 1, 2, 9].map(Window::Turns).into_iter().chain([Window::All]);
        for window in windows {
            let found = Scan::from_file(file, window).map_err(|error| match error {
                ScanError::Io(error) => panic!("{error}"),
                ScanError::Line { line, .. } => line,
            });
            assert_eq!(found, plain_scan(&text, window), "{window:?}");
        }
    });
});

fn unfold(input: &[u8]) -> Vec<u8> {
    let (mut text, mut long) = (Vec::with_capacity(input.len()), 0);
    for &byte in input {
        if byte == LONG_BLANK.0 && long < 6 {
            text.resize(text.len() + LONG_BLANK.1, b' ');
            long += 1;
        } else {
            text.push(byte);
        }
    }
    text
}

/// A line, as a plain reader sees it.
#[derive(Clone)]
struct Line {
    number: u64,
    range: Range<u64>,
    /// The end of the line without white space behind its JSON.
    end: u64,
    /// `None` if the line is blank. The error says whether it may be torn.
    role: Result<Option<String>, bool>,
}

/// What a scan must find, or the number of the bad line that it must report.
fn plain_scan(text: &[u8], window: Window) -> Result<Scan, u64> {
    let mut scan = Scan { end: text.len() as u64, ..Scan::default() };
    let mut lines = lines(text);
    if let Some(torn) = lines.pop_if(|line| line.role == Err(true)) {
        scan.end = torn.range.start;
        scan.torn = torn.range;
    }
    let mut lines: Vec<Line> = lines.into_iter().filter(|line| line.role != Ok(None)).collect();
    if let Some(Ok(Some(role))) = lines.first().map(|line| line.role.clone())
        && ["system", "developer"].contains(&role.as_str())
    {
        let system = lines.remove(0);
        scan.system = system.range.start..system.end;
        scan.last_role = Some(role);
    }
    let messages = match window {
        Window::All => lines,
        Window::Turns(turns) => newest(lines, turns),
    };
    let mut bad = messages.iter().filter(|line| line.role.is_err()).map(|line| line.number);
    let bad = if window == Window::All { bad.next() } else { bad.next_back() };
    if let Some(line) = bad {
        return Err(line);
    }
    if let (Some(first), Some(last)) = (messages.first(), messages.last()) {
        scan.last_role = last.role.clone().ok().flatten();
        if window != Window::Turns(0) {
            scan.messages = first.range.start..last.end;
        }
    }
    Ok(scan)
}

/// The lines from the user's message that starts the window. The newest line
/// always belongs to them, for its role.
fn newest(lines: Vec<Line>, turns: u64) -> Vec<Line> {
    let users = |lines: &[Line]| {
        let is_user = |line: &&Line| line.role == Ok(Some("user".to_owned()));
        lines.iter().filter(is_user).count() as u64
    };
    let last = lines.len().saturating_sub(1);
    let start = (0..=last).rev().find(|&start| users(&lines[start..]) >= turns);
    lines[start.unwrap_or(0)..].to_vec()
}

fn lines(text: &[u8]) -> Vec<Line> {
    let mut start = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(text[start..].split_inclusive(|byte| *byte == b'\n')) {
        let is_blank = |byte: &u8| b" \t\r\n".contains(byte);
        let length = line.iter().rposition(|byte| !is_blank(byte)).map_or(0, |last| last + 1);
        let range = start as u64..(start + line.len()) as u64;
        let role = role(line).map_err(|is_json| !is_json && !line.ends_with(b"\n"));
        lines.push(Line { number, range, end: (start + length) as u64, role });
        start += line.len();
    }
    lines
}

/// The role of a message, `None` for a blank line. The error says whether the line
/// is JSON nevertheless.
fn role(line: &[u8]) -> Result<Option<String>, bool> {
    #[derive(Deserialize)]
    struct Message {
        role: String,
        // That it comes once at most is checked too.
        #[serde(rename = "content")]
        _content: Option<IgnoredAny>,
    }
    let text = std::str::from_utf8(line).map_err(|_| false)?;
    let text = text.trim_matches([' ', '\t', '\r', '\n']);
    match serde_json::from_str::<Message>(text) {
        _ if text.is_empty() => Ok(None),
        Ok(message) if text.starts_with('{') => Ok(Some(message.role)),
        // An array may be taken for the fields in their order.
        Ok(_) => Err(true),
        Err(_) => Err(serde_json::from_str::<IgnoredAny>(text).is_ok()),
    }
}
