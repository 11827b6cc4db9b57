//! A kill, a full disk or a failed write loses no earlier turn of a history.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::conversation::{ASSISTANT, USER, chat_file};
use crate::support::server::{Server, answer};
use crate::support::{ask, ask_mock, gravix, json_lines, run, shell, skip, strace};

#[test]
fn a_kill_at_any_moment_loses_no_earlier_turn() {
    const ROUNDS: u32 = 60;
    let (_directory, file) = chat_file();
    let ask_word = || {
        let mut command = ask_mock(&["-q", &"word ".repeat(2000), "--history"]);
        command.arg(&file).stdout(Stdio::null());
        command
    };
    let began = Instant::now();
    assert!(ask_word().status().expect("gravix runs").success());
    let usual = began.elapsed();
    let (mut kept, mut killed) = (ensure_turns(&file, 1), 0);
    for round in 0..ROUNDS {
        let mut child = ask_word().spawn().expect("gravix starts");
        // The delay grows from zero to beyond the end of a run.
        std::thread::sleep(usual * 3 * round / (2 * ROUNDS));
        let pid = Pid::from_raw(i32::try_from(child.id()).expect("the process id fits an i32"));
        let _ = kill(pid, Signal::SIGKILL);
        killed += usize::from(!child.wait().expect("gravix ends").success());
        kept = ensure_turns(&file, kept);
    }
    assert!(killed > 0 && kept > 1, "{killed} were killed, {kept} turns are there");
}

/// Checks that all lines are complete except perhaps the last, and that at
/// least `least` turns are left. Returns the number of turns.
#[track_caller]
fn ensure_turns(file: &Path, least: usize) -> usize {
    let text = fs::read_to_string(file).unwrap_or_default();
    let mut whole: Vec<&str> = text.split_inclusive('\n').collect();
    if whole.last().is_some_and(|line| !line.ends_with('\n')) {
        whole.pop();
    }
    for line in &whole {
        let _: serde_json::Value = serde_json::from_str(line).expect("a complete line is JSON");
    }
    let turns = whole.iter().filter(|line| line.contains("\"assistant\"")).count();
    assert!(turns >= least, "{turns} of {least} turns are left");
    turns
}

#[test]
fn a_kill_at_every_system_call_of_the_append_loses_no_earlier_turn() {
    let (_directory, file) = chat_file();
    run(ask_mock(&["-q", "first", "--history"]).arg(&file)).exits(0);
    let before = fs::read(&file).expect("the file is readable");
    for (call, count) in [("write", 3), ("fdatasync", 1), ("close", 3), ("ftruncate", 1)] {
        for nth in 1..=count {
            let mut command = ask_mock(&["-q", "second", "--history"]);
            command.arg(&file);
            let fault = format!("--inject={call}:signal=SIGKILL:when={nth}");
            let path = format!("-P{}", file.display());
            let Some(mut command) = strace(&command, &[path, fault]) else {
                return;
            };
            command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("strace starts");
            let now = fs::read(&file).expect("the file is readable");
            assert!(now.starts_with(&before), "{call} {nth}");
            run(ask_mock(&["-q", "third", "--history"]).arg(&file)).exits(0);
            assert!(json_lines(&file).len() >= 4, "{call} {nth}");
            fs::write(&file, &before).expect("the file is written");
        }
    }
}

#[test]
fn a_turn_is_one_write_then_synced_with_its_directory() {
    let (directory, file) = chat_file();
    let trace = directory.path().join("trace");
    // A signal during the write is held until the turn is synced.
    for (fault, exit) in [(None, Some(0)), (Some("--inject=write:signal=SIGTERM:when=1"), None)] {
        let mut command = ask_mock(&["-q", "hi", "--history"]);
        command.arg(&file);
        let mut options = vec!["--trace=write,fdatasync,fsync".to_owned()];
        options.push(format!("-P{}", file.display()));
        options.push(format!("-P{}", directory.path().display()));
        options.extend(fault.map(str::to_owned));
        options.push(format!("-o{}", trace.display()));
        let Some(mut command) = strace(&command, &options) else {
            return;
        };
        let status = command.stdout(Stdio::null()).status().expect("strace runs");
        assert_eq!(status.code(), exit);
        let trace = fs::read_to_string(&trace).expect("the trace is readable");
        let calls: Vec<_> = trace
            .lines()
            .filter_map(|line| line.split_once('(')?.0.split_whitespace().last())
            .filter(|call| call.chars().all(|letter| letter.is_ascii_lowercase()))
            .collect();
        assert_eq!(calls, ["write", "fdatasync", "fsync"], "{trace}");
        assert_eq!(json_lines(&file).len(), 2);
        fs::remove_file(&file).expect("the file is removed");
    }
}

