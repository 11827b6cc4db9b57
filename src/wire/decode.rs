//! The events of a reply, decoded from its body, and whether the reply is
//! complete.

use std::collections::VecDeque;
use std::io::Read;

use crate::chat::event::{Event, Payload};
use crate::chat::finish::{FinishKind, FinishReason};
use crate::error::{Error, NetworkError, Result};
use crate::wire::choice::{Choice, Parts};
use crate::wire::chunk::Chunk;
use crate::wire::chunk_cache::ChunkCache;
use crate::wire::error_body;
use crate::wire::reply_body::ReplyBody;
use crate::wire::reply_error::{cut, html, not_a_completion};
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
    text: JoinedText,
    refusal: JoinedText,
    reasoning: JoinedText,
    has_call_deltas: bool,
    has_choice: bool,
    /// The worst finish reason so far.
    finish: Option<FinishReason>,
    with_payloads: bool,
    cache: ChunkCache,
    /// The lines and events that do not belong in a reply, up to [`STRAY_LIMIT`].
    stray: String,
    /// The error to return after the last event.
    failure: Option<Error>,
}

/// How much is kept of what does not belong in a reply: enough to tell what the
/// server says.
const STRAY_LIMIT: usize = 4 << 10;

/// One of the texts of a reply, joined from its deltas.
#[derive(Default)]
struct JoinedText {
    surrogates: Surrogates,
    has_deltas: bool,
}

impl JoinedText {
    /// Adds a delta. `None` if there is no new text.
    fn add_delta(&mut self, delta: Vec<u8>) -> Option<String> {
        self.has_deltas |= !delta.is_empty();
        non_empty(self.surrogates.join(delta))
    }

    /// Adds the text of a whole message. A message that closes a stream repeats
    /// what the deltas brought.
    fn add_message(&mut self, message: Vec<u8>) -> Option<String> {
        if self.has_deltas { None } else { non_empty(self.surrogates.join(message)) }
    }

    fn end(&mut self) -> Option<String> {
        non_empty(self.surrogates.end())
    }
}

impl<R: Read> Events<R> {
    /// Decodes what `source` returns, whatever its content type. `base_url` is
    /// for error messages.
    pub fn new(source: R, base_url: &str) -> Self {
        Self {
            base_url: base_url.to_owned(),
            body: ReplyBody::new(source),
            queue: VecDeque::new(),
            text: JoinedText::default(),
            refusal: JoinedText::default(),
            reasoning: JoinedText::default(),
            has_call_deltas: false,
            has_choice: false,
            finish: None,
            with_payloads: false,
            cache: ChunkCache::default(),
            stray: String::new(),
            failure: None,
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
            Step::Start(None) => return Err(NetworkError::EmptyBody.into()),
            Step::Start(first_byte) => self.body.start(first_byte),
            Step::Text(text, payload) => {
                self.queue.push_back(Event::Alive);
                self.queue.extend(payload.map(Event::Payload));
                self.has_choice = true;
                self.queue.extend(self.text.add_delta(text).map(Event::Text));
            }
            Step::Chunk(chunk, payload) => self.take_chunk(chunk, payload),
            Step::LastChunk(chunk, payload) => {
                self.take_chunk(chunk, payload);
                return self.take_done();
            }
            Step::Completion(completion, payload) => {
                self.take_chunk(completion, payload);
                self.finish();
            }
            Step::Stray(words, payload) => {
                self.queue.push_back(Event::Alive);
                self.queue.extend(payload.map(Event::Payload));
                self.keep_stray(&words);
            }
            Step::Done => return self.take_done(),
            // Nothing is missing after the finish reason.
            Step::End | Step::Broken(_) if self.finish.is_some() => self.finish(),
            Step::Broken(error) => return Err(error),
            Step::End if self.stray.is_empty() => return Err(cut("the stream ended")),
            Step::End => return Err(self.stray_error()),
        }
        Ok(())
    }

    fn take_chunk(&mut self, chunk: Chunk, payload: Option<Payload>) {
        self.queue.push_back(Event::Alive);
        self.queue.extend(payload.map(Event::Payload));
        self.queue.extend(chunk.usage.map(Event::Usage));
        let Some(Choice { delta, message, finish }) = chunk.choice else {
            return;
        };
        self.has_choice = true;
        self.has_call_deltas |= !delta.calls.is_empty();
        self.queue.extend(self.reasoning.add_delta(delta.reasoning).map(Event::Reasoning));
        self.queue.extend(self.text.add_delta(delta.text).map(Event::Text));
        self.queue.extend(self.refusal.add_delta(delta.refusal).map(Event::Refusal));
        self.queue.extend(delta.calls.into_iter().map(Box::new).map(Event::Call));
        if let Some(message) = message {
            self.take_message(*message);
        }
        if let Some(reason) = finish {
            self.queue.push_back(Event::Finish(reason.clone()));
            self.finish = Some(FinishReason::worst(self.finish.take(), reason));
        }
    }

    fn take_message(&mut self, message: Parts) {
        self.queue.extend(self.reasoning.add_message(message.reasoning).map(Event::Reasoning));
        self.queue.extend(self.text.add_message(message.text).map(Event::Text));
        self.queue.extend(self.refusal.add_message(message.refusal).map(Event::Refusal));
        if !self.has_call_deltas {
            self.queue.extend(message.calls.into_iter().map(Box::new).map(Event::Call));
        }
    }

