//! Event streams and JSON replies, as servers send them.

use std::fs;
use std::path::Path;

use base64::Engine;
use serde::Deserialize;

use crate::support::server::{Script, Server, Step, answer, chunk, events, gate, raw, stream_head};
use crate::support::{DONE, ask, completion, run, token};

#[derive(Deserialize)]
struct Case {
    name: String,
    bytes: Option<String>,
    base64: Option<String>,
    end: String,
    text: String,
    exit: i32,
    saved: bool,
}

impl Case {
    fn script(&self) -> Script {
        let body = match (&self.bytes, &self.base64) {
            (Some(text), _) => text.clone().into_bytes(),
            (None, Some(code)) => {
                base64::prelude::BASE64_STANDARD.decode(code).expect("the body is valid base64")
            }
            (None, None) => panic!("{} has no body", self.name),
        };
        let mut script = vec![stream_head()];
        if !body.is_empty() {
            script.push(chunk(body));
        }
        if self.end == "clean" {
            script.extend([Step::LastChunk, Step::End]);
        }
        script
    }
}

#[test]
fn every_case_gives_its_text_its_status_and_its_saved_turn() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/stream.jsonl");
    let cases = fs::read_to_string(path).expect("the cases are readable");
    for case in cases.lines() {
        let case: Case = serde_json::from_str(case).expect("the case is valid");
        let directory = tempfile::tempdir().expect("a temporary directory is created");
        let file = directory.path().join("chat.jsonl");
        let server = Server::once(case.script());
        let printed = match case.text.as_str() {
            "" => String::new(),
            text if text.ends_with('\n') => text.to_owned(),
            text => format!("{text}\n"),
        };
        let command = &mut ask(&server, &["--stream", &case.name, "--history"]);
        run(command.arg(&file)).exits(case.exit).prints(printed);
        let saved = fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(!saved.is_empty(), case.saved, "{}: {saved}", case.name);
    }
}

#[test]
fn an_event_stream_for_a_plain_request_is_accepted() {
    for content_type in ["application/json", "text/event-stream", "text/plain"] {
        let body = token("a") + &token("b") + DONE;
        let server = Server::once(answer("200 OK", content_type, body));
        run(&mut ask(&server, &["hi"])).exits(0).prints("ab\n").says_nothing();
    }
}

#[test]
fn a_json_reply_to_a_streamed_request_is_accepted() {
    for content_type in ["application/json", "text/event-stream"] {
        let server =
            Server::once(answer("200 OK", content_type, format!("\n\n {}", completion("ab"))));
        run(&mut ask(&server, &["--stream", "hi"])).exits(0).prints("ab\n").says_nothing();
    }
}

#[test]
fn done_ends_the_reply_while_the_connection_stays_open() {
    let (keep_open, wait) = gate();
    let server = Server::once(vec![stream_head(), chunk(token("a") + "data: [DONE]\n\n"), wait]);
    run(&mut ask(&server, &["--stream", "hi"])).exits(0).prints("a\n");
    drop(keep_open);
}

#[test]
fn a_truncated_json_reply_is_a_failure() {
    let body = completion("ab");
    let (half, _) = body.split_at(body.len() / 2);
    let closed = [raw("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"), raw(half), Step::End];
    run(&mut ask(&Server::once(closed.into()), &["hi"]))
        .exits(75)
        .prints("")
        .says(&["before the reply"]);
    let dropped =
        [raw(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len())), raw(half)];
    run(&mut ask(&Server::once(dropped.into()), &["hi"]))
        .exits(75)
        .prints("")
        .says(&["before the reply"]);
}

#[test]
fn a_json_reply_must_be_a_completion() {
    for (body, status) in [
        ("{}", 76),
        ("{\"choices\":[]}", 76),
        ("{\"choices\":[{\"index\":0}]}", 76),
        ("[]", 76),
        ("nonsense", 76),
        ("{\"error\":{\"message\":\"boom\",\"code\":503}}", 75),
        ("{\"choices\":[{\"message\":{\"content\":\"\"}}]}", 3),
        ("{\"choices\":[{\"message\":{\"content\":null,\"refusal\":\"no\"}}]}", 3),
    ] {
        let server = Server::once(answer("200 OK", "application/json", body));
        run(&mut ask(&server, &["hi"])).exits(status).prints("").says(&[]);
    }
}

#[test]
fn a_chunk_that_only_resembles_the_one_before_is_parsed() {
    let chunk = |content: &str| format!("data: {{\"choices\":[{{\"delta\":{content}}}]}}\n\n");
    let first = chunk(r#"{"content":":"}"#);
    let malformed = chunk(r#"{"content"GARBAGE":"}"#);
    let server = Server::once(events(&[&first, &malformed, DONE]));
    run(&mut ask(&server, &["-n", "--stream", "hi"])).exits(4).prints(":\n");
}
