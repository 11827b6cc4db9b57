//! Several processes that use the same history at once.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use crate::support::conversation::{ASSISTANT, USER, chat_file};
use crate::support::server::{Server, answer, whole_reply};
use crate::support::{ask, ask_mock, completion, finish, json_lines, run, start, strace};

#[test]
fn sixteen_concurrent_turns_each_see_all_earlier_turns() {
    let (_directory, file) = chat_file();
    let server = Server::replying(&["reply"; 16]);
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
    // Each request is a prefix of the file, then its own prompt.
    for request in server.requests() {
        let sent = request.json()["messages"].as_array().expect("messages are an array").clone();
        assert_eq!(sent, saved[..sent.len()]);
        assert_eq!(saved[sent.len()]["role"], "assistant");
    }
}

#[test]
fn an_edit_by_hand_during_a_turn_is_kept() {
    let (_directory, file) = chat_file();
    fs::write(&file, USER).expect("the file is written");
    for (edit, is_full) in [(ASSISTANT, true), (ASSISTANT.trim_end(), false)] {
        let (server, go_on) = Server::gated(whole_reply("reply"));
        let mut command = ask(&server, &["hi", "-q", "--history"]);
        command.arg(&file);
        let mut options = vec![format!("-P{}", file.display())];
        options.extend(is_full.then(|| "--inject=write:error=ENOSPC:when=1".to_owned()));
        let Some(mut command) = strace(&command, &options) else {
            return;
        };
        let mut turn =
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("gravix starts");
        server.wait_for_request();
        let mut editor = File::options().append(true).open(&file).expect("the file can be opened");
        editor.write_all(edit.as_bytes()).expect("the edit is written");
        go_on.send(()).expect("the server is waiting");
        let status = turn.wait().expect("gravix ends").code();
        assert_eq!(status, Some(if is_full { 73 } else { 0 }));
        let saved = fs::read_to_string(&file).expect("the file is readable");
        assert!(saved.starts_with(&format!("{USER}{ASSISTANT}")), "{saved}");
        assert_eq!(json_lines(&file).len(), if is_full { 2 } else { 5 });
    }
}

#[test]
fn a_file_that_replaces_the_history_during_a_turn_is_left_alone() {
    let (_directory, file) = chat_file();
    for status in ["200 OK", "400 Bad Request"] {
        let _ = fs::remove_file(&file);
        let (server, go_on) =
            Server::gated(answer(status, "application/json", completion("reply")));
        let turn = start(ask(&server, &["hi", "-q", "--history"]).arg(&file));
        server.wait_for_request();
        let other = file.with_extension("other");
        fs::write(&other, USER).expect("the file is written");
        fs::rename(&other, &file).expect("the file is renamed");
        go_on.send(()).expect("the server is waiting");
        let output = finish(turn);
        assert_eq!(fs::read_to_string(&file).expect("the file is readable"), USER);
        if status == "200 OK" {
            assert_eq!(output.status.code(), Some(73), "{output:?}");
            assert_eq!(output.stdout, b"reply\n");
        }
    }
}

#[test]
fn gravix_waits_for_another_turn_and_says_so_after_a_second() {
    let (_directory, file) = chat_file();
    let (first, go_on) = Server::gated(whole_reply("slow"));
    let mut slow = ask(&first, &["one", "-q", "--history"]);
    let mut slow = slow.arg(&file).stdout(Stdio::null()).spawn().expect("gravix starts");
    first.wait_for_request();
    run(ask_mock(&["two", "--no-wait", "--history"]).arg(&file))
        .exits(75)
        .prints("")
        .says(&["is locked by another process"]);
    run(ask_mock(&["two", "--deadline", "0.2", "--history"]).arg(&file))
        .exits(75)
        .prints("")
        .says(&["deadline of 0.2 s"]);
    let mut waiting = start(ask_mock(&["two", "--history"]).arg(&file));
    let mut note = String::new();
    BufReader::new(waiting.stderr.take().expect("stderr is a pipe"))
        .read_line(&mut note)
        .expect("gravix prints a line");
    assert!(note.contains("waiting for another turn"), "{note}");
    go_on.send(()).expect("the server is waiting");
    assert!(slow.wait().expect("gravix ends").success());
    assert!(waiting.wait().expect("gravix ends").success());
    let prompts: Vec<_> = json_lines(&file).iter().map(|line| line["content"].clone()).collect();
    assert_eq!(prompts, ["one", "slow", "two", "two"]);
}

#[test]
fn a_file_system_without_locks_gets_a_warning() {
    let (_directory, file) = chat_file();
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
fn a_file_replaced_during_the_wait_is_opened_again() {
    let (_directory, file) = chat_file();
    fs::write(&file, USER).expect("the file is written");
    let held = File::open(&file).expect("the file can be opened");
    held.lock().expect("the file is locked");
    let server = Server::replying(&["reply"]);
    let mut waiting = ask(&server, &["hi", "-q", "--history"]);
    let mut waiting = waiting.arg(&file).stdout(Stdio::null()).spawn().expect("gravix starts");
    wait_until_blocked(waiting.id());
    let replacement = file.with_extension("new");
    fs::write(&replacement, format!("{USER}{ASSISTANT}")).expect("the file is written");
    fs::rename(&replacement, &file).expect("the file is renamed");
    drop(held);
    assert!(waiting.wait().expect("gravix ends").success());
    assert_eq!(json_lines(&file).len(), 4);
    assert_eq!(server.request().json()["messages"].as_array().map(Vec::len), Some(3));
}

/// Waits until the process is blocked on a lock.
fn wait_until_blocked(pid: u32) {
    loop {
        let locks = fs::read_to_string("/proc/locks").expect("/proc/locks is readable");
        let is_waiting = |line: &str| line.contains("->") && line.contains(&format!(" {pid} "));
        if locks.lines().any(is_waiting) {
            return;
        }
        std::thread::yield_now();
    }
}

#[test]
fn concurrent_turns_wait_for_one_another() {
    let (_directory, file) = chat_file();
    let server = Server::replying(&["r"; 8]);
    let turns: Vec<_> = (0..8)
        .map(|turn| {
            let mut command = ask(&server, &[&format!("turn {turn}"), "--history"]);
            command.arg(&file).stdout(Stdio::null()).spawn().expect("gravix starts")
        })
        .collect();
    for mut turn in turns {
        assert!(turn.wait().expect("gravix ends").success());
    }
    assert_eq!(json_lines(&file).len(), 16);
    let mut lengths: Vec<_> = server
        .requests()
        .iter()
        .map(|request| request.json()["messages"].as_array().expect("messages are an array").len())
        .collect();
    lengths.sort_unstable();
    assert_eq!(lengths, [1, 3, 5, 7, 9, 11, 13, 15]);
}
