use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::server::{Script, Server, answer, gate, raw};
use crate::support::{
    ask, ask_mock, completion, gravix, json_lines, program, run, shell, skip, strace,
};

const USER: &str = "{\"role\":\"user\",\"content\":\"a\"}\n";
const ASSISTANT: &str = "{\"role\":\"assistant\",\"content\":\"b\"}\n";

fn place() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("chat.jsonl");
    (directory, file)
}

fn replies(count: usize) -> Server {
    let reply = || -> Script { answer("200 OK", "application/json", completion("reply")) };
    Server::new((0..count).map(|_| reply()).collect())
}

/// Runs to its end, whichever that is.
fn end(mut command: Command) {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("it starts");
}

#[test]
fn sixteen_turns_at_once_each_see_all_before_them() {
    let (_directory, file) = place();
    let server = replies(16);
    let turns: Vec<_> = (0..16)
        .map(|turn| {
            let mut command = ask(&server, &[&format!("turn {turn}"), "-q", "--history"]);
            command.arg(&file).stdout(Stdio::null()).spawn().expect("gravix starts")
        })
        .collect();
    for mut turn in turns {
        assert!(turn.wait().expect("gravix ends").success());
    }
    let saved = json_lines(&file);
    assert_eq!(saved.len(), 32);
    // Each request is a prefix of the file, and its own prompt.
    for request in server.requests() {
        let sent = request.json()["messages"].as_array().expect("an array").clone();
        assert_eq!(sent, saved[..sent.len()]);
        assert_eq!(saved[sent.len()]["role"], "assistant");
    }
}

#[test]
fn a_kill_at_any_moment_loses_no_earlier_turn() {
    const ROUNDS: u32 = 60;
    let (_directory, file) = place();
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
        // A moment that moves from the beginning to beyond the end.
        std::thread::sleep(usual * 3 * round / (2 * ROUNDS));
        let pid = Pid::from_raw(i32::try_from(child.id()).expect("a process id"));
        let _ = kill(pid, Signal::SIGKILL);
        killed += usize::from(!child.wait().expect("gravix ends").success());
        kept = ensure_turns(&file, kept);
    }
    assert!(killed > 0 && kept > 1, "{killed} were killed, {kept} turns are there");
}

/// The file holds whole turns, at least `least` of them, but for its last
/// line. Gives their number.
#[track_caller]
fn ensure_turns(file: &Path, least: usize) -> usize {
    let text = fs::read_to_string(file).unwrap_or_default();
    let mut whole: Vec<&str> = text.split_inclusive('\n').collect();
    if whole.last().is_some_and(|line| !line.ends_with('\n')) {
        whole.pop();
    }
    for line in &whole {
        let _: serde_json::Value = serde_json::from_str(line).expect("a whole line is JSON");
    }
    let turns = whole.iter().filter(|line| line.contains("\"assistant\"")).count();
    assert!(turns >= least, "{turns} of {least} turns are left");
    turns
}

#[test]
fn a_kill_at_every_system_call_of_the_append_loses_no_earlier_turn() {
    let (_directory, file) = place();
    run(ask_mock(&["-q", "first", "--history"]).arg(&file)).exits(0);
    let before = fs::read(&file).expect("the file");
    for (call, count) in [("write", 3), ("fdatasync", 1), ("close", 3), ("ftruncate", 1)] {
        for nth in 1..=count {
            let mut command = ask_mock(&["-q", "second", "--history"]);
            command.arg(&file);
            let fault = format!("--inject={call}:signal=SIGKILL:when={nth}");
            let path = format!("-P{}", file.display());
            let Some(command) = strace(&command, &[path, fault]) else {
                return;
            };
            end(command);
            let now = fs::read(&file).expect("the file");
            assert!(now.starts_with(&before), "{call} {nth}");
            run(ask_mock(&["-q", "third", "--history"]).arg(&file)).exits(0);
            assert!(json_lines(&file).len() >= 4, "{call} {nth}");
            fs::write(&file, &before).expect("the file");
        }
    }
}

