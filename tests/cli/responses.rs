use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::{Value, json};

use crate::support::server::{Script, Server, answer, chunk, events, gate, raw, stream_head};
use crate::support::{DONE, ask, completion, json_lines, run, token};

const USAGE: &str = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5}}\n\n";

/// A stream of two tokens and its usage.
fn stream() -> Script {
    let (finish, done) = DONE.split_once("data: [DONE]").expect("two events");
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
fn the_chunks_of_a_stream_are_one_response_with_its_usage() {
    let server = Server::once(stream());
    let run = run(&mut ask(&server, &["--json", "--stream", "hi"])).exits(0).says_nothing();
    let response: Value = serde_json::from_slice(&run.stdout).expect("JSON");
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
fn a_response_is_printed_also_when_the_reply_was_ended_early() {
    let choice = json!({"message": {"content": null, "reasoning": "x"}, "finish_reason": "length"});
    let body = json!({ "choices": [choice] });
    let server = Server::once(plain(&body));
    run(&mut ask(&server, &["--json", "hi"]))
        .exits(3)
        .prints(format!("{body}\n"))
        .says(&["length"]);
}

#[test]
fn a_response_that_has_not_the_form_is_not_printed() {
    let server = Server::once(answer("200 OK", "application/json", completion("no")));
    run(&mut ask(&server, &["--json", "--json-object", "hi"])).exits(65).prints("");
}

#[test]
fn each_event_is_a_line_as_it_comes() {
    let (go_on, wait) = gate();
    let first = "data: { \"choices\": [{\"delta\":\ndata: {\"content\": \"a  b\"}}] }\n\n";
    let script =
        vec![stream_head(), chunk(first), wait, chunk(": ping\n\n"), chunk(USAGE), chunk(DONE)];
    let server = Server::once(script);
    let mut child =
        ask(&server, &["--events", "hi"]).stdout(Stdio::piped()).spawn().expect("gravix starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut next = || lines.next().map(|line| line.expect("UTF-8"));
    assert_eq!(next().expect("a line"), r#"{"choices":[{"delta":{"content":"a  b"}}]}"#);
    go_on.send(()).expect("the server waits");
    let usage: Value = serde_json::from_str(&next().expect("a line")).expect("JSON");
    assert_eq!(usage["usage"]["total_tokens"], 5);
    assert!(next().expect("a line").contains("finish_reason"));
    assert_eq!(next(), None);
    assert!(child.wait().expect("gravix ends").success());
    assert_eq!(server.request().json()["stream"], true);
}

#[test]
fn events_of_a_reply_that_broke_off_are_exit_4() {
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
    let server = Server::once(answer("200 OK", "application/json", completion("a")));
    run(&mut ask(&server, &["-u", "hi"])).exits(0).says(&["counted no tokens"]);
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
fn the_usage_of_a_stream_is_asked_for_only_where_it_is_wanted() {
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
fn the_log_has_a_line_for_each_request() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = directory.path().join("log.jsonl");
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Request-Id: r-1\r\nConnection: close\r\n\r\n";
    let body = json!({
        "choices": [{"message": {"content": "a"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    });
    let retry = || answer("503 Service Unavailable", "text/plain", "busy");
    let server = Server::new(vec![retry(), vec![raw(head), raw(body.to_string())]]);
    run(ask(&server, &["-q", "-m", "M", "hi", "--log"]).arg(&log)).exits(0).prints("a\n");
    let refusal = r#"{"error":{"message":"no"},"meta":{"request_id":"r-2"}}"#;
    let server = Server::once(answer("400 Bad Request", "application/json", refusal));
    run(ask(&server, &["hi", "--log"]).arg(&log)).exits(69);
    let server = Server::new(vec![]);
    run(ask(&server, &["--retries", "0", "hi", "--log"]).arg(&log)).exits(75);

    let lines = json_lines(&log);
    assert_eq!(lines.len(), 3);
    let first = &lines[0];
    assert_eq!(
        (
            &first["model"],
            &first["status"],
            &first["tries"],
            &first["finish_reason"],
            &first["request_id"]
        ),
        (&json!("M"), &json!(200), &json!(2), &json!("stop"), &json!("r-1"))
    );
    assert_eq!(first["usage"], body["usage"]);
    assert_eq!(first["error"], Value::Null);
    assert!(first["base_url"].as_str().is_some_and(|url| url.starts_with("http://127.0.0.1:")));
    assert!(first["time"].as_str().is_some_and(|time| time.ends_with('Z') && time.len() == 24));
    assert!(first["seconds"]["first"].is_number() && first["seconds"]["total"].is_number());
    assert_eq!((&lines[1]["status"], &lines[1]["request_id"]), (&json!(400), &json!("r-2")));
    assert!(lines[1]["error"].as_str().is_some_and(|error| error.contains("answered 400")));
    assert_eq!((&lines[2]["status"], &lines[2]["tries"]), (&Value::Null, &json!(1)));
    assert!(lines.iter().all(|line| line.get("messages").is_none()));
    assert_eq!(fs::metadata(&log).expect("the log").permissions().mode() & 0o777, 0o600);
}

#[test]
fn the_log_has_the_messages_only_where_they_are_asked_for() {
    let directory = tempfile::tempdir().expect("a directory");
    let (log, chat) = (directory.path().join("log.jsonl"), directory.path().join("chat.jsonl"));
    fs::write(&chat, "{\"role\":\"system\",\"content\":\"S\"}\n").expect("a file");
    let server = Server::once(stream());
    let mut command = ask(&server, &["--stream", "--log-content", "hi", "--history"]);
    run(command.arg(&chat).arg("--log").arg(&log)).exits(0);
    let line = &json_lines(&log)[0];
    assert_eq!(
        line["messages"],
        json!([{"role": "system", "content": "S"}, {"role": "user", "content": "hi"}])
    );
    assert_eq!(line["reply"], json!({"role": "assistant", "content": "ab"}));
    run(&mut ask(&server, &["--log-content", "hi"])).exits(2).says(&["--log"]);
}

#[test]
fn a_log_that_cannot_be_written_costs_no_reply() {
    let server = Server::once(answer("200 OK", "application/json", completion("ok")));
    run(&mut ask(&server, &["hi", "--log", "/nowhere/log"]))
        .exits(73)
        .prints("")
        .says(&["/nowhere"]);
    assert!(server.requests().is_empty());
    run(&mut ask(&server, &["hi", "--log", "/dev/full"]))
        .exits(73)
        .prints("ok\n")
        .says(&["not logged"]);
}

#[test]
fn a_torn_line_of_the_log_stays_a_line_of_its_own() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = directory.path().join("log.jsonl");
    fs::write(&log, "{\"torn").expect("a file");
    let server = Server::once(answer("200 OK", "application/json", completion("ok")));
    run(ask(&server, &["hi", "--log"]).arg(&log)).exits(0);
    let text = fs::read_to_string(&log).expect("the log");
    assert!(text.starts_with("{\"torn\n{\"time\""), "{text}");
}

/// A run whose reply has been printed, and whose log another process keeps
/// locked: this one, until the file is closed.
#[track_caller]
fn ask_with_locked_log(path: &Path) -> (File, Child) {
    let file = File::create(path).expect("a file");
    file.lock().expect("a lock");
    let server = Server::once(answer("200 OK", "application/json", completion("ok")));
    let mut child = ask(&server, &["hi", "--log"])
        .arg(path)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("gravix starts");
    let mut first = String::new();
    let stdout = child.stdout.take().expect("a pipe");
    BufReader::new(stdout).read_line(&mut first).expect("the reply");
    assert_eq!(first, "ok\n");
    (file, child)
}

#[test]
fn the_log_is_written_under_a_lock() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.jsonl");
    let (file, mut child) = ask_with_locked_log(&path);
    assert_eq!(fs::metadata(&path).expect("the log").len(), 0);
    file.unlock().expect("the lock");
    assert!(child.wait().expect("gravix ends").success());
    assert_eq!(json_lines(&path).len(), 1);
}

#[test]
fn the_log_keeps_no_key() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = directory.path().join("log.jsonl");
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Request-Id: Bearer s3cret\r\nConnection: close\r\n\r\n";
    let server = Server::once(vec![raw(head), raw(completion("s3cret"))]);
    let mut command = ask(&server, &["--log-content", "hi", "--log"]);
    run(command.arg(&log).env("GRAVIXLAYER_API_KEY", "s3cret")).exits(0).prints("s3cret\n");
    let line = &json_lines(&log)[0];
    assert_eq!(line["request_id"], "Bearer (redacted)");
    assert_eq!(line["reply"]["content"], "(redacted)");
}

#[test]
fn a_conversation_a_reply_and_a_log_are_three_files() {
    let directory = tempfile::tempdir().expect("a directory");
    let (file, link) = (directory.path().join("both"), directory.path().join("link"));
    std::os::unix::fs::symlink(&file, &link).expect("a link");
    let server = Server::new(vec![]);
    for (one, other) in [("--history", "--log"), ("--history", "-o"), ("--log", "-o")] {
        fs::write(&file, "{\"role\":\"user\",\"content\":\"a\"}\n").expect("a file");
        let mut command = ask(&server, &["-q", "hi", one]);
        run(command.arg(&file).arg(other).arg(&link)).exits(2).prints("").says(&["same file"]);
        assert_eq!(json_lines(&file).len(), 1);
    }
    assert!(server.requests().is_empty());
    let server = Server::once(answer("200 OK", "application/json", completion("ok")));
    let arguments = ["hi", "--log", "/dev/null", "-o", "/dev/null"];
    run(&mut ask(&server, &arguments)).exits(0).prints("").says_nothing();
}

#[test]
fn the_log_keeps_off_standard_output() {
    let server = Server::new(vec![]);
    for path in ["-", "/dev/stdout", "/dev/fd/1"] {
        run(&mut ask(&server, &["hi", "--log", path]))
            .exits(2)
            .prints("")
            .says(&["standard output"]);
    }
}

#[test]
fn a_line_of_the_log_is_json_whatever_the_key_is() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = directory.path().join("log.jsonl");
    for key in ["null", "1", "model", "a\"b'c"] {
        let server = Server::once(answer("200 OK", "application/json", completion(key)));
        let mut command = ask(&server, &["--log-content", "hi", "--log"]);
        run(command.arg(&log).env("GRAVIXLAYER_API_KEY", key)).exits(0);
    }
    let lines = json_lines(&log);
    assert_eq!(lines.len(), 4);
    assert!(
        lines.iter().all(|line| line["reply"]["content"] == "(redacted)" && line["tries"] == 1)
    );
}

#[test]
fn a_log_that_stays_locked_delays_no_reply() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.jsonl");
    let (_file, child) = ask_with_locked_log(&path);
    let output = child.wait_with_output().expect("gravix ends");
    assert_eq!(output.status.code(), Some(73));
    assert!(String::from_utf8_lossy(&output.stderr).contains("keeps it locked"));
}

#[test]
fn a_response_is_whole_however_deep_it_is_nested() {
    let deep = "[".repeat(200) + &"]".repeat(200);
    let body = format!(r#"{{"choices":[{{"message":{{"content":"a"}}}}],"x":{deep}}}"#);
    let server = Server::once(answer("200 OK", "application/json", &body));
    run(&mut ask(&server, &["--json", "hi"])).exits(0).prints(format!("{body}\n"));
    let chunk =
        format!("data: {{\"x\":{deep},\"choices\":[{{\"delta\":{{\"content\":\"paid\"}}}}]}}\n\n");
    let server = Server::once(events(&[chunk, DONE.to_owned()]));
    let run = run(&mut ask(&server, &["--json", "--stream", "hi"])).exits(76).prints("");
    assert!(run.stderr.starts_with("paid\n"), "{}", run.stderr);
}

#[test]
fn a_streamed_reply_is_saved_when_its_last_bytes_cannot_be_printed() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("chat.jsonl");
    let body = token("hello") + DONE;
    let server = Server::once(answer("200 OK", "text/event-stream", body));
    let full = File::options().write(true).open("/dev/full").expect("/dev/full");
    let mut command = ask(&server, &["--stream", "hi", "--history"]);
    let status = command.arg(&file).stdout(full).stderr(Stdio::null()).status();
    assert_eq!(status.expect("gravix runs").code(), Some(74));
    assert_eq!(json_lines(&file)[1]["content"], "hello");
}
