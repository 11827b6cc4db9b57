//! Which files can hold a history, with which modes and sizes.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use crate::support::conversation::{USER, chat_file};
use crate::support::server::{Server, answer};
use crate::support::{as_nobody, ask, ask_mock, json_lines, program, run, shell, skip};

#[test]
fn a_turn_that_fails_leaves_no_new_file() {
    let (directory, file) = chat_file();
    let refusal = || answer("400 Bad Request", "application/json", "{}");
    run(ask(&Server::once(refusal()), &["hi", "--history"]).arg(&file)).exits(69);
    assert_eq!(fs::read_dir(directory.path()).expect("the directory is readable").count(), 0);
    // A file that existed before stays, even if empty.
    fs::write(&file, "").expect("the file is written");
    run(ask(&Server::once(refusal()), &["hi", "-q", "--history"]).arg(&file)).exits(69);
    assert!(file.exists());
}

#[test]
fn symbolic_links_are_followed_and_stay_links() {
    let (directory, file) = chat_file();
    let link = directory.path().join("link");
    symlink(&file, &link).expect("the link is created");
    for turns in 1..3 {
        run(ask_mock(&["hi", "-q", "--history"]).arg(&link)).exits(0);
        assert_eq!(json_lines(&file).len(), turns * 2);
        assert!(fs::symlink_metadata(&link).expect("the link exists").is_symlink());
    }
}

#[test]
fn a_new_file_is_private_whatever_the_umask() {
    let (_directory, file) = chat_file();
    let script = format!(
        "umask 000; {} ask -n --base-url mock: --history {} hi",
        env!("CARGO_BIN_EXE_gravix"),
        file.display()
    );
    run(&mut shell("sh", &script)).exits(0).says_nothing();
    assert_eq!(fs::metadata(&file).expect("the file exists").permissions().mode() & 0o777, 0o600);
    // The mode of an existing file is kept.
    fs::set_permissions(&file, fs::Permissions::from_mode(0o664)).expect("the mode is set");
    run(ask_mock(&["hi", "--history"]).arg(&file)).exits(0).says(&["others can read"]);
    assert_eq!(fs::metadata(&file).expect("the file exists").permissions().mode() & 0o777, 0o664);
    // The command of the warning is one to paste.
    let odd = file.with_file_name("a b;c");
    fs::rename(&file, &odd).expect("the file is renamed");
    let pasted = format!("chmod 600 '{}' ", odd.display());
    run(ask_mock(&["hi", "--history"]).arg(&odd)).exits(0).says(&[&pasted]);
}

#[test]
fn a_path_that_cannot_be_a_history_is_refused_before_anything_is_sent() {
    let (directory, file) = chat_file();
    let fifo = directory.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("the FIFO is created");
    let server = Server::replying(&[]);
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
    let (directory, file) = chat_file();
    fs::write(&file, USER).expect("the file is written");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).expect("the mode is set");
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o555))
        .expect("the mode is set");
    // Root can write everywhere.
    let ask = |arguments: &[&str], path: &Path| {
        let mut command = ask_mock(&["-q", "hi"]);
        as_nobody(command.args(arguments).arg("--history").arg(path)).then_some(command)
    };
    let Some(mut command) = ask(&[], &file) else {
        return;
    };
    run(&mut command).exits(73).prints("").says(&["permission denied", "--no-save"]);
    let ask = |arguments: &[&str], path: &Path| ask(arguments, path).expect("it ran before");
    let new = directory.path().join("new.jsonl");
    run(&mut ask(&[], &new)).exits(73).prints("").says(&["permission denied"]);
    run(&mut ask(&["--no-save"], &file)).exits(0).prints("hi\n").says_nothing();
    assert_eq!(fs::read_to_string(&file).expect("the file is readable"), USER);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).expect("the mode is set");
    run(&mut ask(&["--no-save"], &file)).exits(66).prints("").says(&["cannot read"]);
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755))
        .expect("the mode is set");
}

#[test]
fn a_large_history_needs_little_memory() {
    let (_directory, file) = chat_file();
    let content = "x".repeat(1 << 16);
    let line = format!("{{\"role\":\"user\",\"content\":\"{content}\"}}\n");
    let mut large = File::create(&file).expect("the file is created");
    for _ in 0..4096 {
        large.write_all(line.as_bytes()).expect("the line is written");
    }
    drop(large);
    assert!(fs::metadata(&file).expect("the file exists").len() > 256 << 20);
    let server = Server::replying(&["reply"; 2]);
    for arguments in
        [&["hi", "-q", "--no-save", "--history"][..], &["hi", "-q", "--turns", "3", "--history"]]
    {
        let mut limited = program("prlimit");
        limited.arg("--as=134217728");
        let command = ask(&server, arguments);
        limited.arg(command.get_program()).args(command.get_args()).arg(&file);
        if Command::new("prlimit").arg("--version").output().is_err() {
            skip("prlimit is not installed");
            return;
        }
        run(&mut limited).exits(0).prints("reply\n").says_nothing();
    }
    let lengths: Vec<_> = server.requests().iter().map(|request| request.body.len()).collect();
    assert!(lengths[0] > 256 << 20 && lengths[1] < 1 << 18, "{lengths:?}");
}

#[test]
fn a_new_file_is_private() {
    let (_directory, file) = chat_file();
    run(ask(&Server::replying(&["x"]), &["hi", "--history"]).arg(&file)).exits(0);
    assert_eq!(fs::metadata(&file).expect("the file exists").permissions().mode() & 0o777, 0o600);
}

#[test]
fn only_a_regular_file_can_be_a_history() {
    let (directory, _) = chat_file();
    let server = Server::replying(&[]);
    for path in [directory.path(), "/dev/null".as_ref(), "/nowhere/chat.jsonl".as_ref()] {
        run(ask(&server, &["hi", "--history"]).arg(path))
            .exits(73)
            .prints("")
            .says(&["cannot write"]);
    }
    assert!(server.requests().is_empty());
}
