//! A reply pulled to its end, and printed as it comes where that is wanted.

use std::fs::File;
use std::io;

use crate::api::events::Event;
use crate::error::{Error, Result};
use crate::json;
use crate::output::{Output, stdout_error};
use crate::reply::Reply;

/// What is printed before the reply is whole.
pub enum Live<'a> {
    Text(&'a mut Output<File>),
    Events(&'a mut Output<File>),
    Nothing,
}

impl Live<'_> {
    fn output(&mut self) -> Option<&mut Output<File>> {
        match self {
            Live::Text(output) | Live::Events(output) => Some(output),
            Live::Nothing => None,
        }
    }

    pub fn text(&mut self, text: &str) -> io::Result<()> {
        if let Live::Text(output) = self { output.write(text) } else { Ok(()) }
    }

    pub fn payload(&mut self, payload: &str) -> io::Result<()> {
        match self {
            Live::Events(output) => output.write(&(json::compact(payload) + "\n")),
            Live::Text(_) | Live::Nothing => Ok(()),
        }
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.output().map_or(Ok(()), Output::flush)
    }

    /// Ends what was printed of a whole reply.
    pub fn finish(&mut self) -> io::Result<()> {
        self.output().map_or(Ok(()), Output::finish)
    }

    /// Ends what was printed of a reply that broke off. Tells whether that
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
    live: &mut Live,
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
pub fn broken_off(error: Error, live: &mut Live) -> Error {
    match (live.break_off(), error) {
        (_, error @ (Error::Stdout(_) | Error::StdoutClosed)) => error,
        (Err(fault), _) => stdout_error(fault),
        (Ok(true), error) => Error::Partial(Box::new(error)),
        (Ok(false), error) => error,
    }
}
