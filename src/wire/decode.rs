//! The events of a reply, decoded from its body, and whether the reply is
//! complete.

use std::collections::VecDeque;
use std::io::Read;

use crate::chat::event::{Event, Payload};
use crate::error::{Error, Result};
use crate::wire::chunk::Chunk;
use crate::wire::chunk_cache::ChunkCache;
use crate::wire::error_body::html;
use crate::wire::reply_body::ReplyBody;
use crate::wire::reply_error::{cut, not_a_completion};
use crate::wire::step::Step;
use crate::wtf8::Surrogates;

/// The events of one reply, sent as server-sent events or as one JSON object.
/// The iterator ends after a complete reply, and with an error otherwise.
///
/// A source that is about to wait returns
/// [`WouldBlock`](std::io::ErrorKind::WouldBlock) once first, which becomes
/// [`Event::Waiting`]. Its other errors are returned as [`Error`]s.
pub struct Events<R> {
    body: ReplyBody<R>,
    /// For error messages.
    base_url: String,
    queue: VecDeque<Event>,
    text_surrogates: Surrogates,
    refusal_surrogates: Surrogates,
    has_choice: bool,
    has_finish_reason: bool,
    with_payloads: bool,
    cache: ChunkCache,
    /// The first line that does not belong in an event stream.
    stray: Option<String>,
}

impl<R: Read> Events<R> {
    /// Decodes what `source` returns, whatever its content type. `base_url` is
    /// for error messages.
    pub fn new(source: R, base_url: &str) -> Self {
        Self {
            base_url: base_url.to_owned(),
            body: ReplyBody::new(source),
            queue: VecDeque::new(),
            text_surrogates: Surrogates::default(),
            refusal_surrogates: Surrogates::default(),
            has_choice: false,
            has_finish_reason: false,
            with_payloads: false,
            cache: ChunkCache::default(),
            stray: None,
        }
    }

    /// Sets whether each payload is also returned as [`Event::Payload`].
    pub fn with_payloads(self, with_payloads: bool) -> Self {
        Self { with_payloads, ..self }
    }

    fn take(&mut self, step: Step) -> Result<()> {
        match step {
            Step::Nothing => {}
            Step::Waiting => self.queue.push_back(Event::Waiting),
            Step::Alive => self.queue.push_back(Event::Alive),
            Step::Start(Some(b'<')) => return Err(html(&self.base_url)),
            Step::Start(first_byte) => self.body.start(first_byte),
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
            // Nothing is missing after the finish reason.
            Step::End | Step::Broken(_) if self.has_finish_reason => self.finish(),
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
        let refusal = self.refusal_surrogates.join(choice.refusal);
        let text = self.text_surrogates.join(choice.text);
        self.queue.extend(non_empty(text).map(Event::Text));
        self.queue.extend(non_empty(refusal).map(Event::Refusal));
        self.queue.extend(choice.calls.into_iter().map(Event::Call));
        if let Some(reason) = choice.finish {
            self.has_finish_reason = true;
            self.queue.push_back(Event::Finish(reason));
        }
    }

    /// Ends the events of a complete reply.
    fn finish(&mut self) {
        self.queue.extend(non_empty(self.text_surrogates.end()).map(Event::Text));
        self.queue.extend(non_empty(self.refusal_surrogates.end()).map(Event::Refusal));
        self.body = ReplyBody::Ended;
    }
}

impl<R: Read> Iterator for Events<R> {
    type Item = Result<Event>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(event) = self.queue.pop_front() {
                return Some(Ok(event));
            }
            if matches!(self.body, ReplyBody::Ended) {
                return None;
            }
            let step = self.body.step(&mut self.cache, self.with_payloads);
            if let Err(error) = step.and_then(|step| self.take(step)) {
                self.body = ReplyBody::Ended;
                return Some(Err(error));
            }
        }
    }
}

fn non_empty(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use std::io::{self, ErrorKind};

    use base64::Engine;
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    /// A body that arrives in the given parts, then ends or breaks off. Returns
    /// `WouldBlock` before each part, as sockets here do.
    struct Parts {
        parts: Vec<Vec<u8>>,
        is_cut: bool,
        has_announced: bool,
    }

    impl Parts {
        fn new(parts: &[&[u8]], is_cut: bool) -> Self {
            let parts = parts.iter().filter(|part| !part.is_empty());
            let mut parts: Vec<_> = parts.map(|part| part.to_vec()).collect();
            parts.reverse();
            Self { parts, is_cut, has_announced: false }
        }
    }

    impl Read for Parts {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.has_announced = !self.has_announced;
            if self.has_announced {
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

    /// The text of a body, and the error that ended it, if any.
    fn read(parts: Parts) -> (String, Option<String>) {
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
    fn every_case_decodes_the_same_however_its_bytes_are_split() {
        for case in Case::all() {
            let body = case.body();
            let is_cut = case.end == "cut";
            let whole = read(Parts::new(&[&body], is_cut));
            assert_eq!(whole.0, case.text, "{}", case.name);
            // A reply without text is complete here. The turn reports it.
            assert!(whole.1.is_none() || !case.saved, "{}: {whole:?}", case.name);
            let bytes: Vec<&[u8]> = body.chunks(1).collect();
            assert_eq!(read(Parts::new(&bytes, is_cut)), whole, "{}, byte by byte", case.name);
            for split in 0..=body.len() {
                let (first, second) = body.split_at(split);
                let halves = read(Parts::new(&[first, second], is_cut));
                assert_eq!(halves, whole, "{}, split at {split}", case.name);
            }
        }
    }

    /// A piece of a stream, valid or not.
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
        fn any_stream_decodes_the_same_however_its_bytes_are_split(
            fragments in prop::collection::vec(fragment(), 0..24),
            splits in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
            is_cut: bool,
        ) {
            let body = fragments.concat();
            let whole = read(Parts::new(&[&body], is_cut));
            let mut splits: Vec<_> = splits.iter().map(|at| at.index(body.len() + 1)).collect();
            splits.extend([0, body.len()]);
            splits.sort_unstable();
            let parts: Vec<_> = splits.windows(2).map(|at| &body[at[0]..at[1]]).collect();
            prop_assert_eq!(read(Parts::new(&parts, is_cut)), whole);
        }
    }

    #[test]
    fn an_event_announces_each_wait_of_the_source() {
        let first = b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
        let parts = Parts::new(&[first, b"data: [DONE]\n\n"], false);
        let events: Vec<_> =
            Events::new(parts, "http://h").map(|event| event.expect("whole")).collect();
        assert_eq!(
            events,
            [Event::Waiting, Event::Alive, Event::Text("a".to_owned()), Event::Waiting]
        );
    }
}
