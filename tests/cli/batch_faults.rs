use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::channel;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::batch::{by_id, input, prompts, text};
use crate::support::service::{Reply, Service, prompt};
use crate::support::terminal::Terminal;
use crate::support::{batch, json_lines, run, run_with, shell, signal};

/// `gravix batch` in a shell that sets a limit first.
fn limited(limit: &str, base_url: &str, arguments: &str) -> Command {
    let gravix = env!("CARGO_BIN_EXE_gravix");
    let script = format!("ulimit {limit}; exec {gravix} batch --base-url {base_url} {arguments}");
    shell("bash", &script)
}

#[test]
fn a_fault_of_the_input_or_the_output_is_always_told() {
    let (_directory, file) = input(&["one"]);
    for _ in 0..40 {
        run_with(&mut batch("mock:", &[]), b"[1]\n").exits(65);
        run_with(&mut batch("mock:", &["--lines", "-o", "/dev/full"]), b"one\n").exits(73);
        let mut full = batch("mock:", &["--lines"]);
        let full = full.arg(&file).stdout(fs::File::create("/dev/full").expect("the device"));
        assert_eq!(full.output().expect("gravix runs").status.code(), Some(74));
    }
}

#[test]
fn replies_that_wait_for_their_turn_survive_a_kill() {
    let (go_on, wait) = channel::<()>();
    let wait = Mutex::new(Some(wait));
    let service = Service::new(move |request, _| {
        let prompt = prompt(request);
        // It is asked for twice, and waits the first time.
        let wait = wait.lock().expect("no panic").take_if(|_| prompt == "0");
        if let Some(wait) = wait {
            let _ = wait.recv();
        }
        Reply::text(&prompt)
    });
    let (directory, file) = input(&prompts(100));
    let output = directory.path().join("out.jsonl");
    let waiting = directory.path().join("out.jsonl.waiting");
    let ordered = || {
        let mut command = batch(&service.base_url(), &["--lines", "--ordered", "-j2", "-o"]);
        command.arg(&output).arg(&file).stderr(Stdio::null());
        command
    };
    let mut child = ordered().spawn().expect("gravix starts");
    // All that may be begun was, and all but the first were answered.
    let is_whole = |path: &Path| {
        let kept = fs::read_to_string(path).unwrap_or_default();
        kept.lines().count() == 32 && kept.ends_with('\n')
    };
    while !is_whole(&waiting) {
        std::thread::yield_now();
    }
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    drop(go_on);
    assert_eq!(fs::read_to_string(&output).unwrap_or_default(), "");
    let before = service.seen().len();
    assert!(ordered().status().expect("gravix runs").success());
    // The one that was under way, and those that had not been begun.
    assert_eq!(service.seen().len() - before, 100 - 31);
    assert_eq!(by_id(&fs::read(&output).expect("the output")).len(), 100);
    assert!(!waiting.exists());
}

/// An output, and what a killed run left that keeps the order: the first
/// request was under way, the second failed, and the third has its reply.
fn killed_in_order(directory: &Path, file: &Path) -> (PathBuf, PathBuf) {
    let (go_on, wait) = channel::<()>();
    let wait = Mutex::new(wait);
    let service = Service::new(move |request, _| match prompt(request).as_str() {
        "first" => {
            let _ = wait.lock().expect("no panic").recv();
            Reply::text("late")
        }
        "second" => Reply::new("404 Not Found", ""),
        _ => Reply::text("kept"),
    });
    let output = directory.join("out.jsonl");
    let waiting = directory.join("out.jsonl.waiting");
    let mut command = batch(&service.base_url(), &["--lines", "--ordered", "-o"]);
    let mut child = command.arg(&output).arg(file).spawn().expect("gravix starts");
    let is_kept = |text: &str| text.contains("kept") && text.lines().count() == 3;
    while !is_kept(&fs::read_to_string(&waiting).unwrap_or_default()) {
        std::thread::yield_now();
    }
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    drop(go_on);
    (output, waiting)
}

#[test]
fn what_waited_and_failed_is_sent_again() {
    let service = Service::echo();
    let (directory, file) = input(&["first", "second", "third"]);
    let (output, waiting) = killed_in_order(directory.path(), &file);
    let mut command = batch(&service.base_url(), &["--lines", "-o"]);
    let run = run(command.arg(&output).arg(&file)).exits(0);
    assert_eq!(service.prompts(), ["first", "second"]);
    run.says(&["2 done, 0 failed, 1 done before"]);
    let lines = by_id(&fs::read(&output).expect("the output"));
    assert_eq!((lines.len(), text(&lines["3"])), (3, "kept"));
    assert!(!waiting.exists());
}

