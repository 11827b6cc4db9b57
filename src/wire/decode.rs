//! Payloads, or one JSON body, to events; and when a reply is whole. Knows no
//! HTTP and prints nothing.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read};

use crate::chat::event::{Event, Payload};
use crate::error::{Error, NetworkError, Result};
use crate::wire::chunk::{Chunk, ChunkError};
use crate::wire::chunk_cache::ChunkCache;
use crate::wire::error_body::html;
use crate::wire::sse::{SseDecoder, SseItem};
use crate::wire::{chunk, error_body, sse};
use crate::wtf8::Surrogates;

/// So much of a JSON body counts as an event does: 64 KiB.
const SIGN_OF_LIFE: usize = 64 << 10;

/// The events of one reply, whatever form the server chose for it. They end
/// with `None` when the reply is whole, and with an error otherwise.
///
/// The source reports [`ErrorKind::WouldBlock`] once before it waits, which
/// becomes [`Event::Waiting`], and its other errors as [`Error`]s.
pub struct Events<R> {
    form: BodyKind<R>,
    /// Where the reply comes from, for messages.
    base_url: String,
    queue: VecDeque<Event>,
    surrogates: Surrogates,
    refusals: Surrogates,
    has_choice: bool,
    is_finished: bool,
    gives_payloads: bool,
    template: ChunkCache,
    /// The first line that does not belong in an event stream.
    stray: Option<String>,
}

/// The body's first character that is not white space decides, whatever was
/// asked for and whatever the content type says.
enum BodyKind<R> {
    Unknown {
        source: R,
        head: Vec<u8>,
        scanned: usize,
    },
    Stream(SseDecoder<R>),
    /// `counted` is the length at the last sign of life.
    Json {
        source: R,
        body: Vec<u8>,
        counted: usize,
    },
    Ended,
}

/// What the next bytes of the body meant.
enum Step {
    Nothing,
    Waiting,
    Alive,
    /// The body's first character, if it has one.
    Begin(Option<u8>),
    /// With what it was read from, where that is asked for.
    Chunk(Chunk, Option<Payload>),
    /// The one JSON object that is the reply.
    Completion(Chunk, Option<Payload>),
    Stray(String),
    /// `[DONE]`
    Done,
    /// The body ended; nothing in it said that the reply had.
    End,
    /// The body broke off.
    Broken(Error),
}

impl<R: Read> Events<R> {
    pub fn new(source: R, base_url: &str) -> Self {
        Self {
            base_url: base_url.to_owned(),
            form: BodyKind::Unknown { source, head: Vec::new(), scanned: 0 },
            queue: VecDeque::new(),
            surrogates: Surrogates::default(),
            refusals: Surrogates::default(),
            has_choice: false,
            is_finished: false,
            gives_payloads: false,
            template: ChunkCache::default(),
            stray: None,
        }
    }

    /// Gives each payload too, as [`Event::Payload`].
    pub fn with_payloads(self, gives_payloads: bool) -> Self {
        Self { gives_payloads, ..self }
    }

