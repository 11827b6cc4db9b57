//! One step of decoding a reply: what an event, a stray line or a JSON body
//! means.

use std::io::{self, ErrorKind};

use memchr::memmem;

use crate::chat::event::Payload;
use crate::error::{Error, Result};
use crate::json::Completeness;
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
    /// A chunk that holds only this text, which is UTF-8. With its JSON if that was
    /// asked for.
    Text(Vec<u8>, Option<Payload>),
    /// Any other chunk, with its JSON if that was asked for.
    Chunk(Chunk, Option<Payload>),
    /// A chunk with `[DONE]` behind it.
    LastChunk(Chunk, Option<Payload>),
    /// The whole reply as one object, with its JSON if that was asked for.
    Completion(Chunk, Option<Payload>),
    /// A line or an event that does not belong in a reply, with its JSON if that
    /// was asked for.
    Stray(String, Option<Payload>),
    /// `[DONE]`
    Done,
    /// The stream ended without `[DONE]`.
    End,
    /// The body broke off, or has an event that cannot be read. No error after a
    /// finish reason.
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
        let data = without_comments(event.data.trim_ascii());
        if is_error_name(event.name) {
            return Err(Error::from(error_body::parse(data)));
        }
        if data.is_empty() {
            return Ok(Step::Nothing);
        }
        let payload = |json| with_payload.then(|| Payload::Chunk(text(json)));
        if let Some(text) = cache.text(data) {
            return Ok(Step::Text(text.to_vec(), payload(data)));
        }
        match cache.parse(data) {
            Ok(chunk) if chunk.is_foreign => Ok(Step::Stray(text(data), payload(data))),
            Ok(chunk) => Ok(Step::Chunk(chunk, payload(data))),
            Err(ChunkError::Server(server)) => Err(Error::Server(server)),
            Err(error) => match without_done(data) {
                (b"", true) => Ok(Step::Done),
                (json, true) => match cache.parse(json)? {
                    chunk if chunk.is_foreign => Ok(Step::Stray(text(json), payload(json))),
                    chunk => Ok(Step::LastChunk(chunk, payload(json))),
                },
                _ if is_broken_error(data) => Err(Error::from(error_body::parse(data))),
                _ if event.is_terminated => Ok(Step::Broken(error.into())),
                _ => Ok(Step::Broken(cut("the stream ended in the middle of an event"))),
            },
        }
    }

    /// Servers send errors as lines that are not fields of an event stream:
    /// llama.cpp as `error: …`, others as bare JSON.
    ///
    /// # Errors
    /// [`Error::Server`] if the line is an error.
    pub fn from_stray(line: &[u8]) -> Result<Self> {
        let line = line.trim_ascii();
        if let Some((name, error)) = line.split_at_checked(b"error:".len())
            && name.eq_ignore_ascii_case(b"error:")
        {
            return Err(Error::from(error_body::parse(error.trim_ascii())));
        }
        if without_done(line) == (b"", true) {
            return Ok(Step::Done);
        }
        if matches!(line.first(), Some(b'{' | b'['))
            && let Err(ChunkError::Server(server)) = chunk::parse(line)
        {
            return Err(Error::Server(server));
        }
        Ok(Step::Stray(text(line), None))
    }

    /// # Errors
    /// [`Error::Server`] if the body is an error, [`Error::Network`] if it ends
    /// within the JSON, and [`Error::Protocol`] if it is not a chat completion.
    pub fn from_json(body: &[u8], with_payload: bool) -> Result<Self> {
        let (body, is_done) = without_done(body.trim_ascii());
        if body.is_empty() && is_done {
            return Ok(Step::Done);
        }
        match chunk::parse(body) {
            Ok(chunk) if chunk.choice.as_ref().is_some_and(|choice| choice.message.is_some()) => {
                let payload = with_payload.then(|| Payload::Response(text(body)));
                Ok(Step::Completion(chunk, payload))
            }
            Ok(_) => Err(not_a_completion(body)),
            Err(ChunkError::Malformed { is_truncated: true, .. }) => Err(cut("the body ended")),
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether an event with this name is an error.
pub fn is_error_name(name: &[u8]) -> bool {
    if name.is_empty() {
        return false;
    }
    let name = name.to_ascii_lowercase();
    ["error", "exception"].iter().any(|word| memmem::find(&name, word.as_bytes()).is_some())
}

/// Whether data that is not valid JSON was to be an error.
fn is_broken_error(data: &[u8]) -> bool {
    let contains = |name: &[u8]| memmem::find(data, name).is_some();
    contains(b"\"error\"") && !contains(b"\"choices\"")
}

/// `data` without the comments that some servers send as data: `: keep-alive`.
fn without_comments(mut data: &[u8]) -> &[u8] {
    while data.starts_with(b":") {
        let end = memchr::memchr(b'\n', data).unwrap_or(data.len());
        data = data[end..].trim_ascii_start();
    }
    data
}

/// `payload` up to its `[DONE]`, and whether there is one: alone, quoted, or behind
/// a JSON value. What follows it does not count.
fn without_done(payload: &[u8]) -> (&[u8], bool) {
    if memmem::find(payload, b"[DONE]").is_none() {
        return (payload, false);
    }
    let is_done = |rest: &[u8]| {
        let rest = rest.trim_ascii_start();
        rest.strip_prefix(b"\"").unwrap_or(rest).starts_with(b"[DONE]")
    };
    if is_done(payload) {
        return (b"", true);
    }
    let mut value = Completeness::default();
    let end = payload.iter().position(|byte| {
        value.push(&[*byte]);
        value.is_complete()
    });
    let (value, rest) = payload.split_at(end.map_or(payload.len(), |last| last + 1));
    let rest = rest.trim_ascii_start();
    match is_done(rest.strip_prefix(b"data:").unwrap_or(rest)) {
        true => (value, true),
        false => (payload, false),
    }
}

fn text(payload: &[u8]) -> String {
    String::from_utf8_lossy(payload.trim_ascii()).into_owned()
}