#[test]
fn what_waits_is_merged_and_belongs_to_its_own_output_alone() {
    let (directory, file) = input(&["first", "second", "third"]);
    let (output, waiting) = killed_in_order(directory.path(), &file);
    let merged = run(batch("mock:", &["--merge"]).arg(&output)).exits(0);
    assert_eq!(text(&by_id(&merged.stdout)["3"]), "kept");
    // Another file takes the name of the output.
    fs::write(directory.path().join("new"), "").expect("a file");
    fs::rename(directory.path().join("new"), &output).expect("a file");
    let mut command = batch("mock:", &["--lines", "-o"]);
    run(command.arg(&output).arg(&file)).exits(73).says(&["out.jsonl.waiting", "--merge"]);
    let merged = run(batch("mock:", &["--merge"]).arg(&waiting)).exits(0);
    assert_eq!(by_id(&merged.stdout).len(), 2);
    // A file that is none of gravix's is left alone.
    fs::write(&waiting, "mine\n").expect("a file");
    let mut command = batch("mock:", &["--lines", "--ordered", "-o"]);
    run(command.arg(&output).arg(&file)).exits(73).says(&["--ordered needs"]);
    run(batch("mock:", &["--lines", "-o"]).arg(&output).arg(&file)).exits(0);
    assert_eq!(fs::read_to_string(&waiting).expect("the file"), "mine\n");
}

#[test]
fn an_interrupt_is_heard_while_nobody_reads() {
    let long = "x".repeat(1000);
    let service = Service::new(move |_, _| Reply::text(&long));
    let (_directory, file) = input(&prompts(2000));
    let mut command = batch(&service.base_url(), &["--lines"]);
    command.arg(file).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("gravix starts");
    // A pipe holds 64 KiB, and each worker one more.
    service.wait_for(40);
    std::thread::sleep(std::time::Duration::from_millis(300));
    signal(&child, Signal::SIGINT);
    let mut told = String::new();
    let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
    stderr.read_line(&mut told).expect("UTF-8");
    assert!(told.contains("under way, 10 s at most"), "{told}");
    let status = child.wait().expect("gravix ends");
    assert_eq!(status.signal(), Some(Signal::SIGINT as i32));
}

#[test]
fn what_the_machine_does_not_give_is_told_before_anything_is_sent() {
    let service = Service::echo();
    let (_directory, file) = input(&prompts(50));
    let arguments = format!("--lines -j 1000 {}", file.display());
    let threads = run(&mut limited("-v 1000000", &service.base_url(), &arguments));
    threads.exits(78).prints("").says(&["no more threads", "--jobs takes fewer"]);
    let files = run(&mut limited("-n 500", &service.base_url(), &arguments));
    files.exits(78).prints("").says(&["open files", "--jobs takes fewer"]);
    assert!(service.seen().is_empty());
    // A soft limit is raised.
    let arguments = format!("--lines -j 100 {}", file.display());
    run(&mut limited("-Sn 50", &service.base_url(), &arguments)).exits(0);
}

#[test]
fn a_reply_is_not_lost_when_its_repair_is_not_begun() {
    let service = Service::new(|_, _| Reply::text("no JSON"));
    let (directory, file) = input(&["one"]);
    let output = directory.path().join("out.jsonl");
    let options = ["--lines", "--json-object", "--repair", "1", "--rate", "1/m", "-o"];
    let mut command = batch(&service.base_url(), &options);
    let child = command.arg(&output).arg(file).stderr(Stdio::piped()).spawn();
    let child = child.expect("gravix starts");
    service.wait_for(1);
    std::thread::sleep(std::time::Duration::from_millis(300));
    signal(&child, Signal::SIGTERM);
    let ended = child.wait_with_output().expect("gravix ends");
    assert_eq!(ended.status.signal(), Some(Signal::SIGTERM as i32));
    let lines = json_lines(&output);
    assert_eq!(lines.len(), 1);
    assert_eq!(text(&lines[0]), "no JSON");
    assert!(lines[0]["error"].is_object());
}

#[test]
fn the_file_of_errors_is_healed_too_and_no_other_is_taken() {
    let service = Service::new(|_, _| Reply::new("404 Not Found", ""));
    let (directory, file) = input(&["one"]);
    let errors = directory.path().join("errors.jsonl");
    let again = || {
        let mut command = batch(&service.base_url(), &["--lines", "--errors"]);
        run(command.arg(&errors).arg(&file))
    };
    fs::write(&errors, "{\"id\":\"batch_req_1\",\"cust").expect("a file");
    assert!(again().exits(69).stderr.contains("was torn; it is in "));
    assert_eq!(json_lines(&errors).len(), 1);
    fs::write(&errors, "mine\n").expect("a file");
    again().exits(65).says(&["errors.jsonl:1: not the output of a batch"]);
    assert_eq!(fs::read_to_string(&errors).expect("the file"), "mine\n");
}

