//! The log of a batch, and the report of what it used.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::support::batch_lines::{by_id, input, prompts};
use crate::support::service::{Reply, Service, prompt};
use crate::support::{DONE, batch, finish, json_lines, run, signal, start, token};

/// A reply whose usage is 3, 2 and 5 tokens.
fn reply_with_usage() -> Reply {
    let body = json!({
        "choices": [{"message": {"content": "a"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    });
    Reply::new("200 OK", body.to_string()).with("X-Request-Id: r-1")
}

#[test]
fn the_log_has_a_line_for_each_request_of_a_batch() {
    let service = Service::new(|request, number| match prompt(request).as_str() {
        "fails" => Reply::new("400 Bad Request", r#"{"error":{"message":"no"}}"#),
        "later" if number == 0 => Reply::new("503 Busy", ""),
        _ => reply_with_usage(),
    });
    let (directory, file) = input(&[
        r#"{"id":"l","prompt":"later"}"#,
        r#"{"id":"o","prompt":"good","model":"own"}"#,
        r#"{"id":"f","prompt":"fails"}"#,
    ]);
    let log = directory.path().join("log.jsonl");
    let options = ["-j1", "-m", "M", "--log"];
    run(batch(&service.base_url(), &options).arg(&log).arg(&file)).exits(4);
    let lines = json_lines(&log);
    let line = |id: &str, status: u16| {
        let mut found =
            lines.iter().filter(|line| line["custom_id"] == id && line["status"] == status);
        let line = found.next().unwrap_or_else(|| panic!("{id} {status}: {lines:#?}"));
        assert!(found.next().is_none(), "{lines:#?}");
        line
    };
    assert_eq!(lines.len(), 4, "{lines:#?}");
    let error = line("l", 503)["error"].as_str().expect("there is an error");
    assert!(error.starts_with("the server answered 503"), "{error}");
    let good = line("o", 200);
    assert_eq!(
        [&good["model"], &good["request_id"], &good["tries"]],
        [&json!("own"), &json!("r-1"), &json!(1)]
    );
    assert_eq!((&good["usage"]["total_tokens"], &good["error"]), (&json!(5), &Value::Null));
    assert_eq!(line("l", 200)["model"], "M");
    assert_eq!(line("f", 400)["error"], "the server answered 400: no");
    for line in &lines {
        assert!(line["time"].is_string() && line["seconds"]["total"].is_number(), "{line}");
        assert!(line.get("messages").is_none() && line.get("reply").is_none(), "{line}");
    }
    let options = ["-j1", "-s", "S", "--log-content", "--log"];
    run(batch(&service.base_url(), &options).arg(&log).arg(&file)).exits(4);
    let lines = json_lines(&log);
    assert_eq!(lines.len(), 7);
    let last = lines.iter().rfind(|line| line["custom_id"] == "l").expect("there is a line");
    let messages =
        json!([{"role": "system", "content": "S"}, {"role": "user", "content": "later"}]);
    assert_eq!(last["messages"], messages);
    assert_eq!(last["reply"], json!({"role": "assistant", "content": "a"}));
    run(batch("mock:", &["--log-content"]).arg(&file)).exits(2).says(&["--log-content", "--log"]);
}

#[test]
fn many_workers_write_whole_lines_of_the_log() {
    let (directory, file) = input(&prompts(500));
    let log = directory.path().join("log.jsonl");
    fs::write(&log, "{\"torn").expect("the file is written");
    run(batch("mock:", &["--lines", "-j50", "--log"]).arg(&log).arg(file)).exits(0);
    let text = fs::read_to_string(&log).expect("the log is readable");
    let (torn, whole) = text.split_once('\n').expect("there are lines");
    assert_eq!(torn, "{\"torn");
    let id = |line: &str| {
        let line: Value = serde_json::from_str(line).expect("the line is JSON");
        line["custom_id"].as_str().and_then(|id| id.parse().ok())
    };
    let mut ids: Vec<Option<u32>> = whole.lines().map(id).collect();
    ids.sort_unstable();
    assert_eq!(ids, (1..=500).map(Some).collect::<Vec<_>>());
}

#[test]
fn a_log_that_cannot_be_written_loses_no_result() {
    let (_directory, file) = input(&prompts(30));
    let service = Service::echo();
    run(batch(&service.base_url(), &["--lines", "--log", "/nowhere/log"]).arg(&file))
        .exits(73)
        .prints("")
        .says(&["/nowhere"]);
    assert!(service.seen().is_empty());
    let options = ["--lines", "--text", "--ordered", "--log", "/dev/full"];
    let full = run(batch(&service.base_url(), &options).arg(&file)).exits(73);
    let lines: Vec<&str> = full.stderr.lines().collect();
    let [warning, summary, error] = lines[..] else { panic!("{}", full.stderr) };
    let reason = "the request was not logged to /dev/full: no space left on device";
    assert!(warning.starts_with(&format!("gravix: warning: {reason}")), "{warning}");
    assert!(summary.starts_with("gravix: 30 done"), "{summary}");
    assert!(error.starts_with(&format!("gravix: {reason}")), "{error}");
    full.prints(prompts(30).join("\n") + "\n");
    // What the requests failed for decides.
    let refusing = Service::new(|_, _| Reply::new("400 Bad Request", "{}"));
    let options = ["--lines", "-q", "--log", "/dev/full"];
    run(batch(&refusing.base_url(), &options).arg(&file)).exits(69).says_nothing();
}

#[test]
fn a_log_that_another_process_holds_delays_no_result() {
    let (directory, file) = input(&prompts(20));
    let path = directory.path().join("log.jsonl");
    let held = File::create(&path).expect("the file is created");
    held.lock().expect("the file is locked");
    let mut child = start(batch("mock:", &["--lines", "--log"]).arg(&path).arg(file));
    let stdout = child.stdout.take().expect("stdout is a pipe");
    assert_eq!(BufReader::new(stdout).lines().take(20).count(), 20);
    assert_eq!(fs::metadata(&path).expect("the log exists").len(), 0);
    held.unlock().expect("the file is unlocked");
    assert!(finish(child).status.success());
    assert_eq!(json_lines(&path).len(), 20);
}

#[test]
fn the_log_is_a_file_of_its_own() {
    let (directory, file) = input(&["one"]);
    let other = directory.path().join("other.jsonl");
    for (log, option) in [(&file, "-o"), (&other, "-o"), (&other, "--errors")] {
        let mut command = batch("mock:", &["--lines", option]);
        command.arg(&other).arg("--log").arg(log).arg(&file);
        run(&mut command).exits(2).prints("").says(&["--log name the same file"]);
    }
    assert_eq!(fs::read_to_string(&file).expect("the file is readable"), "one\n");
    run(batch("mock:", &["--lines", "--log", "-"]).arg(&file))
        .exits(2)
        .prints("")
        .says(&["standard output"]);
}

#[test]
fn usage_is_reported_at_the_end_of_a_batch() {
    let service = Service::new(|request, number| match prompt(request).as_str() {
        "fails" => Reply::new("400 Bad Request", "{}"),
        "none" => Reply::text("a"),
        _ if number == 0 => Reply::new("503 Busy", ""),
        _ => reply_with_usage(),
    });
    let (_directory, file) = input(&["one", "two", "fails", "none"]);
    let options = ["--lines", "-j1", "-u"];
    let usage = run(batch(&service.base_url(), &options).arg(&file)).exits(4);
    let report = "gravix: 6 prompt + 4 completion = 10 tokens in 3 requests; 1 of them without a report of usage";
    assert_eq!(usage.stderr.lines().last(), Some(report), "{}", usage.stderr);
    let (_directory, file) = input(&["none"]);
    let options = ["--lines", "-q", "--usage"];
    run(batch(&service.base_url(), &options).arg(file))
        .exits(0)
        .says(&["gravix: the server reported no usage in 1 request"]);
}

#[test]
fn a_stream_is_asked_for_its_usage() {
    let service = Service::new(|_, _| {
        Reply::new("200 OK", token("a") + DONE).with("Content-Type: text/event-stream")
    });
    let (directory, file) = input(&["one"]);
    let log = directory.path().join("log.jsonl");
    let options = ["--lines", "--param", "stream=true", "--log"];
    run(batch(&service.base_url(), &options).arg(log).arg(file)).exits(0);
    let body = service.seen()[0].request.json();
    assert_eq!(body["stream_options"], json!({"include_usage": true}));
}

#[test]
fn a_request_that_was_not_sent_is_not_logged() {
    let (service, go_on) = Service::gated();
    let (directory, file) = input(&prompts(3));
    let log = directory.path().join("log.jsonl");
    let options = ["--lines", "-j3", "--rate", "1/h", "--log"];
    let child = start(batch(&service.base_url(), &options).arg(&log).arg(file));
    service.wait_for(1);
    // Two requests wait for the rate.
    signal(&child, Signal::SIGINT);
    drop(go_on);
    let output = finish(child);
    assert_eq!(by_id(&output.stdout).len(), 1);
    assert_eq!(json_lines(&log).len(), 1);
}
