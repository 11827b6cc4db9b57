//! Server-sent events: what the decoder finds in pieces is what a plain reader
//! finds in all lines at once, and what the chunk cache knows of the data is what
//! plain parsing makes of it.

#![no_main]

use gravix::wire::choice::{Choice, Parts};
use gravix::wire::chunk::{self, Chunk, ChunkError};
use gravix::wire::chunk_cache::ChunkCache;
use gravix::wire::sse::{SseDecoder, SseItem};
use gravix_fuzz::{Body, pieces};
use libfuzzer_sys::fuzz_target;

#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Item {
    name: Vec<u8>,
    data: Vec<u8>,
    stray: Vec<u8>,
    is_terminated: bool,
}

fuzz_target!(|body: &[u8]| {
    let items = plain_items(body);
    assert_eq!(decoded_items(body), items);
    let mut cache = ChunkCache::default();
    for item in items.0 {
        let plain = debug(chunk::parse(&item.data));
        assert_eq!(debug(cached(&mut cache, &item.data)), plain);
    }
});

/// The items of a body, and whether a line that is not UTF-8 ended it.
fn decoded_items(body: &[u8]) -> (Vec<Item>, bool) {
    let mut decoder = SseDecoder::new(Body::new(pieces(body), false), Vec::new());
    let mut items = Vec::new();
    loop {
        match decoder.next_item() {
            Ok(SseItem::Event(event)) => items.push(Item {
                name: event.name.to_owned(),
                data: event.data.to_owned(),
                stray: Vec::new(),
                is_terminated: event.is_terminated,
            }),
            Ok(SseItem::Stray(line)) => {
                items.push(Item { stray: line.to_owned(), ..Item::default() });
            }
            Ok(SseItem::Waiting) => {}
            Ok(SseItem::End) => return (items, false),
            Err(_) => return (items, true),
        }
    }
}

/// The same, from all lines at once.
fn plain_items(body: &[u8]) -> (Vec<Item>, bool) {
    let mut items = Vec::new();
    let (mut name, mut data) = (Vec::new(), Vec::<Vec<u8>>::new());
    for line in lines(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)) {
        let colon = line.iter().position(|byte| *byte == b':');
        let (field, value) = match colon {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (&*line, &b""[..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"" if colon.is_none() => {
                let event = Item { name, data: data.join(&b'\n'), ..Item::default() };
                if !event.name.is_empty() || !data.is_empty() {
                    items.push(Item { is_terminated: true, ..event });
                }
                (name, data) = (Vec::new(), Vec::new());
            }
            b"data" => data.push(value.to_owned()),
            _ if std::str::from_utf8(&line).is_err() => return (items, true),
            b"event" => name = value.to_owned(),
            b"" | b"id" | b"retry" => {}
            _ => items.push(Item { stray: line, ..Item::default() }),
        }
    }
    if !data.is_empty() {
        items.push(Item { name, data: data.join(&b'\n'), ..Item::default() });
    }
    (items, false)
}

/// The lines of a body, which CR, LF and CR LF end.
fn lines(body: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = vec![Vec::new()];
    for (at, &byte) in body.iter().enumerate() {
        match byte {
            b'\n' if at > 0 && body[at - 1] == b'\r' => {}
            b'\n' | b'\r' => lines.push(Vec::new()),
            byte => lines.last_mut().expect("a line").push(byte),
        }
    }
    // What follows the last line end is a line only if there is something.
    lines.pop_if(|line| line.is_empty());
    lines
}

fn cached(cache: &mut ChunkCache, payload: &[u8]) -> Result<Chunk, ChunkError> {
    let Some(text) = cache.text(payload) else { return cache.parse(payload) };
    let delta = Parts { text: text.to_vec(), ..Parts::default() };
    let choice = Some(Choice { delta, ..Choice::default() });
    Ok(Chunk { choice, ..Chunk::default() })
}

/// A parsed chunk as text, without `is_literal`, which may differ.
fn debug(mut parsed: Result<Chunk, ChunkError>) -> String {
    if let Ok(Chunk { choice: Some(choice), .. }) = &mut parsed {
        choice.delta.is_literal = false;
    }
    format!("{parsed:?}")
}