#[test]
fn a_turn_is_one_write_and_on_disk_with_its_directory() {
    let (directory, file) = place();
    let trace = directory.path().join("trace");
    // A signal in the middle waits until all is done.
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
        let trace = fs::read_to_string(&trace).expect("the trace");
        let calls: Vec<_> = trace
            .lines()
            .filter_map(|line| line.split_once('(')?.0.split_whitespace().last())
            .filter(|call| call.chars().all(|letter| letter.is_ascii_lowercase()))
            .collect();
        assert_eq!(calls, ["write", "fdatasync", "fsync"], "{trace}");
        assert_eq!(json_lines(&file).len(), 2);
        fs::remove_file(&file).expect("the file");
    }
}

#[test]
fn a_hand_edit_while_a_turn_is_under_way_is_kept() {
    let (_directory, file) = place();
    fs::write(&file, USER).expect("a file");
    for (edit, fault) in [(ASSISTANT, true), (ASSISTANT.trim_end(), false)] {
        let (go_on, wait) = gate();
        let reply = completion("reply");
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", reply.len());
        let server = Server::once(vec![wait, raw(head + &reply)]);
        let mut command = ask(&server, &["hi", "-q", "--history"]);
        command.arg(&file);
        let mut faults = vec![format!("-P{}", file.display())];
        faults.extend(fault.then(|| "--inject=write:error=ENOSPC:when=1".to_owned()));
        let Some(mut command) = strace(&command, &faults) else {
            return;
        };
        let mut turn =
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        while server.requests().is_empty() {
            std::thread::yield_now();
        }
        let mut hand = File::options().append(true).open(&file).expect("the file");
        hand.write_all(edit.as_bytes()).expect("an edit");
        go_on.send(()).expect("the server waits");
        let status = turn.wait().expect("gravix ends").code();
        assert_eq!(status, Some(if fault { 73 } else { 0 }));
        let saved = fs::read_to_string(&file).expect("the file");
        assert!(saved.starts_with(&format!("{USER}{ASSISTANT}")), "{saved}");
        assert_eq!(json_lines(&file).len(), if fault { 2 } else { 5 });
    }
}

