use std::collections::HashSet;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::batch::{by_id, input, prompts, text};
use crate::support::service::{Reply, Service, prompt};
use crate::support::{batch, json_lines, run, shell, signal, strace};

fn start(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("gravix starts")
}

fn end(child: Child) -> Output {
    child.wait_with_output().expect("gravix ends")
}

#[test]
fn what_is_done_is_not_sent_again_and_what_failed_is() {
    let is_up = Arc::new(Mutex::new(false));
    let up = Arc::clone(&is_up);
    let service = Service::new(move |request, _| match prompt(request).as_str() {
        "1" if !*up.lock().expect("no panic") => Reply::new("404 Not Found", ""),
        prompt => Reply::text(prompt),
    });
    let (directory, file) = input(&prompts(4));
    let output = directory.path().join("out.jsonl");
    let again = || {
        let mut command = batch(&service.base_url(), &["--lines", "-o"]);
        run(command.arg(&output).arg(&file))
    };
    again().exits(4).prints("").says(&["3 done, 1 failed (404: 1)"]);
    again().exits(4).says(&["0 done, 1 failed (404: 1), 3 done before"]);
    *is_up.lock().expect("no panic") = true;
    again().exits(0).says(&["1 done, 0 failed, 3 done before"]);
    again().exits(0).says(&["0 done, 0 failed, 4 done before"]);
    assert_eq!(service.prompts(), ["0", "1", "1", "1", "2", "3"]);
    let lines = json_lines(&output);
    assert_eq!(lines.len(), 6);
    let merged = run(batch("mock:", &["--merge"]).arg(&output)).exits(0);
    assert!(by_id(&merged.stdout).values().all(|line| line["error"] == Value::Null));
}

#[test]
fn a_torn_last_line_is_set_aside_and_its_request_sent_again() {
    let service = Service::echo();
    let (directory, file) = input(&prompts(3));
    let output = directory.path().join("out.jsonl");
    let again = || {
        let mut command = batch(&service.base_url(), &["--lines", "-j1", "-o"]);
        run(command.arg(&output).arg(&file)).exits(0)
    };
    again();
    let whole = fs::read_to_string(&output).expect("the output");
    fs::write(&output, &whole[..whole.len() - 40]).expect("a file");
    assert!(again().stderr.contains("was torn; it is in "));
    let healed = fs::read(&output).expect("the output");
    assert_eq!(by_id(&healed).len(), 3);
    let torn = fs::read_to_string(directory.path().join("out.jsonl.torn")).expect("what was torn");
    assert_eq!(torn.trim_end(), whole.lines().last().expect("a line")[..torn.len() - 1].to_owned());
    // A last line that lacks nothing but its newline gets that.
    fs::write(&output, whole.lines().take(2).collect::<Vec<_>>().join("\n")).expect("a file");
    again().says(&["1 done, 0 failed, 2 done before"]);
    assert_eq!(by_id(&fs::read(&output).expect("the output")).len(), 3);
    assert_eq!(service.prompts(), ["0", "1", "2", "2", "2"]);
}

