//! Runs gravix with only the environment, home and terminal that a test gives,
//! and checks the result.

pub mod batch_lines;
pub mod certificates;
pub mod chat_screen;
pub mod conversation;
pub mod fault;
pub mod gguf;
pub mod held;
pub mod home;
pub mod litellm;
pub mod llama;
pub mod man_page;
pub mod openai;
pub mod page;
pub mod real;
pub mod screen;
pub mod server;
pub mod service;
pub mod shell_screen;
pub mod terminal;

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Once};
use std::thread;

use assert_cmd::assert::{Assert, OutputAssertExt};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use predicates::prelude::*;
use server::Server;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::flag::register_conditional_default;

/// A program with an empty environment, nothing on stdin, and the default
/// actions of signals.
pub fn program(name: impl AsRef<OsStr>) -> Command {
    reset_signals_in_children();
    let mut command = Command::new(name);
    command.env_clear().stdin(Stdio::null());
    command
}

/// The binary with an empty environment and nothing on stdin.
pub fn gravix() -> Command {
    program(env!("CARGO_BIN_EXE_gravix"))
}

/// `script` in a shell with the usual programs in its path.
pub fn shell(name: &str, script: &str) -> Command {
    let mut command = program(name);
    command.env("PATH", "/usr/bin:/bin").args(["-c", script]);
    command
}

/// Children inherit an ignored signal, such as SIGINT in `cargo test &` of a
/// script or SIGHUP under nohup, but a caught signal is reset to its default.
/// A signal that ended the tests still does, and an ignored one still does not.
fn reset_signals_in_children() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM] {
            let is_ignored = ignored.is_some_and(|mask| mask >> (signal - 1) & 1 == 1);
            let ends_the_tests = Arc::new(AtomicBool::new(!is_ignored));
            register_conditional_default(signal, ends_the_tests)
                .expect("a handler for the signal is registered");
        }
    });
}

/// `gravix ask` with `arguments`, sent to `server`.
pub fn ask(server: &Server, arguments: &[&str]) -> Command {
    let mut command = gravix();
    command.args(["ask", "--base-url", &server.base_url()]).args(arguments);
    command
}

/// `gravix batch` with `arguments`, sent to `base_url`.
pub fn batch(base_url: &str, arguments: &[&str]) -> Command {
    let mut command = gravix();
    command.args(["batch", "--base-url", base_url]).args(arguments);
    command
}

/// `gravix ask` with `arguments`, answered by the mock.
pub fn ask_mock(arguments: &[&str]) -> Command {
    let mut command = gravix();
    command.args(["ask", "--base-url", "mock:"]).args(arguments);
    command
}

/// Runs `command` with `input` on a pipe as its stdin.
#[track_caller]
pub fn run_with(command: &mut Command, input: &[u8]) -> Run {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("gravix starts");
    let mut stdin = child.stdin.take().expect("stdin is a pipe");
    let input = input.to_vec();
    // The write fails when gravix exits without reading.
    let writer = thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("gravix ends");
    writer.join().expect("the writer does not panic");
    Run::new(command, output)
}

#[track_caller]
pub fn run(command: &mut Command) -> Run {
    let output = command.output().expect("the program starts");
    Run::new(command, output)
}

/// Starts `command` with pipes for its stdout and stderr.
#[track_caller]
pub fn start(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("gravix starts")
}

/// Starts `command` and reads its first token, which is `one`.
#[track_caller]
pub fn start_and_read_token(command: &mut Command) -> Child {
    let mut child = start(command);
    let mut token = [0; 3];
    child
        .stdout
        .as_mut()
        .expect("stdout is a pipe")
        .read_exact(&mut token)
        .expect("gravix prints the first token");
    child
}

/// Waits for the end of `child` and reads its pipes.
#[track_caller]
pub fn finish(child: Child) -> Output {
    child.wait_with_output().expect("gravix ends")
}

/// A finished run. Each check prints the command, its status and its output
/// when it fails.
pub struct Run {
    pub stdout: Vec<u8>,
    pub stderr: String,
    assert: Assert,
}

/// Checks that a run printed nothing but this message on stderr.
#[track_caller]
pub fn refuses(run: Run, status: i32, message: &str) {
    let run = run.exits(status).prints("");
    assert_eq!(run.stderr, format!("gravix: {message}\n"));
}

/// Checks that a run printed nothing but a message with this part on stderr.
#[track_caller]
pub fn refuses_saying(run: Run, status: i32, part: &str) {
    run.exits(status).prints("").says(&[part]);
}

