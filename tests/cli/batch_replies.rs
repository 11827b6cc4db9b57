//! How a batch checks, repairs and records replies.

use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::support::batch_lines::{by_id, input, pairs, replies, text};
use crate::support::service::{Reply, Service, prompt};
use crate::support::{
    DONE, batch, completion_ended, finish, json_lines, run, run_with, signal, token,
};

#[test]
fn a_response_may_have_long_headers_and_a_long_body() {
    let text = "x".repeat(1 << 20);
    let reply = text.clone();
    let service = Service::new(move |_, _| {
        (0..4).fold(Reply::text(&reply), |reply, number| {
            reply.with(format!("X-Long-{number}: {}", "y".repeat(10_000)))
        })
    });
    let (_directory, file) = input(&["a", "b"]);
    let run = run(batch(&service.base_url(), &["--lines", "-j1", "--retries", "0"]).arg(file));
    assert_eq!(replies(&run.exits(0)), pairs(&[("1", &text), ("2", &text)]));
}

#[test]
fn a_truncated_reply_is_a_failure_but_is_kept() {
    let service = Service::new(|request, _| match prompt(request).as_str() {
        "length" => Reply::new("200 OK", completion_ended("cut", "length")),
        "filter" => Reply::new("200 OK", completion_ended("", "content_filter")),
        _ => Reply::text(""),
    });
    let (_directory, file) = input(&["length", "filter", "nothing"]);
    let run = run(batch(&service.base_url(), &["--lines"]).arg(file)).exits(3);
    let lines = by_id(&run.stdout);
    for (id, code) in [("1", "length"), ("2", "content_filter"), ("3", "no_text")] {
        assert_eq!(lines[id]["error"]["code"], code);
        assert_eq!(lines[id]["response"]["status_code"], 200);
    }
    assert_eq!(text(&lines["1"]), "cut");
}