#[test]
fn a_file_that_took_the_place_of_the_history_is_left_alone() {
    let (_directory, file) = place();
    for status in ["200 OK", "400 Bad Request"] {
        let _ = fs::remove_file(&file);
        let (go_on, wait) = gate();
        let reply = completion("reply");
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", reply.len());
        let server = Server::once(vec![wait, raw(head + &reply)]);
        let mut turn = ask(&server, &["hi", "-q", "--history"]);
        let turn = turn
            .arg(&file)
            .stderr(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        while server.requests().is_empty() {
            std::thread::yield_now();
        }
        let other = file.with_extension("other");
        fs::write(&other, USER).expect("a file");
        fs::rename(&other, &file).expect("a rename");
        go_on.send(()).expect("the server waits");
        let output = turn.wait_with_output().expect("gravix ends");
        assert_eq!(fs::read_to_string(&file).expect("the file"), USER);
        if status == "200 OK" {
            assert_eq!(output.status.code(), Some(73), "{output:?}");
            assert_eq!(output.stdout, b"reply\n");
        }
    }
}

#[test]
fn a_fault_while_appending_leaves_the_file_as_it_was_and_prints_the_reply() {
    let (_directory, file) = place();
    run(ask_mock(&["-q", "first", "--history"]).arg(&file)).exits(0);
    let before = fs::read(&file).expect("the file");
    for (fault, told) in [
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
        run(&mut command).exits(73).prints("second\n").says(&["not saved", told]);
        assert_eq!(fs::read(&file).expect("the file"), before, "{fault}");
    }
    // What can be tried again is.
    let mut command = ask_mock(&["second", "--history"]);
    command.arg(&file);
    let faults = [format!("-P{}", file.display()), "--inject=write:error=EINTR:when=1".to_owned()];
    if let Some(mut command) = strace(&command, &faults) {
        run(&mut command).exits(0).prints("second\n").says_nothing();
        assert_eq!(json_lines(&file).len(), 4);
    }
}

#[test]
fn a_full_disk_under_the_history_is_exit_73_and_the_reply_is_printed() {
    let (directory, _) = place();
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
    let before = fs::read(&file).expect("the file");
    let prompt = "x".repeat(60_000);
    let full = run(ask_mock(&["-q", &prompt, "--history"]).arg(&file));
    let after = fs::read(&file).expect("the file");
    let unmounted = Command::new("umount").arg(directory.path()).status();
    assert!(unmounted.expect("umount runs").success());
    full.exits(73).prints(format!("{prompt}\n")).says(&["not saved", "no space left"]);
    assert_eq!(after, before);
}

#[test]
fn a_limit_on_file_sizes_is_exit_73_and_no_death() {
    let (_directory, file) = place();
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
fn a_torn_last_line_is_set_aside_wherever_it_was_cut() {
    let (_directory, file) = place();
    let torn_file = file.with_extension("jsonl.torn");
    let last = USER.trim_end();
    for cut in 1..last.len() {
        fs::write(&file, format!("{USER}{ASSISTANT}{}", &last[..cut])).expect("a file");
        let _ = fs::remove_file(&torn_file);
        let server = replies(1);
        let run = run(ask(&server, &["hi", "--history"]).arg(&file)).exits(0).prints("reply\n");
        assert!(run.stderr.contains("was torn; it is in"), "{cut}: {}", run.stderr);
        assert_eq!(
            fs::read_to_string(&torn_file).expect("the line"),
            format!("{}\n", &last[..cut])
        );
        assert_eq!(json_lines(&file).len(), 4, "{cut}");
        assert_eq!(server.request().json()["messages"].as_array().map(Vec::len), Some(3));
    }
    // Whole but for its newline: it gets one.
    fs::write(&file, format!("{USER}{}", ASSISTANT.trim_end())).expect("a file");
    run(ask_mock(&["hi", "-q", "--history"]).arg(&file)).exits(0);
    assert!(
        fs::read_to_string(&file).expect("the file").starts_with(&format!("{USER}{ASSISTANT}"))
    );
}

#[test]
fn a_torn_line_that_was_set_aside_before_is_kept() {
    let (_directory, file) = place();
    for torn in ["{\"one", "{\"two"] {
        fs::write(&file, torn).expect("a file");
        run(ask_mock(&["hi", "-q", "--history"]).arg(&file)).exits(0);
    }
    let aside = fs::read_to_string(file.with_extension("jsonl.torn")).expect("the lines");
    assert_eq!(aside, "{\"one\n{\"two\n");
}

#[test]
fn another_turn_is_waited_for_and_told_after_a_second() {
    let (_directory, file) = place();
    let (go_on, wait) = gate();
    let slow = completion("slow");
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", slow.len());
    let first = Server::once(vec![wait, raw(head + &slow)]);
    let mut slow = ask(&first, &["one", "-q", "--history"]);
    let mut slow = slow.arg(&file).stdout(Stdio::null()).spawn().expect("gravix starts");
    while first.requests().is_empty() {
        std::thread::yield_now();
    }
    // Who will not wait leaves at once, and who has a deadline in time.
    run(ask_mock(&["two", "--no-wait", "--history"]).arg(&file))
        .exits(75)
        .prints("")
        .says(&["under way"]);
    run(ask_mock(&["two", "--deadline", "0.2", "--history"]).arg(&file))
        .exits(75)
        .prints("")
        .says(&["deadline of 0.2 s"]);
    let mut patient = ask_mock(&["two", "--history"])
        .arg(&file)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("gravix starts");
    let mut told = String::new();
    BufReader::new(patient.stderr.take().expect("a pipe")).read_line(&mut told).expect("a line");
    assert!(told.contains("waiting for another turn"), "{told}");
    go_on.send(()).expect("the server waits");
    assert!(slow.wait().expect("gravix ends").success());
    assert!(patient.wait().expect("gravix ends").success());
    let prompts: Vec<_> = json_lines(&file).iter().map(|line| line["content"].clone()).collect();
    assert_eq!(prompts, ["one", "slow", "two", "two"]);
}

#[test]
fn a_file_system_without_locks_is_told_and_done_without() {
    let (_directory, file) = place();
    for error in ["ENOLCK", "EOPNOTSUPP"] {
        let mut command = ask_mock(&["hi", "--history"]);
        command.arg(&file);
        let faults = [format!("-P{}", file.display()), format!("--inject=flock:error={error}")];
        let Some(mut command) = strace(&command, &faults) else {
            return;
        };
        run(&mut command).exits(0).prints("hi\n").says(&["warning", "has no locks"]);
    }
    assert_eq!(json_lines(&file).len(), 4);
}

#[test]
fn a_path_that_was_replaced_while_waiting_is_opened_anew() {
    let (_directory, file) = place();
    fs::write(&file, USER).expect("a file");
    let held = File::open(&file).expect("the file");
    held.lock().expect("the lock");
    let server = replies(1);
    let mut waiting = ask(&server, &["hi", "-q", "--history"]);
    let mut waiting = waiting.arg(&file).stdout(Stdio::null()).spawn().expect("gravix starts");
    wait_until_blocked(waiting.id());
    let replacement = file.with_extension("new");
    fs::write(&replacement, format!("{USER}{ASSISTANT}")).expect("a file");
    fs::rename(&replacement, &file).expect("a rename");
    drop(held);
    assert!(waiting.wait().expect("gravix ends").success());
    assert_eq!(json_lines(&file).len(), 4);
    assert_eq!(server.request().json()["messages"].as_array().map(Vec::len), Some(3));
}

/// Waits until a thread of the process waits for a lock.
fn wait_until_blocked(pid: u32) {
    loop {
        let locks = fs::read_to_string("/proc/locks").expect("the locks");
        let is_waiting = |line: &str| line.contains("->") && line.contains(&format!(" {pid} "));
        if locks.lines().any(is_waiting) {
            return;
        }
        std::thread::yield_now();
    }
}

#[test]
fn a_turn_that_fails_leaves_no_new_file() {
    let (directory, file) = place();
    let refusal = || answer("400 Bad Request", "application/json", "{}");
    run(ask(&Server::once(refusal()), &["hi", "--history"]).arg(&file)).exits(69);
    assert_eq!(fs::read_dir(directory.path()).expect("a directory").count(), 0);
    // A file that was there stays, empty as it is.
    fs::write(&file, "").expect("a file");
    run(ask(&Server::once(refusal()), &["hi", "-q", "--history"]).arg(&file)).exits(69);
    assert!(file.exists());
}

#[test]
fn links_are_followed_and_stay_links() {
    let (directory, file) = place();
    let link = directory.path().join("link");
    symlink(&file, &link).expect("a link");
    for turns in 1..3 {
        run(ask_mock(&["hi", "-q", "--history"]).arg(&link)).exits(0);
        assert_eq!(json_lines(&file).len(), turns * 2);
        assert!(fs::symlink_metadata(&link).expect("the link").is_symlink());
    }
}

#[test]
fn a_new_file_is_the_owners_alone_whatever_the_umask() {
    let (_directory, file) = place();
    let script = format!(
        "umask 000; {} ask -n --base-url mock: --history {} hi",
        env!("CARGO_BIN_EXE_gravix"),
        file.display()
    );
    run(&mut shell("sh", &script)).exits(0).says_nothing();
    assert_eq!(fs::metadata(&file).expect("the file").permissions().mode() & 0o777, 0o600);
    // A mode that somebody chose is kept.
    fs::set_permissions(&file, fs::Permissions::from_mode(0o664)).expect("a mode");
    run(ask_mock(&["hi", "--history"]).arg(&file)).exits(0).says(&["others can read"]);
    assert_eq!(fs::metadata(&file).expect("the file").permissions().mode() & 0o777, 0o664);
}

#[test]
fn what_cannot_be_a_history_is_refused_before_anything_is_sent() {
    let (directory, file) = place();
    let fifo = directory.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    let server = replies(0);
    for path in [&fifo, directory.path(), Path::new("/dev/null"), &directory.path().join("no/x")] {
        run(ask(&server, &["hi", "--history"]).arg(path))
            .exits(73)
            .prints("")
            .says(&["cannot write"]);
        run(ask(&server, &["hi", "--no-save", "--history"]).arg(path))
            .exits(66)
            .prints("")
            .says(&["cannot read"]);
    }
    run(ask(&server, &["hi", "--no-save", "--history"]).arg(&file)).exits(66).says(&["chat.jsonl"]);
    assert!(server.requests().is_empty());
}

#[test]
fn a_read_only_file_or_directory_is_refused_unless_nothing_is_saved() {
    let (directory, file) = place();
    fs::write(&file, USER).expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).expect("a mode");
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o555)).expect("a mode");
    // As nobody, because root may write everything.
    let as_nobody = |arguments: &[&str], path: &Path| {
        let mut command = program("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        command.env("PATH", "/usr/bin:/bin");
        command.arg(env!("CARGO_BIN_EXE_gravix")).args(["ask", "--base-url", "mock:", "-q", "hi"]);
        command.args(arguments).arg("--history").arg(path);
        command
    };
    let probe = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .args([env!("CARGO_BIN_EXE_gravix"), "--version"])
        .output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        skip("gravix cannot be run as nobody");
        return;
    }
    run(&mut as_nobody(&[], &file)).exits(73).prints("").says(&["permission denied", "--no-save"]);
    let new = directory.path().join("new.jsonl");
    run(&mut as_nobody(&[], &new)).exits(73).prints("").says(&["permission denied"]);
    run(&mut as_nobody(&["--no-save"], &file)).exits(0).prints("hi\n").says_nothing();
    assert_eq!(fs::read_to_string(&file).expect("the file"), USER);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).expect("a mode");
    run(&mut as_nobody(&["--no-save"], &file)).exits(66).prints("").says(&["cannot read"]);
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
}

