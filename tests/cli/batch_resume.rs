//! A batch run again on the same output sends only what is missing.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::support::batch_lines::{by_id, input, prompts, text};
use crate::support::service::{Reply, Service, prompt};
use crate::support::{batch, finish, json_lines, run, run_with, start};

#[test]
fn a_torn_errors_file_is_repaired_and_another_file_refused() {
    let service = Service::new(|_, _| Reply::new("404 Not Found", ""));
    let (directory, file) = input(&["one"]);
    let errors = directory.path().join("errors.jsonl");
    let again = || {
        let mut command = batch(&service.base_url(), &["--lines", "--errors"]);
        run(command.arg(&errors).arg(&file))
    };
    fs::write(&errors, "{\"id\":\"batch_req_1\",\"cust").expect("the file is written");
    assert!(again().exits(69).stderr.contains("was torn; it is in "));
    assert_eq!(json_lines(&errors).len(), 1);
    fs::write(&errors, "mine\n").expect("the file is written");
    again().exits(65).says(&["errors.jsonl:1: not a batch result"]);
    assert_eq!(fs::read_to_string(&errors).expect("the file is readable"), "mine\n");
}

#[test]
fn results_that_are_not_utf_8_are_refused() {
    let (directory, file) = input(&["one"]);
    let output = directory.path().join("out.jsonl");
    // Not in a field that a run needs.
    let line = b"{\"custom_id\":\"9\",\"response\":{\"status_code\":200,\"body\":\"\xff\"},\"error\":null}";
    let whole = [line.as_slice(), b"\n"].concat();
    fs::write(&output, &whole).expect("the file is written");
    let mut again = batch("mock:", &["--lines", "-o"]);
    let said = "out.jsonl:1: not UTF-8 at byte offset 55 of the line";
    run(again.arg(&output).arg(&file)).exits(65).says(&[said]);
    assert_eq!(fs::read(&output).expect("the file is readable"), whole);
    run(batch("mock:", &["--merge"]).arg(&output)).exits(65).prints("").says(&[said]);
    // A line that was torn may end within a character.
    fs::write(&output, line).expect("the file is written");
    let mut again = batch("mock:", &["--lines", "-o"]);
    assert!(run(again.arg(&output).arg(&file)).exits(0).stderr.contains("was torn; it is in "));
    assert_eq!(json_lines(&output).len(), 1);
}

#[test]
fn a_run_on_a_pipe_resumes_like_one_on_a_file() {
    let (directory, _) = input(&["one"]);
    let output = directory.path().join("out.jsonl");
    let again = |lines: &[u8]| {
        let mut command = batch("mock:", &["--lines", "-o"]);
        run_with(command.arg(&output), lines).exits(0)
    };
    again(b"a\nb\n").says(&["2 done, 0 failed; "]);
    again(b"a\nb\nc\n").says(&["1 done, 0 failed, 2 already done; "]);
}

#[test]
fn only_failed_requests_are_sent_again() {
    let is_up = Arc::new(Mutex::new(false));
    let up = Arc::clone(&is_up);
    let service = Service::new(move |request, _| match prompt(request).as_str() {
        "1" if !*up.lock().expect("no thread panicked") => Reply::new("404 Not Found", ""),
        prompt => Reply::text(prompt),
    });
    let (directory, file) = input(&prompts(4));
    let output = directory.path().join("out.jsonl");
    let again = || {
        let mut command = batch(&service.base_url(), &["--lines", "-o"]);
        run(command.arg(&output).arg(&file))
    };
    again().exits(4).prints("").says(&["3 done, 1 failed (404: 1)"]);
    again().exits(4).says(&["0 done, 1 failed (404: 1), 3 already done"]);
    *is_up.lock().expect("no thread panicked") = true;
    again().exits(0).says(&["1 done, 0 failed, 3 already done"]);
    again().exits(0).says(&["0 done, 0 failed, 4 already done"]);
    assert_eq!(service.prompts(), ["0", "1", "1", "1", "2", "3"]);
    let lines = json_lines(&output);
    assert_eq!(lines.len(), 6);
    let merged = run(batch("mock:", &["--merge"]).arg(&output)).exits(0);
    assert!(by_id(&merged.stdout).values().all(|line| line["error"] == Value::Null));
}

