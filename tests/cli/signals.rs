//! How gravix ends on a signal.

use std::fs;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::server::{Server, Step, chunk, gate, stream_head};
use crate::support::{
    DONE, ask, ask_mock, finish, shell, signal, start, start_and_read_token, strace, token,
};

/// A server that stalls after one token.
fn stalling_server() -> Server {
    Server::once(vec![stream_head(), chunk(token("one")), Step::Stall])
}

#[test]
fn a_signal_kills_gravix_and_nothing_is_saved() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("chat.jsonl");
    for end_signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT] {
        let server = stalling_server();
        let mut command = ask(&server, &["hi", "--stream", "--history"]);
        // A core file goes there too.
        let child = start_and_read_token(command.arg(&file).current_dir(directory.path()));
        signal(&child, end_signal);
        let output = finish(child);
        assert_eq!(output.status.signal(), Some(end_signal as i32));
        assert!(output.stderr.is_empty(), "{output:?}");
        assert!(!file.exists(), "an interrupted first turn leaves no file");
    }
    // A file that was there before stays.
    fs::write(&file, "").expect("the file is written");
    let server = stalling_server();
    let mut command = ask(&server, &["hi", "--stream", "--history"]);
    let child = start_and_read_token(command.arg(&file));
    signal(&child, Signal::SIGTERM);
    finish(child);
    assert!(file.exists());
}

#[test]
fn an_interrupted_first_turn_does_not_hurt_the_next_one() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("chat.jsonl");
    let server = stalling_server();
    let mut command = ask(&server, &["first", "--stream", "--history"]);
    let first = start_and_read_token(command.arg(&file));
    let mut command = ask_mock(&["second", "-n", "--history"]);
    let mut second = start(command.arg(&file));
    let mut waiting = [0; 30];
    let stderr = second.stderr.as_mut().expect("stderr is a pipe");
    stderr.read_exact(&mut waiting).expect("the second turn says that it waits");
    signal(&first, Signal::SIGINT);
    finish(first);
    let output = finish(second);
    assert!(output.status.success(), "{output:?}");
    let saved = fs::read_to_string(&file).expect("the file is readable");
    assert!(saved.starts_with(r#"{"role":"user","content":"second"}"#), "{saved}");
}

#[test]
fn a_signal_leaves_no_temporary_file_behind() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("reply.txt");
    let (_hold, wait) = gate();
    let server = Server::once(vec![stream_head(), chunk(token("one")), wait]);
    let mut command = ask(&server, &["hi", "--stream", "-o"]);
    let child = command.arg(&file).spawn().expect("gravix starts");
    server.wait_for_request();
    signal(&child, Signal::SIGINT);
    let output = finish(child);
    assert_eq!(output.status.signal(), Some(Signal::SIGINT as i32));
    assert_eq!(fs::read_dir(directory.path()).expect("the directory is readable").count(), 0);
}

#[test]
fn a_signal_waits_until_a_file_is_replaced() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("reply.txt");
    let mut gravix = ask_mock(&["new", "-o"]);
    gravix.arg(&file);
    // fchmod is called once the temporary file exists.
    let fault = ["--inject=fchmod:signal=SIGINT".to_owned()];
    let Some(mut command) = strace(&gravix, &fault) else {
        return;
    };
    fs::write(&file, "old").expect("the file is written");
    let status = command.stderr(Stdio::null()).status().expect("strace runs");
    assert_eq!(status.signal(), Some(Signal::SIGINT as i32), "{status:?}");
    assert_eq!(fs::read_to_string(&file).expect("the file is readable"), "new\n");
    assert_eq!(fs::read_dir(directory.path()).expect("the directory is readable").count(), 1);
}

#[test]
fn an_ignored_signal_stays_ignored() {
    let (go_on, wait) = gate();
    let script =
        vec![stream_head(), chunk(token("one")), wait, chunk(DONE), Step::LastChunk, Step::End];
    let server = Server::once(script);
    let command_line = format!(
        "trap '' INT; exec {} ask --stream hi --base-url {}",
        env!("CARGO_BIN_EXE_gravix"),
        server.base_url()
    );
    let child = start_and_read_token(&mut shell("sh", &command_line));
    signal(&child, Signal::SIGINT);
    go_on.send(()).expect("the server is waiting");
    let output = finish(child);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(output.stdout, b"\n");
}

#[test]
fn one_interrupt_stops_a_shell_loop() {
    let server = Server::new(
        (0..3).map(|_| vec![stream_head(), chunk(token("one")), Step::Stall]).collect(),
    );
    let script = format!(
        "for i in 1 2 3; do {} ask --stream hi --base-url {}; done; echo survived",
        env!("CARGO_BIN_EXE_gravix"),
        server.base_url()
    );
    let mut command = shell("bash", &script);
    // Ctrl-C on a terminal reaches the whole process group.
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let child = start_and_read_token(&mut command);
    let group = Pid::from_raw(-i32::try_from(child.id()).expect("the process id fits an i32"));
    kill(group, Signal::SIGINT).expect("the process group is running");
    let output = child.wait_with_output().expect("bash ends");
    assert_eq!(output.status.signal(), Some(Signal::SIGINT as i32), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    assert_eq!(server.requests().len(), 1);
}
