//! A reply printed as it comes, if that is wanted.

use std::fs::File;
use std::io;

use crate::chat::event::Event;
use crate::commands::ask::plan::PrintMode;
use crate::error::{Error, Result};
use crate::json;
use crate::output::stdout::{Output, stdout_error};

/// What is printed before the reply is whole.
pub enum Display<'a> {
    Text(&'a mut Output<File>),
    Events(&'a mut Output<File>),
    Nothing,
}

impl<'a> Display<'a> {
    pub fn new(mode: PrintMode, stdout: &'a mut Output<File>) -> Self {
        match mode {
            PrintMode::Events => Self::Events(stdout),
            PrintMode::Stream => Self::Text(stdout),
            PrintMode::Whole | PrintMode::Response | PrintMode::Nothing => Self::Nothing,
        }
    }

    /// Shows what an event brings. The text may wait for the next
    /// [`Event::Waiting`].
    ///
    /// # Errors
    /// [`Error::Stdout`] and [`Error::StdoutClosed`].
    pub fn show(&mut self, event: &Event) -> Result<()> {
        match (self, event) {
            (Self::Text(output), Event::Text(text)) => output.write(text),
            (Self::Events(output), Event::Payload(payload)) => {
                output.write(&(json::compact(payload.text()) + "\n"))
            }
            (Self::Text(output) | Self::Events(output), Event::Waiting) => output.flush(),
            _ => Ok(()),
        }
        .map_err(stdout_error)
    }

    /// Ends the output of a whole reply.
    ///
    /// # Errors
    /// [`Error::Stdout`] and [`Error::StdoutClosed`].
    pub fn finish(&mut self) -> Result<()> {
        self.output().map_or(Ok(()), Output::finish).map_err(stdout_error)
    }

    /// Ends the output of a reply that broke off with `error`. Returns the
    /// error to report.
    pub fn break_off(&mut self, error: Error) -> Error {
        match (self.finish_part(), error) {
            (_, error @ (Error::Stdout(_) | Error::StdoutClosed)) => error,
            (Err(fault), _) => stdout_error(fault),
            (Ok(true), error) => Error::Partial(Box::new(error)),
            (Ok(false), error) => error,
        }
    }

    /// Returns whether anything was printed.
    fn finish_part(&mut self) -> io::Result<bool> {
        match self.output() {
            Some(output) if !output.is_empty() => output.finish().map(|()| true),
            _ => Ok(false),
        }
    }

    fn output(&mut self) -> Option<&mut Output<File>> {
        match self {
            Display::Text(output) | Display::Events(output) => Some(output),
            Display::Nothing => None,
        }
    }
}