#[test]
fn a_torn_last_line_is_moved_aside_and_its_request_sent_again() {
    let service = Service::echo();
    let (directory, file) = input(&prompts(3));
    let output = directory.path().join("out.jsonl");
    let again = || {
        let mut command = batch(&service.base_url(), &["--lines", "-j1", "-o"]);
        run(command.arg(&output).arg(&file)).exits(0)
    };
    again();
    let whole = fs::read_to_string(&output).expect("the output is readable");
    fs::write(&output, &whole[..whole.len() - 40]).expect("the file is written");
    assert!(again().stderr.contains("was torn; it is in "));
    let repaired = fs::read(&output).expect("the output is readable");
    assert_eq!(by_id(&repaired).len(), 3);
    let torn = fs::read_to_string(directory.path().join("out.jsonl.torn"))
        .expect("the torn line is readable");
    assert_eq!(
        torn.trim_end(),
        whole.lines().last().expect("the output has a line")[..torn.len() - 1].to_owned()
    );
    // A complete last line without its newline is kept and gets one.
    fs::write(&output, whole.lines().take(2).collect::<Vec<_>>().join("\n"))
        .expect("the file is written");
    again().says(&["1 done, 0 failed, 2 already done"]);
    assert_eq!(by_id(&fs::read(&output).expect("the output is readable")).len(), 3);
    assert_eq!(service.prompts(), ["0", "1", "2", "2", "2"]);
}

#[test]
fn a_file_that_is_not_an_output_is_left_alone() {
    let (directory, file) = input(&prompts(3));
    let other = directory.path().join("notes.txt");
    for (format, status, reason) in [
        (&["--lines"][..], 65, "notes.txt:2: not a batch result"),
        (&["--lines", "--text"], 2, "ids"),
    ] {
        let text = "\nmine\n";
        fs::write(&other, text).expect("the file is written");
        let mut command = batch("mock:", format);
        run(command.arg("-o").arg(&other).arg(&file)).exits(status).prints("").says(&[reason]);
        assert_eq!(fs::read_to_string(&other).expect("the file is readable"), text);
    }
}

#[test]
fn a_second_run_on_the_same_output_is_refused() {
    let (service, go_on) = Service::gated();
    let (directory, file) = input(&prompts(2));
    let output = directory.path().join("out.jsonl");
    let mut first = batch(&service.base_url(), &["--lines", "-o"]);
    let first = start(first.arg(&output).arg(&file));
    service.wait_for(2);
    let mut second = batch("mock:", &["--lines", "-o"]);
    run(second.arg(&output).arg(&file)).exits(75).prints("").says(&["another run is writing"]);
    run(batch("mock:", &["--merge"]).arg(&output)).exits(75).says(&["another run is writing"]);
    drop(go_on);
    assert!(finish(first).status.success());
    assert_eq!(json_lines(&output).len(), 2);
}

/// The ids on the complete lines of an output that may be torn.
fn answered(output: &Path) -> HashSet<String> {
    let text = fs::read(output).unwrap_or_default();
    let lines = text.split_inclusive(|&byte| byte == b'\n');
    let whole = lines.filter(|line| line.ends_with(b"\n"));
    let whole =
        whole.map(|line| serde_json::from_slice::<Value>(line).expect("a complete line is JSON"));
    whole.map(|line| line["custom_id"].as_str().expect("the line has an id").to_owned()).collect()
}

#[test]
fn a_run_killed_at_any_moment_resumes_and_sends_nothing_twice() {
    const REQUESTS: usize = 400;
    let service = Service::new(|request, _| {
        thread::sleep(Duration::from_micros(fastrand::u64(..4000)));
        Reply::text(&prompt(request).repeat(fastrand::usize(1..500)))
    });
    let (directory, file) = input(&prompts(REQUESTS));
    let output = directory.path().join("out.jsonl");
    let mut done_before = HashSet::new();
    let mut seen_before = 0;
    for round in 0..=20 {
        let mut command = batch(&service.base_url(), &["--lines", "-j4", "-o"]);
        let mut child = start(command.arg(&output).arg(&file));
        if round < 20 {
            thread::sleep(Duration::from_millis(fastrand::u64(1..40)));
            child.kill().expect("gravix is running");
            child.wait().expect("gravix ends");
        } else {
            let last = finish(child);
            assert!(last.status.success(), "{last:?}");
        }
        // The run is over: none of its requests had a result on disk before.
        let seen = service.seen();
        for request in &seen[seen_before..] {
            let line = request.prompt().parse::<usize>().expect("the text is a number") + 1;
            assert!(!done_before.contains(&line.to_string()), "line {line}, round {round}");
        }
        seen_before = seen.len();
        done_before = answered(&output);
    }
    let lines = by_id(&fs::read(&output).expect("the output is readable"));
    assert_eq!(lines.len(), REQUESTS);
    for (id, line) in lines {
        let prompt = (id.parse::<usize>().expect("the text is a number") - 1).to_string();
        assert!(text(&line).starts_with(&prompt), "{id}");
    }
}

#[test]
fn invalid_lines_with_a_done_id_count_as_done() {
    let (directory, file) = input(&[r#"{"id":"a","prompt":"x"}"#]);
    let results = directory.path().join("results.jsonl");
    run(batch("mock:", &["-o"]).arg(&results).arg(&file)).exits(0);
    fs::write(&file, "{\"id\":\"a\"}\n{\"id\":\"a\"}\n").expect("the file is written");
    run(batch("mock:", &["--skip-bad", "-o"]).arg(&results).arg(&file))
        .exits(0)
        .says(&["0 done, 0 failed, 2 already done; "]);
}