#[test]
fn replies_are_checked_against_the_schema() {
    let service = Service::new(|request, _| match prompt(request).as_str() {
        "good" => Reply::text("```json\n{\"n\": 1}\n```"),
        _ => Reply::text(r#"{"n":"x"}"#),
    });
    let (_directory, file) = input(&[
        r#"{"id":"good","prompt":"good"}"#,
        r#"{"id":"bad","prompt":"bad"}"#,
        r#"{"id":"own","prompt":"own","response_format":{"type":"text"}}"#,
    ]);
    let schema = r#"{"properties":{"n":{"type":"integer"}}}"#;
    let mut command = batch(&service.base_url(), &["--schema", schema]);
    let output = run(command.arg(&file)).exits(4);
    let lines = by_id(&output.stdout);
    assert_eq!(lines["good"]["error"], Value::Null);
    assert_eq!(lines["own"]["error"], Value::Null);
    assert_eq!(lines["bad"]["error"]["code"], "invalid_reply");
    assert_eq!(text(&lines["bad"]), r#"{"n":"x"}"#);
    for seen in service.seen() {
        let body = seen.request.json();
        let kind = if seen.prompt() == "own" { "text" } else { "json_schema" };
        assert_eq!(body["response_format"]["type"], kind, "{body}");
    }
    let options = ["--schema", schema, "--text", "--ordered", "-q"];
    let texts = run(batch(&service.base_url(), &options).arg(file)).exits(4);
    assert!(texts.stderr.starts_with("gravix: request bad: the reply is not"), "{}", texts.stderr);
    assert_eq!(texts.stderr.lines().nth(1), Some(r#"{"n":"x"}"#));
    texts.prints("{\\\"n\\\": 1}\n\n{\\\"n\\\":\\\"x\\\"}\n");
}

#[test]
fn an_invalid_reply_is_repaired() {
    let service = Service::new(|request, _| {
        let is_again = request.json()["messages"].as_array().is_some_and(|all| all.len() == 3);
        Reply::text(if is_again { "{}" } else { "no" })
    });
    let run = run_with(
        &mut batch(&service.base_url(), &["--lines", "--json-object", "--repair", "1"]),
        b"a",
    );
    assert_eq!(replies(&run.exits(0)), pairs(&[("1", "{}")]));
    let messages = service.seen()[1].request.json()["messages"].clone();
    assert_eq!(messages[1], json!({"role": "assistant", "content": "no"}));
    assert!(messages[2]["content"].as_str().is_some_and(|text| text.contains("not JSON")));
}

#[test]
fn a_stream_is_joined_into_a_response() {
    let events = token("Hel") + &token("lo") + DONE;
    let service = Service::new(move |_, _| Reply::new("200 OK", events.clone()));
    let (_directory, file) = input(&[r#"{"prompt":"a","stream":true}"#]);
    let run = run(batch(&service.base_url(), &[]).arg(file)).exits(0);
    assert_eq!(replies(&run), pairs(&[("1", "Hello")]));
}

#[test]
fn a_reply_is_kept_when_its_repair_is_interrupted() {
    let service = Service::new(|_, _| Reply::text("no JSON"));
    let (directory, file) = input(&["one"]);
    let output = directory.path().join("out.jsonl");
    let options = ["--lines", "--json-object", "--repair", "1", "--rate", "1/m", "-o"];
    let mut command = batch(&service.base_url(), &options);
    let child = command.arg(&output).arg(file).stderr(Stdio::piped()).spawn();
    let child = child.expect("gravix starts");
    service.wait_for(1);
    std::thread::sleep(std::time::Duration::from_millis(300));
    signal(&child, Signal::SIGTERM);
    let ended = finish(child);
    assert_eq!(ended.status.signal(), Some(Signal::SIGTERM as i32));
    let lines = json_lines(&output);
    assert_eq!(lines.len(), 1);
    assert_eq!(text(&lines[0]), "no JSON");
    assert!(lines[0]["error"].is_object());
}

/// A reply that calls the tool `f` with these arguments.
fn calling(arguments: &str) -> String {
    let call =
        json!({"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}});
    let message = json!({"role": "assistant", "content": null, "tool_calls": [call]});
    let choice = json!({"index": 0, "message": message, "finish_reason": "tool_calls"});
    let usage = json!({"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12});
    json!({"choices": [choice], "usage": usage}).to_string()
}

#[test]
fn a_reply_with_malformed_tool_arguments_keeps_its_response_and_its_tokens() {
    let service = Service::new(|_, _| Reply::new("200 OK", calling("{\"x\":")));
    let (_directory, file) = input(&[r#"{"prompt":"hi","tools":[{"function":{"name":"f"}}]}"#]);
    let run = run(batch(&service.base_url(), &[]).arg(file)).exits(65);
    let line = &by_id(&run.stdout)["1"];
    assert_eq!(line["error"]["code"], "invalid_reply");
    let message = line["error"]["message"].as_str().expect("the error has a message");
    assert!(message.contains("the arguments of the call to f are not JSON"), "{message}");
    assert_eq!(line["response"]["status_code"], 200);
    let calls = &line["response"]["body"]["choices"][0]["message"]["tool_calls"];
    assert_eq!(calls[0]["function"]["arguments"], "{\"x\":");
    run.says(&["5 tokens in, 7 out"]);
}

#[test]
fn malformed_tool_arguments_are_repaired() {
    let service = Service::new(|_, number| {
        Reply::new("200 OK", calling(if number == 0 { "{\"x\":" } else { "{\"x\":1}" }))
    });
    let (_directory, file) = input(&[r#"{"prompt":"hi","tools":[{"function":{"name":"f"}}]}"#]);
    let run = run(batch(&service.base_url(), &["--repair", "1"]).arg(file)).exits(0);
    let line = &by_id(&run.stdout)["1"];
    assert_eq!(line["error"], Value::Null);
    let messages = service.seen()[1].request.json()["messages"].clone();
    let told = messages[2]["content"].as_str().expect("the correction is a text");
    assert!(told.contains("the arguments of the call to f are not JSON"), "{messages}");
    assert!(messages[1]["content"].as_str().expect("the reply is a text").contains("{\"x\":"));
    run.says(&["1 done", "10 tokens in, 14 out"]);
}

#[test]
fn a_reply_that_announces_a_call_and_has_none_is_recorded_as_a_protocol_error() {
    let service = Service::new(|_, _| Reply::new("200 OK", completion_ended("", "tool_calls")));
    let (_directory, file) = input(&["a"]);
    let run = run(batch(&service.base_url(), &["--lines"]).arg(file)).exits(76);
    let line = &by_id(&run.stdout)["1"];
    assert_eq!(line["error"]["code"], "protocol");
    assert_eq!(line["response"]["status_code"], 200);
}

#[test]
fn a_reply_that_calls_a_tool_is_told_where_only_texts_are_printed() {
    let service = Service::new(|request, _| {
        let call = |name: &str| json!({"id": "c", "type": "function", "function": {"name": name, "arguments": "{}"}});
        let message = match prompt(request).as_str() {
            "call" => json!({"content": null, "tool_calls": [call("get_weather")]}),
            "both" => json!({"content": "see", "tool_calls": [call("b"), call("a"), call("b")]}),
            text => json!({"content": text}),
        };
        let choice = json!({"message": message, "finish_reason": "stop"});
        Reply::new("200 OK", json!({"choices": [choice]}).to_string())
    });
    let tool = |name: &str| json!({"type": "function", "function": {"name": name}});
    let tools = format!("tools={}", json!([tool("get_weather"), tool("a"), tool("b")]));
    let (_directory, file) = input(&["call", "hi", "call", "both"]);
    let options = ["--lines", "-j1", "--param", &tools];
    let texts = run(batch(&service.base_url(), &options).arg("--text").arg(&file)).exits(0);
    let lines: Vec<&str> = texts.stderr.lines().collect();
    let told = [
        "gravix: warning: request 1: the reply calls get_weather, which is not written",
        "gravix: warning: request 4: the reply calls a and b, which is not written",
    ];
    assert_eq!(lines[..2], told, "{lines:?}");
    assert_eq!(lines.len(), 3, "{lines:?}");
    texts.prints("\nhi\n\nsee\n");
    run(batch(&service.base_url(), &options).arg(&file)).exits(0).says(&["4 done"]);
}
