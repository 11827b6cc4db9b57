//! Results that are there already are judged by the rules for new ones, whichever
//! program wrote them, and lines that are not results are moved away.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::batch_lines::{by_id, input, stored, text};
use crate::support::service::Service;
use crate::support::{batch, completion, completion_ended, finish, json_lines, run, start, strace};

/// A stored line with this body.
fn with_body(id: &str, body: &str) -> String {
    let body: Value = serde_json::from_str(body).expect("JSON");
    let response = json!({"status_code": 200, "request_id": "", "body": body});
    json!({"id": "x", "custom_id": id, "response": response, "error": null}).to_string()
}

fn request(id: &str) -> String {
    json!({"id": id, "prompt": id}).to_string()
}

#[test]
fn stored_results_are_done_only_if_they_would_be_good_today() {
    let whole = completion("hi");
    let lines = [
        with_body("good", &whole),
        with_body("no-reason", &whole.replace("\"stop\"", "null")),
        with_body("calls", &completion_ended("hi", "tool_calls")),
        with_body("length", &completion_ended("cut", "length")),
        with_body("filter", &completion_ended("x", "content_filter")),
        with_body("abort", &completion_ended("x", "abort")),
        with_body("empty", &completion("")),
        with_body(
            "choice-error",
            &whole.replace("\"index\":0", r#""index":0,"error":{"message":"m","code":502}"#),
        ),
        with_body("error-body", r#"{"error":{"message":"m"}}"#),
        with_body("both", &whole).replace("\"error\":null", r#""error":{"code":"x"}"#),
        with_body("no-error-field", &whole).replace("\"error\":null,", ""),
        json!({"custom_id": "neither"}).to_string(),
    ];
    let ids: Vec<String> = lines.iter().map(|line| id_of(line)).collect();
    let (directory, file) = input(&ids.iter().map(|id| request(id)).collect::<Vec<_>>());
    let output = directory.path().join("out.jsonl");
    stored(&output, &lines);
    let service = Service::echo();
    let mut again = batch(&service.base_url(), &["-o"]);
    run(again.arg(&output).arg(&file)).exits(0).tells(&["8 done, 0 failed, 4 already done"]);
    let sent =
        ["abort", "both", "choice-error", "empty", "error-body", "filter", "length", "neither"];
    assert_eq!(service.prompts(), sent);
    // What is merged is judged alike.
    let lines = [with_body("length", &completion_ended("cut", "length")), request_line("length")];
    let mixed = directory.path().join("mixed.jsonl");
    stored(&mixed, &[lines[1].clone(), lines[0].clone()]);
    let merged = run(batch("mock:", &["--merge"]).arg(&mixed)).exits(0);
    assert_eq!(text(&by_id(&merged.stdout)["length"]), "hi");
}

fn request_line(id: &str) -> String {
    with_body(id, &completion("hi"))
}

fn id_of(line: &str) -> String {
    let line: Value = serde_json::from_str(line).expect("JSON");
    line["custom_id"].as_str().expect("the line has an id").to_owned()
}

#[test]
fn stored_results_that_do_not_match_the_schema_are_not_done() {
    let own = r#"{"id":"own","prompt":"own","response_format":{"type":"text"}}"#;
    let (directory, file) = input(&[&request("fits"), &request("thinks"), &request("bad"), own]);
    let output = directory.path().join("out.jsonl");
    stored(
        &output,
        &[
            with_body("fits", &completion(r#"{"n":1}"#)),
            with_body("thinks", &completion("<think>one</think>{\"n\":1}")),
            with_body("bad", &completion(r#"{"n":"x"}"#)),
            with_body("own", &completion("text")),
        ],
    );
    let service = Service::new(|_, _| crate::support::service::Reply::text(r#"{"n":2}"#));
    let schema = r#"{"properties":{"n":{"type":"integer"}}}"#;
    let mut again = batch(&service.base_url(), &["--schema", schema, "-o"]);
    run(again.arg(&output).arg(&file)).exits(0).tells(&["1 done, 0 failed, 3 already done"]);
    assert_eq!(service.prompts(), ["bad"]);
}

#[test]
fn lines_that_are_not_json_are_moved_away_and_the_run_goes_on() {
    let (directory, file) = input(&["a", "b", "c"]);
    let output = directory.path().join("out.jsonl");
    let good = [request_line("1"), request_line("2")];
    let content = format!("{}\nnoise\n\n{{\"custom_id\":\nmore\n{}\n", good[0], good[1]);
    fs::write(&output, &content).expect("the file is written");
    fs::set_permissions(&output, fs::Permissions::from_mode(0o640)).expect("the mode is set");
    let (service, go_on) = Service::gated();
    let mut again = batch(&service.base_url(), &["--lines", "-o"]);
    let child = start(again.arg(&output).arg(&file).stderr(Stdio::piped()));
    service.wait_for(1);
    // The file that replaced the old one is locked too.
    let mut second = batch("mock:", &["--lines", "-o"]);
    run(second.arg(&output).arg(&file)).exits(75).tells(&["another run is writing"]);
    // Nor does the run write over what another program appends.
    let mut appended = fs::File::options().append(true).open(&output).expect("it is there");
    writeln!(appended, "{}", request_line("9")).expect("the line is written");
    drop(go_on);
    let ended = finish(child);
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{said}");
    assert!(said.contains("3 lines of ") && said.contains("(lines 2, 4, 5)"), "{said}");
    assert!(said.contains("out.jsonl.bad now"), "{said}");
    let now = fs::read_to_string(&output).expect("the output is readable");
    assert!(now.starts_with(&format!("{}\n\n{}\n", good[0], good[1])), "{now}");
    assert_eq!(results(&output).len(), 4);
    assert_eq!(fs::metadata(&output).expect("it is there").mode() & 0o777, 0o640);
    let bad = fs::read_to_string(directory.path().join("out.jsonl.bad")).expect("it is there");
    assert_eq!(bad, "noise\n{\"custom_id\":\nmore\n");
    let mut third = batch("mock:", &["--lines", "-o"]);
    let third = run(third.arg(&output).arg(&file)).exits(0);
    assert!(!third.stderr.contains("not JSON"), "{}", third.stderr);
}

#[test]
fn merge_leaves_out_lines_that_are_not_json_and_changes_no_input() {
    let (directory, _) = input(&[""]);
    let results = directory.path().join("results.jsonl");
    stored(&results, &[request_line("a"), "noise".to_owned(), request_line("b")]);
    let before = fs::read(&results).expect("the file is readable");
    let merged = run(batch("mock:", &["--merge"]).arg(&results)).exits(0);
    assert!(merged.stderr.contains("1 line of "), "{}", merged.stderr);
    assert!(merged.stderr.contains("(line 2); they are left out"), "{}", merged.stderr);
    assert_eq!(by_id(&merged.stdout).len(), 2);
    assert_eq!(fs::read(&results).expect("the file is readable"), before);
}

#[test]
fn a_file_of_requests_is_not_taken_for_results() {
    let line = r#"{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"messages":[{"role":"user","content":"hi"}]}}"#;
    let (directory, file) = input(&["one"]);
    let other = directory.path().join("requests.jsonl");
    stored(&other, &[line.to_owned()]);
    let mut command = batch("mock:", &["--lines", "-o"]);
    run(command.arg(&other).arg(&file)).exits(65).tells(&["requests.jsonl:1: not a batch result"]);
    assert_eq!(fs::read_to_string(&other).expect("it is readable"), format!("{line}\n"));
}

/// The whole result lines of a file.
fn results(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).expect("the file is readable");
    text.lines().filter(|line| line.starts_with('{')).map(str::to_owned).collect()
}

#[test]
fn a_kill_while_lines_are_moved_away_loses_no_result() {
    let good = [request_line("1"), request_line("2"), request_line("3")];
    let (directory, file) = input(&["a", "b", "c"]);
    let output = directory.path().join("out.jsonl");
    for fault in [
        "fsync:signal=SIGKILL:when=1",
        "fsync:signal=SIGKILL:when=2",
        "fchown:signal=SIGKILL",
        "rename:signal=SIGKILL",
        "fchmod:signal=SIGKILL:when=1",
    ] {
        stored(&output, &[good[0].clone(), "noise".to_owned(), good[1].clone(), good[2].clone()]);
        let mut command = batch("mock:", &["--lines", "-o"]);
        command.arg(&output).arg(&file);
        let Some(mut killed) = strace(&command, &[format!("--inject={fault}")]) else {
            return;
        };
        killed.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("strace starts");
        assert_eq!(results(&output), good, "{fault}");
        run(&mut command).exits(0).tells(&["0 done, 0 failed, 3 already done"]);
        assert_eq!(results(&output), good, "{fault}");
        assert_eq!(json_lines(&output).len(), 3, "{fault}");
    }
    let bad = fs::read_to_string(directory.path().join("out.jsonl.bad")).expect("it is there");
    assert!(bad.lines().all(|line| line == "noise"), "{bad}");
}

#[test]
fn results_that_wait_are_recovered_before_lines_are_moved_away() {
    let (directory, file) = input(&["a", "b", "c"]);
    let output = directory.path().join("out.jsonl");
    stored(&output, &["noise".to_owned(), request_line("1")]);
    let metadata = fs::metadata(&output).expect("it is there");
    let header = format!("{{\"waiting_for\":[{},{}]}}", metadata.dev(), metadata.ino());
    let cut = with_body("3", &completion_ended("cut", "length"));
    stored(&directory.path().join("out.jsonl.waiting"), &[header, request_line("2"), cut]);
    let service = Service::echo();
    let mut again = batch(&service.base_url(), &["--lines", "--ordered", "-o"]);
    run(again.arg(&output).arg(&file)).exits(0).tells(&["1 done, 0 failed, 2 already done"]);
    assert_eq!(service.prompts(), ["c"]);
    assert_eq!(by_id(&fs::read(&output).expect("it is readable")).len(), 3);
    assert!(!directory.path().join("out.jsonl.waiting").exists());
}
