//! Payloads, or one JSON body, to events; and when a reply is whole. Knows no
//! HTTP and prints nothing.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read};

pub use super::chunk::FinishReason;
use super::chunk::{self, Choice, Fault, Surrogates};
use super::failure;
use super::sse::{self, Decoder, Item};
use crate::error::{Error, NetworkError, Result};

/// What a reply is made of, in the order of its coming.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Part of the reply's text; never empty.
    Text(String),
    /// Part of the words in which the model refused; never empty.
    Refusal(String),
    Finish(FinishReason),
    /// All that has arrived was given out: the next event may take its time.
    Waiting,
}

/// The events of one reply, whatever form the server chose for it. They end
/// with `None` when the reply is whole, and with an error otherwise.
///
/// The source reports [`ErrorKind::WouldBlock`] once before it waits, which
/// becomes [`Event::Waiting`], and its other errors as [`Error`]s.
pub struct Events<R> {
    form: Form<R>,
    /// Where the reply comes from, for messages.
    base_url: String,
    queue: VecDeque<Event>,
    surrogates: Surrogates,
    refusals: Surrogates,
    has_choice: bool,
    is_finished: bool,
    /// The first line that does not belong in an event stream.
    stray: Option<String>,
}

/// The body's first character that is not white space decides, whatever was
/// asked for and whatever the content type says.
enum Form<R> {
    Unknown { source: R, head: Vec<u8> },
    Stream(Decoder<R>),
    Json { source: R, body: Vec<u8> },
    Ended,
}

/// What the next bytes of the body meant.
enum Step {
    Nothing,
    Waiting,
    /// The body's first character, if it has one.
    Begin(Option<u8>),
    Choice(Choice),
    Stray(String),
    /// `[DONE]`, or the end of a whole JSON body.
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
            form: Form::Unknown { source, head: Vec::new() },
            queue: VecDeque::new(),
            surrogates: Surrogates::default(),
            refusals: Surrogates::default(),
            has_choice: false,
            is_finished: false,
            stray: None,
        }
    }

    fn step(&mut self) -> Result<Step> {
        match &mut self.form {
            Form::Ended => Ok(Step::Nothing),
            Form::Unknown { source, head } => {
                Ok(recognise(source, head).map_or_else(Step::from_io, Step::Begin))
            }
            Form::Json { source, body } => match read_to_limit(source, body) {
                Ok(()) => on_json(body),
                Err(error) => Ok(Step::from_io(error)),
            },
            Form::Stream(decoder) => match decoder.next() {
                Ok(Item::Event(event)) => on_event(&event),
                Ok(Item::Stray(line)) => on_stray(line),
                Ok(Item::Waiting) => Ok(Step::Waiting),
                Ok(Item::End) => Ok(Step::End),
                Err(error) => Ok(Step::from_io(error)),
            },
        }
    }

    fn take(&mut self, step: Step) -> Result<()> {
        match step {
            Step::Nothing => {}
            Step::Waiting => self.queue.push_back(Event::Waiting),
            Step::Begin(first) => self.begin(first)?,
            Step::Choice(choice) => self.take_choice(choice),
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

    fn take_choice(&mut self, choice: Choice) {
        self.has_choice = true;
        let refusal = self.refusals.join(choice.refusal);
        let text = self.surrogates.join(choice.text);
        self.queue.extend(some(text).map(Event::Text));
        self.queue.extend(some(refusal).map(Event::Refusal));
        if let Some(reason) = choice.finish {
            self.is_finished = true;
            self.queue.push_back(Event::Finish(reason));
        }
        if choice.has_message {
            self.finish();
        }
    }

    fn begin(&mut self, first: Option<u8>) -> Result<()> {
        if let Form::Unknown { source, head } = std::mem::replace(&mut self.form, Form::Ended) {
            self.form = match first {
                Some(b'<') => return Err(html(&self.base_url)),
                Some(b'{') => Form::Json { source, body: head },
                _ => Form::Stream(Decoder::new(source, head)),
            };
        }
        Ok(())
    }

    /// The reply is whole.
    fn finish(&mut self) {
        self.queue.extend(some(self.surrogates.end()).map(Event::Text));
        self.form = Form::Ended;
    }
}

impl<R: Read> Iterator for Events<R> {
    type Item = Result<Event>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(event) = self.queue.pop_front() {
                return Some(Ok(event));
            }
            if matches!(self.form, Form::Ended) {
                return None;
            }
            if let Err(error) = self.step().and_then(|step| self.take(step)) {
                self.form = Form::Ended;
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
            _ => Step::Broken(match error.downcast::<Error>() {
                Ok(classed) => classed,
                Err(other) => cut(&format!("the connection failed ({other})")),
            }),
        }
    }
}

