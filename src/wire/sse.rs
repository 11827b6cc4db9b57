//! A decoder for server-sent events (WHATWG HTML, section 9.2.6).

use std::io::{self, ErrorKind, Read};

use memchr::memchr2;

use crate::error::Error;
use crate::headroom;

/// The maximum length of a line and of an event: 64 MiB.
pub const LIMIT: usize = 64 << 20;

const READ_SIZE: usize = 64 << 10;

/// The next item of an event stream.
#[derive(Debug, PartialEq, Eq)]
pub enum SseItem<'a> {
    /// An event with data or a name.
    Event(SseEvent<'a>),
    /// A line that is neither blank, nor a comment, nor a known field. Servers
    /// send errors as such lines.
    Stray(&'a [u8]),
    /// Everything received so far is decoded. The next call may wait.
    Waiting,
    /// The body ended, as HTTP requires.
    End,
}

#[derive(Debug, PartialEq, Eq)]
pub struct SseEvent<'a> {
    /// The `event` field. Empty if there was none.
    pub name: &'a [u8],
    /// The `data` lines, joined by newlines; empty if there were none.
    pub data: &'a [u8],
    /// Whether a blank line ended the event. Only the last event of a body can
    /// lack it.
    pub is_terminated: bool,
}

/// Decodes what `source` returns, in linear time however the bytes are split.
///
/// A source that is about to wait returns [`ErrorKind::WouldBlock`] once first,
/// which becomes [`SseItem::Waiting`].
pub struct SseDecoder<R> {
    source: R,
    buffer: Vec<u8>,
    /// `buffer[start..filled]` is not decoded yet, and holds no line end before
    /// `scanned`.
    start: usize,
    filled: usize,
    scanned: usize,
    name: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    /// `name` and `data` belong to an event that was already returned.
    is_stale: bool,
    at_first_line: bool,
    /// The last line ended with CR. An LF that follows is part of that line end.
    after_cr: bool,
    is_ended: bool,
}

/// The effect of one line.
enum LineEffect {
    Nothing,
    /// A blank line: the event is complete ("dispatch" in the standard).
    Dispatch,
    /// `buffer[start..end]` is not part of an event.
    Stray {
        start: usize,
        end: usize,
    },
}

impl<R: Read> SseDecoder<R> {
    /// `buffer` is the part of the body that was already read.
    pub fn new(source: R, buffer: Vec<u8>) -> Self {
        Self {
            source,
            filled: buffer.len(),
            buffer,
            start: 0,
            scanned: 0,
            name: Vec::new(),
            data: Vec::new(),
            has_data: false,
            is_stale: false,
            at_first_line: true,
            after_cr: false,
            is_ended: false,
        }
    }

    /// Reads up to the next item.
    ///
    /// # Errors
    /// The errors of `source`, [`ErrorKind::FileTooLarge`] for a line or an event
    /// over [`LIMIT`], and [`Error::Protocol`] inside an I/O error for a line that
    /// is not UTF-8.
    pub fn next_item(&mut self) -> io::Result<SseItem<'_>> {
        if self.is_stale {
            self.is_stale = false;
            self.clear();
        }
        loop {
            let line = match self.take_line() {
                Some((start, end)) => self.interpret(start, end)?,
                None if self.is_ended => return Ok(self.end()),
                None => {
                    match self.fill() {
                        Err(error) if error.kind() == ErrorKind::WouldBlock => {
                            return Ok(SseItem::Waiting);
                        }
                        filled => filled?,
                    }
                    continue;
                }
            };
            match line {
                LineEffect::Nothing => {}
                LineEffect::Stray { start, end } => {
                    return Ok(SseItem::Stray(&self.buffer[start..end]));
                }
                // Unlike in the standard, a name alone is an event: it may tell of
                // an error.
                LineEffect::Dispatch if self.has_data || !self.name.is_empty() => {
                    return Ok(SseItem::Event(self.event(true)));
                }
                LineEffect::Dispatch => {}
            }
        }
    }

    fn event(&mut self, is_terminated: bool) -> SseEvent<'_> {
        self.is_stale = true;
        SseEvent { name: &self.name, data: &self.data, is_terminated }
    }

    /// The last item. Unlike in the standard, an event without its blank line
    /// counts if the body ended cleanly.
    fn end(&mut self) -> SseItem<'_> {
        if self.has_data { SseItem::Event(self.event(false)) } else { SseItem::End }
    }

    fn clear(&mut self) {
        self.name.clear();
        self.data.clear();
        self.has_data = false;
    }

    /// The range of the next complete line in `buffer`, without its line end.
    fn take_line(&mut self) -> Option<(usize, usize)> {
        if self.after_cr && self.start < self.filled {
            self.after_cr = false;
            if self.buffer[self.start] == b'\n' {
                self.start += 1;
            }
        }
        let from = self.scanned.max(self.start);
        let Some(offset) = memchr2(b'\n', b'\r', &self.buffer[from..self.filled]) else {
            self.scanned = self.filled;
            let last = (self.start, self.filled);
            self.start = if self.is_ended { self.filled } else { self.start };
            return (self.is_ended && last.0 < last.1).then_some(last);
        };
        let end = from + offset;
        self.after_cr = self.buffer[end] == b'\r';
        let line = (self.start, end);
        self.start = end + 1;
        Some(line)
    }

    fn interpret(&mut self, start: usize, end: usize) -> io::Result<LineEffect> {
        let mut line = &self.buffer[start..end];
        if self.at_first_line {
            self.at_first_line = false;
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        if line.is_empty() {
            return Ok(LineEffect::Dispatch);
        }
        let colon = memchr::memchr(b':', line).unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match &line[..colon] {
            b"data" => {
                if self.data.len() + value.len() > LIMIT {
                    return Err(too_long());
                }
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.has_data = true;
                self.data.extend_from_slice(value);
            }
            b"event" if std::str::from_utf8(line).is_ok() => {
                self.name.clear();
                self.name.extend_from_slice(value);
            }
            // Only data is checked where it is parsed.
            _ if std::str::from_utf8(line).is_err() => return Err(not_utf8()),
            b"" | b"id" | b"retry" => {}
            _ => {
                let start = end - line.len();
                return Ok(LineEffect::Stray { start, end });
            }
        }
        Ok(LineEffect::Nothing)
    }

    /// Reads once, after moving the undecoded bytes to the front.
    fn fill(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.start..self.filled, 0);
        self.filled -= self.start;
        self.scanned = self.scanned.saturating_sub(self.start);
        self.start = 0;
        if self.filled > LIMIT {
            return Err(too_long());
        }
        if self.buffer.len() < self.filled + READ_SIZE {
            headroom::ensure(self.filled).map_err(io::Error::other)?;
            self.buffer.resize(self.filled + READ_SIZE, 0);
        }
        let read = read_retrying(&mut self.source, &mut self.buffer[self.filled..])?;
        self.filled += read;
        self.is_ended = read == 0;
        Ok(())
    }
}