    fn step(&mut self) -> Result<Step> {
        let gives_payloads = self.gives_payloads;
        let payload = |bytes: &[u8]| {
            gives_payloads.then(|| String::from_utf8_lossy(bytes.trim_ascii()).into_owned())
        };
        match &mut self.form {
            BodyKind::Ended => Ok(Step::Nothing),
            BodyKind::Unknown { source, head, scanned } => {
                Ok(recognise(source, head, scanned).map_or_else(Step::from_io, Step::Begin))
            }
            BodyKind::Json { source, body, counted } => match read_to_limit(source, body) {
                Ok(()) => on_json(body, payload),
                Err(_) if body.len() - *counted >= SIGN_OF_LIFE => {
                    *counted = body.len();
                    Ok(Step::Alive)
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(Step::Waiting),
                // What came may be whole, and only its framing missing.
                Err(error) => match on_json(body, payload) {
                    told @ (Ok(_) | Err(Error::Server(_))) => told,
                    Err(_) => Ok(Step::from_io(error)),
                },
            },
            BodyKind::Stream(decoder) => match decoder.next_item() {
                Ok(SseItem::Event(event)) => on_event(&event, &mut self.template, payload),
                Ok(SseItem::Stray(line)) => on_stray(line),
                Ok(SseItem::Waiting) => Ok(Step::Waiting),
                Ok(SseItem::End) => Ok(Step::End),
                Err(error) => Ok(Step::from_io(error)),
            },
        }
    }

    fn take(&mut self, step: Step) -> Result<()> {
        match step {
            Step::Nothing => {}
            Step::Waiting => self.queue.push_back(Event::Waiting),
            Step::Alive => self.queue.push_back(Event::Alive),
            Step::Begin(first) => self.begin(first)?,
            Step::Chunk(chunk, payload) => self.take_chunk(chunk, payload),
            Step::Completion(completion, payload) => {
                self.take_chunk(completion, payload);
                self.finish();
            }
            Step::Stray(line) => {
                self.stray.get_or_insert(line);
            }
            Step::Done if self.has_choice => self.finish(),
            Step::Done => {
                return Err(Error::Protocol("the stream held no chat completion".to_owned()));
            }
            Step::End | Step::Broken(_) if self.is_finished => self.finish(),
            Step::Broken(error) => return Err(error),
            Step::End => {
                return Err(match &self.stray {
                    Some(line) if !self.has_choice => not_a_completion(line),
                    _ => cut("the stream ended"),
                });
            }
        }
        Ok(())
    }

    fn take_chunk(&mut self, chunk: Chunk, payload: Option<Payload>) {
        self.queue.push_back(Event::Alive);
        self.queue.extend(payload.map(Event::Payload));
        self.queue.extend(chunk.usage.map(Event::Usage));
        let Some(choice) = chunk.choice else {
            return;
        };
        self.has_choice = true;
        let refusal = self.refusals.join(choice.refusal);
        let text = self.surrogates.join(choice.text);
        self.queue.extend(some(text).map(Event::Text));
        self.queue.extend(some(refusal).map(Event::Refusal));
        self.queue.extend(choice.calls.into_iter().map(Event::Call));
        if let Some(reason) = choice.finish {
            self.is_finished = true;
            self.queue.push_back(Event::Finish(reason));
        }
    }

    fn begin(&mut self, first: Option<u8>) -> Result<()> {
        if let BodyKind::Unknown { source, head, .. } =
            std::mem::replace(&mut self.form, BodyKind::Ended)
        {
            self.form = match first {
                Some(b'<') => return Err(html(&self.base_url)),
                Some(b'{') => BodyKind::Json { source, body: head, counted: 0 },
                _ => BodyKind::Stream(SseDecoder::new(source, head)),
            };
        }
        Ok(())
    }

    /// The reply is whole.
    fn finish(&mut self) {
        self.queue.extend(some(self.surrogates.end()).map(Event::Text));
        self.queue.extend(some(self.refusals.end()).map(Event::Refusal));
        self.form = BodyKind::Ended;
    }
}

impl<R: Read> Iterator for Events<R> {
    type Item = Result<Event>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(event) = self.queue.pop_front() {
                return Some(Ok(event));
            }
            if matches!(self.form, BodyKind::Ended) {
                return None;
            }
            if let Err(error) = self.step().and_then(|step| self.take(step)) {
                self.form = BodyKind::Ended;
                return Some(Err(error));
            }
        }
    }
}

impl Step {
    fn from_io(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::WouldBlock => Step::Waiting,
            ErrorKind::FileTooLarge => Step::Broken(Error::Protocol(error.to_string())),
            _ => Step::Broken(from_io(error)),
        }
    }
}

