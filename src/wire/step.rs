//! One step of decoding a reply: what an event, a stray line or a JSON body
//! means.

use std::io::{self, ErrorKind};

use crate::chat::event::Payload;
use crate::error::{Error, Result};
use crate::wire::chunk::{self, Chunk, ChunkError};
use crate::wire::chunk_cache::ChunkCache;
use crate::wire::error_body;
use crate::wire::reply_error::{cut, from_io, not_a_completion};
use crate::wire::sse::SseEvent;

/// What the next bytes of a body mean.
pub enum Step {
    Nothing,
    /// The source is about to wait.
    Waiting,
    /// Enough of a JSON body came to count as a sign of life.
    Alive,
    /// The body's first byte that is not white space, or `None` if the body has
    /// none.
    Start(Option<u8>),
    /// A chunk, with its JSON if that was asked for.
    Chunk(Chunk, Option<Payload>),
    /// The whole reply as one object, with its JSON if that was asked for.
    Completion(Chunk, Option<Payload>),
    /// A line that does not belong in an event stream.
    Stray(String),
    /// `[DONE]`
    Done,
    /// The stream ended without `[DONE]`.
    End,
    /// The body broke off. An error only without a finish reason before.
    Broken(Error),
}

impl Step {
    /// The step for an I/O error of the source.
    pub fn from_io(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::WouldBlock => Step::Waiting,
            ErrorKind::FileTooLarge => Step::Broken(Error::Protocol(error.to_string())),
            _ => Step::Broken(from_io(error)),
        }
    }

    /// # Errors
    /// [`Error::Server`] if the event is an error.
    pub fn from_event(
        event: &SseEvent<'_>,
        cache: &mut ChunkCache,
        with_payload: bool,
    ) -> Result<Self> {
        let data = event.data.trim_ascii();
        if data.is_empty() {
            return Ok(Step::Nothing);
        }
        if data == b"[DONE]" {
            return Ok(Step::Done);
        }
        if event.name == b"error" {
            return Err(Error::from(error_body::parse(data)));
        }
        match cache.parse(data) {
            Ok(chunk) => Ok(Step::Chunk(chunk, with_payload.then(|| Payload::Chunk(text(data))))),
            Err(ChunkError::Malformed { .. }) if !event.is_terminated => {
                Ok(Step::Broken(cut("the stream ended in the middle of an event")))
            }
            Err(error @ ChunkError::Malformed { .. }) => Ok(Step::Broken(error.into())),
            Err(error) => Err(error.into()),
        }
    }

    /// Servers send errors as lines that are not fields of an event stream:
    /// llama.cpp as `error: …`, others as bare JSON.
    ///
    /// # Errors
    /// [`Error::Server`] if the line is an error.
    pub fn from_stray(line: &[u8]) -> Result<Self> {
        if let Some(error) = line.strip_prefix(b"error:") {
            return Err(Error::from(error_body::parse(error.trim_ascii())));
        }
        if line.starts_with(b"{")
            && let Err(ChunkError::Server(server)) = chunk::parse(line)
        {
            return Err(Error::Server(server));
        }
        Ok(Step::Stray(String::from_utf8_lossy(line).into_owned()))
    }

    /// # Errors
    /// [`Error::Server`] if the body is an error, [`Error::Network`] if it ends
    /// within the JSON, and [`Error::Protocol`] if it is not a chat completion.
    pub fn from_json(body: &[u8], with_payload: bool) -> Result<Self> {
        match chunk::parse(body) {
            Ok(chunk) if chunk.choice.as_ref().is_some_and(|choice| choice.has_message) => {
                let payload = with_payload.then(|| Payload::Response(text(body)));
                Ok(Step::Completion(chunk, payload))
            }
            Ok(_) => Err(not_a_completion(&String::from_utf8_lossy(body))),
            Err(ChunkError::Malformed { is_truncated: true, .. }) => Err(cut("the body ended")),
            Err(error) => Err(error.into()),
        }
    }
}

fn text(payload: &[u8]) -> String {
    String::from_utf8_lossy(payload.trim_ascii()).into_owned()
}
