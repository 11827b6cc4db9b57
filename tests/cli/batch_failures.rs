//! What a batch does when requests, files or the machine fail.

use std::fs;
use std::io::Read;
use std::process::Command;

use serde_json::Value;

use crate::support::batch_lines::{by_id, input, prompts};
use crate::support::service::{Reply, Service, prompt};
use crate::support::{batch, completion, full_device, run, run_with, shell, start, strace};

#[test]
fn a_failed_connection_gives_a_result_with_only_an_error() {
    let (_directory, file) = input(&[r#"{"prompt":"one"}"#]);
    let run = run(batch("http://127.0.0.1:9/v1", &["--retries", "0"]).arg(file)).exits(75);
    let line = &by_id(&run.stdout)["1"];
    assert_eq!(line["response"], Value::Null);
    assert_eq!(line["error"]["code"], "connect");
    run.says(&["0 done, 1 failed (connect: 1)"]);
}

#[test]
fn the_exit_status_says_what_failed() {
    for (statuses, expected) in [
        (&["200 OK", "200 OK"][..], 0),
        (&["200 OK", "401 Unauthorized"], 4),
        (&["401 Unauthorized", "503 Service Unavailable"], 77),
        (&["422 Unprocessable Content", "401 Unauthorized"], 69),
    ] {
        let (_directory, file) = input(statuses);
        let all: Vec<&'static str> = statuses.to_vec();
        let service = Service::new(move |request, _| {
            let prompt = prompt(request);
            let status = all
                .iter()
                .find(|status| **status == prompt)
                .expect("the prompt is one of the statuses");
            Reply::new(status, completion("a"))
        });
        let options = ["--lines", "-j1", "--retries", "0", "-q"];
        run(batch(&service.base_url(), &options).arg(file)).exits(expected).says_nothing();
    }
}

#[test]
fn max_failures_stops_the_run() {
    let service = Service::new(|_, _| Reply::new("422 Unprocessable Content", ""));
    let max_failures = |count: &str, limit: &str| {
        let (_directory, file) = input(&prompts(count.parse().expect("a number")));
        let options = ["--lines", "-j1", "--max-failures", limit];
        run(batch(&service.base_url(), &options).arg(file))
    };
    let run = max_failures("50", "3").exits(5);
    assert_eq!(service.seen().len(), 3);
    let last = "gravix: stopped after 3 failures (--max-failures 3); 47 requests are left\n";
    assert!(run.stderr.ends_with(last), "{}", run.stderr);
    assert!(run.stderr.contains("0 done, 3 failed (422: 3), 47 left"), "{}", run.stderr);
    // None is left: all were tried, and all failed for the same reason.
    max_failures("3", "3").exits(69).says(&["0 done, 3 failed (422: 3); "]);
}

/// `gravix batch` in a shell with this `ulimit`.
fn limited(limit: &str, base_url: &str, arguments: &str) -> Command {
    let gravix = env!("CARGO_BIN_EXE_gravix");
    let script = format!("ulimit {limit}; exec {gravix} batch --base-url {base_url} {arguments}");
    shell("bash", &script)
}

#[test]
fn input_and_output_errors_are_always_reported() {
    let (_directory, file) = input(&["one"]);
    for _ in 0..40 {
        run_with(&mut batch("mock:", &[]), b"[1]\n").exits(65);
        run_with(&mut batch("mock:", &["--lines", "-o", "/dev/full"]), b"one\n").exits(73);
        let mut full = batch("mock:", &["--lines"]);
        let full = full.arg(&file).stdout(full_device());
        assert_eq!(full.output().expect("gravix runs").status.code(), Some(74));
    }
}

#[test]
fn missing_threads_and_files_are_reported_before_anything_is_sent() {
    let service = Service::echo();
    let (_directory, file) = input(&prompts(50));
    let arguments = format!("--lines -j 1000 {}", file.display());
    let threads = run(&mut limited("-v 1000000", &service.base_url(), &arguments));
    threads.exits(78).prints("").says(&["cannot start a thread for each job", "lower --jobs"]);
    let files = run(&mut limited("-n 500", &service.base_url(), &arguments));
    let reason = "1000 jobs need 1032 open files, but the hard limit is 500; use --jobs 468";
    files.exits(78).prints("").says(&[reason]);
    let most = format!("--lines -j 10000 {}", file.display());
    let reason = "10000 jobs need 10032 open files, but the hard limit is 500; use --jobs 468";
    run(&mut limited("-n 500", &service.base_url(), &most)).exits(78).prints("").says(&[reason]);
    let too_many = run(&mut batch(&service.base_url(), &["-j", "10001"])).exits(2);
    assert!(too_many.stderr.contains("not a whole number from 1 to 10000"), "{}", too_many.stderr);
    let few = format!("--lines -j 1 {}", file.display());
    run(&mut limited("-n 20", &service.base_url(), &few))
        .exits(78)
        .prints("")
        .says(&["a batch needs 33 open files, but the hard limit is 20; raise it"]);
    assert!(service.seen().is_empty());
    // gravix raises a soft limit.
    let arguments = format!("--lines -j 100 {}", file.display());
    run(&mut limited("-Sn 50", &service.base_url(), &arguments)).exits(0);
}

#[test]
fn sixteen_failures_in_a_row_stop_the_run() {
    let service = Service::new(|_, _| Reply::new("401 Unauthorized", r#"{"error":"no"}"#));
    let (_directory, file) = input(&prompts(100));
    let stopped = run(batch(&service.base_url(), &["--lines", "-j1"]).arg(file)).exits(77);
    let reason = "gravix: stopped after 16 failures in a row: the server answered 401: no; run export GRAVIXLAYER_API_KEY=YOUR_KEY first; 84 requests are left\n";
    assert!(stopped.stderr.ends_with(reason), "{}", stopped.stderr);
    assert_eq!(service.seen().len(), 16);
}

#[test]
fn deleting_the_output_during_a_run_loses_no_reply() {
    let (service, go_on) = Service::gated();
    let (directory, file) = input(&["one"]);
    let output = directory.path().join("out.jsonl");
    let mut command = batch(&service.base_url(), &["--lines", "-o"]);
    let mut child = start(command.arg(&output).arg(&file));
    service.wait_for(1);
    fs::remove_file(&output).expect("the file exists");
    drop(go_on);
    let mut printed = Vec::new();
    child
        .stdout
        .take()
        .expect("stdout is a pipe")
        .read_to_end(&mut printed)
        .expect("stdout is readable");
    assert_eq!(child.wait().expect("gravix ends").code(), Some(73));
    assert_eq!(by_id(&printed)["1"]["error"], Value::Null);
}

#[test]
fn a_full_disk_loses_no_reply() {
    let service = Service::echo();
    let (directory, file) = input(&prompts(20));
    let output = directory.path().join("out.jsonl");
    let mut gravix = batch(&service.base_url(), &["--lines", "-j1", "-o"]);
    gravix.arg(&output).arg(&file);
    let place = output.display().to_string();
    let faults = ["-P", &place, "-e", "inject=write:error=ENOSPC:when=4+"].map(str::to_owned);
    let Some(mut command) = strace(&gravix, &faults) else {
        return;
    };
    let failed = run(&mut command).exits(73);
    assert!(failed.stderr.contains("out.jsonl: no space left on device"), "{}", failed.stderr);
    let saved = by_id(&fs::read(&output).expect("the output is readable"));
    let printed = by_id(&failed.stdout);
    assert_eq!(saved.len(), 3);
    // A reply that cannot be written goes to stdout.
    assert_eq!(saved.len() + printed.len(), service.seen().len());
    assert_eq!(printed.len(), 1);
    let mut command = batch(&service.base_url(), &["--lines", "-o"]);
    run(command.arg(&output).arg(&file)).exits(0).says(&["17 done, 0 failed, 3 already done"]);
    let mut full = batch(&service.base_url(), &["--lines", "-o", "/dev/full"]);
    let failed = run(full.arg(&file)).exits(73);
    assert!(failed.stderr.contains("/dev/full"), "{}", failed.stderr);
}

#[test]
fn a_run_that_cannot_start_leaves_no_file() {
    let (directory, file) = input(&["{"]);
    let output = directory.path().join("out.jsonl");
    run(batch("mock:", &["-o"]).arg(&output).arg(&file)).exits(65);
    assert!(!output.exists());
    run(batch("mock:", &["-o", "/nowhere/out.jsonl"]).arg(&file)).exits(73);
    let mut command = batch("mock:", &["-o"]);
    run(command.arg(directory.path()).arg(&file)).exits(73).says(&["directory"]);
}

#[test]
fn a_lasting_failure_decides_the_exit_status_whichever_came_first() {
    for statuses in [
        ["500 Internal Server Error", "400 Bad Request"],
        ["400 Bad Request", "500 Internal Server Error"],
    ] {
        let service = Service::new(move |_, number| Reply::new(statuses[number], ""));
        let (_directory, file) = input(&["a", "b"]);
        let options = ["--lines", "-j1", "--retries", "0", "-q"];
        run(batch(&service.base_url(), &options).arg(file)).exits(69).says_nothing();
    }
}

#[test]
fn hints_name_only_options_that_batch_has() {
    let too_long = r#"{"error":{"message":"maximum context length is 8 tokens"}}"#;
    let service = Service::new(move |_, _| Reply::new("400 Bad Request", too_long));
    let (directory, file) = input(&["a"]);
    let run_lines = run(batch(&service.base_url(), &["--lines"]).arg(&file)).exits(69);
    let message = by_id(&run_lines.stdout)["1"]["error"]["message"].to_string();
    assert!(message.contains("shorten the prompt") && !message.contains("--turns"), "{message}");
    let system = directory.path().join("system.txt");
    fs::write(&system, b"caf\xe9").expect("the file is written");
    let mut command = batch(&service.base_url(), &["--lines", "--system-file"]);
    let run = run(command.arg(&system).arg(&file)).exits(65).says(&["not UTF-8"]);
    assert!(!run.stderr.contains("--lossy"), "{}", run.stderr);
}

#[test]
fn an_error_body_that_is_not_json_is_recorded_as_it_came() {
    for (body, recorded) in [
        ("12 34", Value::from("12 34")),
        ("12", Value::from(12)),
        ("{\"a\" : [ 1.50 ]}", serde_json::from_str("{\"a\":[1.50]}").expect("JSON")),
        ("true false", Value::from("true false")),
    ] {
        let service = Service::new(move |_, _| Reply::new("400 Bad Request", body));
        let (_directory, file) = input(&["a"]);
        let run = run(batch(&service.base_url(), &["--lines", "-q"]).arg(file)).exits(69);
        assert_eq!(by_id(&run.stdout)["1"]["response"]["body"], recorded, "{body}");
    }
}

#[test]
fn of_several_permanent_failures_the_first_in_the_input_decides_the_exit_status() {
    let refuse = |statuses: [&'static str; 2]| {
        let (service, go_on) = {
            let (go_on, wait) = std::sync::mpsc::channel::<()>();
            let wait = std::sync::Mutex::new(wait);
            let service = Service::new(move |request, _| {
                // The first request of the input is answered last.
                if prompt(request) == "first" {
                    let _ = wait.lock().expect("no panic").recv();
                    return Reply::new(statuses[0], "");
                }
                Reply::new(statuses[1], "")
            });
            (service, go_on)
        };
        let (_directory, file) = input(&["first", "second"]);
        let mut command = batch(&service.base_url(), &["--lines", "-j2", "-q"]);
        let mut child = start(command.arg(file));
        let mut line = String::new();
        let stdout = child.stdout.as_mut().expect("stdout is a pipe");
        let mut reader = std::io::BufReader::new(stdout);
        std::io::BufRead::read_line(&mut reader, &mut line).expect("a result is written");
        drop(go_on);
        child.wait().expect("gravix ends").code()
    };
    assert_eq!(refuse(["401 Unauthorized", "422 Unprocessable Content"]), Some(77));
    assert_eq!(refuse(["422 Unprocessable Content", "401 Unauthorized"]), Some(69));
}
