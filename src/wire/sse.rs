//! Bytes to server-sent events (WHATWG HTML 9.2.6). Knows no chat.

use std::io::{self, ErrorKind, Read};

use memchr::memchr2;

/// No line and no event may be longer: 64 MiB.
pub const LIMIT: usize = 64 << 20;

const READ_SIZE: usize = 64 << 10;

/// What the decoder found next.
#[derive(Debug, PartialEq, Eq)]
pub enum SseItem<'a> {
    /// An event that has data.
    Event(SseEvent<'a>),
    /// A line that is neither blank, nor a comment, nor a field of the
    /// standard: servers put errors there.
    Stray(&'a [u8]),
    /// All that has arrived is decoded: the next call may wait.
    Waiting,
    /// The body ended as HTTP says it should.
    End,
}

#[derive(Debug, PartialEq, Eq)]
pub struct SseEvent<'a> {
    /// The `event` field; empty when there was none.
    pub name: &'a [u8],
    /// The `data` lines, joined by newlines.
    pub data: &'a [u8],
    /// Whether the blank line came that ends an event. Without it this is
    /// the last event of a body that ended.
    pub terminated: bool,
}

/// Decodes what `source` gives, in linear time however it is cut.
///
/// `source` reports [`ErrorKind::WouldBlock`] once before it waits, which
/// becomes [`SseItem::Waiting`].
pub struct SseDecoder<R> {
    source: R,
    buffer: Vec<u8>,
    /// The bytes not yet decoded are `buffer[start..filled]`, and those
    /// before `scanned` hold no line end.
    start: usize,
    filled: usize,
    scanned: usize,
    name: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    /// `name` and `data` belong to an event that was already given out.
    is_stale: bool,
    at_first_line: bool,
    /// The last line ended in CR: an LF that follows belongs to it.
    after_cr: bool,
    is_ended: bool,
}

/// What one line meant.
enum LineEffect {
    Nothing,
    Dispatch,
    Stray { start: usize, end: usize },
}

impl<R: Read> SseDecoder<R> {
    /// `buffer` holds what was already read of the body.
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

    /// # Errors
    /// What `source` reports, and [`ErrorKind::FileTooLarge`] for a line or
    /// an event over [`LIMIT`].
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
                LineEffect::Dispatch if self.has_data => {
                    return Ok(SseItem::Event(self.event(true)));
                }
                LineEffect::Dispatch => self.clear(),
            }
        }
    }

    fn event(&mut self, terminated: bool) -> SseEvent<'_> {
        self.is_stale = true;
        SseEvent { name: &self.name, data: &self.data, terminated }
    }

    /// An event that was never ended counts, when the body ended cleanly.
    fn end(&mut self) -> SseItem<'_> {
        if self.has_data { SseItem::Event(self.event(false)) } else { SseItem::End }
    }

    fn clear(&mut self) {
        self.name.clear();
        self.data.clear();
        self.has_data = false;
    }

    /// The range of the next whole line in `buffer`, without its end.
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
            b"event" => {
                self.name.clear();
                self.name.extend_from_slice(value);
            }
            b"" | b"id" | b"retry" => {}
            _ => {
                let start = end - line.len();
                return Ok(LineEffect::Stray { start, end });
            }
        }
        Ok(LineEffect::Nothing)
    }

    /// Reads once, after moving what is left to the front.
    fn fill(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.start..self.filled, 0);
        self.filled -= self.start;
        self.scanned = self.scanned.saturating_sub(self.start);
        self.start = 0;
        if self.filled > LIMIT {
            return Err(too_long());
        }
        if self.buffer.len() < self.filled + READ_SIZE {
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

fn too_long() -> io::Error {
    io::Error::new(ErrorKind::FileTooLarge, "a line or an event is longer than 64 MiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that `body` holds, as `name|data` or `?line`.
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
    fn the_examples_of_the_standard_decode_as_it_says() {
        assert_eq!(decode(b"data: YHOO\ndata: +2\ndata: 10\n\n"), ["|YHOO\n+2\n10"]);
        assert_eq!(
            decode(b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n"),
            ["|first event", "|second event", "| third event"]
        );
        assert_eq!(decode(b"data\n\ndata\ndata\n\n"), ["|", "|\n"]);
        assert_eq!(decode(b"event: add\ndata: 73\n\nevent: lost\n\ndata: 1\n\n"), ["add|73", "|1"]);
    }

    #[test]
    fn an_unterminated_last_event_counts() {
        assert_eq!(decode(b"data: a\n\ndata: b"), ["|a", "|b"]);
        assert_eq!(decode(b"data: a\n\ndata: b\n"), ["|a", "|b"]);
    }

    #[test]
    fn every_line_end_ends_a_line_once() {
        assert_eq!(decode(b"data: a\r\n\r\ndata: b\r\rdata: c\n\n"), ["|a", "|b", "|c"]);
        assert_eq!(decode(b"data: a\rdata: b\r\ndata: c\n\n"), ["|a\nb\nc"]);
    }

    #[test]
    fn a_line_that_is_no_field_is_handed_on() {
        assert_eq!(
            decode(b"{\"error\":1}\nerror: x\ndata: a\n\n"),
            ["?{\"error\":1}", "?error: x", "|a"]
        );
    }

    #[test]
    fn a_line_without_end_is_refused_at_the_limit() {
        let mut decoder = SseDecoder::new(io::repeat(b'x'), Vec::new());
        let error = decoder.next_item().expect_err("an endless line");
        assert_eq!(error.kind(), ErrorKind::FileTooLarge);
        assert!(decoder.buffer.len() <= LIMIT + 2 * READ_SIZE);
    }

    #[test]
    fn an_event_without_end_is_refused_at_the_limit() {
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
