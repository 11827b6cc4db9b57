//! The loops that long inputs meet: decoding the events of a stream, joining the
//! deltas of a reply, rendering its Markdown, and scanning the lines of a history. The times of one item
//! stay the same however many there are.

use std::fs::File;
use std::io::{self, Write};

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};

use gravix::chat::event::{Event, Payload};
use gravix::chat::reply::{Reply, Retention};
use gravix::history::scan::{Scan, Window};
use gravix::output::markdown::Renderer;
use gravix::output::markdown::style::Look;
use gravix::wire::chunk;
use gravix::wire::chunk_cache::ChunkCache;
use gravix::wire::sse::{SseDecoder, SseItem};

const EVENT: &str = "data: {\"id\":\"chatcmpl-0123456789abcdef0123456789abcdef\",\"object\":\"chat.completion.chunk\",\"created\":1764000000,\"model\":\"llama3.1:8b-instruct-fp16\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" word\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n";

const TURN: &str = "{\"role\":\"user\",\"content\":\"What is a mutex?\"}\n{\"role\":\"assistant\",\"content\":\"A lock that one thread at a time can hold, so that what it guards is never seen half changed.\"}\n";

const EVENTS: usize = 10_000;
const TURNS: usize = 50_000;

fn main() {
    divan::main();
}

#[divan::bench]
fn decode_events(bencher: Bencher) {
    let stream = EVENT.repeat(EVENTS);
    bencher.counter(BytesCount::of_str(&stream)).counter(ItemsCount::new(EVENTS)).bench(|| {
        let mut decoder = SseDecoder::new(stream.as_bytes(), Vec::new());
        let mut events = 0;
        while let Ok(SseItem::Event(event)) = decoder.next_item() {
            events += event.data.len();
        }
        events
    });
}

#[divan::bench]
fn decode_and_parse_events(bencher: Bencher) {
    let stream = EVENT.repeat(EVENTS);
    bencher.counter(BytesCount::of_str(&stream)).counter(ItemsCount::new(EVENTS)).bench(|| {
        let mut decoder = SseDecoder::new(stream.as_bytes(), Vec::new());
        let mut text = 0;
        while let Ok(SseItem::Event(event)) = decoder.next_item() {
            let choice = chunk::parse(event.data).ok().and_then(|chunk| chunk.choice);
            text += choice.map_or(0, |choice| choice.delta.text.len());
        }
        text
    });
}

#[divan::bench]
fn decode_events_through_the_chunk_cache(bencher: Bencher) {
    let stream = EVENT.repeat(EVENTS);
    bencher.counter(BytesCount::of_str(&stream)).counter(ItemsCount::new(EVENTS)).bench(|| {
        let mut decoder = SseDecoder::new(stream.as_bytes(), Vec::new());
        let mut cache = ChunkCache::default();
        let mut text = 0;
        while let Ok(SseItem::Event(event)) = decoder.next_item() {
            text += cache.text(event.data).map_or_else(
                || {
                    let choice = cache.parse(event.data).ok().and_then(|chunk| chunk.choice);
                    choice.map_or(0, |choice| choice.delta.text.len())
                },
                <[u8]>::len,
            );
        }
        text
    });
}

const DELTAS: [usize; 3] = [1_000, 10_000, 100_000];

#[divan::bench(args = DELTAS, sample_count = 10)]
fn join_tool_calls(bencher: Bencher, deltas: usize) {
    join(bencher, deltas, |number| {
        format!(
            r#"{{"index":{number},"id":"{number}","function":{{"name":"f","arguments":"{{}}"}}}}"#
        )
    });
}

#[divan::bench(args = DELTAS, sample_count = 10)]
fn join_fragments_of_a_tool_call(bencher: Bencher, deltas: usize) {
    let fragment = r#"{"index":0,"function":{"arguments":" word"}}"#;
    join(bencher, deltas, |_| fragment.to_owned());
}

/// Joins a reply of deltas that each have one `call`.
fn join(bencher: Bencher, deltas: usize, call: impl Fn(usize) -> String) {
    let delta = |call| format!(r#"{{"choices":[{{"delta":{{"tool_calls":[{call}]}}}}]}}"#);
    let payloads: Vec<Payload> =
        (0..deltas).map(|number| Payload::Chunk(delta(call(number)))).collect();
    bencher.counter(ItemsCount::new(deltas)).bench(|| {
        let mut reply = Reply::new(Retention { text: true, response: true }, usize::MAX);
        for payload in &payloads {
            let chunk = chunk::parse(payload.text().as_bytes()).expect("a chunk");
            let calls = chunk.choice.map(|choice| choice.delta.calls).unwrap_or_default();
            reply.add(&Event::Payload(payload.clone())).expect("a short reply");
            for call in calls {
                reply.add(&Event::Call(Box::new(call))).expect("a short reply");
            }
        }
        reply
    });
}

const REPLY: &str = include_str!("../../tests/cases/markdown/reply.md");

const TOKEN_LENGTH: usize = 4;

#[divan::bench(args = [1, 10, 100], sample_count = 10)]
fn render_markdown(bencher: Bencher, replies: usize) {
    let text: Vec<char> = REPLY.repeat(replies).chars().collect();
    let tokens: Vec<String> =
        text.chunks(TOKEN_LENGTH).map(|token| token.iter().collect()).collect();
    bencher.counter(ItemsCount::new(tokens.len())).bench(|| {
        let mut renderer = Renderer::new(Look::Colours, 80);
        let mut out = Vec::new();
        tokens.iter().for_each(|token| renderer.push(token, &mut out));
        renderer.finish(&mut out);
        out.len()
    });
}

#[divan::bench(args = [Window::All, Window::Turns(10)])]
fn scan_history(bencher: Bencher, window: Window) {
    let file = history_file().expect("a temporary file");
    let scan = |file: &File| Scan::from_file(file, window).is_ok_and(|scan| scan.end > 0);
    bencher.counter(BytesCount::new(TURN.len() * TURNS)).bench_local(|| scan(&file));
}

fn history_file() -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    file.write_all(TURN.repeat(TURNS).as_bytes())?;
    Ok(file)
}
