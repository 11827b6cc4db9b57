//! A reply pulled to its end, and printed as it comes where that is wanted.

use std::fs::File;
use std::io;

use crate::chat::event::Event;
use crate::chat::reply::Reply;
use crate::error::{Error, Result};
use crate::json;
use crate::output::stdout::{Output, stdout_error};

/// What is printed before the reply is whole.
pub enum Display<'a> {
    Text(&'a mut Output<File>),
    Events(&'a mut Output<File>),
    Nothing,
}

impl Display<'_> {
    fn output(&mut self) -> Option<&mut Output<File>> {
        match self {
            Display::Text(output) | Display::Events(output) => Some(output),
            Display::Nothing => None,
        }
    }

    pub fn text(&mut self, text: &str) -> io::Result<()> {
        if let Display::Text(output) = self { output.write(text) } else { Ok(()) }
    }

    pub fn payload(&mut self, payload: &str) -> io::Result<()> {
        match self {
            Display::Events(output) => output.write(&(json::compact(payload) + "\n")),
            Display::Text(_) | Display::Nothing => Ok(()),
        }
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.output().map_or(Ok(()), Output::flush)
    }

    /// Destinations what was printed of a whole reply.
    pub fn finish(&mut self) -> io::Result<()> {
        self.output().map_or(Ok(()), Output::finish)
    }

    /// Destinations what was printed of a reply that broke off. Tells whether that
    /// was anything.
    pub fn break_off(&mut self) -> io::Result<bool> {
        match self.output() {
            Some(output) if !output.is_empty() => output.finish().map(|()| true),
            _ => Ok(false),
        }
    }
}

/// Pulls the reply to its end, printing it as it comes.
pub fn receive(
    events: impl Iterator<Item = Result<Event>>,
    reply: &mut Reply,
    live: &mut Display,
) -> Result<()> {
    for event in events {
        let event = event?;
        reply.add(&event);
        match event {
            Event::Text(text) => live.text(&text),
            Event::Payload(payload) => live.payload(payload.text()),
            Event::Waiting => live.flush(),
            _ => Ok(()),
        }
        .map_err(stdout_error)?;
    }
    Ok(())
}

/// The error of a reply of which part was printed, where that is so.
pub fn broken_off(error: Error, live: &mut Display) -> Error {
    match (live.break_off(), error) {
        (_, error @ (Error::Stdout(_) | Error::StdoutClosed)) => error,
        (Err(fault), _) => stdout_error(fault),
        (Ok(true), error) => Error::Partial(Box::new(error)),
        (Ok(false), error) => error,
    }
}
