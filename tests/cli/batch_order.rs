//! Results in the order of the input, and those that wait for their turn.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::mpsc::channel;

use crate::support::batch_lines::{by_id, input, prompts, text};
use crate::support::service::{Reply, Service, prompt};
use crate::support::{batch, finish, run, start};

#[test]
fn ordered_keeps_the_order_of_the_input() {
    let (go_on, wait) = channel::<()>();
    let wait = Mutex::new(Some(wait));
    let service = Service::new(move |request, _| {
        let prompt = prompt(request);
        if prompt == "0" {
            let wait = wait
                .lock()
                .expect("no thread panicked")
                .take()
                .expect("the first prompt is sent once");
            let _ = wait.recv();
        }
        Reply::text(&prompt)
    });
    let prompts = prompts(100);
    let (_directory, file) = input(&prompts);
    let mut command = batch(&service.base_url(), &["--lines", "--ordered", "--text", "-j2"]);
    let child = start(command.arg(file));
    // At most 31 requests run ahead of the first one.
    service.wait_for(32);
    // Time for a request too many to arrive.
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert_eq!(service.seen().len(), 32);
    go_on.send(()).expect("the service is waiting");
    let output = finish(child);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), prompts.join("\n") + "\n");
}

#[test]
fn replies_waiting_for_their_turn_survive_a_kill() {
    let (go_on, wait) = channel::<()>();
    let wait = Mutex::new(Some(wait));
    let service = Service::new(move |request, _| {
        let prompt = prompt(request);
        // Only the first of its two requests waits.
        let wait = wait.lock().expect("no thread panicked").take_if(|_| prompt == "0");
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
    // 32 requests were sent, and all but the first were answered.
    let is_whole = |path: &Path| {
        let kept = fs::read_to_string(path).unwrap_or_default();
        kept.lines().count() == 32 && kept.ends_with('\n')
    };
    while !is_whole(&waiting) {
        std::thread::yield_now();
    }
    child.kill().expect("gravix is running");
    child.wait().expect("gravix ends");
    drop(go_on);
    assert_eq!(fs::read_to_string(&output).unwrap_or_default(), "");
    let before = service.seen().len();
    assert!(ordered().status().expect("gravix runs").success());
    // The request in progress, and those that were not sent before.
    assert_eq!(service.seen().len() - before, 100 - 31);
    assert_eq!(by_id(&fs::read(&output).expect("the output is readable")).len(), 100);
    assert!(!waiting.exists());
}

/// Kills an ordered run whose first request is in progress, whose second failed
/// and whose third has its reply. Returns the output and the waiting file.
fn kill_ordered_run(directory: &Path, file: &Path) -> (PathBuf, PathBuf) {
    let (go_on, wait) = channel::<()>();
    let wait = Mutex::new(wait);
    let service = Service::new(move |request, _| match prompt(request).as_str() {
        "first" => {
            let _ = wait.lock().expect("no thread panicked").recv();
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
    child.kill().expect("gravix is running");
    child.wait().expect("gravix ends");
    drop(go_on);
    (output, waiting)
}

#[test]
fn waiting_failures_are_sent_again() {
    let service = Service::echo();
    let (directory, file) = input(&["first", "second", "third"]);
    let (output, waiting) = kill_ordered_run(directory.path(), &file);
    let mut command = batch(&service.base_url(), &["--lines", "-o"]);
    let run = run(command.arg(&output).arg(&file)).exits(0);
    assert_eq!(service.prompts(), ["first", "second"]);
    run.says(&["2 done, 0 failed, 1 already done"]);
    let lines = by_id(&fs::read(&output).expect("the output is readable"));
    assert_eq!((lines.len(), text(&lines["3"])), (3, "kept"));
    assert!(!waiting.exists());
}

#[test]
fn a_waiting_file_belongs_only_to_its_own_output() {
    let (directory, file) = input(&["first", "second", "third"]);
    let (output, waiting) = kill_ordered_run(directory.path(), &file);
    let merged = run(batch("mock:", &["--merge"]).arg(&output)).exits(0);
    assert_eq!(text(&by_id(&merged.stdout)["3"]), "kept");
    // The output is replaced by another file.
    fs::write(directory.path().join("new"), "").expect("the file is written");
    fs::rename(directory.path().join("new"), &output).expect("the file is renamed");
    let mut command = batch("mock:", &["--lines", "-o"]);
    run(command.arg(&output).arg(&file)).exits(73).says(&["out.jsonl.waiting", "--merge"]);
    let merged = run(batch("mock:", &["--merge"]).arg(&waiting)).exits(0);
    assert_eq!(by_id(&merged.stdout).len(), 2);
    // A file that gravix did not write is left alone.
    fs::write(&waiting, "mine\n").expect("the file is written");
    let mut command = batch("mock:", &["--lines", "--ordered", "-o"]);
    run(command.arg(&output).arg(&file)).exits(73).says(&["--ordered needs"]);
    run(batch("mock:", &["--lines", "-o"]).arg(&output).arg(&file)).exits(0);
    assert_eq!(fs::read_to_string(&waiting).expect("the file is readable"), "mine\n");
}
