//! The table of a batch: written at the end of each run from the input and the results.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command};

use nix::sys::signal::Signal;

use crate::support::batch_lines::input;
use crate::support::service::{Reply, Service, prompt};
use crate::support::{batch, finish, json_lines, run, run_with, signal, start};

/// A directory with `in.csv` of `count` rows, and the paths of that and of `out.csv`.
fn rows(count: usize) -> (tempfile::TempDir, PathBuf, PathBuf) {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let (file, out) = (directory.path().join("in.csv"), directory.path().join("out.csv"));
    let rows: String = (1..=count).map(|number| format!("row {number}\n")).collect();
    fs::write(&file, format!("c\n{rows}")).expect("the file is written");
    (directory, file, out)
}

fn asking(service: &Service, [file, out]: [&Path; 2], more: &[&str]) -> Command {
    let mut command = batch(&service.base_url(), &["-T", "{{c}}"]);
    command.args(more).arg("-o").arg(out).arg(file);
    command
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("the file is there")
}

/// Interrupts a run, and waits until it has noticed: it sends nothing more. Its stderr
/// must stay open.
#[track_caller]
fn interrupt(child: &mut Child) -> BufReader<ChildStderr> {
    signal(child, Signal::SIGINT);
    let mut stderr = BufReader::new(child.stderr.take().expect("stderr is a pipe"));
    let mut told = String::new();
    while !told.contains("in progress, 10 s at most") {
        let read = stderr.read_line(&mut told).expect("stderr is UTF-8");
        assert_ne!(read, 0, "{told}");
    }
    stderr
}

#[test]
fn an_interrupted_run_writes_the_table_with_what_is_not_sent() {
    let (service, go_on) = Service::gated();
    let (_directory, file, out) = rows(20);
    let mut child = start(&mut asking(&service, [&file, &out], &["-j2"]));
    service.wait_for(2);
    let _stderr = interrupt(&mut child);
    go_on.send(()).and_then(|()| go_on.send(())).expect("the service waits");
    let output = finish(child);
    assert_eq!(output.status.signal(), Some(Signal::SIGINT as i32));
    let table = read(&out);
    assert_eq!(table.lines().count(), 21, "{table}");
    let unsent: Vec<&str> = table.lines().filter(|line| line.ends_with(",,not sent")).collect();
    assert_eq!(unsent.len(), 18, "{table}");
    assert!(table.contains("row 1,row 1,\n") && table.contains("row 2,row 2,\n"), "{table}");
    drop(go_on);
    run(&mut asking(&service, [&file, &out], &[])).exits(0).says(&["18 done", "2 already done"]);
    let expected: String = (1..=20).map(|n| format!("row {n},row {n},\n")).collect();
    assert_eq!(read(&out), format!("c,reply,error\n{expected}"));
    assert_eq!(service.seen().len(), 20);
}

#[test]
fn a_killed_run_costs_only_the_table_and_the_next_one_writes_it() {
    let (service, go_on) = Service::gated();
    let (_directory, file, out) = rows(20);
    let child = start(&mut asking(&service, [&file, &out], &["-j2"]));
    (0..4).for_each(|_| go_on.send(()).expect("the service waits"));
    service.wait_for(6);
    let results = out.with_file_name("out.csv.jsonl");
    while json_lines_so_far(&results) < 4 {
        std::thread::yield_now();
    }
    signal(&child, Signal::SIGKILL);
    finish(child);
    assert!(!out.exists());
    drop(go_on);
    run(&mut asking(&service, [&file, &out], &[])).exits(0).says(&["16 done", "4 already done"]);
    assert_eq!(read(&out).lines().filter(|line| line.ends_with(',')).count(), 20);
    // Nothing is left to send, but the table is written again.
    fs::remove_file(&out).expect("the table is there");
    run(&mut asking(&service, [&file, &out], &[])).exits(0).says(&["20 already done"]);
    assert_eq!(read(&out).lines().count(), 21);
}

fn json_lines_so_far(path: &Path) -> usize {
    fs::read_to_string(path).map_or(0, |text| text.matches('\n').count())
}