#[test]
fn no_save_sends_the_history_and_appends_nothing() {
    let (_directory, file) = place();
    let text = format!("{USER}{ASSISTANT}{{\"torn");
    fs::write(&file, &text).expect("a file");
    let server = replies(1);
    let run =
        run(ask(&server, &["hi", "--no-save", "--history"]).arg(&file)).exits(0).prints("reply\n");
    assert!(run.stderr.contains("torn and left out"), "{}", run.stderr);
    assert_eq!(server.request().json()["messages"].as_array().map(Vec::len), Some(3));
    assert_eq!(fs::read_to_string(&file).expect("the file"), text);
}

#[test]
fn no_save_lets_others_have_the_file_once_it_is_read() {
    let (_directory, file) = place();
    fs::write(&file, format!("{USER}{ASSISTANT}")).expect("a file");
    let (go_on, wait) = gate();
    let slow = Server::once(vec![crate::support::server::stream_head(), wait]);
    let mut reading = ask(&slow, &["hi", "-q", "--stream", "--no-save", "--history"]);
    let mut reading = reading.arg(&file).stderr(Stdio::null()).spawn().expect("gravix starts");
    // It has the lock until the answer begins, and not to its end.
    run(ask_mock(&["two", "-q", "--history"]).arg(&file)).exits(0).prints("two\n");
    drop(go_on);
    assert_eq!(reading.wait().expect("gravix ends").code(), Some(75));
}

