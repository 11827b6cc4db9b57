use httpmock::prelude::*;

use crate::support::{ask_mock, gravix, json_lines, run, run_with};

#[test]
fn the_stand_in_answers_with_the_prompt() {
    run_with(&mut ask_mock(&[]), b"What is 2+2?\n")
        .exits(0)
        .prints("What is 2+2?\n")
        .says_nothing();
    run(&mut ask_mock(&["--stream", "one two\nthree"]))
        .exits(0)
        .prints("one two\nthree\n")
        .says_nothing();
    run(&mut ask_mock(&["--stream", " a  b "])).exits(0).prints(" a  b \n").says_nothing();
}

#[test]
fn the_stand_in_keeps_a_history() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("chat.jsonl");
    for _ in 0..2 {
        run(ask_mock(&["--stream", "hello", "--history"]).arg(&file)).exits(0).prints("hello\n");
    }
    let roles: Vec<_> = json_lines(&file).iter().map(|line| line["role"].clone()).collect();
    assert_eq!(roles, ["user", "assistant", "user", "assistant"]);
}

#[test]
fn models_are_listed_in_order() {
    let server = MockServer::start();
    let models = server.mock(|when, then| {
        when.method(GET).path("/v1/models").header("authorization", "Bearer k");
        then.status(200).body(r#"{"data":[{"id":"b"},{"id":"a:1"}]}"#);
    });
    let models_of = |arguments: &[&str]| {
        let mut command = gravix();
        command.args(["models", "--base-url", &server.url("/v1")]).args(arguments);
        command.env("GRAVIXLAYER_API_KEY", "k");
        run(&mut command)
    };
    models_of(&[]).exits(0).prints("a:1\nb\n").says_nothing();
    models_of(&["--json"]).exits(0).prints("{\"data\":[{\"id\":\"b\"},{\"id\":\"a:1\"}]}\n");
    models.assert_calls(2);
    run(gravix().args(["models", "--base-url", "mock:"])).exits(0).prints("mock\n");
}

#[test]
fn a_list_of_models_that_is_none_is_a_protocol_error() {
    let server = MockServer::start();
    for body in ["<html></html>", "{}", "[1]"] {
        let mut models = server.mock(|when, then| {
            when.path("/v1/models");
            then.status(200).body(body);
        });
        let mut command = gravix();
        run(command.args(["models", "--base-url", &server.url("/v1")]))
            .exits(76)
            .prints("")
            .says(&[]);
        models.assert();
        models.delete();
    }
}

#[test]
fn a_plain_reply_is_asked_for_as_json() {
    let server = MockServer::start();
    let reply = server.mock(|when, then| {
        when.method(POST)
            .path("/v1/chat/completions")
            .header("accept", "application/json")
            .header("content-type", "application/json")
            .json_body_includes(r#"{"messages":[{"role":"user","content":"hi"}]}"#);
        then.status(200).body(crate::support::completion("4"));
    });
    let mut command = gravix();
    command.args(["ask", "hi", "--base-url", &server.url("/v1/")]);
    run(&mut command).exits(0).prints("4\n").says_nothing();
    reply.assert();
}
