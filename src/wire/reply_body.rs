//! The body of a reply: an event stream or one JSON object, read step by step.

use std::io::{self, ErrorKind, Read};

use crate::error::{Error, Result};
use crate::headroom;
use crate::wire::chunk_cache::ChunkCache;
use crate::wire::reply_error::{from_io, too_long};
use crate::wire::sse::{self, SseDecoder, SseItem};
use crate::wire::step::Step;

/// How much of a JSON body counts as a sign of life: 64 KiB.
const SIGN_OF_LIFE: usize = 64 << 10;

/// A body and how far it was read. Its first byte that is not white space
/// decides what it is, because servers do not always send what was requested or
/// what the content type says.
pub enum ReplyBody<R> {
    /// Nothing but white space so far. The first `scanned` bytes of `head` are
    /// known to be white space.
    Unknown {
        source: R,
        head: Vec<u8>,
        scanned: usize,
    },
    Stream(SseDecoder<R>),
    /// `counted` is the length of `body` at the last sign of life.
    Json {
        source: R,
        body: Vec<u8>,
        counted: usize,
    },
    Ended,
}

impl<R: Read> ReplyBody<R> {
    pub fn new(source: R) -> Self {
        Self::Unknown { source, head: Vec::new(), scanned: 0 }
    }

    /// Starts decoding an unknown body by its first byte: JSON if that is `{` or
    /// `[`, and an event stream otherwise.
    pub fn start(&mut self, first_byte: Option<u8>) {
        if let Self::Unknown { source, head, .. } = std::mem::replace(self, Self::Ended) {
            *self = match first_byte {
                Some(b'{' | b'[') => Self::Json { source, body: head, counted: 0 },
                _ => Self::Stream(SseDecoder::new(source, head)),
            };
        }
    }

    /// Reads on until something is known about the reply.
    ///
    /// # Errors
    /// [`Error::Server`] if the server sent an error, and [`Error::Protocol`]
    /// or [`Error::Network`] if the body is not a chat completion, or ends
    /// within one; [`Error::Limit`] if there is no memory for it. A broken
    /// connection is a [`Step::Broken`].
    pub fn step(&mut self, cache: &mut ChunkCache, with_payloads: bool) -> Result<Step> {
        match self {
            Self::Ended => Ok(Step::Nothing),
            Self::Unknown { source, head, scanned } => {
                Ok(first_byte(source, head, scanned).map_or_else(Step::from_io, Step::Start))
            }
            Self::Json { source, body, counted } => {
                headroom::ensure(body.len())?;
                read_json(source, body, counted, with_payloads)
            }
            Self::Stream(decoder) => match decoder.next_item() {
                Ok(SseItem::Event(event)) => Step::from_event(&event, cache, with_payloads),
                Ok(SseItem::Stray(line)) => Step::from_stray(line),
                Ok(SseItem::Waiting) => Ok(Step::Waiting),
                Ok(SseItem::End) => Ok(Step::End),
                Err(error) => Ok(Step::from_io(error)),
            },
        }
    }
}

/// Reads on in a body of JSON. `counted` is its length at the last sign of life.
fn read_json(
    source: &mut impl Read,
    body: &mut Vec<u8>,
    counted: &mut usize,
    with_payloads: bool,
) -> Result<Step> {
    match read_to_limit(source, body) {
        Ok(()) => {
            headroom::ensure(body.len())?;
            Step::from_json(body, with_payloads)
        }
        Err(error) if error.kind() == ErrorKind::OutOfMemory => Err(from_io(error)),
        Err(_) if body.len() - *counted >= SIGN_OF_LIFE => {
            *counted = body.len();
            Ok(Step::Alive)
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            // `[DONE]` ends a reply even if the connection stays open.
            let end = body.trim_ascii_end();
            let ends = [&b"[DONE]"[..], b"[DONE]\""].iter().any(|done| end.ends_with(done));
            let decoded = ends.then(|| Step::from_json(body, with_payloads));
            Ok(decoded.and_then(Result::ok).unwrap_or(Step::Waiting))
        }
        // The JSON may be complete, with only the end of the HTTP body
        // missing.
        Err(error) => match Step::from_json(body, with_payloads) {
            decoded @ (Ok(_) | Err(Error::Server(_))) => decoded,
            Err(_) => Ok(Step::from_io(error)),
        },
    }
}

/// Reads up to the first byte that is neither white space nor part of a byte
/// order mark. Everything read stays in `head`, of which the first `scanned`
/// bytes are already checked.
fn first_byte(
    source: &mut impl Read,
    head: &mut Vec<u8>,
    scanned: &mut usize,
) -> io::Result<Option<u8>> {
    let mut buffer = [0; 4096];
    loop {
        let is_blank = |byte: &u8| byte.is_ascii_whitespace() || b"\xef\xbb\xbf".contains(byte);
        match head[*scanned..].iter().find(|byte| !is_blank(byte)) {
            Some(&first) => return Ok(Some(first)),
            None => *scanned = head.len(),
        }
        match source.read(&mut buffer) {
            Ok(0) => return Ok(None),
            Ok(read) => head.extend_from_slice(&buffer[..read]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if head.len() > sse::LIMIT {
            return Err(too_long());
        }
    }
}

fn read_to_limit(source: &mut impl Read, body: &mut Vec<u8>) -> io::Result<()> {
    let room = sse::LIMIT.saturating_sub(body.len()) as u64 + 1;
    source.take(room).read_to_end(body)?;
    if body.len() > sse::LIMIT { Err(too_long()) } else { Ok(()) }
}
