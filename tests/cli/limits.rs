//! A machine at its limits: no thread, no file or no time to be had, and system
//! calls that a signal interrupts.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::certificates::Issuer;
use crate::support::conversation::{ASSISTANT, USER, chat_file};
use crate::support::home::Home;
use crate::support::server::Server;
use crate::support::{
    ask, ask_mock, batch, gravix, json_lines, program, run, run_with, shell, skip, strace,
};

/// `command`, which gets no thread, or only the ones before the `nth`. `None`
/// where strace does not work.
fn without_thread(command: &Command, nth: u32) -> Option<Command> {
    let fault = format!("--inject=clone3,clone:error=EAGAIN:when={nth}+");
    strace(command, &[fault])
}

#[test]
fn a_thread_that_cannot_be_had_is_told_with_its_reason() {
    let (_directory, file) = chat_file();
    fs::write(&file, format!("{USER}{ASSISTANT}")).expect("the file is written");
    let locked = File::open(&file).expect("the file is readable");
    locked.lock().expect("the file is locked");
    let server = Server::replying(&[]);
    let mut wait_for_lock = ask(&server, &["-n", "hi", "--history"]);
    wait_for_lock.arg(&file);
    let mut resolve = gravix();
    resolve.args(["ask", "-n", "hi", "--allow-http", "--base-url", "http://nowhere.invalid"]);
    let no_thread = "cannot start a thread: resource temporarily unavailable";
    let no_server = "cannot start the mock server: resource temporarily unavailable";
    for (command, reason) in [
        (ask_mock(&["-n", "hi"]), no_server),
        (batch("mock:", &["--lines", "-j1"]), no_server),
        (resolve, no_thread),
        (wait_for_lock, no_thread),
    ] {
        let Some(mut limited) = without_thread(&command, 1) else {
            return;
        };
        run_with(&mut limited, b"one\n").exits(78).prints("").says(&[reason, "ulimit -u"]);
    }
    assert!(server.requests().is_empty());
}

#[test]
fn a_key_command_without_a_process_or_thread_is_told_with_its_reason() {
    let home = Home::new("api_key_command = \"echo secret-key\"\n");
    for nth in 1..=2 {
        let Some(mut limited) = without_thread(&home.gravix(&["ask", "-n", "hi"]), nth) else {
            return;
        };
        limited.env("GRAVIX_CONFIG", home.config()).env("PATH", "/usr/bin:/bin");
        let reason = "resource temporarily unavailable";
        run(&mut limited).exits(78).prints("").says(&["api_key_command", reason, "ulimit -u"]);
    }
}

#[test]
fn threads_that_only_report_or_tidy_up_are_not_needed() {
    let (_directory, file) = chat_file();
    let server = Server::replying(&["reply"]);
    let mut command = ask(&server, &["hi", "--history"]);
    command.arg(&file);
    let Some(mut limited) = without_thread(&command, 1) else {
        return;
    };
    run_with(&mut limited, b"from stdin").exits(0).prints("reply\n").says_nothing();
    assert_eq!(json_lines(&file).len(), 2);
}

#[test]
fn a_file_that_cannot_be_had_is_told_with_its_reason() {
    let (directory, file) = chat_file();
    let gravix = env!("CARGO_BIN_EXE_gravix");
    let (history, output) = (file.display(), directory.path().join("out"));
    let output = output.display();
    for limit in 4..10 {
        for arguments in [
            "ask -n hi --retries 0 --base-url mock:".to_owned(),
            "ask -n hi --retries 0 --allow-http --base-url http://localhost:9".to_owned(),
            format!("ask -n hi --retries 0 --base-url mock: --history {history} -o {output}"),
            "models --retries 0 --base-url mock:".to_owned(),
        ] {
            // A hang fails with status 124.
            let script = format!("ulimit -n {limit}; exec timeout 10 {gravix} {arguments}");
            let run = run(&mut shell("bash", &script)).exits_with_one_of(&[0, 73, 75, 78]);
            if run.stderr.contains("too many open files") {
                assert!(run.stderr.contains("; run ulimit -n 1024"), "{limit}: {}", run.stderr);
                assert!(!run.stderr.contains("base URL"), "{limit}: {}", run.stderr);
            }
        }
    }
    let script = format!("ulimit -n 4; exec {gravix} ask -n hi --base-url http://127.0.0.1:9");
    run(&mut shell("bash", &script))
        .exits(78)
        .says(&["cannot connect to 127.0.0.1:9: too many open files; run ulimit -n 1024"]);
    // Standard output can be written: it is a copy of it that cannot be had.
    fs::write(&file, format!("{USER}{ASSISTANT}")).expect("the file is written");
    let script = format!("ulimit -n 4; exec {gravix} history show {history}");
    let reason = "cannot open another file: too many open files; run ulimit -n 1024";
    run(&mut shell("bash", &script)).exits(78).prints("").says(&[reason]);
}