fn read_retrying(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match source.read(buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn not_utf8() -> io::Error {
    let reason = "a line of the stream is not UTF-8".to_owned();
    io::Error::other(Error::Protocol(reason))
}

fn too_long() -> io::Error {
    io::Error::new(ErrorKind::FileTooLarge, "a line or an event is longer than 64 MiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The items of `body`: events as `name|data`, stray lines as `?line`.
    fn decode(body: &[u8]) -> Vec<String> {
        let mut decoder = SseDecoder::new(body, Vec::new());
        let mut found = Vec::new();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        loop {
            found.push(match decoder.next_item().expect("reading a slice") {
                SseItem::Event(event) => format!("{}|{}", text(event.name), text(event.data)),
                SseItem::Stray(line) => format!("?{}", text(line)),
                SseItem::Waiting => panic!("a slice never waits"),
                SseItem::End => return found,
            });
        }
    }

    #[test]
    fn the_examples_of_the_standard_decode_as_specified() {
        assert_eq!(decode(b"data: YHOO\ndata: +2\ndata: 10\n\n"), ["|YHOO\n+2\n10"]);
        assert_eq!(
            decode(b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n"),
            ["|first event", "|second event", "| third event"]
        );
        assert_eq!(decode(b"data\n\ndata\ndata\n\n"), ["|", "|\n"]);
        assert_eq!(decode(b"event: add\ndata: 73\n\ndata: 1\n\n"), ["add|73", "|1"]);
    }

    #[test]
    fn a_name_without_data_is_an_event() {
        assert_eq!(decode(b"event: error\n\ndata: 1\n\n"), ["error|", "|1"]);
    }

    #[test]
    fn an_unterminated_last_event_counts() {
        assert_eq!(decode(b"data: a\n\ndata: b"), ["|a", "|b"]);
        assert_eq!(decode(b"data: a\n\ndata: b\n"), ["|a", "|b"]);
    }

    #[test]
    fn cr_lf_and_crlf_each_end_one_line() {
        assert_eq!(decode(b"data: a\r\n\r\ndata: b\r\rdata: c\n\n"), ["|a", "|b", "|c"]);
        assert_eq!(decode(b"data: a\rdata: b\r\ndata: c\n\n"), ["|a\nb\nc"]);
    }

    #[test]
    fn a_line_that_is_not_a_field_is_returned_as_stray() {
        assert_eq!(
            decode(b"{\"error\":1}\nerror: x\ndata: a\n\n"),
            ["?{\"error\":1}", "?error: x", "|a"]
        );
    }

    #[test]
    fn an_endless_line_is_refused_at_the_limit() {
        let mut decoder = SseDecoder::new(io::repeat(b'x'), Vec::new());
        let error = decoder.next_item().expect_err("an endless line");
        assert_eq!(error.kind(), ErrorKind::FileTooLarge);
        assert!(decoder.buffer.len() <= LIMIT + 2 * READ_SIZE);
    }

    #[test]
    fn an_endless_event_is_refused_at_the_limit() {
        struct EndlessEvent;
        impl Read for EndlessEvent {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let line = b"data: 0123456789012345678901234567890123456789\n";
                buffer.chunks_exact_mut(line.len()).for_each(|chunk| chunk.copy_from_slice(line));
                Ok(buffer.len() / line.len() * line.len())
            }
        }
        let mut decoder = SseDecoder::new(EndlessEvent, Vec::new());
        let error = decoder.next_item().expect_err("an endless event");
        assert_eq!(error.kind(), ErrorKind::FileTooLarge);
    }
}
