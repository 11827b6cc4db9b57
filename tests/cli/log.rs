//! The request log.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Child;

use serde_json::{Value, json};

use crate::support::server::{Server, answer, events, raw, whole_reply};
use crate::support::{DONE, ask, completion, finish, json_lines, run, start, token};

#[test]
fn the_log_has_a_line_for_each_request() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
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
    let server = Server::once(answer("404 Not Found", "application/json", refusal));
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
    assert_eq!((&lines[1]["status"], &lines[1]["request_id"]), (&json!(404), &json!("r-2")));
    let error = lines[1]["error"].as_str().expect("the log has the error");
    assert!(error.contains("answered 404") && error.contains("; check the base URL"), "{error}");
    assert_eq!((&lines[2]["status"], &lines[2]["tries"]), (&Value::Null, &json!(1)));
    assert!(lines.iter().all(|line| line.get("messages").is_none()));
    assert_eq!(fs::metadata(&log).expect("the log exists").permissions().mode() & 0o777, 0o600);
}

#[test]
fn the_log_has_messages_only_when_requested() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let (log, chat) = (directory.path().join("log.jsonl"), directory.path().join("chat.jsonl"));
    fs::write(&chat, "{\"role\":\"system\",\"content\":\"S\"}\n").expect("the file is written");
    let server = Server::once(events(&[token("a"), token("b"), DONE.to_owned()]));
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
fn a_log_that_cannot_be_written_loses_no_reply() {
    let server = Server::once(whole_reply("ok"));
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
fn a_torn_log_line_stays_a_line_of_its_own() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let log = directory.path().join("log.jsonl");
    fs::write(&log, "{\"torn").expect("the file is written");
    let server = Server::once(whole_reply("ok"));
    run(ask(&server, &["hi", "--log"]).arg(&log)).exits(0);
    let text = fs::read_to_string(&log).expect("the log is readable");
    assert!(text.starts_with("{\"torn\n{\"time\""), "{text}");
}

/// Starts a run whose log stays locked until the returned file is closed, and
/// reads its reply.
#[track_caller]
fn start_with_locked_log(path: &Path) -> (File, Child) {
    let file = File::create(path).expect("the file is created");
    file.lock().expect("the file is locked");
    let server = Server::once(whole_reply("ok"));
    let mut child = start(ask(&server, &["hi", "--log"]).arg(path));
    let mut first = String::new();
    let stdout = child.stdout.take().expect("stdout is a pipe");
    BufReader::new(stdout).read_line(&mut first).expect("gravix prints the reply");
    assert_eq!(first, "ok\n");
    (file, child)
}

#[test]
fn the_log_is_written_under_a_lock() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let path = directory.path().join("log.jsonl");
    let (file, mut child) = start_with_locked_log(&path);
    assert_eq!(fs::metadata(&path).expect("the log exists").len(), 0);
    file.unlock().expect("the file is unlocked");
    assert!(child.wait().expect("gravix ends").success());
    assert_eq!(json_lines(&path).len(), 1);
}

#[test]
fn the_key_is_masked_in_the_log() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let log = directory.path().join("log.jsonl");
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Request-Id: Bearer s3cret-key\r\nConnection: close\r\n\r\n";
    let server = Server::once(vec![raw(head), raw(completion("s3cret-key"))]);
    let mut command = ask(&server, &["--log-content", "hi", "--log"]);
    command.arg(&log).env("GRAVIXLAYER_API_KEY", "s3cret-key");
    run(&mut command).exits(0).prints("s3cret-key\n");
    let line = &json_lines(&log)[0];
    assert_eq!(line["request_id"], "Bearer (redacted)");
    assert_eq!(line["reply"]["content"], "(redacted)");
}

#[test]
fn the_history_the_output_and_the_log_must_be_different_files() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let (file, link) = (directory.path().join("both"), directory.path().join("link"));
    std::os::unix::fs::symlink(&file, &link).expect("the link is created");
    let server = Server::new(vec![]);
    for (one, other) in [("--history", "--log"), ("--history", "-o"), ("--log", "-o")] {
        fs::write(&file, "{\"role\":\"user\",\"content\":\"a\"}\n").expect("the file is written");
        let mut command = ask(&server, &["-q", "hi", one]);
        run(command.arg(&file).arg(other).arg(&link)).exits(2).prints("").says(&["same file"]);
        assert_eq!(json_lines(&file).len(), 1);
    }
    assert!(server.requests().is_empty());
    let server = Server::once(whole_reply("ok"));
    let arguments = ["hi", "--log", "/dev/null", "-o", "/dev/null"];
    run(&mut ask(&server, &arguments)).exits(0).prints("").says_nothing();
}

#[test]
fn the_log_cannot_be_standard_output() {
    let server = Server::new(vec![]);
    for path in ["-", "/dev/stdout", "/dev/fd/1"] {
        run(&mut ask(&server, &["hi", "--log", path]))
            .exits(2)
            .prints("")
            .says(&["standard output"]);
    }
}

#[test]
fn the_fields_of_the_log_are_the_same_whatever_the_key_is() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let log = directory.path().join("log.jsonl");
    let keys = ["null", "1", "model", "127.0.0.1", "finish_reason", "large-model", "a\"b'c-de"];
    for key in keys {
        let server = Server::once(whole_reply(key));
        let mut command = ask(&server, &["-m", "large-model", "--log-content", "hi", "--log"]);
        run(command.arg(&log).env("GRAVIXLAYER_API_KEY", key)).exits(0);
    }
    let lines = json_lines(&log);
    assert_eq!(lines.len(), keys.len());
    for (line, key) in lines.iter().zip(keys) {
        assert_eq!((&line["model"], &line["tries"]), (&json!("large-model"), &json!(1)));
        let base_url = line["base_url"].as_str().unwrap_or_default();
        assert!(base_url.starts_with("http://127.0.0.1:"), "{base_url}");
        assert_eq!(line["finish_reason"], "stop");
        // Only a key that is long enough for one is masked.
        let masked = if key.len() < 8 { key } else { "(redacted)" };
        assert_eq!(line["reply"]["content"], masked);
    }
}

#[test]
fn the_error_in_the_log_is_masked_but_its_hint_is_not() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let log = directory.path().join("log.jsonl");
    let body = r#"{"error":{"message":"no model for GRAVIXLAYER_API_KEY"}}"#;
    let server = Server::once(answer("401 No", "application/json", body));
    let mut command = ask(&server, &["hi", "--log"]);
    command.arg(&log).env("GRAVIXLAYER_API_KEY", "GRAVIXLAYER_API_KEY");
    run(&mut command).exits(77);
    let error =
        "the server answered 401: no model for (redacted); check the key in GRAVIXLAYER_API_KEY";
    assert_eq!(json_lines(&log)[0]["error"], error);
}

#[test]
fn a_log_that_stays_locked_delays_no_reply() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let path = directory.path().join("log.jsonl");
    let (_file, child) = start_with_locked_log(&path);
    let output = finish(child);
    assert_eq!(output.status.code(), Some(73));
    assert!(String::from_utf8_lossy(&output.stderr).contains("holds its lock"));
}