#[test]
fn a_failed_append_leaves_the_file_unchanged_and_prints_the_reply() {
    let (_directory, file) = chat_file();
    run(ask_mock(&["-q", "first", "--history"]).arg(&file)).exits(0);
    let before = fs::read(&file).expect("the file is readable");
    for (fault, reason) in [
        ("write:error=ENOSPC:when=1", "no space left on device"),
        ("write:error=EIO:when=1", "input/output error"),
        ("write:error=EFBIG:when=1", "file too large"),
        ("fdatasync:error=EIO", "input/output error"),
    ] {
        let mut command = ask_mock(&["second", "--history"]);
        command.arg(&file);
        let faults = [format!("-P{}", file.display()), format!("--inject={fault}")];
        let Some(mut command) = strace(&command, &faults) else {
            return;
        };
        run(&mut command).exits(73).prints("second\n").says(&["not saved", reason]);
        assert_eq!(fs::read(&file).expect("the file is readable"), before, "{fault}");
    }
    // An interrupted write is retried.
    let mut command = ask_mock(&["second", "--history"]);
    command.arg(&file);
    let faults = [format!("-P{}", file.display()), "--inject=write:error=EINTR:when=1".to_owned()];
    if let Some(mut command) = strace(&command, &faults) {
        run(&mut command).exits(0).prints("second\n").says_nothing();
        assert_eq!(json_lines(&file).len(), 4);
    }
}

#[test]
fn a_full_disk_exits_73_and_prints_the_reply() {
    let (directory, _) = chat_file();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
        .arg(directory.path())
        .stderr(Stdio::null())
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        skip("a tmpfs cannot be mounted");
        return;
    }
    let file = directory.path().join("chat.jsonl");
    run(ask_mock(&["-q", "first", "--history"]).arg(&file)).exits(0);
    let before = fs::read(&file).expect("the file is readable");
    let prompt = "x".repeat(60_000);
    let full = run(ask_mock(&["-q", &prompt, "--history"]).arg(&file));
    let after = fs::read(&file).expect("the file is readable");
    let unmounted = Command::new("umount").arg(directory.path()).status();
    assert!(unmounted.expect("umount runs").success());
    full.exits(73).prints(format!("{prompt}\n")).says(&["not saved", "no space left"]);
    assert_eq!(after, before);
}

#[test]
fn a_file_size_limit_exits_73_instead_of_killing_gravix() {
    let (_directory, file) = chat_file();
    let script = format!(
        "ulimit -f 1; {} ask -q --base-url mock: --history {} \"$(head -c 3000 /dev/zero | tr '\\0' x)\"",
        env!("CARGO_BIN_EXE_gravix"),
        file.display()
    );
    run(&mut shell("bash", &script))
        .exits(73)
        .prints("x".repeat(3000) + "\n")
        .says(&["file too large"]);
    assert!(!file.exists(), "a turn that failed leaves no file");
}

#[test]
fn a_torn_last_line_is_moved_aside_wherever_it_was_cut() {
    let (_directory, file) = chat_file();
    let torn_file = file.with_extension("jsonl.torn");
    let last = USER.trim_end();
    for cut in 1..last.len() {
        fs::write(&file, format!("{USER}{ASSISTANT}{}", &last[..cut]))
            .expect("the file is written");
        let _ = fs::remove_file(&torn_file);
        let server = Server::replying(&["reply"]);
        let run = run(ask(&server, &["hi", "--history"]).arg(&file)).exits(0).prints("reply\n");
        assert!(run.stderr.contains("was torn; it is in"), "{cut}: {}", run.stderr);
        assert_eq!(
            fs::read_to_string(&torn_file).expect("the torn line is readable"),
            format!("{}\n", &last[..cut])
        );
        assert_eq!(json_lines(&file).len(), 4, "{cut}");
        assert_eq!(server.request().json()["messages"].as_array().map(Vec::len), Some(3));
    }
    // A complete last line without its newline is kept and gets one.
    fs::write(&file, format!("{USER}{}", ASSISTANT.trim_end())).expect("the file is written");
    run(ask_mock(&["hi", "-q", "--history"]).arg(&file)).exits(0);
    assert!(
        fs::read_to_string(&file)
            .expect("the file is readable")
            .starts_with(&format!("{USER}{ASSISTANT}"))
    );
}

