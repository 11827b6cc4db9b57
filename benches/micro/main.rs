//! The two loops that long inputs meet: a stream's events, and a history's
//! lines. gravix is no library, so its files are included; those that import
//! no more than each other can be.

// Their unit tests come along, without the harness that would run them.
#[expect(dead_code, unused_imports, reason = "a benchmark asks for little of what a payload says")]
mod api;
#[expect(dead_code, reason = "a benchmark reads no files")]
#[path = "../../src/encoding.rs"]
mod encoding;
#[expect(dead_code, unused_imports, reason = "a benchmark meets few of the errors")]
#[path = "../../src/error/mod.rs"]
mod error;
#[expect(dead_code, unused_imports, reason = "a benchmark changes no history")]
mod history;
#[expect(dead_code, unused_imports, reason = "a benchmark merges nothing")]
#[path = "../../src/json.rs"]
mod json;
#[expect(dead_code, reason = "a benchmark needs no limit")]
#[path = "../../src/lines.rs"]
mod lines;

use std::fs::File;
use std::io::{self, Write};

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};

use api::chunk;
use api::sse::{Decoder, Item};
use api::template::Template;
use history::survey::{Survey, Window};

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
        let mut decoder = Decoder::new(stream.as_bytes(), Vec::new());
        let mut events = 0;
        while let Ok(Item::Event(event)) = decoder.next() {
            events += event.data.len();
        }
        events
    });
}

#[divan::bench]
fn decode_and_parse_events(bencher: Bencher) {
    let stream = EVENT.repeat(EVENTS);
    bencher.counter(BytesCount::of_str(&stream)).counter(ItemsCount::new(EVENTS)).bench(|| {
        let mut decoder = Decoder::new(stream.as_bytes(), Vec::new());
        let mut text = 0;
        while let Ok(Item::Event(event)) = decoder.next() {
            let choice = chunk::parse(event.data).ok().and_then(|chunk| chunk.choice);
            text += choice.map_or(0, |choice| choice.text.len());
        }
        text
    });
}

#[divan::bench]
fn decode_events_and_know_their_likes(bencher: Bencher) {
    let stream = EVENT.repeat(EVENTS);
    bencher.counter(BytesCount::of_str(&stream)).counter(ItemsCount::new(EVENTS)).bench(|| {
        let mut decoder = Decoder::new(stream.as_bytes(), Vec::new());
        let mut template = Template::default();
        let mut text = 0;
        while let Ok(Item::Event(event)) = decoder.next() {
            let choice = template.parse(event.data).ok().and_then(|chunk| chunk.choice);
            text += choice.map_or(0, |choice| choice.text.len());
        }
        text
    });
}

#[divan::bench(args = [Window::All, Window::Turns(10)])]
fn survey_history(bencher: Bencher, window: Window) {
    let file = history_file().expect("a temporary file");
    let survey = |file: &File| Survey::of(file, window).is_ok_and(|survey| survey.end > 0);
    bencher.counter(BytesCount::new(TURN.len() * TURNS)).bench_local(|| survey(&file));
}

fn history_file() -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    file.write_all(TURN.repeat(TURNS).as_bytes())?;
    Ok(file)
}
