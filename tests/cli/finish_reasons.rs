//! Why a reply ended, in the server's own word.

use serde_json::{Value, json};

use crate::support::batch_lines::{by_id, input, text};
use crate::support::server::{Server, answer, events};
use crate::support::service::{Reply, Service, prompt};
use crate::support::{ask, batch, completion_ended, json_lines, run, token};

/// The chunk that ends a stream with this reason.
fn finish(reason: &str) -> String {
    let choice = json!({"index": 0, "delta": {}, "finish_reason": reason});
    format!("data: {}\n\n", json!({ "choices": [choice] }))
}

#[test]
fn verbose_log_and_json_name_the_servers_word() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let log = directory.path().join("log.jsonl");
    let body = completion_ended("a", "MAX_TOKENS");
    let server = Server::once(answer("200 OK", "application/json", body));
    let verbose = run(ask(&server, &["-v", "hi", "--log"]).arg(&log)).exits(3).prints("a\n");
    assert!(verbose.stderr.contains("finish reason MAX_TOKENS"), "{}", verbose.stderr);
    assert!(verbose.stderr.contains("(finish_reason MAX_TOKENS)"), "{}", verbose.stderr);
    assert_eq!(json_lines(&log)[0]["finish_reason"], "MAX_TOKENS");

    let stream = [token("a"), finish("Model_Length"), finish("stop"), "data: [DONE]\n\n".into()];
    let server = Server::once(events(&stream));
    let joined = run(&mut ask(&server, &["--json", "--stream", "hi"])).exits(3);
    let response: Value = serde_json::from_slice(&joined.stdout).expect("stdout is JSON");
    assert_eq!(response["choices"][0]["finish_reason"], "Model_Length");
}

#[test]
fn a_reply_that_the_server_gave_up_is_logged_with_its_reason() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let log = directory.path().join("log.jsonl");
    let stream = [token("a"), finish("Abort"), finish("stop"), "data: [DONE]\n\n".into()];
    let server = Server::once(events(&stream));
    run(ask(&server, &["--stream", "hi", "--log"]).arg(&log))
        .exits(4)
        .prints("a\n")
        .says(&["finish_reason Abort"]);
    assert_eq!(json_lines(&log)[0]["finish_reason"], "Abort");
}

#[test]
fn an_unknown_reason_is_a_warning_that_quiet_drops() {
    let reply = || answer("200 OK", "application/json", completion_ended("a", "wandered_off"));
    let server = Server::new(vec![reply(), reply()]);
    run(&mut ask(&server, &["hi"])).exits(0).prints("a\n").says(&["warning", "wandered_off"]);
    run(&mut ask(&server, &["-q", "hi"])).exits(0).prints("a\n").says_nothing();
}

#[test]
fn a_missing_call_is_told_with_the_servers_word() {
    for (content, status) in [("", 76), ("a", 0)] {
        let server = Server::once(answer(
            "200 OK",
            "application/json",
            completion_ended(content, "Tool_Use"),
        ));
        run(&mut ask(&server, &["hi"])).exits(status).says(&["finish reason Tool_Use", "calls no"]);
    }
}

#[test]
fn a_batch_judges_by_the_same_reasons_and_asks_again() {
    let reasons = [
        ("End_Turn", None),
        ("wandered_off", None),
        ("null", None),
        ("MAX_TOKENS", Some("length")),
        ("SAFETY", Some("content_filter")),
        ("content_filter: violence", Some("content_filter")),
        ("abort", Some("gave_up")),
        ("network_error", Some("gave_up")),
    ];
    let prompts: Vec<&str> = reasons.iter().map(|(reason, _)| *reason).collect();
    let service =
        Service::new(|request, _| Reply::new("200 OK", completion_ended("a", &prompt(request))));
    let (directory, file) = input(&prompts);
    let output = directory.path().join("out.jsonl");
    let arguments = ["--lines", "-q", "-o", output.to_str().expect("the path is UTF-8")];
    run(batch(&service.base_url(), &arguments).arg(&file)).exits(4);
    let lines = by_id(&std::fs::read(&output).expect("the results are readable"));
    for (number, (reason, code)) in (1..).zip(reasons) {
        let line = &lines[&format!("{number}")];
        assert_eq!(line["error"]["code"].as_str(), code, "{reason}: {line}");
        if code != Some("gave_up") {
            assert_eq!(text(line), "a", "{reason}");
        }
    }
    run(batch(&service.base_url(), &arguments).arg(&file)).exits(4);
    let failures = reasons.iter().filter(|(_, code)| code.is_some()).count();
    assert_eq!(service.prompts().len(), reasons.len() + failures);
}

#[test]
fn a_batch_warns_once_about_each_unknown_reason() {
    let service =
        Service::new(|request, _| Reply::new("200 OK", completion_ended("a", &prompt(request))));
    let (_directory, file) = input(&["wandered_off", "wandered_off", "stop", "left"]);
    let arguments = ["--lines", "--ordered", "-j", "1"];
    let output = run(batch(&service.base_url(), &arguments).arg(&file)).exits(0);
    let warnings: Vec<&str> =
        output.stderr.lines().filter(|line| line.contains("warning")).collect();
    assert_eq!(warnings.len(), 2, "{}", output.stderr);
    assert!(warnings[0].contains("request 1: ") && warnings[0].contains("wandered_off"));
    assert!(warnings[1].contains("request 4: ") && warnings[1].contains("left"));
}

#[test]
fn a_response_with_infinite_numbers_is_recorded_as_json() {
    let body = completion_ended("a", "stop").replacen('{', "{\"x\":[-Infinity],", 1);
    let service = Service::new(move |_, _| Reply::new("200 OK", body.clone()));
    let (_directory, file) = input(&["hi"]);
    let output = run(batch(&service.base_url(), &["--lines", "-q"]).arg(&file)).exits(0);
    let line = &by_id(&output.stdout)["1"];
    assert_eq!(text(line), "a");
    assert_eq!(line["response"]["body"]["x"], json!([null]));
}

#[test]
fn several_replies_are_refused_where_only_one_can_be_printed() {
    let service = Service::echo();
    for arguments in [&["--param", "n=2"][..], &["--body", r#"{"n":3}"#, "--stream"]] {
        let mut command = crate::support::gravix();
        command.args(["ask", "--base-url", &service.base_url()]).args(arguments);
        run(command.arg("hi")).exits(2).prints("").says(&["--json"]);
    }
    let (_directory, file) = input(&[r#"{"prompt":"a"}"#]);
    let arguments = ["--text", "--param", "n=2"];
    run(batch(&service.base_url(), &arguments).arg(&file)).exits(2).says(&["--format batch"]);
    let (_directory, file) = input(&[r#"{"prompt":"a","n":2}"#]);
    let refused = run(batch(&service.base_url(), &["--text"]).arg(&file)).exits(65).prints("");
    assert!(
        refused.stderr.contains("its n is 2, but only one reply is written"),
        "{}",
        refused.stderr
    );
    assert!(service.seen().is_empty());
    let (_directory, file) = input(&[r#"{"prompt":"a","n":2}"#]);
    run(batch(&service.base_url(), &["-q"]).arg(&file)).exits(0);
}
