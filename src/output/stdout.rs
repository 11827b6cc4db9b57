//! Text to the bytes of standard output. Knows nothing of where the text
//! comes from.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;

use crate::error::{Error, Result};
use crate::output::sanitize::push_sanitized;

/// More than this is written without waiting for a flush: 64 KiB.
const BUFFER_SIZE: usize = 64 << 10;

/// Which bytes may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bytes {
    /// Exactly those that came: for a pipe, a file, or `--raw`.
    Exact,
    /// Those that cannot harm a terminal.
    Sanitized,
}

/// A reply on its way out.
#[derive(Debug)]
pub struct Output<W> {
    writer: W,
    bytes: Bytes,
    buffer: Vec<u8>,
    is_empty: bool,
    lacks_newline: bool,
}

/// Standard output, without Rust's line buffer.
pub fn stdout(bytes: Bytes) -> Result<Output<File>> {
    Ok(Output::new(stdout_file()?, bytes))
}

pub fn stdout_file() -> Result<File> {
    let stdout = io::stdout().as_fd().try_clone_to_owned().map_err(Error::Stdout)?;
    Ok(File::from(stdout))
}

/// Writes a whole text to standard output.
///
/// # Errors
/// [`Error::Stdout`] and [`Error::StdoutClosed`].
pub fn print(text: &str, bytes: Bytes) -> Result<()> {
    let mut output = stdout(bytes)?;
    output.write(text).and_then(|()| output.finish()).map_err(stdout_error)
}

/// What a fault of standard output means: a reader that went away is none.
pub fn stdout_error(error: io::Error) -> Error {
    match error.kind() {
        ErrorKind::BrokenPipe => Error::StdoutClosed,
        _ => Error::Stdout(error),
    }
}

impl<W: Write> Output<W> {
    pub fn new(writer: W, bytes: Bytes) -> Self {
        Self { writer, bytes, buffer: Vec::new(), is_empty: true, lacks_newline: false }
    }

    /// Whether nothing was written so far.
    pub fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// Takes `text`, which may wait for [`Self::flush`].
    pub fn write(&mut self, text: &str) -> io::Result<()> {
        self.is_empty &= text.is_empty();
        self.lacks_newline =
            if text.is_empty() { self.lacks_newline } else { !text.ends_with('\n') };
        match self.bytes {
            Bytes::Exact => self.buffer.extend_from_slice(text.as_bytes()),
            Bytes::Sanitized => push_sanitized(&mut self.buffer, text),
        }
        if self.buffer.len() >= BUFFER_SIZE { self.flush() } else { Ok(()) }
    }

    pub fn flush(&mut self) -> io::Result<()> {
        let written = self.writer.write_all(&self.buffer);
        self.buffer.clear();
        written
    }

    /// Adds the newline that a text may lack at its end, and flushes.
    pub fn finish(&mut self) -> io::Result<()> {
        if self.lacks_newline {
            self.buffer.push(b'\n');
            self.lacks_newline = false;
        }
        self.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_newline_is_added_where_the_text_does_not_end_in_one() {
        for (texts, expected) in [
            (&["a", "b"][..], "ab\n"),
            (&["a\n"], "a\n"),
            (&["a\n", ""], "a\n"),
            (&["a\n\n"], "a\n\n"),
            (&[""], ""),
            (&[], ""),
        ] {
            let mut written = Vec::new();
            let mut output = Output::new(&mut written, Bytes::Exact);
            texts.iter().for_each(|text| output.write(text).expect("a vector takes all"));
            output.finish().expect("a vector takes all");
            assert_eq!(written, expected.as_bytes(), "{texts:?}");
        }
    }
}