fn on_event(
    event: &sse::SseEvent<'_>,
    template: &mut ChunkCache,
    payload: impl Fn(&[u8]) -> Option<String>,
) -> Result<Step> {
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
    match template.parse(data) {
        Ok(chunk) => Ok(Step::Chunk(chunk, payload(data).map(Payload::Chunk))),
        Err(ChunkError::Malformed { .. }) if !event.terminated => {
            Ok(Step::Broken(cut("the stream ended in the middle of an event")))
        }
        // After the finish reason nothing is missing, whatever this was.
        Err(fault @ ChunkError::Malformed { .. }) => Ok(Step::Broken(fault.into())),
        Err(fault) => Err(fault.into()),
    }
}

/// Servers put errors on lines of their own: llama.cpp as a field `error`,
/// others as bare JSON.
fn on_stray(line: &[u8]) -> Result<Step> {
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

fn on_json(body: &[u8], payload: impl Fn(&[u8]) -> Option<String>) -> Result<Step> {
    match chunk::parse(body) {
        Ok(chunk) if chunk.choice.as_ref().is_some_and(|choice| choice.has_message) => {
            Ok(Step::Completion(chunk, payload(body).map(Payload::Response)))
        }
        Ok(_) => Err(not_a_completion(&String::from_utf8_lossy(body))),
        Err(ChunkError::Malformed { is_torn: true, .. }) => Err(cut("the body ended")),
        Err(fault) => Err(fault.into()),
    }
}

/// Reads until the first character that is neither white space nor a byte
/// order mark. All that was read is kept in `head`, of which `scanned` bytes
/// are known to hold nothing else.
fn recognise(
    source: &mut impl Read,
    head: &mut Vec<u8>,
    scanned: &mut usize,
) -> io::Result<Option<u8>> {
    let mut buffer = [0; 4096];
    loop {
        let blank = |byte: &u8| byte.is_ascii_whitespace() || b"\xef\xbb\xbf".contains(byte);
        match head[*scanned..].iter().find(|byte| !blank(byte)) {
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
            return Err(too_large());
        }
    }
}

fn read_to_limit(source: &mut impl Read, body: &mut Vec<u8>) -> io::Result<()> {
    let room = sse::LIMIT.saturating_sub(body.len()) as u64 + 1;
    source.take(room).read_to_end(body)?;
    if body.len() > sse::LIMIT { Err(too_large()) } else { Ok(()) }
}

fn too_large() -> io::Error {
    io::Error::new(ErrorKind::FileTooLarge, "the reply is longer than 64 MiB")
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn not_a_completion(body: &str) -> Error {
    Error::Protocol(format!("the reply is no chat completion: {}", body.trim()))
}

/// The class that an error of a body has; without one it is a cut.
pub fn from_io(error: io::Error) -> Error {
    error.downcast().unwrap_or_else(|other| cut(&format!("the connection failed ({other})")))
}

/// The reply broke off.
pub fn cut(how: &str) -> Error {
    NetworkError::Cut(how.to_owned()).into()
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    /// A body that arrives in the given parts, then ends or breaks off, and
    /// announces each wait as sockets do.
    struct Pieces {
        parts: Vec<Vec<u8>>,
        is_cut: bool,
        is_announced: bool,
    }

    impl Pieces {
        fn new(parts: &[&[u8]], is_cut: bool) -> Self {
            let parts = parts.iter().filter(|part| !part.is_empty());
            let mut parts: Vec<_> = parts.map(|part| part.to_vec()).collect();
            parts.reverse();
            Self { parts, is_cut, is_announced: false }
        }
    }

    impl Read for Pieces {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.is_announced = !self.is_announced;
            if self.is_announced {
                return Err(ErrorKind::WouldBlock.into());
            }
            match self.parts.pop() {
                None if self.is_cut => Err(ErrorKind::UnexpectedEof.into()),
                None => Ok(0),
                Some(part) => {
                    let (now, later) = part.split_at(part.len().min(buffer.len()));
                    buffer[..now.len()].copy_from_slice(now);
                    if !later.is_empty() {
                        self.parts.push(later.to_vec());
                    }
                    Ok(now.len())
                }
            }
        }
    }

    /// The text of a body, and what ended it: nothing, or the error.
    fn read(parts: Pieces) -> (String, Option<String>) {
        let mut text = String::new();
        for event in Events::new(parts, "http://h") {
            match event {
                Ok(Event::Text(token)) => text += &token,
                Ok(_) => {}
                Err(error) => return (text, Some(format!("{error:?}"))),
            }
        }
        (text, None)
    }

    #[derive(Deserialize)]
    struct Case {
        name: String,
        bytes: Option<String>,
        base64: Option<String>,
        end: String,
        text: String,
        saved: bool,
    }

    impl Case {
        fn all() -> impl Iterator<Item = Self> {
            let cases = include_str!("../../tests/cases/stream.jsonl");
            cases.lines().map(|case| serde_json::from_str(case).expect("a case"))
        }

        fn body(&self) -> Vec<u8> {
            let coded = self.base64.as_deref().unwrap_or_default();
            let decoded = base64::prelude::BASE64_STANDARD.decode(coded).expect("base64");
            self.bytes.clone().map_or(decoded, String::into_bytes)
        }
    }

    #[test]
    fn every_case_is_the_same_however_its_bytes_are_cut() {
        for case in Case::all() {
            let body = case.body();
            let is_cut = case.end == "cut";
            let whole = read(Pieces::new(&[&body], is_cut));
            assert_eq!(whole.0, case.text, "{}", case.name);
            // A reply without text ends well here: its status is for the command to judge.
            assert!(whole.1.is_none() || !case.saved, "{}: {whole:?}", case.name);
            let bytes: Vec<&[u8]> = body.chunks(1).collect();
            assert_eq!(read(Pieces::new(&bytes, is_cut)), whole, "{}, byte by byte", case.name);
            for split in 0..=body.len() {
                let (first, second) = body.split_at(split);
                let halves = read(Pieces::new(&[first, second], is_cut));
                assert_eq!(halves, whole, "{}, split at {split}", case.name);
            }
        }
    }

    /// What streams are made of, good and bad.
    fn fragment() -> impl Strategy<Value = &'static [u8]> {
        prop::sample::select(vec![
            b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}".as_slice(),
            b"data: {\"choices\":[{\"delta\":{\"content\":\"\\ud83d\"}}]}",
            b"data:{\"choices\":[{\"delta\":{\"content\":\"\\ude00\xc3\xa9\"}}]}",
            b"data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}",
            b"data: {\"choices\":",
            b"data: [{\"delta\":{\"content\":\"b\"}}]}",
            b"data: {\"error\":{\"message\":\"boom\"}}",
            b"data: [DONE]",
            b"event: error",
            b"error: {\"message\":\"boom\"}",
            b"{\"error\":\"boom\"}",
            b": comment",
            b"stray",
            b"\xef\xbb\xbf",
            b"\xff",
            b"\n",
            b"\r",
            b"\r\n",
            b"\n\n",
        ])
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_stream_is_the_same_however_its_bytes_are_cut(
            fragments in prop::collection::vec(fragment(), 0..24),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
            is_cut: bool,
        ) {
            let body = fragments.concat();
            let whole = read(Pieces::new(&[&body], is_cut));
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
            cuts.extend([0, body.len()]);
            cuts.sort_unstable();
            let parts: Vec<_> = cuts.windows(2).map(|cut| &body[cut[0]..cut[1]]).collect();
            prop_assert_eq!(read(Pieces::new(&parts, is_cut)), whole);
        }
    }

    #[test]
    fn each_wait_of_the_source_is_announced() {
        let first = b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
        let parts = Pieces::new(&[first, b"data: [DONE]\n\n"], false);
        let events: Vec<_> =
            Events::new(parts, "http://h").map(|event| event.expect("whole")).collect();
        assert_eq!(
            events,
            [Event::Waiting, Event::Alive, Event::Text("a".to_owned()), Event::Waiting]
        );
    }
}
