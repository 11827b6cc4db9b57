//! `gravix history list`: the conversations in a directory, the newest first.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use crate::support::conversation::{ASSISTANT, USER};
use crate::support::server::{Server, Step, chunk, gate, stream_head};
use crate::support::terminal::Terminal;
use crate::support::{DONE, ask, finish, gravix, run, start_and_read_token, token};

fn home() -> TempDir {
    tempfile::tempdir().expect("a temporary directory is created")
}

fn chats(home: &Path) -> PathBuf {
    home.join(".local/state/gravix/chats")
}

/// Writes `text` to a file in `directory`, which was changed `age` seconds ago.
fn add(directory: &Path, name: &str, age: u64, text: &str) {
    fs::create_dir_all(directory).expect("the directory is created");
    let path = directory.join(name);
    fs::write(&path, text).expect("the file is written");
    let file = File::options().append(true).open(&path).expect("the file is opened");
    let modified = SystemTime::now() - Duration::from_secs(age);
    file.set_modified(modified).expect("the time is set");
}

fn list(home: &Path, arguments: &[&str]) -> Command {
    let mut command = gravix();
    command.args(["history", "list"]).args(arguments).env("HOME", home);
    command
}

fn prompt(text: &str) -> String {
    serde_json::json!({"role": "user", "content": text}).to_string() + "\n"
}

#[test]
fn a_pipe_gets_exact_columns_the_newest_first() {
    let home = home();
    let odd = "two\n\"lines\"\tand \u{1b}[31m\u{9b}";
    let turns = format!("{USER}{ASSISTANT}{}{ASSISTANT}", prompt(odd));
    add(&chats(home.path()), "old.jsonl", 60, &turns);
    add(&chats(home.path()), "new one.jsonl", 30, &prompt("not answered"));
    add(&chats(home.path()), "empty.jsonl", 90, "");
    add(&chats(home.path()), "old.jsonl.torn", 0, "{");
    run(&mut list(home.path(), &[])).exits(0).says_nothing().prints(concat!(
        "@new one\t1\tnot answered\n",
        "@old\t2\ttwo\\n\\\"lines\\\"\\tand \\u001b[31m\\u009b\n",
        "@empty\t0\t\n",
    ));
}

#[test]
fn another_directory_is_listed_by_paths() {
    let home = home();
    add(home.path(), "a.jsonl", 30, USER);
    // An image has no text, and the newest prompt need not be the last message.
    let image = r#"{"role":"user","content":[{"type":"text","text":"see"},{"type":"image_url"}]}"#;
    add(home.path(), "b\tc.jsonl", 60, &format!("{image}\n{ASSISTANT}"));
    let directory = home.path().to_str().expect("the path is UTF-8");
    run(&mut list(home.path(), &[directory])).exits(0).says_nothing().prints(format!(
        "{directory}/a.jsonl\t1\ta\n$'{directory}/b\\tc.jsonl'\t1\tsee\\n[image_url]\n"
    ));
    run(list(home.path(), &["."]).current_dir(home.path()))
        .exits(0)
        .prints(concat!("./a.jsonl\t1\ta\n", "$'./b\\tc.jsonl'\t1\tsee\\n[image_url]\n"));
}

#[test]
fn a_terminal_gets_aligned_lines_that_fit_it() {
    let home = home();
    add(&chats(home.path()), "locks.jsonl", 30, &prompt("what\n\tis a \u{1b}[31m lock?"));
    add(&chats(home.path()), "a b.jsonl", 60, &prompt(&"鎖 ".repeat(60)).repeat(12));
    let terminal = Terminal::open();
    let mut command = list(home.path(), &[]);
    assert!(command.stdout(terminal.stream()).status().expect("gravix runs").success());
    drop(command);
    let shown = terminal.read_to_end();
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines[0], "@locks    1 turn   what is a ^[[31m lock?");
    // 80 columns: each of these characters takes two.
    assert_eq!(lines[1], format!("'@a b'   12 turns  {}…", "鎖 ".repeat(20)));
}

#[test]
fn a_file_that_is_no_history_costs_no_other_one() {
    let home = home();
    add(&chats(home.path()), "good.jsonl", 10, USER);
    add(&chats(home.path()), "bad.jsonl", 20, &format!("{USER}[]\n"));
    add(&chats(home.path()), "text.jsonl", 30, "not JSON\n");
    add(&chats(home.path()), "older.jsonl", 40, USER);
    let run = run(&mut list(home.path(), &[])).exits(65).prints("@good\t1\ta\n@older\t1\ta\n");
    assert_eq!(run.stderr.lines().count(), 2, "{}", run.stderr);
    let bad = chats(home.path()).join("bad.jsonl");
    run.tells(&[
        "bad.jsonl:2: not a message",
        "text.jsonl:1: not a message",
        &format!("gravix history repair {}", bad.display()),
    ]);
}

#[test]
fn a_torn_last_line_does_not_matter() {
    let home = home();
    add(&chats(home.path()), "torn.jsonl", 10, &format!("{USER}{{\"role\":\"assis"));
    run(&mut list(home.path(), &[])).exits(0).prints("@torn\t1\ta\n").says_nothing();
}

#[test]
fn a_directory_without_histories_is_no_failure_and_a_missing_one_is() {
    let home = home();
    run(&mut list(home.path(), &[])).exits(0).prints("").says(&["gravix ask --history @chat"]);
    run(&mut list(home.path(), &["-q"])).exits(0).prints("").says_nothing();
    let directory = home.path().to_str().expect("the path is UTF-8");
    run(&mut list(home.path(), &[directory])).exits(0).prints("").says(&["no *.jsonl", directory]);
    run(&mut list(home.path(), &["none"])).exits(66).prints("").says(&["cannot read none"]);
    let file = home.path().join("file.jsonl");
    fs::write(&file, USER).expect("the file is written");
    run(list(home.path(), &[]).arg(&file)).exits(66).prints("").says(&["not a directory"]);
    run(gravix().args(["history", "list"])).exits(78).prints("").says(&["set HOME"]);
}

#[test]
fn a_turn_in_progress_is_not_waited_for_and_not_disturbed() {
    let home = home();
    add(&chats(home.path()), "busy.jsonl", 10, USER);
    let (go_on, wait) = gate();
    let server =
        Server::once(vec![stream_head(), chunk(token("one")), wait, chunk(DONE), Step::LastChunk]);
    let mut asking = ask(&server, &["-q", "hi", "--stream", "--history", "@busy"]);
    let child = start_and_read_token(asking.env("HOME", home.path()));
    run(&mut list(home.path(), &[])).exits(0).prints("@busy\t1\ta\n").says_nothing();
    drop(go_on);
    assert!(finish(child).status.success());
    run(&mut list(home.path(), &[])).exits(0).prints("@busy\t2\thi\n");
}