impl Run {
    fn new(command: &Command, output: Output) -> Self {
        let status = output.status;
        let assert = output
            .assert()
            .append_context("command", format!("{command:?}"))
            .append_context("status", status);
        let output = assert.get_output();
        Self {
            stdout: output.stdout.clone(),
            stderr: String::from_utf8(output.stderr.clone()).expect("stderr is UTF-8"),
            assert,
        }
    }

    #[track_caller]
    pub fn exits(self, status: i32) -> Self {
        Self { assert: self.assert.code(status), ..self }
    }

    #[track_caller]
    pub fn exits_with_one_of(self, statuses: &[i32]) -> Self {
        Self { assert: self.assert.code(statuses.to_vec()), ..self }
    }

    #[track_caller]
    pub fn prints(self, stdout: impl AsRef<[u8]>) -> Self {
        let stdout = stdout.as_ref();
        let assert = match std::str::from_utf8(stdout) {
            // A failure shows a diff.
            Ok(text) => self.assert.stdout(predicate::str::diff(text.to_owned()).from_utf8()),
            Err(_) => self.assert.stdout(stdout.to_vec()),
        };
        Self { assert, ..self }
    }

    /// Stderr is one line, which contains each of `parts`.
    #[track_caller]
    pub fn says(self, parts: &[&str]) -> Self {
        let is_one_line =
            predicate::function(|text: &str| text.lines().count() == 1).fn_name("is one line");
        let line = predicate::str::starts_with("gravix: ").and(is_one_line);
        let mut assert = self.assert.stderr(line);
        for part in parts {
            assert = assert.stderr(predicate::str::contains(*part));
        }
        Self { assert, ..self }
    }

    /// Stderr has all of these parts, on any lines.
    #[track_caller]
    pub fn tells(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stderr.contains(part), "{part} is not in {}", self.stderr);
        }
        self
    }

    #[track_caller]
    pub fn says_nothing(self) -> Self {
        Self { assert: self.assert.stderr(predicate::str::is_empty()), ..self }
    }
}

/// Sends a signal to a running process.
#[track_caller]
pub fn signal(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id()).expect("the process id fits an i32");
    kill(Pid::from_raw(pid), signal).expect("the process is running");
}

/// `command` under strace with these options, where strace works.
pub fn strace(command: &Command, options: &[String]) -> Option<Command> {
    let probe = Command::new("strace").args(["-o", "/dev/null", "true"]).output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        skip("strace does not work here");
        return None;
    }
    let mut strace = program("strace");
    strace.args(["-f", "-qq", "-o", "/dev/null"]).args(options);
    strace.arg(command.get_program()).args(command.get_args());
    Some(strace)
}

/// The user nobody, whom permissions and limits hold.
pub const NOBODY: u32 = 65534;

/// Makes `command` run as the user nobody. Returns false if that user cannot run
/// gravix here.
pub fn as_nobody(command: &mut Command) -> bool {
    let can_run = gravix().arg("--version").uid(NOBODY).gid(NOBODY).output().is_ok();
    if !can_run {
        skip("gravix cannot be run as nobody");
    }
    command.uid(NOBODY).gid(NOBODY);
    can_run
}

/// `/dev/full`, where every write fails for lack of space.
pub fn full_device() -> File {
    File::options().write(true).open("/dev/full").expect("/dev/full can be opened")
}

/// Reports why a test is skipped.
pub fn skip(reason: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {reason}");
}

/// The lines of a file as JSON.
#[track_caller]
pub fn json_lines(path: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(path).expect("the file can be read");
    text.lines().map(|line| serde_json::from_str(line).expect("the line is JSON")).collect()
}

/// The body of a complete response to a plain request.
pub fn completion(text: &str) -> String {
    completion_ended(text, "stop")
}

/// The body of a response with this finish reason.
pub fn completion_ended(text: &str, reason: &str) -> String {
    let message = serde_json::json!({"role": "assistant", "content": text});
    let choice = serde_json::json!({"index": 0, "message": message, "finish_reason": reason});
    serde_json::json!({"object": "chat.completion", "choices": [choice]}).to_string()
}

/// One event of a stream, with its blank line.
pub fn token(text: &str) -> String {
    let choice = serde_json::json!({"index": 0, "delta": {"content": text}});
    format!("data: {}\n\n", serde_json::json!({ "choices": [choice] }))
}

/// The end of a stream.
pub const DONE: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
