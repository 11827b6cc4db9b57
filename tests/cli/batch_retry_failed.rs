//! Requests that the server refused are left alone, unless they are asked for.

use std::fs;
use std::path::Path;

use crate::support::batch_lines::input;
use crate::support::service::{Reply, Service, prompt};
use crate::support::{Run, batch, completion_ended, json_lines, run, run_with};

/// Answers by what the prompt asks for.
fn service() -> Service {
    Service::new(|request, _| match prompt(request).as_str() {
        "400" => Reply::new(
            "400 Bad Request",
            r#"{"error":{"message":"m","type":"invalid_request_error"}}"#,
        ),
        "413" => Reply::new("413 Payload Too Large", ""),
        "422" => {
            Reply::new("422 Unprocessable Entity", r#"{"detail":[{"loc":["body"],"msg":"m"}]}"#)
        }
        "404" => Reply::new("404 Not Found", ""),
        "key" => {
            Reply::new("400 Bad Request", r#"{"error":{"message":"m","code":"invalid_api_key"}}"#)
        }
        "quota" => Reply::new(
            "400 Bad Request",
            r#"{"error":{"message":"m","type":"insufficient_quota"}}"#,
        ),
        "cut" => Reply::new("200 OK", completion_ended("x", "length")),
        prompt => Reply::text(prompt),
    })
}

fn again(service: &Service, options: &[&str], output: &Path, file: &Path) -> Run {
    let mut command = batch(&service.base_url(), &["--lines", "-o"]);
    run(command.arg(output).args(options).arg(file))
}

#[test]
fn refused_requests_are_left_alone() {
    let (directory, file) = input(&["good", "400", "413", "422", "404", "key", "quota", "cut"]);
    let output = directory.path().join("out.jsonl");
    let service = service();
    again(&service, &[], &output, &file).exits(4).tells(&["1 done, 7 failed"]);
    let left = "3 left alone (--retry-failed all sends them)";
    let second = again(&service, &[], &output, &file).exits(4);
    second.tells(&["0 done, 4 failed", "1 already done", left]);
    let sent = |prompt: &str| service.prompts().iter().filter(|sent| *sent == prompt).count();
    for (prompt, count) in
        [("400", 1), ("413", 1), ("422", 1), ("404", 2), ("key", 2), ("quota", 2), ("cut", 2)]
    {
        assert_eq!(sent(prompt), count, "{prompt}");
    }
    let all = again(&service, &["--retry-failed", "all"], &output, &file).exits(4);
    assert!(!all.stderr.contains("left alone"), "{}", all.stderr);
    assert_eq!(sent("400"), 2);
    // A request that has changed is another one.
    fs::write(&file, "good\nbetter\n413\n").expect("the file is written");
    again(&service, &[], &output, &file).exits(4).tells(&["1 done, 0 failed", "1 left alone"]);
    // Nothing is left to send, but all is not well.
    again(&service, &[], &output, &file)
        .exits(4)
        .tells(&["0 done, 0 failed, 2 already done, 1 left alone"]);
}

#[test]
fn a_run_with_nothing_good_and_all_left_alone_is_not_well() {
    let (directory, file) = input(&["400", "422"]);
    let output = directory.path().join("out.jsonl");
    let service = service();
    again(&service, &[], &output, &file).exits(69);
    let sent = service.seen().len();
    again(&service, &[], &output, &file).exits(69).tells(&["0 done, 0 failed, 2 left alone"]);
    assert_eq!(service.seen().len(), sent);
    // A pipe is read line by line.
    let mut command = batch(&service.base_url(), &["--lines", "-o"]);
    let piped = run_with(command.arg(&output), b"400\n422\n").exits(69);
    piped.tells(&["0 done, 0 failed, 2 left alone"]);
}

#[test]
fn failures_in_the_file_of_errors_are_left_alone_too() {
    let (directory, file) = input(&["good", "400"]);
    let (output, errors) =
        (directory.path().join("out.jsonl"), directory.path().join("errors.jsonl"));
    let service = service();
    let options = ["--errors", errors.to_str().expect("the path is UTF-8")];
    again(&service, &options, &output, &file).exits(4).tells(&["1 done, 1 failed"]);
    again(&service, &options, &output, &file).exits(4).tells(&["1 already done, 1 left alone"]);
    assert_eq!((json_lines(&output).len(), json_lines(&errors).len()), (1, 1));
    // Without the successes, they say nothing about this run.
    let mut command = batch(&service.base_url(), &["--lines"]);
    run(command.args(options).arg(&file)).exits(4).tells(&["1 done, 1 failed"]);
}
