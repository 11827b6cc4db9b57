//! `gravix history fork`: a copy of a conversation, or of its first turns.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use crate::support::conversation::{ASSISTANT, USER, chat_file};
use crate::support::server::{Server, Step, chunk, gate, stream_head};
use crate::support::{DONE, Run, ask, ask_mock, finish, gravix, run};
use crate::support::{start, start_and_read_token, token};

const SYSTEM: &str = "{\"role\":\"system\",\"content\":\"Be brief.\"}\n";

/// A line with all that a copy could change.
const EXACT: &str = "{ \"content\":\"\\u00e9\",  \"role\":\"user\", \"n\":1.0 }\r\n";

#[track_caller]
fn fork(file: &Path, arguments: &[&str], new: &Path) -> Run {
    run(gravix().args(["history", "fork"]).arg(file).args(arguments).arg("-o").arg(new))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("the file is readable")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("the file exists").permissions().mode() & 0o777
}

#[test]
fn a_fork_is_the_first_turns_byte_for_byte() {
    let (directory, file) = chat_file();
    let tool = "{\"role\":\"tool\",\"content\":\"t\"}\n";
    let [first, second] =
        [format!("{USER}{ASSISTANT}{tool}{ASSISTANT}\n"), format!("{EXACT}{ASSISTANT}")];
    let text = format!("\u{feff}{SYSTEM}{first}{second}{USER}");
    fs::write(&file, &text).expect("the file is written");
    for (name, arguments, copied, said) in [
        ("1", &["--at", "1"][..], format!("\u{feff}{SYSTEM}{first}"), "copied 1 turn of"),
        ("2", &["--at", "2"], format!("\u{feff}{SYSTEM}{first}{second}"), "copied 2 turns of"),
        ("3", &["--at", "3"], text.clone(), "copied 3 turns of"),
        ("all", &[], text.clone(), "copied 3 turns of"),
    ] {
        let new = directory.path().join(name);
        fork(&file, arguments, &new).exits(0).prints("").says(&[said, name]);
        assert_eq!(read(&new), copied);
        assert_eq!(mode(&new), 0o600);
    }
    assert_eq!(read(&file), text);
    fork(&file, &["-q"], &directory.path().join("quiet")).exits(0).prints("").says_nothing();
}

#[test]
fn more_turns_than_there_are_is_a_usage_error() {
    let (directory, file) = chat_file();
    let new = directory.path().join("new");
    for (text, said) in [
        (format!("{USER}{ASSISTANT}{USER}"), "has only 2 turns"),
        (format!("{USER}{ASSISTANT}"), "has only 1 turn"),
        (SYSTEM.to_owned(), "has no turns"),
    ] {
        fs::write(&file, text).expect("the file is written");
        fork(&file, &["--at", "3"], &new).exits(2).prints("").says(&["chat.jsonl", said]);
        assert!(!new.exists());
    }
    fork(&file, &["--at", "0"], &new).exits(2).says(&["--at"]);
    run(gravix().args(["history", "fork"]).arg(&file)).exits(2).prints("").says(&["--output"]);
    fork(&file, &[], Path::new("-")).exits(2).prints("").says(&["./-"]);
}

#[test]
fn what_exists_is_never_overwritten() {
    let (directory, file) = chat_file();
    fs::write(&file, USER).expect("the file is written");
    let (other, link) = (directory.path().join("other"), directory.path().join("link"));
    fs::write(&other, "mine").expect("the file is written");
    symlink("nowhere", &link).expect("the link is made");
    for new in [&other, &link, &file, &directory.path().to_owned()] {
        fork(&file, &[], new).exits(73).prints("").says(&["already exists"]);
    }
    assert_eq!((read(&other).as_str(), read(&file).as_str()), ("mine", USER));
    assert!(!directory.path().join("nowhere").exists());
    let missing = directory.path().join("none/new");
    fork(&file, &[], &missing).exits(73).prints("").says(&["none/new"]);
    fork(&missing, &[], &directory.path().join("new")).exits(66).prints("").says(&["none/new"]);
}