#[test]
fn an_output_that_a_run_writes_is_not_replaced() {
    let (service, go_on) = Service::gated();
    let (directory, file) = input(&["one"]);
    let (output, other) = (directory.path().join("a.jsonl"), directory.path().join("b.jsonl"));
    run(batch("mock:", &["--lines", "-o"]).arg(&other).arg(&file)).exits(0);
    let mut command = batch(&service.base_url(), &["--lines", "-o"]);
    let mut child =
        command.arg(&output).arg(&file).stderr(Stdio::null()).spawn().expect("gravix starts");
    service.wait_for(1);
    let mut merge = batch("mock:", &["--merge", "-o"]);
    run(merge.arg(&output).arg(&other)).exits(75).says(&["a run is writing"]);
    drop(go_on);
    assert!(child.wait().expect("gravix ends").success());
    assert_eq!(json_lines(&output).len(), 1);
}

#[test]
fn a_run_without_requests_has_an_output_without_lines() {
    let (directory, file) = input(&["one"]);
    let output = directory.path().join("out.jsonl");
    let mut shard = batch("mock:", &["--lines", "--shard", "2/2", "-o"]);
    run(shard.arg(&output).arg(&file)).exits(0);
    assert_eq!(fs::read_to_string(&output).expect("an empty file"), "");
    fs::remove_file(&output).expect("the file");
    run(batch("mock:", &["--lines", "-o"]).arg(&output)).exits(0);
    assert_eq!(fs::read_to_string(&output).expect("an empty file"), "");
}

#[test]
fn what_would_fail_with_any_request_ends_the_run() {
    let service = Service::new(|_, _| Reply::new("401 Unauthorized", r#"{"error":"no"}"#));
    let (_directory, file) = input(&prompts(100));
    let told = run(batch(&service.base_url(), &["--lines", "-j1"]).arg(file)).exits(77);
    assert!(told.stderr.contains("stopping after 16 failures in a row"), "{}", told.stderr);
    assert!(told.stderr.contains("401: no; set GRAVIXLAYER_API_KEY"), "{}", told.stderr);
    assert_eq!(service.seen().len(), 16);
}

#[test]
fn a_pipe_goes_on_as_a_file_does() {
    let (directory, _) = input(&["one"]);
    let output = directory.path().join("out.jsonl");
    let again = |lines: &[u8]| {
        let mut command = batch("mock:", &["--lines", "-o"]);
        run_with(command.arg(&output), lines).exits(0)
    };
    again(b"a\nb\n").says(&["2 done, 0 failed; "]);
    again(b"a\nb\nc\n").says(&["1 done, 0 failed, 2 done before; "]);
}

#[test]
fn a_line_that_is_far_too_long_is_one_bad_line() {
    let long = "x".repeat(65 << 20);
    let (_directory, file) = input(&["a", &long, "b"]);
    let mut command = batch("mock:", &["--lines", "--skip-bad"]);
    let run = run(command.arg(&file)).exits(4).says(&["2 done, 1 failed (invalid_request: 1)"]);
    let lines = by_id(&run.stdout);
    assert_eq!((text(&lines["1"]), text(&lines["3"])), ("a", "b"));
    let told = lines["2"]["error"]["message"].as_str().unwrap_or_default();
    assert_eq!(told, "longer than 64 MiB");
}

#[test]
fn a_bad_line_has_an_id_too() {
    let (_directory, file) = input(&[r#"{"id":"2","prompt":"a"}"#, "{"]);
    let mut command = batch("mock:", &["--skip-bad"]);
    run(command.arg(&file)).exits(65).prints("").says(&["in.jsonl:2: the id 2"]);
}

#[test]
fn a_terminal_is_shown_nothing_that_harms_it() {
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
fn an_output_that_was_deleted_meanwhile_loses_no_reply() {
    let (service, go_on) = Service::gated();
    let (directory, file) = input(&["one"]);
    let output = directory.path().join("out.jsonl");
    let mut command = batch(&service.base_url(), &["--lines", "-o"]);
    command.arg(&output).arg(&file).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("gravix starts");
    service.wait_for(1);
    fs::remove_file(&output).expect("the file is there");
    drop(go_on);
    let mut printed = Vec::new();
    child.stdout.take().expect("a pipe").read_to_end(&mut printed).expect("a pipe");
    assert_eq!(child.wait().expect("gravix ends").code(), Some(73));
    assert_eq!(by_id(&printed)["1"]["error"], Value::Null);
}

#[test]
fn a_run_that_waits_for_its_input_leaves_no_empty_file() {
    let (directory, _) = input(&["one"]);
    let output = directory.path().join("out.jsonl");
    let mut command = batch("mock:", &["--lines", "-o"]);
    command.arg(&output).stdin(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("gravix starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(b"\n").expect("gravix reads");
    while !output.exists() {
        std::thread::yield_now();
    }
    std::thread::sleep(std::time::Duration::from_millis(300));
    signal(&child, Signal::SIGINT);
    assert_eq!(child.wait().expect("gravix ends").signal(), Some(Signal::SIGINT as i32));
    assert!(!output.exists());
}