#[test]
fn no_save_sends_nothing_else_when_the_file_changed_before_a_retry() {
    let (_directory, file) = place();
    fs::write(&file, format!("{USER}{ASSISTANT}{USER}{ASSISTANT}")).expect("a file");
    let (go_on, wait) = gate();
    let busy = raw("HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n");
    let server = Server::new(vec![vec![wait, busy], answer("200 OK", "a/b", completion("reply"))]);
    let mut asking = ask(&server, &["hi", "-q", "--no-save", "--history"]);
    let asking = asking.arg(&file).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let asking = asking.expect("gravix starts");
    while server.requests().is_empty() {
        std::thread::yield_now();
    }
    // The lock was given back: others go on.
    run(gravix().args(["history", "undo"]).arg(&file)).exits(0);
    run(ask_mock(&["another", "-q", "--history"]).arg(&file)).exits(0);
    go_on.send(()).expect("the server waits");
    let output = asking.wait_with_output().expect("gravix ends");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(66), "{output:?}");
    assert!(told.contains("chat.jsonl: it changed before it was sent again"), "{told}");
    // What came of the second request, if anything, is not a whole one.
    assert_eq!(server.requests().iter().filter(|request| !request.body.is_empty()).count(), 1);
}

#[test]
fn no_save_sends_the_same_again_when_nothing_changed() {
    let (_directory, file) = place();
    fs::write(&file, format!("{USER}{ASSISTANT}")).expect("a file");
    let busy = raw("HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n");
    let server = Server::new(vec![
        vec![busy, crate::support::server::Step::End],
        answer("200 OK", "a/b", completion("reply")),
    ]);
    run(ask(&server, &["hi", "-q", "--no-save", "--history"]).arg(&file))
        .exits(0)
        .prints("reply\n");
    let requests = server.requests();
    assert_eq!(requests[0].body, requests[1].body);
}

