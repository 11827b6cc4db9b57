//! The body of a reply: its events are the same whole and in pieces, and with
//! the JSON of its chunks and without.

#![no_main]

use gravix::chat::event::Event;
use gravix::wire::decode::Events;
use gravix_fuzz::{Body, pieces, random};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let is_cut = random(body).bool();
    let whole = read(Body::new(vec![body], is_cut), true);
    assert_eq!(read(Body::new(pieces(body), is_cut), true), whole, "in pieces");
    let (mut events, end) = whole;
    events.retain(|event| !matches!(event, Event::Payload(_)));
    assert_eq!(read(Body::new(vec![body], is_cut), false), (events, end), "without payloads");
});

/// The events of a body, and the error that ended it, if any, but for the events
/// that tell how the bytes arrived.
fn read(body: Body, with_payloads: bool) -> (Vec<Event>, Option<String>) {
    let mut events = Vec::new();
    for event in Events::new(body, "http://h").with_payloads(with_payloads) {
        match event {
            Ok(Event::Waiting | Event::Alive) => {}
            Ok(event) => events.push(event),
            Err(error) => return (events, Some(format!("{error:?}"))),
        }
    }
    (events, None)
}
