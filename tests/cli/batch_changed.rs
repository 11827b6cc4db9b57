//! Done requests that have changed since are noticed by the id of their result line.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::batch_lines::{by_id, input, prompts, stored, text};
use crate::support::service::{Reply, Service, prompt};
use crate::support::{Run, batch, completion, json_lines, run, run_with};

fn again(service: &Service, options: &[&str], output: &Path, file: &Path) -> Run {
    let mut command = batch(&service.base_url(), options);
    run(command.arg("-o").arg(output).arg(file))
}

#[test]
fn a_changed_request_ends_the_run_before_anything_is_sent() {
    let (directory, file) = input(&prompts(3));
    let output = directory.path().join("out.jsonl");
    let service = Service::echo();
    let first = ["--lines", "-m", "m1", "-s", "Be brief."];
    again(&service, &first, &output, &file).exits(0);
    // Another server is no other request.
    let other = Service::echo();
    again(&other, &first, &output, &file).exits(0).tells(&["3 already done"]);
    for options in [
        &["--lines", "-m", "m2", "-s", "Be brief."][..],
        &["--lines", "-m", "m1", "-s", "Rhyme."],
        &["--lines", "-m", "m1"],
        &["--lines", "-m", "m1", "-s", "Be brief.", "--param", "seed=1"],
    ] {
        let run = again(&other, options, &output, &file);
        let said = [
            "3 requests are done, but with another prompt, model or other field",
            "in.jsonl:1, id 1",
            "nothing was sent",
            "--changed redo",
            "--changed keep",
        ];
        run.exits(65).tells(&said);
        assert!(other.seen().is_empty());
    }
}

#[test]
fn changed_requests_are_sent_again_or_kept_as_asked() {
    let (directory, file) = input(&["a", "b"]);
    let output = directory.path().join("out.jsonl");
    let service = Service::echo();
    again(&service, &["--lines"], &output, &file).exits(0);
    fs::write(&file, "a\nB\nc\n").expect("the file is written");
    let keep = ["--lines", "--changed", "keep"];
    let kept = [
        "1 request is done, but with another prompt, model or other field",
        "in.jsonl:2, id 2",
        "the old results are kept",
    ];
    again(&service, &keep, &output, &file)
        .exits(0)
        .tells(&kept)
        .tells(&["1 done, 0 failed, 2 already done"]);
    again(&service, &keep, &output, &file).exits(0).tells(&kept).tells(&["3 already done"]);
    assert_eq!(service.prompts(), ["a", "b", "c"]);
    let redo = again(&service, &["--lines", "--changed", "redo"], &output, &file).exits(0);
    redo.tells(&["with another prompt", "sending again", "1 done, 0 failed, 2 already done"]);
    again(&service, &["--lines"], &output, &file).exits(0).tells(&["3 already done"]);
    assert_eq!(service.prompts(), ["B", "a", "b", "c"]);
    let merged = run(batch("mock:", &["--merge"]).arg(&output)).exits(0);
    assert_eq!(text(&by_id(&merged.stdout)["2"]), "B");
    // Merged lines keep their ids.
    fs::write(&output, &merged.stdout).expect("the file is written");
    again(&service, &["--lines"], &output, &file).exits(0).tells(&["3 already done"]);
}