#[test]
fn a_file_that_is_no_output_is_left_as_it_is() {
    let (directory, file) = input(&prompts(3));
    let other = directory.path().join("notes.txt");
    for (format, status, reason) in [
        (&["--lines"][..], 65, "notes.txt:2: not the output of a batch"),
        (&["--lines", "--text"], 2, "ids"),
    ] {
        let text = "\nmine\n";
        fs::write(&other, text).expect("a file");
        let mut command = batch("mock:", format);
        run(command.arg("-o").arg(&other).arg(&file)).exits(status).prints("").says(&[reason]);
        assert_eq!(fs::read_to_string(&other).expect("the file"), text);
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
    run(second.arg(&output).arg(&file)).exits(75).prints("").says(&["a run is writing"]);
    run(batch("mock:", &["--merge"]).arg(&output)).exits(75).says(&["a run is writing"]);
    drop(go_on);
    assert!(end(first).status.success());
    assert_eq!(json_lines(&output).len(), 2);
}

#[test]
fn the_first_interrupt_lets_what_is_under_way_finish() {
    for (ending, options) in [
        (Signal::SIGINT, &["--lines", "-j3"][..]),
        (Signal::SIGTERM, &["--lines", "-j3", "--ordered"]),
    ] {
        let (service, go_on) = Service::gated();
        let (_directory, file) = input(&prompts(50));
        let child = start(batch(&service.base_url(), options).arg(file));
        service.wait_for(3);
        signal(&child, ending);
        // What waits is told before it gets its answers.
        let mut child = child;
        let mut stderr = child.stderr.take().expect("a pipe");
        let mut told = [0; 100];
        let read = std::io::Read::read(&mut stderr, &mut told).expect("a line");
        let told = String::from_utf8_lossy(&told[..read]).into_owned();
        assert!(told.contains("waiting for 3 requests under way"), "{told}");
        drop(go_on);
        let mut summary = String::new();
        std::io::Read::read_to_string(&mut stderr, &mut summary).expect("UTF-8");
        let output = end(child);
        assert_eq!(output.status.signal(), Some(ending as i32));
        assert_eq!(by_id(&output.stdout).len(), 3);
        assert_eq!(service.seen().len(), 3);
        assert!(summary.contains("3 done, 0 failed, 47 left"), "{summary}");
    }
}

#[test]
fn the_second_interrupt_ends_the_run_at_once() {
    let (service, _go_on) = Service::gated();
    let (_directory, file) = input(&prompts(50));
    let mut child = start(batch(&service.base_url(), &["--lines", "-j3"]).arg(file));
    service.wait_for(3);
    signal(&child, Signal::SIGINT);
    let mut told = [0; 100];
    let stderr = child.stderr.as_mut().expect("a pipe");
    assert!(std::io::Read::read(stderr, &mut told).expect("a line") > 0);
    signal(&child, Signal::SIGINT);
    let output = end(child);
    assert_eq!(output.status.signal(), Some(Signal::SIGINT as i32));
    assert!(output.stdout.is_empty(), "{output:?}");
}

#[test]
fn an_interrupt_waits_for_ten_seconds_at_most() {
    let (service, _go_on) = Service::gated();
    let (_directory, file) = input(&prompts(3));
    let child = start(batch(&service.base_url(), &["--lines"]).arg(file));
    service.wait_for(3);
    signal(&child, Signal::SIGINT);
    let output = end(child);
    assert_eq!(output.status.signal(), Some(Signal::SIGINT as i32));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("0 done, 0 failed, 3 left"), "{told}");
}

#[test]
fn an_interrupt_ends_a_run_that_waits_for_input_or_for_the_server() {
    let mut child = batch("mock:", &["--lines"]);
    let mut child = start(child.stdin(Stdio::piped()));
    let mut stdin = child.stdin.take().expect("a pipe");
    std::io::Write::write_all(&mut stdin, b"one\n").expect("gravix reads");
    let mut first = [0; 20];
    std::io::Read::read_exact(child.stdout.as_mut().expect("a pipe"), &mut first).expect("a line");
    signal(&child, Signal::SIGINT);
    assert_eq!(end(child).status.signal(), Some(Signal::SIGINT as i32));

    let busy = Service::new(|_, _| Reply::new("429 Too Many Requests", "").with("Retry-After: 60"));
    let (_directory, file) = input(&prompts(3));
    let child = start(batch(&busy.base_url(), &["--lines", "-j1"]).arg(file));
    busy.wait_for(1);
    signal(&child, Signal::SIGINT);
    let output = end(child);
    assert_eq!(output.status.signal(), Some(Signal::SIGINT as i32));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("0 done, 0 failed, 3 left") && output.stdout.is_empty(), "{told}");
}

#[test]
fn an_interrupt_that_was_ignored_before_stays_ignored() {
    let (service, go_on) = Service::gated();
    let (_directory, file) = input(&prompts(5));
    let script = format!(
        "trap '' INT; exec {} batch --lines -j1 --base-url {} {}",
        env!("CARGO_BIN_EXE_gravix"),
        service.base_url(),
        file.display()
    );
    let child = start(&mut shell("sh", &script));
    service.wait_for(1);
    signal(&child, Signal::SIGINT);
    drop(go_on);
    let output = end(child);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(by_id(&output.stdout).len(), 5);
}

