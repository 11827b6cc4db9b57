//! The results, texts, errors and summary of a batch.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::batch_lines::{by_id, input, text};
use crate::support::service::{Reply, Service, prompt};
use crate::support::terminal::Terminal;
use crate::support::{batch, json_lines, openai, run, run_with};

#[test]
fn output_lines_follow_the_batch_api() {
    let service = Service::new(|request, _| {
        match prompt(request).as_str() {
        "good" => Reply::new("200 OK", "{ \"choices\": [\n {\"message\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}], \"n\": 1.50 }")
            .with("x-request-id: r1"),
        _ => Reply::new("400 Bad Request", r#"{"error":{"message":"bad","code":"b1"}}"#)
            .with("x-request-id: r2"),
    }
    });
    let (_directory, file) =
        input(&[r#"{"id":"é","prompt":"good"}"#, r#"{"id":"f","prompt":"fails"}"#]);
    let run = run(batch(&service.base_url(), &[]).arg(file)).exits(4);
    let lines = by_id(&run.stdout);
    let good = &lines["é"];
    assert!(good["id"].as_str().is_some_and(|id| id.starts_with("gravix_")), "{good}");
    assert_ne!(good["id"], lines["f"]["id"]);
    assert_eq!(good["error"], Value::Null);
    assert_eq!(good["response"]["status_code"], 200);
    assert_eq!(good["response"]["request_id"], "r1");
    assert_eq!(text(good), "a");
    assert!(String::from_utf8_lossy(&run.stdout).contains(r#""n":1.50}"#));
    let response = json!({"status_code": 400, "request_id": "r2",
        "body": {"error": {"message": "bad", "code": "b1"}}});
    assert_eq!(lines["f"]["response"], response);
    assert_eq!(lines["f"]["error"]["code"], "b1");
    assert_eq!(
        lines["f"]["error"]["message"],
        "the server answered 400: bad (code b1, request r2)"
    );
    run.says(&["1 done, 1 failed (400: 1)"]);
}

#[test]
fn text_output_is_lines_or_null_terminated_records() {
    let service = Service::new(|request, _| match prompt(request).as_str() {
        "fails" => Reply::new("404 Not Found", r#"{"error":"gone"}"#),
        _ => Reply::text("a\n\"b\"\\é"),
    });
    let lines = b"one\nfails\ntwo\n";
    let options = ["--lines", "--text", "--ordered"];
    let run = run_with(&mut batch(&service.base_url(), &options), lines).exits(4);
    assert_eq!(run.stdout, "a\\n\\\"b\\\"\\\\é\n\na\\n\\\"b\\\"\\\\é\n".as_bytes());
    assert!(run.stderr.contains("request 2: the server answered 404: gone"), "{}", run.stderr);
    let records = run_with(&mut batch(&service.base_url(), &["-0", "--text"]), b"one\0");
    records.exits(0).prints("a\n\"b\"\\é\0");
}

#[test]
fn failed_requests_can_go_to_a_file_of_their_own() {
    let service = Service::new(|request, _| match prompt(request).as_str() {
        "fails" => Reply::new("404 Not Found", r#"{"error":"gone"}"#),
        text => Reply::text(text),
    });
    let (directory, file) = input(&["one", "fails"]);
    let errors = directory.path().join("errors.jsonl");
    for format in [&["--lines"][..], &["--lines", "--text"]] {
        let mut command = batch(&service.base_url(), format);
        let run = run(command.arg(&file).arg("--errors").arg(&errors)).exits(4);
        assert_eq!(run.stdout.iter().filter(|&&byte| byte == b'\n').count(), 1);
        run.says(&["1 done, 1 failed (404: 1)"]);
    }
    let failed = json_lines(&errors);
    assert_eq!(failed.len(), 2);
    assert!(failed.iter().all(|line| line["custom_id"] == "2" && line["error"].is_object()));
}

#[test]
fn stderr_gets_a_summary_and_a_terminal_also_a_progress_bar() {
    let (_directory, file) = input(&["one two", "three"]);
    let run_on_pipe = run(batch("mock:", &["--lines"]).arg(&file)).exits(0);
    run_on_pipe.says(&["2 done, 0 failed; 3 tokens in, 3 out; "]);
    run(batch("mock:", &["--lines", "-q"]).arg(&file)).exits(0).says_nothing();
    let terminal = Terminal::open();
    let mut command = batch("mock:", &["--lines"]);
    command.arg(&file).env("TERM", "xterm").stdout(Stdio::null()).stderr(terminal.stream());
    assert!(command.status().expect("gravix starts").success());
    drop(command);
    let shown = terminal.read_to_end();
    for part in ["failed", "left", "requests/s", "tokens/s", "2 done, 0 failed; 3 tokens in"] {
        assert!(shown.contains(part), "{part}: {shown:?}");
    }
}

#[test]
fn two_names_of_one_file_are_refused() {
    let (directory, file) = input(&["one"]);
    let other = directory.path().join("other.jsonl");
    let refused = |arguments: &[&PathBuf]| {
        let [input, output, errors] = arguments else { panic!("three files") };
        let mut command = batch("mock:", &["--lines"]);
        command.arg(input).arg("-o").arg(output).arg("--errors").arg(errors);
        run(&mut command).exits(2).prints("").says(&["name the same file"]);
    };
    refused(&[&file, &file, &other]);
    refused(&[&file, &other, &file]);
    refused(&[&file, &other, &other]);
    assert_eq!(fs::read_to_string(file).expect("the file is readable"), "one\n");
    assert!(!other.exists());
}

#[test]
fn the_key_is_masked_in_error_results() {
    let service = Service::new(|request, _| {
        let header = request.header("authorization").unwrap_or_default().to_owned();
        Reply::new("400 Bad Request", json!({"error": {"message": header}}).to_string())
    });
    let mut command = batch(&service.base_url(), &["--lines"]);
    let run = run_with(command.env("GRAVIXLAYER_API_KEY", "hunter2-key"), b"one\n").exits(69);
    let text = String::from_utf8(run.stdout).expect("stdout is UTF-8");
    assert!(text.contains("(redacted)") && !text.contains("hunter2-key"), "{text}");
}

/// Needs the `openai` package in the Python that `GRAVIX_TEST_PYTHON` names,
/// or in `python3`.
#[test]
fn the_openai_package_reads_the_output() {
    let (directory, file) = input(&["good", "{"]);
    let output = directory.path().join("out.jsonl");
    run(batch("mock:", &["--lines", "-o"]).arg(&output).arg(&file)).exits(0);
    let errors = directory.path().join("errors.jsonl");
    run(batch("mock:", &["--skip-bad", "-o"]).arg(&errors).arg(&file)).exits(65);
    let Some(mut reader) = openai::reader(&[&output, &errors]) else {
        return;
    };
    let checked = run(&mut reader).exits(0);
    let printed = String::from_utf8(checked.stdout).expect("stdout is UTF-8");
    let mut lines: Vec<&str> = printed.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["good 2", "invalid_request", "invalid_request", "{ 2"]);
}

#[test]
fn a_run_without_requests_writes_an_empty_output() {
    let (directory, file) = input(&["one"]);
    let output = directory.path().join("out.jsonl");
    let mut shard = batch("mock:", &["--lines", "--shard", "2/2", "-o"]);
    run(shard.arg(&output).arg(&file)).exits(0);
    assert_eq!(fs::read_to_string(&output).expect("the output is readable"), "");
    fs::remove_file(&output).expect("the file is removed");
    run(batch("mock:", &["--lines", "-o"]).arg(&output)).exits(0);
    assert_eq!(fs::read_to_string(&output).expect("the output is readable"), "");
}

#[test]
fn control_characters_in_results_are_escaped_on_a_terminal() {
    let service = Service::new(|_, _| Reply::text("a\u{9b}31m\u{7f}"));
    let (_directory, file) = input(&["one"]);
    for options in [&["--lines", "-q"][..], &["--lines", "-0", "--text", "-q"]] {
        let terminal = Terminal::open();
        let mut command = batch(&service.base_url(), options);
        let status = command.arg(&file).stdout(terminal.stream()).status().expect("gravix runs");
        assert!(status.success());
        drop(command);
        let shown = terminal.read_to_end();
        assert!(shown.contains("a<U+009B>31m^?") && !shown.contains('\u{9b}'), "{shown:?}");
    }
}

#[test]
fn a_result_says_how_many_seconds_its_request_took_if_it_was_sent() {
    let service = Service::new(|request, number| match (prompt(request).as_str(), number) {
        ("again", 0) => Reply::new("429 Too Many Requests", "{}").with("retry-after-ms: 200"),
        ("refused", _) => Reply::new("400 Bad Request", "{}"),
        _ => Reply::text("hi"),
    });
    let (directory, file) =
        input(&[r#"{"prompt":"again"}"#, r#"{"prompt":"refused"}"#, r#"{"promt":"unsent"}"#]);
    let output = directory.path().join("out.jsonl");
    let options = ["-j1", "--skip-bad", "-q", "-o"];
    run(batch(&service.base_url(), &options).arg(&output).arg(&file)).exits(4);
    let merged = run(batch("mock:", &["--merge"]).arg(&output)).exits(0);
    for lines in [fs::read(&output).expect("the output is readable"), merged.stdout] {
        let lines = by_id(&lines);
        let seconds = |id: &str| lines[id].get("seconds").and_then(Value::as_f64);
        // The wait for the server is part of it.
        assert!(seconds("1").is_some_and(|seconds| (0.2..60.0).contains(&seconds)), "{lines:?}");
        assert!(seconds("2").is_some_and(|seconds| seconds < 60.0), "{lines:?}");
        assert_eq!(seconds("3"), None);
        let names: Vec<&String> = lines["1"].as_object().expect("an object").keys().collect();
        assert_eq!(names, ["id", "custom_id", "response", "error", "seconds"]);
    }
}