#[test]
fn a_failure_leaves_nothing_of_the_new_file() {
    let (directory, file) = chat_file();
    fs::write(&file, format!("{USER}[]\n")).expect("the file is written");
    let new = directory.path().join("new");
    fork(&file, &[], &new).exits(65).prints("").says(&["chat.jsonl:2:", "history repair"]);
    // The limit of a file's size is less than the copy has.
    fs::write(&file, USER.repeat(1000)).expect("the file is written");
    let gravix = env!("CARGO_BIN_EXE_gravix");
    let script = format!("ulimit -f 8; exec {gravix} history fork \"$1\" -o \"$2\"");
    let mut limited = crate::support::shell("sh", &script);
    run(limited.arg("sh").arg(&file).arg(&new)).exits(73).prints("").says(&["cannot write"]);
    assert_eq!(fs::read_dir(directory.path()).expect("it is a directory").count(), 1);
}

#[test]
fn a_torn_last_line_is_left_out_and_an_unended_one_is_ended() {
    let (directory, file) = chat_file();
    let (torn, unended) = (directory.path().join("torn"), directory.path().join("unended"));
    fs::write(&file, format!("{USER}{ASSISTANT}{{\"role\":\"us")).expect("the file is written");
    fork(&file, &[], &torn).exits(0).tells(&["is torn and left out"]);
    assert_eq!(read(&torn), format!("{USER}{ASSISTANT}"));
    fs::write(&file, format!("{USER}{}", ASSISTANT.trim_end())).expect("the file is written");
    fork(&file, &["--at", "1"], &unended).exits(0);
    assert_eq!(read(&unended), format!("{USER}{ASSISTANT}"));
}

#[test]
fn a_fork_in_the_default_directory_creates_it_and_goes_on_from_there() {
    let (directory, file) = chat_file();
    fs::write(&file, format!("{USER}{ASSISTANT}").repeat(2)).expect("the file is written");
    let home = directory.path().join("home");
    let fork = |file: &str, arguments: &[&str]| {
        let mut command = gravix();
        command.args(["history", "fork", file]).args(arguments).env("HOME", &home);
        run(command.current_dir(directory.path()))
    };
    fork("chat.jsonl", &["--at", "3", "-o", "@new"]).exits(2);
    assert!(!home.exists());
    fork("chat.jsonl", &["--at", "1", "-o", "@new"]).exits(0);
    fork("@new", &["-o", "@newer"]).exits(0);
    fork("@new", &["-o", "@newer"]).exits(73);
    fork("@new", &["-o", "@a/b"]).exits(2);
    let chats = home.join(".local/state/gravix/chats");
    assert_eq!(mode(&chats), 0o700);
    let mut asking = ask_mock(&["hi", "--history", "@newer"]);
    run(asking.env("HOME", &home)).exits(0);
    let lines = |name: &str| read(&chats.join(name)).lines().count();
    assert_eq!((lines("new.jsonl"), lines("newer.jsonl")), (2, 4));
}

#[test]
fn a_fork_waits_for_the_turn_in_progress() {
    let (directory, file) = chat_file();
    let new = directory.path().join("new");
    let (go_on, wait) = gate();
    let server =
        Server::once(vec![stream_head(), chunk(token("one")), wait, chunk(DONE), Step::LastChunk]);
    let asking =
        start_and_read_token(ask(&server, &["-q", "hi", "--stream", "--history"]).arg(&file));
    let mut forking = gravix();
    let mut forking = start(forking.args(["history", "fork"]).arg(&file).arg("-o").arg(&new));
    let mut stderr = BufReader::new(forking.stderr.take().expect("stderr is a pipe"));
    let mut note = String::new();
    stderr.read_line(&mut note).expect("gravix prints a line");
    assert!(note.contains("waiting for another turn"), "{note}");
    assert!(!new.exists());
    drop(go_on);
    assert!(finish(asking).status.success() && finish(forking).status.success());
    assert_eq!(read(&new), read(&file));
}
