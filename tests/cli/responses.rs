//! Responses, events and token usage as they are printed.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::server::{
    Script, Server, answer, chunk, events, gate, stream_head, whole_reply,
};
use crate::support::{DONE, ask, full_device, json_lines, run, token};

const USAGE: &str = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5}}\n\n";

/// A stream of two tokens and its usage.
fn stream() -> Script {
    let (finish, done) = DONE.split_once("data: [DONE]").expect("the stream has two events");
    let done = format!("data: [DONE]{done}");
    events(&[token("a"), token("b"), finish.to_owned(), USAGE.to_owned(), done])
}

fn plain(reply: &Value) -> Script {
    answer("200 OK", "application/json", reply.to_string())
}

#[test]
fn the_response_is_printed_as_the_server_sent_it() {
    let body =
        "{ \"choices\": [{\"message\": {\"content\": \"a\"}}],\n \"n\": 1.0, \"x\": \"\u{e9}\" }";
    let server = Server::once(answer("200 OK", "application/json", body));
    run(&mut ask(&server, &["--json", "hi"])).exits(0).prints(format!("{body}\n")).says_nothing();
    assert_eq!(server.request().json().get("stream_options"), None);
}

#[test]
fn chunks_are_joined_into_one_response_with_its_usage() {
    let server = Server::once(stream());
    let run = run(&mut ask(&server, &["--json", "--stream", "hi"])).exits(0).says_nothing();
    let response: Value = serde_json::from_slice(&run.stdout).expect("stdout is JSON");
    let message = json!({"role": "assistant", "content": "ab"});
    assert_eq!(
        response,
        json!({
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
        })
    );
    assert_eq!(server.request().json()["stream_options"], json!({"include_usage": true}));
}

#[test]
fn a_response_is_printed_even_when_the_reply_is_truncated() {
    let choice = json!({"message": {"content": null, "reasoning": "x"}, "finish_reason": "length"});
    let body = json!({ "choices": [choice] });
    let server = Server::once(plain(&body));
    run(&mut ask(&server, &["--json", "hi"]))
        .exits(3)
        .prints(format!("{body}\n"))
        .says(&["length"]);
}

#[test]
fn a_response_in_the_wrong_format_is_not_printed() {
    let server = Server::once(whole_reply("no"));
    run(&mut ask(&server, &["--json", "--json-object", "hi"])).exits(65).prints("");
}

#[test]
fn each_event_is_printed_as_a_line_when_it_arrives() {
    let (go_on, wait) = gate();
    let first = "data: { \"choices\": [{\"delta\":\ndata: {\"content\": \"a  b\"}}] }\n\n";
    let script =
        vec![stream_head(), chunk(first), wait, chunk(": ping\n\n"), chunk(USAGE), chunk(DONE)];
    let server = Server::once(script);
    let mut child =
        ask(&server, &["--events", "hi"]).stdout(Stdio::piped()).spawn().expect("gravix starts");
    let mut lines = BufReader::new(child.stdout.take().expect("stdout is a pipe")).lines();
    let mut next = || lines.next().map(|line| line.expect("stderr is UTF-8"));
    assert_eq!(
        next().expect("gravix prints a line"),
        r#"{"choices":[{"delta":{"content":"a  b"}}]}"#
    );
    go_on.send(()).expect("the server is waiting");
    let usage: Value =
        serde_json::from_str(&next().expect("gravix prints a line")).expect("the text is JSON");
    assert_eq!(usage["usage"]["total_tokens"], 5);
    assert!(next().expect("gravix prints a line").contains("finish_reason"));
    assert_eq!(next(), None);
    assert!(child.wait().expect("gravix ends").success());
    assert_eq!(server.request().json()["stream"], true);
}

#[test]
fn events_of_an_incomplete_reply_exit_4() {
    let server = Server::once(vec![stream_head(), chunk(token("half"))]);
    let run = run(&mut ask(&server, &["--events", "hi"])).exits(4).says(&["broke off"]);
    assert_eq!(String::from_utf8_lossy(&run.stdout).lines().count(), 1);
}

