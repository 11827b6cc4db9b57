//! The body of a response, and the stream of events in it.

use std::io::{self, Read};
use std::sync::Arc;

use crate::chat::event::Event;
use crate::error::Result;
use crate::net::clock::Clock;
use crate::net::error;
use crate::net::server::Server;
use crate::wire::decode::Events;

/// The body of a response. Read errors wrap [`crate::error::Error`], except for
/// [`io::ErrorKind::WouldBlock`], which announces a wait.
pub struct ResponseBody {
    reader: ureq::BodyReader<'static>,
    clock: Arc<Clock>,
    /// Its first byte, if that was read only to see whether there is one.
    first: Option<u8>,
}

impl ResponseBody {
    pub fn new(body: ureq::Body, clock: &Arc<Clock>) -> Self {
        Self { reader: body.into_reader(), clock: Arc::clone(clock), first: None }
    }

    /// Whether the body has no bytes. Waits for the first one.
    pub fn is_empty(&mut self) -> io::Result<bool> {
        let mut first = [0];
        let is_empty = self.read(&mut first)? == 0;
        self.first = Some(first[0]).filter(|_| !is_empty);
        Ok(is_empty)
    }
}

impl Read for ResponseBody {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let (Some(first), [start, ..]) = (self.first, &mut *buffer) {
            *start = first;
            self.first = None;
            return Ok(1);
        }
        self.reader.read(buffer).map_err(|error| error::body_error(error, &self.clock))
    }
}

/// The events of a reply. Reports progress and the end of the reply to the
/// clock.
pub struct ReplyStream<'a> {
    events: Events<ResponseBody>,
    server: &'a Server,
    clock: &'a Clock,
}

impl<'a> ReplyStream<'a> {
    pub fn new(
        body: ResponseBody,
        with_payloads: bool,
        server: &'a Server,
        clock: &'a Clock,
    ) -> Self {
        let events = Events::new(body, &server.base_url).with_payloads(with_payloads);
        Self { events, server, clock }
    }
}

impl Iterator for ReplyStream<'_> {
    type Item = Result<Event>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.events.next()? {
                Ok(Event::Alive) => self.clock.reset_idle(),
                Ok(Event::Finish(mut reason)) => {
                    self.clock.reply_complete();
                    // It is quoted in messages and in the log.
                    reason.word = self.server.secrets.mask(reason.word);
                    return Some(Ok(Event::Finish(reason)));
                }
                Err(error) => {
                    return Some(Err(self.server.presentable(error)));
                }
                Ok(event) => return Some(Ok(event)),
            }
        }
    }
}