fn on_event(event: &sse::Event<'_>) -> Result<Step> {
    let data = event.data.trim_ascii();
    if data.is_empty() {
        return Ok(Step::Nothing);
    }
    if data == b"[DONE]" {
        return Ok(Step::Done);
    }
    if event.name == b"error" {
        return Err(Error::from(failure::parse(data)));
    }
    match chunk::parse(data) {
        Ok(choice) => Ok(choice.map_or(Step::Nothing, Step::Choice)),
        Err(Fault::Malformed { .. }) if !event.terminated => {
            Ok(Step::Broken(cut("the stream ended in the middle of an event")))
        }
        Err(fault) => Err(fault.into()),
    }
}

/// Servers put errors on lines of their own: llama.cpp as a field `error`,
/// others as bare JSON.
fn on_stray(line: &[u8]) -> Result<Step> {
    if let Some(error) = line.strip_prefix(b"error:") {
        return Err(Error::from(failure::parse(error.trim_ascii())));
    }
    if line.starts_with(b"{")
        && let Err(Fault::Server(server)) = chunk::parse(line)
    {
        return Err(Error::Server(server));
    }
    Ok(Step::Stray(String::from_utf8_lossy(line).into_owned()))
}

fn on_json(body: &[u8]) -> Result<Step> {
    match chunk::parse(body) {
        Ok(Some(choice)) if choice.has_message => Ok(Step::Choice(choice)),
        Ok(_) => Err(not_a_completion(&String::from_utf8_lossy(body))),
        Err(Fault::Malformed { is_torn: true, .. }) => Err(cut("the body ended")),
        Err(fault) => Err(fault.into()),
    }
}

/// Reads until the first character that is not white space, which is kept
/// in `head` with all that was read. A byte order mark is passed over.
fn recognise(source: &mut impl Read, head: &mut Vec<u8>) -> io::Result<Option<u8>> {
    let mut buffer = [0; 4096];
    loop {
        let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
        let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
        if let Some(&first) = first.filter(|_| text[0] != 0xef || text.len() > 2) {
            return Ok(Some(first));
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

fn cut(how: &str) -> Error {
    Error::Network(NetworkError::Cut(how.to_owned()))
}

/// A web page: the base URL is that of a site, not of an API.
pub fn html(base_url: &str) -> Error {
    Error::Protocol(format!("the server sent HTML; check the base URL {base_url}"))
}

fn not_a_completion(body: &str) -> Error {
    let beginning: String = body.trim().chars().take(200).collect();
    Error::Protocol(format!("the reply is no chat completion: {beginning}"))
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use serde::Deserialize;

    use super::*;

    /// A body that arrives in the given pieces, then ends or breaks off, and
    /// announces each wait as sockets do.
    struct Pieces {
        pieces: Vec<Vec<u8>>,
        is_cut: bool,
        is_announced: bool,
    }

    impl Pieces {
        fn new(pieces: &[&[u8]], is_cut: bool) -> Self {
            let pieces = pieces.iter().filter(|piece| !piece.is_empty());
            let mut pieces: Vec<_> = pieces.map(|piece| piece.to_vec()).collect();
            pieces.reverse();
            Self { pieces, is_cut, is_announced: false }
        }
    }

    impl Read for Pieces {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.is_announced = !self.is_announced;
            if self.is_announced {
                return Err(ErrorKind::WouldBlock.into());
            }
            match self.pieces.pop() {
                None if self.is_cut => Err(ErrorKind::UnexpectedEof.into()),
                None => Ok(0),
                Some(piece) => {
                    let (now, later) = piece.split_at(piece.len().min(buffer.len()));
                    buffer[..now.len()].copy_from_slice(now);
                    if !later.is_empty() {
                        self.pieces.push(later.to_vec());
                    }
                    Ok(now.len())
                }
            }
        }
    }

    /// The text of a body, and what ended it: nothing, or the error.
    fn read(pieces: Pieces) -> (String, Option<String>) {
        let mut text = String::new();
        for event in Events::new(pieces, "http://h") {
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

    #[test]
    fn each_wait_of_the_source_is_announced() {
        let first = b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
        let pieces = Pieces::new(&[first, b"data: [DONE]\n\n"], false);
        let events: Vec<_> =
            Events::new(pieces, "http://h").map(|event| event.expect("whole")).collect();
        assert_eq!(events, [Event::Waiting, Event::Text("a".to_owned()), Event::Waiting]);
    }
}
