//! Files beside the ones that are named, such as `FILE.torn`: what another user
//! may have put in their place is neither followed nor waited for.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::support::batch_lines::input;
use crate::support::conversation::{ASSISTANT, USER, chat_file};
use crate::support::server::Server;
use crate::support::service::Service;
use crate::support::{Run, as_nobody, ask, ask_mock, batch, gravix, run};

const TORN: &str = "{\"role\":\"user\",\"con";

/// What to do with a file that nobody named.
const REMOVE: &str = "; remove or rename it";

/// Puts everything but a regular file at `path`, one after another, and runs
/// `command` with each. `check` gets the run and the reason that it must give.
#[track_caller]
fn with_intruders(path: &Path, command: impl Fn() -> Command, check: impl Fn(Run, &str)) {
    let target = path.with_extension("target");
    fs::write(&target, "precious").expect("the file is written");
    symlink(&target, path).expect("the link is created");
    check(run(&mut command()), "it is a symbolic link");
    assert_eq!(fs::read_to_string(&target).expect("the target is readable"), "precious");
    fs::remove_file(path).expect("the link is removed");
    symlink(path.with_extension("nowhere"), path).expect("the link is created");
    check(run(&mut command()), "it is a symbolic link");
    assert!(!path.with_extension("nowhere").exists());
    fs::remove_file(path).expect("the link is removed");
    mkfifo(path, Mode::S_IRWXU).expect("the FIFO is created");
    check(run(&mut command()), "it is a FIFO, not a file");
    fs::remove_file(path).expect("the FIFO is removed");
    let socket = UnixListener::bind(path).expect("the socket is created");
    check(run(&mut command()), "it is not a regular file");
    drop(socket);
    fs::remove_file(path).expect("the socket is removed");
    fs::create_dir(path).expect("the directory is created");
    check(run(&mut command()), "it is a directory, not a file");
    fs::remove_dir(path).expect("the directory is removed");
}

#[test]
fn a_torn_line_stays_where_it_is_if_it_cannot_be_moved() {
    let (_directory, file) = chat_file();
    let torn = format!("{USER}{ASSISTANT}{TORN}");
    fs::write(&file, &torn).expect("the file is written");
    let server = Server::replying(&[]);
    let command = || {
        let mut command = ask(&server, &["hi", "-q", "--history"]);
        command.arg(&file);
        command
    };
    let undo = || {
        let mut command = gravix();
        command.args(["history", "undo"]).arg(&file);
        command
    };
    let aside = file.with_extension("jsonl.torn");
    let check = |run: Run, reason: &str| {
        let text = format!("chat.jsonl.torn: {reason}");
        run.exits(73).prints("").says(&["cannot move the torn last line of ", &text, REMOVE]);
        assert_eq!(fs::read_to_string(&file).expect("the file is readable"), torn);
    };
    with_intruders(&aside, command, check);
    with_intruders(&aside, undo, check);
    assert!(server.requests().is_empty());
}

#[test]
fn a_repair_changes_nothing_if_the_bad_lines_cannot_be_moved() {
    let (_directory, file) = chat_file();
    let bad = format!("{USER}5\n{ASSISTANT}");
    fs::write(&file, &bad).expect("the file is written");
    let command = || {
        let mut command = gravix();
        command.args(["history", "repair"]).arg(&file);
        command
    };
    with_intruders(&file.with_extension("jsonl.bad"), command, |run, reason| {
        let text = format!("chat.jsonl.bad: {reason}");
        run.exits(73).says(&["cannot move the bad lines of ", &text, REMOVE]);
        assert_eq!(fs::read_to_string(&file).expect("the file is readable"), bad);
    });
}

#[test]
fn a_batch_sends_nothing_if_its_side_files_cannot_be_used() {
    let (directory, file) = input(&["a"]);
    let output = directory.path().join("out.jsonl");
    let torn = "{\"custom_id\":\"1\",\"resp";
    fs::write(&output, torn).expect("the file is written");
    let service = Service::echo();
    for (suffix, is_ordered) in [("torn", false), ("waiting", false), ("waiting", true)] {
        let command = || {
            let mut command = batch(&service.base_url(), &["-q", "--lines", "-o"]);
            command.arg(&output).args(is_ordered.then_some("--ordered")).arg(&file);
            command
        };
        with_intruders(
            &output.with_extension(format!("jsonl.{suffix}")),
            command,
            |run, reason| {
                run.exits(73).prints("").says(&[&format!("out.jsonl.{suffix}: {reason}"), REMOVE]);
            },
        );
        if suffix == "torn" {
            assert_eq!(fs::read_to_string(&output).expect("the file is readable"), torn);
            fs::write(&output, "").expect("the file is written");
        }
    }
    assert!(service.seen().is_empty());
}

#[test]
fn a_side_file_of_another_user_is_refused_unless_root_asks() {
    let (directory, file) = chat_file();
    let aside = file.with_extension("jsonl.torn");
    let (mut command, mut nobody) = (ask_mock(&["-q", "hi"]), ask_mock(&["-q", "hi"]));
    command.arg("--history").arg(&file);
    if !as_nobody(nobody.arg("--history").arg(&file)) {
        return;
    }
    let everyone = fs::Permissions::from_mode(0o777);
    fs::set_permissions(directory.path(), everyone.clone()).expect("the mode is set");
    let prepare = |text: &str, owner: u32| {
        for (path, text) in [(&file, TORN), (&aside, text)] {
            fs::write(path, text).expect("the file is written");
            fs::set_permissions(path, everyone.clone()).expect("the mode is set");
        }
        chown(&file, Some(65534), None).expect("the owner is set");
        chown(&aside, Some(owner), None).expect("the owner is set");
    };
    prepare("old\n", 1);
    run(&mut nobody)
        .exits(73)
        .says(&["chat.jsonl.torn: it belongs to another user; remove or rename it"]);
    assert_eq!(fs::read_to_string(&file).expect("the file is readable"), TORN);
    prepare("old\n", 65534);
    run(&mut nobody).exits(0).prints("hi\n");
    assert_eq!(fs::read_to_string(&aside).expect("the file is readable"), format!("old\n{TORN}\n"));
    prepare("old\n", 1);
    run(&mut command).exits(0).prints("hi\n");
}