    /// Ends a reply at `[DONE]`, unless an error may have taken the place of its
    /// rest.
    fn take_done(&mut self) -> Result<()> {
        if self.finish.is_none() && !self.stray.is_empty() {
            return Err(self.stray_error());
        }
        if !self.has_choice {
            return Err(Error::Protocol("the stream held no chat completion".to_owned()));
        }
        self.finish();
        Ok(())
    }

    /// Ends the events of a reply that is complete, unless its finish reason says
    /// that the server failed.
    fn finish(&mut self) {
        self.queue.extend(self.reasoning.end().map(Event::Reasoning));
        self.queue.extend(self.text.end().map(Event::Text));
        self.queue.extend(self.refusal.end().map(Event::Refusal));
        self.body = ReplyBody::Ended;
        self.failure = match &self.finish {
            Some(FinishReason { kind: FinishKind::Failed, word }) => {
                Some(NetworkError::GaveUp(word.clone()).into())
            }
            _ => None,
        };
    }

    fn keep_stray(&mut self, words: &str) {
        let room = STRAY_LIMIT.saturating_sub(self.stray.len());
        self.stray.extend(words.chars().chain(['\n']).take(room));
    }

    /// The error for a stream in which something else took the place of the reply
    /// or of its end.
    fn stray_error(&self) -> Error {
        let stray = self.stray.trim_end().as_bytes();
        let error = error_body::parse(stray);
        if error.code.is_some() || error.kind.is_some() {
            return error.into();
        }
        match self.has_choice {
            true => cut(&format!("the server sent \"{}\"", error_body::words(stray))),
            false => not_a_completion(stray),
        }
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
                return self.failure.take().map(Err);
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

    /// The events of a body, and the error that ended it, if any. Without those
    /// that depend on how the bytes are split.
    fn read(parts: Parts) -> (Vec<Event>, Option<String>) {
        let mut events = Vec::new();
        for event in Events::new(parts, "http://h").with_payloads(true) {
            match event {
                Ok(Event::Waiting | Event::Alive) => {}
                Ok(event) => events.push(event),
                Err(error) => return (events, Some(format!("{error:?}"))),
            }
        }
        (events, None)
    }

    fn text_of(events: &[Event]) -> String {
        let text = |event: &Event| match event {
            Event::Text(text) => Some(text.clone()),
            _ => None,
        };
        events.iter().filter_map(text).collect()
    }

    #[derive(Deserialize)]
    struct Case {
        name: String,
        bytes: Option<String>,
        base64: Option<String>,
        #[serde(default)]
        end: String,
    }

    impl Case {
        fn body(&self) -> Vec<u8> {
            let coded = self.base64.as_deref().unwrap_or_default();
            let decoded = base64::prelude::BASE64_STANDARD.decode(coded).expect("base64");
            self.bytes.clone().map_or(decoded, String::into_bytes)
        }
    }

    /// Decodes each case whole, byte by byte, and split in two at every `step`-th
    /// byte.
    #[track_caller]
    fn assert_splits_do_not_matter(cases: &str, step: usize) {
        for case in cases.lines() {
            let case: Case = serde_json::from_str(case).expect("a case");
            let (body, is_cut) = (case.body(), case.end == "cut");
            let whole = read(Parts::new(&[&body], is_cut));
            let bytes: Vec<&[u8]> = body.chunks(1).collect();
            assert_eq!(read(Parts::new(&bytes, is_cut)), whole, "{}, byte by byte", case.name);
            for split in (0..=body.len()).step_by(step) {
                let (first, second) = body.split_at(split);
                let halves = read(Parts::new(&[first, second], is_cut));
                assert_eq!(halves, whole, "{}, split at {split}", case.name);
            }
        }
    }

    #[test]
    fn every_stream_decodes_the_same_however_its_bytes_are_split() {
        assert_splits_do_not_matter(include_str!("../../tests/cases/stream.jsonl"), 1);
    }

    #[test]
    fn every_reply_decodes_the_same_however_its_bytes_are_split() {
        assert_splits_do_not_matter(include_str!("../../tests/cases/replies.jsonl"), 3);
    }

    /// Announces a wait and must not be read again.
    #[derive(Default)]
    struct Unread {
        has_announced: bool,
    }

    impl Read for Unread {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            assert!(!self.has_announced, "the source is read after [DONE]");
            self.has_announced = true;
            Err(ErrorKind::WouldBlock.into())
        }
    }

    #[test]
    fn done_ends_a_json_reply_although_the_connection_stays_open() {
        let body = r#"{"choices":[{"message":{"content":"a [DONE] b"}}]}"#;
        for done in ["[DONE]", "\n\ndata: [DONE]\n\n", "\ndata:\"[DONE]\""] {
            let body = format!("{body}{done}");
            let events = Events::new(body.as_bytes().chain(Unread::default()), "http://h");
            let events: Vec<_> = events.map(|event| event.expect("a whole reply")).collect();
            assert_eq!(text_of(&events), "a [DONE] b", "{done}");
        }
    }

    #[test]
    fn a_stray_error_of_several_lines_is_told_in_its_words() {
        let chunk = b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
        let error = b"{\n  \"error\": {\n    \"message\": \"no gas\"\n  }\n}\ndata: [DONE]\n\n";
        let (events, error) = read(Parts::new(&[chunk, error], false));
        assert_eq!(text_of(&events), "a");
        assert!(error.as_ref().is_some_and(|error| error.contains("no gas")), "{error:?}");
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
            b"data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"abort\"}]}",
            b"data: {\"choices\":[{\"message\":{\"content\":\"a\"}}]}",
            b"data: {\"message\":\"hm\"}",
            b"data: : comment",
            b"data: \"[DONE]\"",
            b"data: [DONE]",
            b"[DONE]",
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
