//! How a batch ends on a signal or a closed pipe.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;

use crate::support::batch_lines::{by_id, input, prompts};
use crate::support::service::{Reply, Service};
use crate::support::{batch, finish, run, shell, signal, skip, start};

#[test]
fn an_interrupt_works_while_nobody_reads_the_output() {
    let long = "x".repeat(1000);
    let service = Service::new(move |_, _| Reply::text(&long));
    let (_directory, file) = input(&prompts(2000));
    let mut command = batch(&service.base_url(), &["--lines"]);
    let mut child = start(command.arg(file));
    // A pipe holds 64 KiB, and each worker one more result.
    service.wait_for(40);
    std::thread::sleep(std::time::Duration::from_millis(300));
    signal(&child, Signal::SIGINT);
    let mut note = String::new();
    let mut stderr = BufReader::new(child.stderr.take().expect("stderr is a pipe"));
    stderr.read_line(&mut note).expect("stderr is UTF-8");
    assert!(note.contains("in progress, 10 s at most"), "{note}");
    let status = child.wait().expect("gravix ends");
    assert_eq!(status.signal(), Some(Signal::SIGINT as i32));
}

#[test]
fn an_interrupt_before_any_input_leaves_no_empty_file() {
    let (directory, _) = input(&["one"]);
    let output = directory.path().join("out.jsonl");
    let mut command = batch("mock:", &["--lines", "-o"]);
    command.arg(&output).stdin(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("gravix starts");
    let mut stdin = child.stdin.take().expect("stdin is a pipe");
    stdin.write_all(b"\n").expect("gravix reads stdin");
    while !output.exists() {
        std::thread::yield_now();
    }
    std::thread::sleep(std::time::Duration::from_millis(300));
    signal(&child, Signal::SIGINT);
    assert_eq!(child.wait().expect("gravix ends").signal(), Some(Signal::SIGINT as i32));
    assert!(!output.exists());
}

#[test]
fn the_first_interrupt_lets_requests_under_way_finish() {
    for (end_signal, options) in [
        (Signal::SIGINT, &["--lines", "-j3"][..]),
        (Signal::SIGTERM, &["--lines", "-j3", "--ordered"]),
    ] {
        let (service, go_on) = Service::gated();
        let (_directory, file) = input(&prompts(50));
        let mut child = start(batch(&service.base_url(), options).arg(file));
        service.wait_for(3);
        signal(&child, end_signal);
        // The note appears before the answers arrive.
        let mut stderr = child.stderr.take().expect("stderr is a pipe");
        let mut note = [0; 100];
        let read = stderr.read(&mut note).expect("gravix prints a line");
        let note = String::from_utf8_lossy(&note[..read]).into_owned();
        assert!(note.contains("waiting for 3 requests in progress"), "{note}");
        drop(go_on);
        let mut summary = String::new();
        stderr.read_to_string(&mut summary).expect("stderr is UTF-8");
        let output = finish(child);
        assert_eq!(output.status.signal(), Some(end_signal as i32));
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
    let mut note = [0; 100];
    let stderr = child.stderr.as_mut().expect("stderr is a pipe");
    assert!(stderr.read(&mut note).expect("gravix prints a line") > 0);
    signal(&child, Signal::SIGINT);
    let output = finish(child);
    assert_eq!(output.status.signal(), Some(Signal::SIGINT as i32));
    assert!(output.stdout.is_empty(), "{output:?}");
}

#[test]
fn an_interrupt_waits_ten_seconds_at_most() {
    let (service, _go_on) = Service::gated();
    let (_directory, file) = input(&prompts(3));
    let child = start(batch(&service.base_url(), &["--lines"]).arg(file));
    service.wait_for(3);
    signal(&child, Signal::SIGINT);
    let output = finish(child);
    assert_eq!(output.status.signal(), Some(Signal::SIGINT as i32));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("0 done, 0 failed, 3 left"), "{stderr}");
}

#[test]
fn an_interrupt_ends_a_run_that_waits_for_input_or_for_the_server() {
    let mut child = batch("mock:", &["--lines"]);
    let mut child = start(child.stdin(Stdio::piped()));
    let mut stdin = child.stdin.take().expect("stdin is a pipe");
    stdin.write_all(b"one\n").expect("gravix reads stdin");
    let mut first = [0; 20];
    child
        .stdout
        .as_mut()
        .expect("stdout is a pipe")
        .read_exact(&mut first)
        .expect("gravix prints a line");
    signal(&child, Signal::SIGINT);
    assert_eq!(finish(child).status.signal(), Some(Signal::SIGINT as i32));

    let busy = Service::new(|_, _| Reply::new("429 Too Many Requests", "").with("Retry-After: 60"));
    let (_directory, file) = input(&prompts(3));
    let child = start(batch(&busy.base_url(), &["--lines", "-j1"]).arg(file));
    busy.wait_for(1);
    signal(&child, Signal::SIGINT);
    let output = finish(child);
    assert_eq!(output.status.signal(), Some(Signal::SIGINT as i32));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("0 done, 0 failed, 3 left") && output.stdout.is_empty(), "{stderr}");
}

#[test]
fn an_ignored_interrupt_stays_ignored() {
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
    let output = finish(child);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(by_id(&output.stdout).len(), 5);
}

#[test]
fn a_reader_that_leaves_ends_the_run_quietly() {
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
fn process_1_of_a_container_exits_with_the_status_of_the_signal() {
    let probe = Command::new("unshare").args(["-rfp", "true"]).output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        skip("unshare cannot create a process namespace");
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