#[test]
fn a_torn_answer_leaves_a_prompt_that_undo_removes() {
    let (_directory, file) = chat_file();
    let torn = format!("{USER}{ASSISTANT}{USER}{}", &ASSISTANT[..20]);
    let start = || fs::write(&file, &torn).expect("the file is written");
    let name = file.display();
    let warning =
        format!("the last prompt in {name} has no answer, and is sent again before yours");
    let hint = format!(
        "the last prompt in {name} has no answer: remove it with gravix history undo {name}"
    );
    // The model answers the prompt, or never sees it.
    for (arguments, is_said) in
        [(&["hi"][..], true), (&["hi", "--no-save"], true), (&["--continue"], false)]
    {
        start();
        let server = Server::replying(&["reply"]);
        let run = run(ask(&server, arguments).arg("--history").arg(&file)).exits(0);
        assert_eq!(run.stderr.contains(&warning), is_said, "{arguments:?}: {}", run.stderr);
    }
    start();
    let refused = |status, arguments: &[&str]| {
        let server = Server::once(answer(status, "application/json", "{}"));
        run(ask(&server, arguments).arg("--history").arg(&file)).exits(69).stderr
    };
    // Later runs find no torn line any more.
    for (status, arguments, is_said) in [
        ("400 Bad Request", &["hi"][..], true),
        ("422 Unprocessable Content", &["hi"], true),
        ("400 Bad Request", &["hi", "--turns", "0"], false),
        ("400 Bad Request", &["--continue"], false),
        ("413 Content Too Large", &["hi"], false),
    ] {
        let stderr = refused(status, arguments);
        assert_eq!(stderr.contains(&hint), is_said, "{status} {arguments:?}: {stderr}");
    }
    let text = || fs::read_to_string(&file).expect("the file is readable");
    assert_eq!(text(), format!("{USER}{ASSISTANT}{USER}"));
    run(gravix().args(["history", "undo"]).arg(&file)).exits(0).prints(USER).says_nothing();
    assert_eq!(text(), format!("{USER}{ASSISTANT}"));
    // Undo finds the torn answer itself.
    start();
    run(gravix().args(["history", "undo"]).arg(&file)).exits(0).prints(USER).says(&["was torn"]);
    assert_eq!(text(), format!("{USER}{ASSISTANT}"));
    // A torn prompt had no answer to lose.
    fs::write(&file, format!("{USER}{ASSISTANT}{}", &USER[..20])).expect("the file is written");
    let run = run(ask_mock(&["hi", "--history"]).arg(&file)).exits(0);
    assert!(!run.stderr.contains("undo"), "{}", run.stderr);
}

#[test]
fn an_earlier_torn_line_is_kept() {
    let (_directory, file) = chat_file();
    for torn in ["{\"one", "{\"two"] {
        fs::write(&file, torn).expect("the file is written");
        run(ask_mock(&["hi", "-q", "--history"]).arg(&file)).exits(0);
    }
    let aside = fs::read_to_string(file.with_extension("jsonl.torn"))
        .expect("the moved lines are readable");
    assert_eq!(aside, "{\"one\n{\"two\n");
}

#[test]
fn a_closed_stdout_leaves_the_history_unchanged() {
    let (_directory, file) = chat_file();
    run(gravix().args(["ask", "--base-url", "mock:", "-q", "hi", "--history"]).arg(&file)).exits(0);
    let before = fs::read(&file).expect("the file is readable");
    let (reader, writer) = std::io::pipe().expect("a pipe is created");
    drop(reader);
    let mut command = ask_mock(&["hi", "-q", "--stream", "--history"]);
    command.arg(&file).stdout(writer).stderr(Stdio::null());
    assert!(!command.status().expect("gravix runs").success());
    assert_eq!(fs::read(&file).expect("the file is readable"), before);
}
