//! A process that holds a key keeps its memory to itself.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use nix::sys::signal::Signal;

use crate::support::server::{Server, Step};
use crate::support::{NOBODY, as_nobody, ask, finish, program, run, signal, start};

/// `command` as an ordinary user, since root may do what others may not, and that
/// user's number; `None` if that user cannot run it.
fn as_user(mut command: Command) -> Option<(Command, u32)> {
    match fs::metadata("/proc/self").expect("/proc is mounted").uid() {
        0 => as_nobody(&mut command).then_some((command, NOBODY)),
        own => Some((command, own)),
    }
}

#[test]
fn a_process_with_a_key_leaves_no_core_and_lets_nobody_look_into_it() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    for (arguments, variable) in [
        (&["hi"][..], Some("GRAVIXLAYER_API_KEY")),
        (&["-H", "X-Api-Key: sesame42", "hi"], None),
        (&["hi"], None),
    ] {
        let server = Server::once(vec![Step::Stall]);
        let mut command = ask(&server, arguments);
        command.current_dir(directory.path());
        command.envs(variable.map(|variable| (variable, "sesame42")));
        let Some((mut command, user)) = as_user(command) else {
            return;
        };
        let has_key = variable.is_some() || arguments.len() > 1;
        let child = start(&mut command);
        server.wait_for_request();
        let memory = fs::metadata(format!("/proc/{}/mem", child.id())).expect("the process runs");
        // What cannot be dumped is root's (proc(5)).
        assert_eq!(memory.uid(), if has_key { 0 } else { user }, "{command:?}");
        signal(&child, Signal::SIGABRT);
        let status = finish(child).status;
        assert_eq!(status.signal(), Some(Signal::SIGABRT as i32));
        assert!(!(has_key && status.core_dumped()), "{command:?}");
    }
}

#[test]
fn pipes_of_the_shell_are_read_with_a_key_too() {
    let gravix = env!("CARGO_BIN_EXE_gravix");
    let line = r#"{"role":"user","content":"a"}"#;
    let script = format!(
        "{gravix} ask --base-url mock: -n --no-save --history <(echo '{line}') -f <(echo file) hi && \
         echo more | {gravix} ask --base-url mock: hi - && \
         {gravix} ask --base-url mock: -n -o /dev/stdout hi"
    );
    let mut command = program("bash");
    command.env("PATH", "/usr/bin:/bin").env("GRAVIXLAYER_API_KEY", "sesame42");
    command.args(["-c", &script]);
    let Some((mut command, _)) = as_user(command) else {
        return;
    };
    let run = run(&mut command).exits(0);
    let printed = String::from_utf8(run.stdout).expect("stdout is UTF-8");
    assert!(printed.contains("file") && printed.ends_with("hi\n"), "{printed}");
}
