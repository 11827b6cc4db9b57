//! Printing a reply as it arrives.

use std::fs::File;
use std::io;

use crate::chat::event::Event;
use crate::commands::ask::plan::PrintMode;
use crate::error::{Error, Result};
use crate::json;
use crate::output::stdout::{TextWriter, stdout_error};

/// What is printed before the reply is whole.
pub enum Display<'a> {
    Text(&'a mut TextWriter<File>),
    Events(&'a mut TextWriter<File>),
    Nothing,
}

impl<'a> Display<'a> {
    pub fn new(mode: PrintMode, stdout: &'a mut TextWriter<File>) -> Self {
        match mode {
            PrintMode::Events => Self::Events(stdout),
            PrintMode::Stream => Self::Text(stdout),
            PrintMode::Whole | PrintMode::Response | PrintMode::Nothing => Self::Nothing,
        }
    }

    /// Prints an event. Text stays in the buffer until the next
    /// [`Event::Waiting`] or until the buffer is full.
    ///
    /// # Errors
    /// [`Error::Stdout`] or [`Error::StdoutClosed`] if it cannot be printed.
    pub fn show(&mut self, event: &Event) -> Result<()> {
        match (self, event) {
            (Self::Text(stdout), Event::Text(text)) => stdout.write(text),
            (Self::Events(stdout), Event::Payload(payload)) => {
                stdout.write(&(json::compact(payload.text()) + "\n"))
            }
            (Self::Text(stdout) | Self::Events(stdout), Event::Waiting) => stdout.flush(),
            _ => Ok(()),
        }
        .map_err(stdout_error)
    }

    /// Ends a whole reply with a newline.
    ///
    /// # Errors
    /// [`Error::Stdout`] or [`Error::StdoutClosed`] if it cannot be printed.
    pub fn finish(&mut self) -> Result<()> {
        self.writer().map_or(Ok(()), TextWriter::finish).map_err(stdout_error)
    }

    /// Ends a reply that broke off with `error`. Returns the error to report.
    pub fn abort(&mut self, error: Error) -> Error {
        match (self.finish_partial(), error) {
            (_, error @ (Error::Stdout(_) | Error::StdoutClosed)) => error,
            (Err(write_error), _) => stdout_error(write_error),
            (Ok(true), error) => Error::Partial(Box::new(error)),
            (Ok(false), error) => error,
        }
    }

    /// Ends what was printed so far with a newline. Returns false if nothing was
    /// printed.
    fn finish_partial(&mut self) -> io::Result<bool> {
        match self.writer() {
            Some(stdout) if !stdout.is_empty() => stdout.finish().map(|()| true),
            _ => Ok(false),
        }
    }

    fn writer(&mut self) -> Option<&mut TextWriter<File>> {
        match self {
            Self::Text(stdout) | Self::Events(stdout) => Some(stdout),
            Self::Nothing => None,
        }
    }
}