#[test]
fn a_run_that_stops_early_writes_the_table_too() {
    let service = Service::new(|_, _| Reply::new("401 Unauthorized", "no"));
    let (_directory, file, out) = rows(40);
    run(&mut asking(&service, [&file, &out], &["-j1"])).exits(77);
    let table = read(&out);
    assert_eq!(table.matches("the server answered 401: no").count(), 16, "{table}");
    assert_eq!(table.matches(",not sent\n").count(), 24, "{table}");
}

#[test]
fn a_table_of_a_run_without_results_is_replaced_by_the_next_one() {
    let busy = Service::new(|_, _| Reply::new("503 Service Unavailable", "later"));
    let (_directory, file, out) = rows(2);
    let child = start(&mut asking(&busy, [&file, &out], &["-j1"]));
    busy.wait_for(1);
    signal(&child, Signal::SIGINT);
    finish(child);
    assert_eq!(read(&out), "c,reply,error\nrow 1,,not sent\nrow 2,,not sent\n");
    let service = Service::echo();
    run(&mut asking(&service, [&file, &out], &[])).exits(0);
    assert_eq!(read(&out), "c,reply,error\nrow 1,row 1,\nrow 2,row 2,\n");
}

#[test]
fn the_log_is_not_replaced_by_the_table() {
    let service = Service::echo();
    let (_directory, file, out) = rows(2);
    let log = out.display().to_string();
    run(&mut asking(&service, [&file, &out], &["--log", &log]))
        .exits(2)
        .says(&["--output and --log name the same file"]);
    assert!(service.seen().is_empty());
}

#[test]
fn a_table_that_gravix_did_not_write_is_not_replaced() {
    let service = Service::echo();
    let (_directory, file, out) = rows(2);
    fs::write(&out, "mine\n").expect("the file is written");
    run(&mut asking(&service, [&file, &out], &[]))
        .exits(2)
        .says(&["out.csv exists, but not its results", "name another file"]);
    assert_eq!(read(&out), "mine\n");
    run(&mut asking(&service, [&file, &file], &[]))
        .exits(2)
        .says(&["FILE and --output name the same file"]);
    assert!(read(&file).starts_with("c\nrow 1\n"));
    assert!(service.seen().is_empty());
}

#[test]
fn a_table_from_a_pipe_is_read_to_its_end_first() {
    let service = Service::echo();
    let (_directory, _, out) = rows(0);
    let mut piped = batch(&service.base_url(), &["--csv", "-T", "{{c}}", "-o"]);
    run_with(piped.arg(&out), b"c,d\n1,x\n2,y\n").exits(0);
    assert_eq!(read(&out), "c,d,reply,error\n1,x,1,\n2,y,2,\n");
    let mut bad = batch(&service.base_url(), &["--csv", "-T", "{{c}}", "-o"]);
    run_with(bad.arg(&out), b"c,d\n1,x\n2\n").exits(65).tells(&["standard input:3: row 2"]);
    assert_eq!(service.seen().len(), 2);
}

#[test]
fn rows_whose_question_has_changed_have_no_old_reply() {
    let (service, go_on) = Service::gated();
    let (_directory, file, out) = rows(3);
    (0..3).for_each(|_| go_on.send(()).expect("the service waits"));
    run(&mut asking(&service, [&file, &out], &[])).exits(0);
    let again = |more: &[&str]| {
        let mut command = batch(&service.base_url(), &["-T", "new {{c}}", "-j1"]);
        command.args(more).arg("-o").arg(&out).arg(&file);
        command
    };
    run(&mut again(&[])).exits(65).says(&[
        "3 requests are done, but with another prompt",
        "--changed keep, but only if no row was added, removed or moved",
    ]);
    assert!(read(&out).contains("row 3,row 3,\n"));
    run(&mut again(&["--changed", "keep"])).exits(0);
    assert!(read(&out).contains("row 3,row 3,\n"));
    let mut child = start(&mut again(&["--changed", "redo"]));
    service.wait_for(4);
    let _stderr = interrupt(&mut child);
    go_on.send(()).expect("the service waits");
    finish(child);
    assert_eq!(read(&out), "c,reply,error\nrow 1,new row 1,\nrow 2,,not sent\nrow 3,,not sent\n");
    drop(go_on);
    run(&mut again(&["--changed", "redo"])).exits(0);
    assert!(read(&out).ends_with("row 3,new row 3,\n"));
}

