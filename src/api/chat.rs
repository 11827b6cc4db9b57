//! A reply on its way: the body of an answer, and the events in it, which keep
//! the clock going.

use std::io::{self, Read};
use std::sync::Arc;

use super::clock::Clock;
use super::events::{Event, Events};
use super::fault;
use super::server::Server;
use crate::error::Result;

/// The body of an answer. Its errors are [`crate::error::Error`]s, but for
/// [`io::ErrorKind::WouldBlock`] before each wait.
pub struct Body {
    reader: ureq::BodyReader<'static>,
    clock: Arc<Clock>,
}

impl Body {
    pub fn new(body: ureq::Body, clock: &Arc<Clock>) -> Self {
        Self { reader: body.into_reader(), clock: Arc::clone(clock) }
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer).map_err(|error| fault::in_body(error, &self.clock))
    }
}

/// A reply's events.
pub struct Chat<'a> {
    events: Events<Body>,
    server: &'a Server,
    clock: &'a Clock,
}

impl<'a> Chat<'a> {
    pub fn new(body: Body, wants_payloads: bool, server: &'a Server, clock: &'a Clock) -> Self {
        let events = Events::new(body, &server.base_url).with_payloads(wants_payloads);
        Self { events, server, clock }
    }
}

impl Iterator for Chat<'_> {
    type Item = Result<Event>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.events.next()? {
                Ok(Event::Alive) => self.clock.alive(),
                Ok(Event::Finish(reason)) => {
                    self.clock.closing();
                    return Some(Ok(Event::Finish(reason)));
                }
                Err(error) => {
                    return Some(Err(self.server.advise(self.server.presentable(error))));
                }
                Ok(event) => return Some(Ok(event)),
            }
        }
    }
}
