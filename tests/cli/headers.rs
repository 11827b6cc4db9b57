//! HTTP headers that are sent, and redirects.

use httpmock::prelude::*;

use crate::support::server::{Server, Step, raw, whole_reply};
use crate::support::{ask, completion, gravix, run};

#[test]
fn redirects_are_reported_and_not_followed() {
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        let elsewhere = Server::new(vec![]);
        let location = format!("{}/chat/completions", elsewhere.base_url());
        let head =
            format!("HTTP/1.1 {status}\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
        let server = Server::once(vec![raw(head), Step::End]);
        let mut command = ask(&server, &["hi"]);
        run(command.env("GRAVIXLAYER_API_KEY", "k")).exits(76).prints("").says(&[&location]);
        assert!(elsewhere.requests().is_empty());
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn user_headers_are_sent_and_reserved_ones_refused() {
    let server = Server::once(whole_reply("ok"));
    let headers = ["-H", "X-Title: a b", "-H", "accept: x/y", "--header", "Empty:"];
    let mut command = ask(&server, &["hi"]);
    run(command.args(headers).env("GRAVIXLAYER_API_KEY", "k")).exits(0);
    let request = server.request();
    assert_eq!(request.header("x-title"), Some("a b"));
    assert_eq!(request.header("accept"), Some("x/y"));
    assert_eq!(request.header("empty"), Some(""));
    assert_eq!(request.header("authorization"), Some("Bearer k"));
    for header in
        ["Authorization: Bearer x", "content-length: 5", "no colon", ": x", "a b: c", "a: \u{7}"]
    {
        run(&mut ask(&server, &["hi", "-H", header])).exits(2).prints("").says(&[]);
    }
    run(&mut ask(&server, &["hi", "-H", "authorization: x"]))
        .exits(2)
        .says(&["GRAVIXLAYER_API_KEY"]);
}

#[test]
fn a_later_header_replaces_an_earlier_one() {
    let server = Server::replying(&["ok"]);
    run(&mut ask(&server, &["-H", "X-A: 1", "-H", "x-a: 2", "-H", "X-Empty:", "hi"])).exits(0);
    let request = server.request();
    assert_eq!((request.header("x-a"), request.header("x-empty")), (Some("2"), Some("")));
    let arguments = ["--curl", "-H", "X-A: 1", "-H", "x-a: 2", "-H", "X-Empty:", "hi"];
    let printed = run(&mut ask(&server, &arguments)).exits(0).stdout;
    let printed = String::from_utf8(printed).expect("stdout is UTF-8");
    assert!(!printed.contains("X-A: 1") && printed.contains("-H 'X-Empty;'"), "{printed}");
}

#[test]
fn a_plain_reply_is_requested_as_json() {
    let server = MockServer::start();
    let reply = server.mock(|when, then| {
        when.method(POST)
            .path("/v1/chat/completions")
            .header("accept", "application/json")
            .header("content-type", "application/json")
            .json_body_includes(r#"{"messages":[{"role":"user","content":"hi"}]}"#);
        then.status(200).body(completion("4"));
    });
    let mut command = gravix();
    command.args(["ask", "hi", "--base-url", &server.url("/v1/")]);
    run(&mut command).exits(0).prints("4\n").says_nothing();
    reply.assert();
}
