//! Standard streams that were closed before gravix started, as with `>&-`.

use std::fs;

use crate::support::conversation::{ASSISTANT, USER, chat_file};
use crate::support::server::Server;
use crate::support::{Run, run, shell};

/// Runs gravix with `arguments` and these redirections, typed for a shell.
#[track_caller]
fn redirected(arguments: &[&str], redirections: &str) -> Run {
    let script = format!("\"$0\" \"$@\" {redirections}");
    let mut command = shell("sh", &script);
    command.arg(env!("CARGO_BIN_EXE_gravix")).args(arguments);
    run(&mut command)
}

#[test]
fn nothing_is_sent_or_saved_for_a_stdout_that_is_closed() {
    let server = Server::replying(&[]);
    let (_directory, file) = chat_file();
    let base_url = server.base_url();
    let ask = ["ask", "hi", "-n", "--base-url", &base_url, "--history"];
    let ask = [&ask[..], &[file.to_str().expect("the path is UTF-8")]].concat();
    for more in [
        &[][..],
        &["--stream"],
        &["--json"],
        &["--events"],
        &["--dry-run"],
        &["-o", "-"],
        &["-o", "/dev/stdout"],
        &["-o", "/dev/fd/1"],
    ] {
        redirected(&[&ask, more].concat(), ">&-")
            .exits(74)
            .says(&["standard output: it is closed"]);
        assert!(!file.exists());
    }
    redirected(&["models", "--base-url", &base_url], ">&-").exits(74).says(&["it is closed"]);
    let batch = ["batch", "--lines", "--base-url", &base_url];
    redirected(&batch, "< /proc/self/comm >&-").exits(74).says(&["it is closed"]);
    assert!(server.requests().is_empty());
}

#[test]
fn no_command_that_prints_succeeds_with_a_closed_stdout() {
    let (directory, file) = chat_file();
    let text = format!("{USER}{ASSISTANT}");
    fs::write(&file, &text).expect("the file is written");
    let file_name = file.to_str().expect("the path is UTF-8");
    let results = directory.path().join("results").display().to_string();
    fs::write(&results, "").expect("the file is written");
    for arguments in [
        &["--help"][..],
        &["ask", "-h"],
        &["--version"],
        &["config"],
        &["completions", "bash"],
        &["man"],
        &["history", "show", file_name],
        &["history", "check", file_name],
        &["history", "undo", file_name],
        &["batch", "--merge", &results],
    ] {
        redirected(arguments, ">&-").exits(74).says(&["it is closed"]);
    }
    assert_eq!(fs::read_to_string(&file).expect("the file is readable"), text);
}

#[test]
fn a_command_that_prints_elsewhere_needs_no_stdout() {
    let (directory, file) = chat_file();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (history, reply, results) = (file.display().to_string(), path("reply"), path("results"));
    let ask = ["ask", "-n", "--base-url", "mock:", "yes"];
    let to_file = ["-o", &reply, "--history", &history];
    redirected(&[&ask[..], &to_file].concat(), ">&-").exits(0).says_nothing();
    assert_eq!(fs::read_to_string(&reply).expect("the file is readable"), "yes\n");
    assert_eq!(fs::read_to_string(&file).expect("the file is readable").lines().count(), 2);
    redirected(&[&ask[..], &["--yes-no"]].concat(), ">&-").exits(0).says_nothing();
    let batch = ["batch", "-q", "--lines", "--base-url", "mock:", "-o", &results, &reply];
    redirected(&batch, ">&-").exits(0).says_nothing();
    assert_eq!(fs::read_to_string(&results).expect("the file is readable").lines().count(), 1);
    let merge = ["batch", "--merge", &results, "-o", &path("merged")];
    redirected(&merge, ">&-").exits(0).says_nothing();
}

#[test]
fn dev_null_is_no_closed_stdout_however_it_was_opened() {
    // Python's DEVNULL and daemon(3) open it for reading and writing, as Rust's
    // runtime does in place of a closed descriptor.
    for redirection in ["> /dev/null", "1<> /dev/null"] {
        let ask = ["ask", "-n", "--base-url", "mock:", "hi"];
        redirected(&ask, redirection).exits(0).says_nothing();
    }
}

#[test]
fn a_closed_stderr_changes_nothing_else() {
    let ask = ["ask", "-n", "--base-url", "mock:"];
    redirected(&[&ask[..], &["hi"]].concat(), "2>&-").exits(0).prints("hi\n");
    redirected(&[&ask[..], &["-u", "-v", "hi"]].concat(), "2>&-").exits(0).prints("hi\n");
    redirected(&[&ask[..], &["--bogus"]].concat(), "2>&-").exits(2).prints("");
    // There, the reply would be lost.
    for target in ["/dev/stderr", "/dev/fd/2"] {
        redirected(&[&ask[..], &["-o", target, "hi"]].concat(), "2>&-").exits(73).prints("");
    }
}

#[test]
fn a_closed_stdin_is_an_empty_one_of_which_nothing_is_said() {
    let ask = ["ask", "--base-url", "mock:"];
    redirected(&[&ask[..], &["hi"]].concat(), "<&-").exits(0).prints("hi\n").says_nothing();
    redirected(&ask, "<&-").exits(2).says(&["the prompt is empty"]);
    redirected(&[&ask[..], &["a", "-"]].concat(), "<&-").exits(2).says(&["is empty", "'-'"]);
}

#[test]
fn all_streams_can_be_closed() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let reply = directory.path().join("reply");
    let reply_name = reply.to_str().expect("the path is UTF-8");
    let arguments = ["ask", "--base-url", "mock:", "hi", "-o", reply_name];
    redirected(&arguments, "<&- >&- 2>&-").exits(0);
    assert_eq!(fs::read_to_string(&reply).expect("the file is readable"), "hi\n");
}