#[test]
fn a_mock_server_without_a_file_for_its_client_is_told_once() {
    for (fault, reason) in [
        ("accept4:error=EMFILE:when=1", "cannot run the mock server: too many open files"),
        ("connect:error=EMFILE", "cannot connect to the mock server: too many open files"),
    ] {
        let command = ask_mock(&["-n", "hi"]);
        let Some(mut limited) = strace(&command, &[format!("--inject={fault}")]) else {
            return;
        };
        let run = run(&mut limited).exits(78).prints("");
        assert_eq!(run.stderr.matches(reason).count(), 1, "{}", run.stderr);
        assert!(!run.stderr.contains("retrying"), "{}", run.stderr);
    }
}

#[test]
fn interrupted_system_calls_are_made_again() {
    let (_directory, file) = chat_file();
    fs::write(&file, format!("{USER}{ASSISTANT}")).expect("the file is written");
    for call in ["pread64", "flock", "read", "write", "fdatasync", "openat"] {
        let mut command = ask_mock(&["-q", "-n", "hi", "--turns", "1", "--history"]);
        command.arg(&file);
        let path = format!("-P{}", file.display());
        let fault = format!("--inject={call}:error=EINTR:when=1+2");
        let Some(mut command) = strace(&command, &[path, fault]) else {
            return;
        };
        run(&mut command).exits(0).prints("hi\n").says_nothing();
        fs::write(&file, format!("{USER}{ASSISTANT}")).expect("the file is written");
    }
}

/// A library that makes the clock of a program show this time, in seconds since
/// 1970. `None` without a C compiler.
fn clock_at(seconds: i64, directory: &Path) -> Option<PathBuf> {
    let source = directory.join("clock.c");
    let text = format!(
        "#define _GNU_SOURCE\n#include <time.h>\n#include <unistd.h>\n#include <sys/syscall.h>\n\
         int clock_gettime(clockid_t id, struct timespec *t) {{\n\
         if (id != CLOCK_REALTIME) return syscall(SYS_clock_gettime, id, t);\n\
         t->tv_sec = {seconds}; t->tv_nsec = 0; return 0; }}\n"
    );
    fs::write(&source, text).expect("the file is written");
    let library = directory.join("clock.so");
    let mut compiler = program("cc");
    compiler.env("PATH", "/usr/bin:/bin").args(["-shared", "-fPIC", "-o"]);
    if !compiler.arg(&library).arg(source).status().is_ok_and(|status| status.success()) {
        skip("there is no C compiler");
        return None;
    }
    Some(library)
}

#[test]
fn a_clock_that_is_not_set_costs_no_reply() {
    for (seconds, time) in
        [(-86_400_i64, "1970-01-01T00:00:00.000Z"), (253_402_300_800, "9999-12-31T23:59:59.000Z")]
    {
        let (directory, file) = chat_file();
        let log = directory.path().join("log.jsonl");
        let Some(library) = clock_at(seconds, directory.path()) else {
            return;
        };
        let server = Server::replying(&["reply"]);
        let mut command = ask(&server, &["-n", "hi", "--log"]);
        command.arg(&log).arg("--history").arg(&file).env("LD_PRELOAD", &library);
        run(&mut command).exits(0).prints("reply\n").says_nothing();
        assert_eq!(json_lines(&log)[0]["time"], time);
        assert_eq!(json_lines(&file).len(), 2);
        run(ask_mock(&["-n", "hi"]).env("LD_PRELOAD", &library)).exits(0).prints("hi\n");
    }
}

#[test]
fn no_certificate_is_valid_before_1970() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let Some(library) = clock_at(-86_400, directory.path()) else {
        return;
    };
    let issuer = Issuer::new();
    let issuers = directory.path().join("issuers.pem");
    fs::write(&issuers, issuer.pem()).expect("the file is written");
    let port = issuer.serve("localhost", false, "");
    let mut command = gravix();
    command.args(["ask", "-n", "hi", "--base-url", &format!("https://localhost:{port}/v1")]);
    command.arg("--ca-cert").arg(issuers).env("LD_PRELOAD", library);
    run(&mut command).exits(78).prints("").says(&["it is not valid yet"]);
}