#[test]
fn failed_rows_say_why_until_they_are_done() {
    let service = Service::new(|request, number| match (prompt(request).as_str(), number) {
        ("row 2", 0..3) => Reply::new("413 Payload Too Large", r#"{"error":"too long"}"#),
        (text, _) => Reply::text(text),
    });
    let (directory, file, out) = rows(3);
    run(&mut asking(&service, [&file, &out], &[])).exits(4);
    assert!(
        read(&out).contains("row 2,,the server answered 413: too long; shorten the prompt\n"),
        "{}",
        read(&out)
    );
    // It is left alone: the server would refuse it again.
    run(&mut asking(&service, [&file, &out], &[])).exits(4).says(&["1 left alone"]);
    assert!(read(&out).contains("row 2,,the server answered 413: too long; shorten the prompt\n"));
    run(&mut asking(&service, [&file, &out], &["--retry-failed", "all"])).exits(0);
    assert!(read(&out).contains("row 2,row 2,\n"));
    // Results of several machines are merged before the table is written.
    let merged = directory.path().join("all.csv");
    let results = directory.path().join("out.csv.jsonl");
    run(batch("mock:", &["--merge", "-o"])
        .arg(directory.path().join("all.csv.jsonl"))
        .arg(results))
    .exits(0);
    run(&mut asking(&service, [&file, &merged], &[])).exits(0).says(&["3 already done"]);
    assert_eq!(read(&merged), read(&out));
}

#[test]
fn the_reply_to_a_line_with_a_format_of_its_own_is_in_the_table_and_in_copies() {
    let service = Service::echo();
    let own = r#""prompt":"free","response_format":{"type":"text"}"#;
    let lines = [own, r#""prompt":"yes""#, own].map(|fields| format!("{{{fields}}}"));
    let (directory, file) = input(&lines);
    let out = directory.path().join("out.csv");
    let options = ["--yes-no", "--dedupe", "--drop", "response_format", "-o"];
    let run = run(batch(&service.base_url(), &options).arg(&out).arg(&file)).exits(0);
    run.says(&["3 done, 0 failed, 1 of them copies"]);
    assert_eq!(read(&out), "prompt,reply,error\nfree,free,\nyes,yes,\nfree,free,\n");
}

#[test]
fn bad_rows_and_rows_that_are_left_out_are_in_the_table() {
    let service = Service::echo();
    let (_directory, file, out) = rows(0);
    fs::write(&file, "c,d\n1,x\n2\n,y\n3,z,more\n").expect("the file is written");
    run(&mut asking(&service, [&file, &out], &["--skip-bad", "--skip-empty"])).exits(4);
    assert_eq!(
        read(&out),
        "c,d,reply,error\n1,x,1,\n2,,,\"it has 1 cell, but the header has 2\"\n,y,,not sent: its prompt is empty\n3,z,,\"it has 3 cells, but the header has 2\"\n"
    );
}

#[test]
fn a_table_that_cannot_be_written_loses_no_result() {
    let service = Service::echo();
    let (directory, file, _) = rows(3);
    let out = directory.path().join("missing/out.csv");
    run(&mut asking(&service, [&file, &out], &[])).exits(73);
    assert!(service.seen().is_empty());
    let out = directory.path().join("out.csv");
    fs::create_dir(&out).expect("the directory is created");
    run(&mut asking(&service, [&file, &out], &[])).exits(73);
    assert!(service.seen().is_empty());
    fs::remove_dir(&out).expect("the directory is empty");
    run(&mut asking(&service, [&file, &out], &[])).exits(0);
    assert_eq!(json_lines(&directory.path().join("out.csv.jsonl")).len(), 3);
}

#[test]
fn rows_beyond_a_limit_have_their_columns_too() {
    let service = Service::echo();
    let (directory, _, out) = rows(0);
    let file = directory.path().join("in.jsonl");
    fs::write(&file, "{\"c\":\"1\"}\n{\"c\":\"2\",\"d\":\"x\"}\n").expect("it is written");
    run(&mut asking(&service, [&file, &out], &["--limit", "1"])).exits(0);
    assert_eq!(read(&out), "c,d,reply,error\n1,,1,\n2,x,,not sent\n");
}