#[test]
fn only_what_a_request_means_counts() {
    let (directory, file) =
        input(&[r#"{"id":"a","prompt":"caf\u00e9","seed":1,"stop":["x","y"]}"#]);
    let output = directory.path().join("out.jsonl");
    let service = Service::echo();
    again(&service, &[], &output, &file).exits(0);
    let id = json_lines(&output)[0]["id"].clone();
    assert!(id.as_str().is_some_and(|id| id.starts_with("gravix_") && id.len() == 39), "{id}");
    let same = r#"{ "stop" : [ "x", "y" ], "seed": 1, "prompt": "café" , "id":"a" }"#;
    fs::write(&file, format!("{same}\n")).expect("the file is written");
    again(&service, &[], &output, &file).exits(0).tells(&["1 already done"]);
    for other in [same.replace(r#""x", "y""#, r#""y", "x""#), same.replace(": 1", ": 2")] {
        fs::write(&file, format!("{other}\n")).expect("the file is written");
        again(&service, &[], &output, &file)
            .exits(65)
            .tells(&["1 request is done, but with another"]);
    }
}

#[test]
fn failed_requests_that_have_changed_are_sent() {
    let (directory, file) = input(&["a", "bad"]);
    let output = directory.path().join("out.jsonl");
    let service = Service::new(|request, _| match prompt(request).as_str() {
        "bad" => Reply::new("404 Not Found", ""),
        prompt => Reply::text(prompt),
    });
    again(&service, &["--lines"], &output, &file).exits(4);
    fs::write(&file, "a\ngood\n").expect("the file is written");
    again(&service, &["--lines"], &output, &file)
        .exits(0)
        .tells(&["1 done, 0 failed, 1 already done"]);
}

#[test]
fn results_without_a_hash_are_done_by_their_ids_and_that_is_told() {
    let (directory, file) = input(&["a", "b", "c"]);
    let output = directory.path().join("out.jsonl");
    let line = |id: &str, custom: &str| {
        let body: Value = serde_json::from_str(&completion("x")).expect("JSON");
        json!({"id": id, "custom_id": custom, "response": {"status_code": 200, "body": body}, "error": null}).to_string()
    };
    stored(
        &output,
        &[line("batch_req_0123456789abcdef0123456789abcdef", "1"), line("vllm-1", "2")],
    );
    let service = Service::echo();
    let said = ["2 results do not say which request was sent"];
    let options = ["--lines", "-s", "Anything."];
    again(&service, &options, &output, &file)
        .exits(0)
        .tells(&said)
        .tells(&["1 done, 0 failed, 2 already done"]);
    assert_eq!(service.prompts(), ["c"]);
}

#[test]
fn a_changed_request_of_a_pipe_ends_the_run() {
    let (directory, _) = input(&[""]);
    let output = directory.path().join("out.jsonl");
    let service = Service::echo();
    let pipe = |options: &[&str], lines: &[u8]| {
        let mut command = batch(&service.base_url(), options);
        run_with(command.args(["--lines", "-j1", "-o"]).arg(&output), lines)
    };
    pipe(&[], b"a\nb\n").exits(0);
    pipe(&[], b"a\nB\nc\n").exits(65).tells(&[
        "standard input:2: ",
        "with another prompt",
        "--changed redo",
    ]);
    pipe(&["--changed", "keep"], b"a\nB\n").exits(0).tells(&["0 done, 0 failed, 2 already done"]);
    pipe(&["--changed", "redo"], b"a\nB\n").exits(0).tells(&["1 done, 0 failed, 1 already done"]);
    pipe(&[], b"a\nb\na\n").exits(65);
    assert_eq!(service.prompts(), ["B", "a", "b"]);
}

#[test]
fn a_request_that_gravix_itself_changed_is_still_the_same() {
    let (directory, file) = input(&["strict", "repaired"]);
    let output = directory.path().join("out.jsonl");
    let service =
        Service::new(
            |request, number| match request.json()["response_format"]["json_schema"]["strict"] {
                Value::Bool(true) => Reply::new(
                    "400 Bad Request",
                    r#"{"error":{"message":"strict is not supported"}}"#,
                ),
                _ if number < 4 => Reply::text("no JSON"),
                _ => Reply::text(r#"{"n":1}"#),
            },
        );
    let schema = r#"{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"],"additionalProperties":false}"#;
    let options = ["--lines", "-j1", "--repair", "5", "--schema", schema];
    again(&service, &options, &output, &file).exits(0).tells(&["2 done"]);
    let sent = service.seen().len();
    again(&service, &options, &output, &file).exits(0).tells(&["2 already done"]);
    assert_eq!(service.seen().len(), sent);
}