#[test]
fn turns_sends_the_system_message_and_the_newest_turns() {
    let (_directory, file) = place();
    let system = "{\"role\":\"system\",\"content\":\"S\"}\n";
    let tool = "{\"role\":\"tool\",\"content\":\"t\"}\n";
    fs::write(&file, format!("{system}{USER}{ASSISTANT}{USER}{tool}{ASSISTANT}")).expect("a file");
    for (turns, roles) in [
        ("0", &["system", "user"][..]),
        ("1", &["system", "user", "tool", "assistant", "user"]),
        ("9", &["system", "user", "assistant", "user", "tool", "assistant", "user"]),
    ] {
        let server = replies(1);
        let mut command = ask(&server, &["hi", "-q", "--no-save", "--turns", turns, "--history"]);
        run(command.arg(&file)).exits(0);
        let sent = server.request().json()["messages"].clone();
        let sent: Vec<_> =
            sent.as_array().expect("an array").iter().map(|m| m["role"].clone()).collect();
        assert_eq!(sent, roles, "{turns}");
    }
    run(&mut ask_mock(&["hi", "--turns", "1"])).exits(2).says(&["--history"]);
}

#[test]
fn continue_sends_the_history_as_it_is_and_appends_the_reply_alone() {
    let (_directory, file) = place();
    fs::write(&file, USER).expect("a file");
    let server = replies(1);
    run(ask(&server, &["-q", "--continue", "--history"]).arg(&file)).exits(0).prints("reply\n");
    assert_eq!(server.request().json()["messages"].as_array().map(Vec::len), Some(1));
    let saved = fs::read_to_string(&file).expect("the file");
    assert_eq!(saved, format!("{USER}{{\"role\":\"assistant\",\"content\":\"reply\"}}\n"));
    // Now it is the user's turn.
    let server = replies(0);
    run(ask(&server, &["-q", "--continue", "--history"]).arg(&file))
        .exits(2)
        .prints("")
        .says(&["ends with an assistant message"]);
    run(ask(&server, &["-q", "--continue", "--history"]).arg(file.with_extension("new")))
        .exits(2)
        .says(&["no message"]);
    let question = file.with_extension("question");
    fs::write(&question, USER).expect("a file");
    run(ask(&server, &["-q", "--continue", "--turns", "0", "--history"]).arg(&question))
        .exits(2)
        .says(&["no message"]);
    run(&mut ask(&server, &["--continue"])).exits(2).says(&["--history"]);
    run(ask(&server, &["hi", "--continue", "--history"]).arg(&file)).exits(2).says(&["--continue"]);
    assert!(server.requests().is_empty());
}

#[test]
fn a_large_history_needs_little_memory() {
    let (_directory, file) = place();
    let content = "x".repeat(1 << 16);
    let line = format!("{{\"role\":\"user\",\"content\":\"{content}\"}}\n");
    let mut large = File::create(&file).expect("a file");
    for _ in 0..4096 {
        large.write_all(line.as_bytes()).expect("a line");
    }
    drop(large);
    assert!(fs::metadata(&file).expect("the file").len() > 256 << 20);
    let server = replies(2);
    for arguments in
        [&["hi", "-q", "--no-save", "--history"][..], &["hi", "-q", "--turns", "3", "--history"]]
    {
        let mut limited = program("prlimit");
        limited.arg("--as=134217728");
        let command = ask(&server, arguments);
        limited.arg(command.get_program()).args(command.get_args()).arg(&file);
        if Command::new("prlimit").arg("--version").output().is_err() {
            skip("prlimit cannot be had");
            return;
        }
        run(&mut limited).exits(0).prints("reply\n").says_nothing();
    }
    let lengths: Vec<_> = server.requests().iter().map(|request| request.body.len()).collect();
    assert!(lengths[0] > 256 << 20 && lengths[1] < 1 << 18, "{lengths:?}");
}

#[test]
fn a_history_survives_a_terminal_that_goes_away() {
    let (_directory, file) = place();
    run(gravix().args(["ask", "--base-url", "mock:", "-q", "hi", "--history"]).arg(&file)).exits(0);
    let before = fs::read(&file).expect("the file");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = ask_mock(&["hi", "-q", "--stream", "--history"]);
    command.arg(&file).stdout(writer).stderr(Stdio::null());
    assert!(!command.status().expect("gravix runs").success());
    assert_eq!(fs::read(&file).expect("the file"), before);
}