#[test]
fn the_usage_is_one_line_after_the_reply() {
    let body = json!({
        "choices": [{"message": {"content": "a"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    });
    for (script, arguments) in [
        (plain(&body), &["-u", "hi"][..]),
        (stream(), &["--usage", "--stream", "hi"]),
        (plain(&body), &["-u", "-q", "hi"]),
    ] {
        let server = Server::once(script);
        run(&mut ask(&server, arguments)).exits(0).says(&[
            "3 prompt + 2 completion = 5 tokens",
            "first token after 0.0",
            "tokens/s",
        ]);
    }
    let server = Server::once(whole_reply("a"));
    run(&mut ask(&server, &["-u", "hi"])).exits(0).says(&["reported no usage"]);
}

#[test]
fn the_tokens_of_repairs_are_added_up() {
    let body = |content: &str| {
        let choice = json!({"message": {"content": content}, "finish_reason": "stop"});
        let usage = json!({"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5});
        plain(&json!({"choices": [choice], "usage": usage}))
    };
    let server = Server::new(vec![body("no"), body("{}")]);
    let run = run(&mut ask(&server, &["-u", "--json-object", "--repair", "1", "hi"])).exits(0);
    assert!(run.stderr.contains("; 10 tokens in 2 requests"), "{}", run.stderr);
}

#[test]
fn the_usage_of_a_stream_is_requested_only_when_wanted() {
    for (arguments, is_wanted) in
        [(&["hi"][..], false), (&["-v", "hi"], false), (&["-u", "hi"], true)]
    {
        let server = Server::once(stream());
        run(ask(&server, arguments).arg("--stream")).exits(0);
        let request = server.request().json();
        assert_eq!(request.get("stream_options").is_some(), is_wanted, "{arguments:?}");
    }
}

#[test]
fn a_deeply_nested_response_loses_nothing() {
    let deep = "[".repeat(200) + &"]".repeat(200);
    let body = format!(r#"{{"choices":[{{"message":{{"content":"a"}}}}],"x":{deep}}}"#);
    let server = Server::once(answer("200 OK", "application/json", &body));
    run(&mut ask(&server, &["--json", "hi"])).exits(0).prints(format!("{body}\n"));
    let chunk =
        format!("data: {{\"x\":{deep},\"choices\":[{{\"delta\":{{\"content\":\"paid\"}}}}]}}\n\n");
    let server = Server::once(events(&[chunk, DONE.to_owned()]));
    let run = run(&mut ask(&server, &["--json", "--stream", "hi"])).exits(0);
    let brackets = run.stdout.iter().filter(|byte| **byte == b'[').count();
    assert_eq!(brackets, 201);
}

#[test]
fn a_response_that_cannot_be_joined_is_an_error_that_shows_the_text() {
    let deep = r#"{"a":"#.repeat(200) + "1" + &"}".repeat(200);
    let delta =
        format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"paid\",\"x\":{deep}}}}}]}}\n\n");
    let server = Server::once(events(&[&delta, &delta, DONE]));
    let run = run(&mut ask(&server, &["--json", "--stream", "hi"])).exits(76).prints("");
    assert!(run.stderr.starts_with("paidpaid\n"), "{}", run.stderr);
}

#[test]
fn a_streamed_reply_is_saved_when_its_last_bytes_cannot_be_printed() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("chat.jsonl");
    let body = token("hello") + DONE;
    let server = Server::once(answer("200 OK", "text/event-stream", body));
    let full = full_device();
    let mut command = ask(&server, &["--stream", "hi", "--history"]);
    let status = command.arg(&file).stdout(full).stderr(Stdio::null()).status();
    assert_eq!(status.expect("gravix runs").code(), Some(74));
    assert_eq!(json_lines(&file)[1]["content"], "hello");
}