#[test]
fn a_reader_that_goes_away_ends_the_run_quietly() {
    let service = Service::echo();
    let (_directory, file) = input(&prompts(5000));
    let script = format!(
        "{} batch --lines --base-url {} {} | head -n 1 > /dev/null; echo ${{PIPESTATUS[0]}}",
        env!("CARGO_BIN_EXE_gravix"),
        service.base_url(),
        file.display()
    );
    run(&mut shell("bash", &script)).exits(0).prints("141\n").says_nothing();
}

#[test]
fn the_first_process_of_a_container_ends_with_the_signals_status() {
    let probe = Command::new("unshare").args(["-rfp", "true"]).output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        crate::support::skip("a namespace of processes cannot be had");
        return;
    }
    let (_directory, file) = input(&prompts(5000));
    let script = format!(
        "unshare -rfp {} batch -q --lines --base-url mock: {} | head -n 1 > /dev/null; echo ${{PIPESTATUS[0]}}",
        env!("CARGO_BIN_EXE_gravix"),
        file.display()
    );
    run(&mut shell("bash", &script)).exits(0).prints("141\n").says_nothing();
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
    let told = run(&mut command).exits(73);
    assert!(told.stderr.contains("out.jsonl: no space left on device"), "{}", told.stderr);
    let saved = by_id(&fs::read(&output).expect("the output"));
    let printed = by_id(&told.stdout);
    assert_eq!(saved.len(), 3);
    // Each reply that came is in one place or the other.
    assert_eq!(saved.len() + printed.len(), service.seen().len());
    assert_eq!(printed.len(), 1);
    let mut command = batch(&service.base_url(), &["--lines", "-o"]);
    run(command.arg(&output).arg(&file)).exits(0).says(&["17 done, 0 failed, 3 done before"]);
    let mut full = batch(&service.base_url(), &["--lines", "-o", "/dev/full"]);
    let told = run(full.arg(&file)).exits(73);
    assert!(told.stderr.contains("/dev/full"), "{}", told.stderr);
}

#[test]
fn a_run_that_comes_to_nothing_leaves_no_file() {
    let (directory, file) = input(&["{"]);
    let output = directory.path().join("out.jsonl");
    run(batch("mock:", &["-o"]).arg(&output).arg(&file)).exits(65);
    assert!(!output.exists());
    run(batch("mock:", &["-o", "/nowhere/out.jsonl"]).arg(&file)).exits(73);
    let mut command = batch("mock:", &["-o"]);
    run(command.arg(directory.path()).arg(&file)).exits(73).says(&["directory"]);
}

/// The ids that have a good response in an output that may be torn.
fn answered(output: &Path) -> HashSet<String> {
    let text = fs::read(output).unwrap_or_default();
    let lines = text.split_inclusive(|&byte| byte == b'\n');
    let whole = lines.filter(|line| line.ends_with(b"\n"));
    let whole = whole.map(|line| serde_json::from_slice::<Value>(line).expect("a whole line"));
    whole.map(|line| line["custom_id"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn killed_at_any_moment_a_run_goes_on_and_asks_nothing_twice() {
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
            child.kill().expect("it can be killed");
            child.wait().expect("it ends");
        } else {
            let last = end(child);
            assert!(last.status.success(), "{last:?}");
        }
        // Nobody writes now: what was asked in this round was not on disk.
        let seen = service.seen();
        for request in &seen[seen_before..] {
            let line = request.prompt().parse::<usize>().expect("a number") + 1;
            assert!(!done_before.contains(&line.to_string()), "line {line}, round {round}");
        }
        seen_before = seen.len();
        done_before = answered(&output);
    }
    let lines = by_id(&fs::read(&output).expect("the output"));
    assert_eq!(lines.len(), REQUESTS);
    for (id, line) in lines {
        let prompt = (id.parse::<usize>().expect("a number") - 1).to_string();
        assert!(text(&line).starts_with(&prompt), "{id}");
    }
}
