//! Text written to standard output: byte for byte, or sanitized or rendered for a
//! terminal.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::path::Path;

use crate::error::{Error, Result, is_out_of_files};
use crate::output::closed;
use crate::output::markdown::Renderer;
use crate::output::markdown::style::Look;
use crate::output::sanitize::push_sanitized;
use crate::output::window;

/// A fuller buffer is written without waiting for a flush.
const BUFFER_SIZE: usize = 64 << 10;

/// How text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextMode {
    /// Byte for byte: to a pipe or a file, or with `--raw`.
    Exact,
    /// With control characters made visible, so that they cannot harm a
    /// terminal.
    Sanitized,
    /// As Markdown for a terminal, sanitized too.
    Markdown { look: Look, width: Width },
}

/// How many columns lines have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// As many as the terminal on standard output has when they are written.
    Terminal,
    Columns(usize),
}

/// Buffers text until [`Self::flush`], and ends it with a newline.
#[derive(Debug)]
pub struct TextWriter<W> {
    writer: W,
    mode: TextMode,
    buffer: Vec<u8>,
    is_empty: bool,
    lacks_newline: bool,
    /// Renders Markdown, once there is text.
    renderer: Option<Box<Renderer>>,
}

impl Width {
    /// The columns that there are now.
    pub fn columns(self) -> usize {
        match self {
            Self::Terminal => window::size().width,
            Self::Columns(columns) => columns,
        }
    }
}

/// Whether `path` is a name of standard output: `-` as in curl, or a device.
pub fn is_named(path: &Path) -> bool {
    path == Path::new("-") || closed::STDOUT_NAMES.iter().any(|name| path == Path::new(name))
}

/// Checks, before any work is done for it, that standard output can be written.
///
/// # Errors
/// [`Error::Stdout`] if it was closed when gravix started.
pub fn ensure_open() -> Result<()> {
    closed::ensure_stdout_open().map_err(Error::Stdout)
}

/// A writer of text to standard output.
///
/// # Errors
/// [`Error::Stdout`] if standard output is closed.
pub fn writer(mode: TextMode) -> Result<TextWriter<File>> {
    Ok(TextWriter::new(stdout_file()?, mode))
}

/// Standard output without Rust's line buffer.
///
/// # Errors
/// [`Error::Stdout`] if it is closed.
pub fn stdout_file() -> Result<File> {
    ensure_open()?;
    descriptor()
}

/// A writer for a command that may not need standard output, and has checked it
/// with [`ensure_open`] if it does.
///
/// # Errors
/// [`Error::Limit`] or [`Error::Stdout`] if the descriptor cannot be duplicated.
pub fn unchecked_writer(mode: TextMode) -> Result<TextWriter<File>> {
    Ok(TextWriter::new(descriptor()?, mode))
}

fn descriptor() -> Result<File> {
    let stdout = io::stdout().as_fd().try_clone_to_owned();
    stdout.map(File::from).map_err(|source| match is_out_of_files(&source) {
        true => Error::Limit { action: "open another file".to_owned(), source },
        false => Error::Stdout(source),
    })
}

/// Writes `text` to standard output, and a newline if it does not end in one.
///
/// # Errors
/// [`Error::StdoutClosed`] if the reader went away, [`Error::Stdout`] if the
/// text cannot be written for another reason.
pub fn print(text: &str, mode: TextMode) -> Result<()> {
    let mut stdout = writer(mode)?;
    stdout.write(text).and_then(|()| stdout.finish()).map_err(stdout_error)
}

/// Converts an error of writing to standard output: a broken pipe means only
/// that the reader has seen enough.
pub fn stdout_error(error: io::Error) -> Error {
    match error.kind() {
        ErrorKind::BrokenPipe => Error::StdoutClosed,
        _ => Error::Stdout(error),
    }
}

impl<W: Write> TextWriter<W> {
    pub fn new(writer: W, mode: TextMode) -> Self {
        let (buffer, renderer) = (Vec::new(), None);
        Self { writer, mode, buffer, is_empty: true, lacks_newline: false, renderer }
    }

    /// Whether no text was written so far.
    pub fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// Adds `text`, which may stay in the buffer until [`Self::flush`].
    pub fn write(&mut self, text: &str) -> io::Result<()> {
        self.is_empty &= text.is_empty();
        self.lacks_newline =
            if text.is_empty() { self.lacks_newline } else { !text.ends_with('\n') };
        match self.mode {
            TextMode::Exact => self.buffer.extend_from_slice(text.as_bytes()),
            TextMode::Sanitized => push_sanitized(&mut self.buffer, text),
            TextMode::Markdown { look, width } => {
                let begin = || Box::new(Renderer::new(look, width.columns()));
                let renderer = self.renderer.get_or_insert_with(begin);
                if self.buffer.is_empty() {
                    // The window may have another size since the last flush.
                    renderer.set_width(width.columns());
                }
                renderer.push(text, &mut self.buffer);
            }
        }
        if self.buffer.len() >= BUFFER_SIZE { self.flush() } else { Ok(()) }
    }

    /// Writes what follows as data, not as Markdown.
    pub fn stop_rendering(&mut self) {
        if let TextMode::Markdown { .. } = self.mode {
            self.mode = TextMode::Sanitized;
        }
    }

    pub fn flush(&mut self) -> io::Result<()> {
        let written = self.writer.write_all(&self.buffer);
        self.buffer.clear();
        written
    }

    /// Adds a newline if the text does not end in one, and flushes.
    pub fn finish(&mut self) -> io::Result<()> {
        if let Some(mut renderer) = self.renderer.take() {
            renderer.finish(&mut self.buffer);
            self.lacks_newline = false;
        }
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
    fn a_newline_is_added_if_the_text_does_not_end_in_one() {
        for (texts, expected) in [
            (&["a", "b"][..], "ab\n"),
            (&["a\n"], "a\n"),
            (&["a\n", ""], "a\n"),
            (&["a\n\n"], "a\n\n"),
            (&[""], ""),
            (&[], ""),
        ] {
            let mut written = Vec::new();
            let mut writer = TextWriter::new(&mut written, TextMode::Exact);
            texts.iter().for_each(|text| writer.write(text).expect("writing to a vector"));
            writer.finish().expect("writing to a vector");
            assert_eq!(written, expected.as_bytes(), "{texts:?}");
        }
    }
}
