//! Histories in the default directory: `@NAME`, and `-c` for the newest one.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use crate::support::conversation::{ASSISTANT, USER};
use crate::support::home::Home;
use crate::support::{ask_mock, gravix, run};

fn home() -> TempDir {
    tempfile::tempdir().expect("a temporary directory is created")
}

fn chats(home: &Path) -> PathBuf {
    home.join(".local/state/gravix/chats")
}

/// `gravix ask` with `arguments`, answered by the mock.
fn ask_in(home: &Path, arguments: &[&str]) -> Command {
    let mut command = ask_mock(arguments);
    command.env("HOME", home);
    command
}

/// A history with one turn, changed `age` seconds ago.
fn add(home: &Path, name: &str, age: u64) -> PathBuf {
    fs::create_dir_all(chats(home)).expect("the directory is created");
    let path = chats(home).join(name);
    fs::write(&path, format!("{USER}{ASSISTANT}")).expect("the file is written");
    let modified = SystemTime::now() - Duration::from_secs(age);
    let file = File::options().append(true).open(&path).expect("the file is opened");
    file.set_modified(modified).expect("the time is set");
    path
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("the file exists").permissions().mode() & 0o777
}

#[test]
fn a_name_is_a_file_of_a_private_directory_that_the_first_turn_creates() {
    let home = home();
    run(&mut ask_in(home.path(), &["hi", "--history", "@locks", "--dry-run"])).exits(0);
    assert!(!home.path().join(".local").exists());
    run(&mut ask_in(home.path(), &["hi", "--history", "@locks"])).exits(0).says_nothing();
    run(&mut ask_in(home.path(), &["hi", "--history", "@locks.jsonl"])).exits(0).says_nothing();
    let file = chats(home.path()).join("locks.jsonl");
    assert_eq!(fs::read_to_string(&file).expect("the history is there").lines().count(), 4);
    assert_eq!(mode(&file), 0o600);
    for directory in file.ancestors().skip(1).take(4) {
        assert_eq!(mode(directory), 0o700, "{}", directory.display());
    }
    // An absolute XDG_STATE_HOME comes first.
    let state = home.path().join("state");
    let mut ask = ask_in(home.path(), &["hi", "--history", "@locks"]);
    run(ask.env("XDG_STATE_HOME", &state)).exits(0);
    assert!(state.join("gravix/chats/locks.jsonl").exists());
    let mut ask = ask_in(home.path(), &["hi", "--history", "@relative"]);
    run(ask.env("XDG_STATE_HOME", "state").current_dir(home.path())).exits(0);
    assert!(chats(home.path()).join("relative.jsonl").exists());
}

#[test]
fn a_name_cannot_lead_out_of_the_directory_and_a_path_can_begin_with_an_at_sign() {
    let home = home();
    for name in ["@", "@..", "@../x", "@a/b", "@.hidden", "@a..b"] {
        run(&mut ask_in(home.path(), &["hi", "--history", name]))
            .exits(2)
            .prints("")
            .says(&[name, &format!("./{name}")]);
        run(gravix().args(["history", "show", name]).env("HOME", home.path())).exits(2).prints("");
    }
    assert_eq!(fs::read_dir(home.path()).expect("it is a directory").count(), 0);
    let mut ask = ask_in(home.path(), &["hi", "--history", "./@locks"]);
    run(ask.current_dir(home.path())).exits(0);
    assert!(home.path().join("@locks").exists());
    let homeless = run(&mut ask_mock(&["hi", "--history", "@locks"]));
    homeless.exits(78).prints("").says(&["set HOME"]);
}

#[test]
fn every_command_that_takes_a_history_takes_a_name() {
    let home = home();
    let locks = add(home.path(), "locks.jsonl", 0);
    let history =
        |arguments: &[&str]| run(gravix().arg("history").args(arguments).env("HOME", home.path()));
    history(&["show", "@locks"]).exits(0).prints("user:\na\n\nassistant:\nb\n");
    let counts = format!("{}: 1 turn, 2 messages, ", locks.display());
    let checked = history(&["check", "@locks", "@locks"]).exits(0);
    assert!(String::from_utf8_lossy(&checked.stdout).starts_with(&counts));
    history(&["repair", "@locks"]).exits(0).says(&["needs no repair"]);
    history(&["undo", "@locks"]).exits(0).prints(format!("{USER}{ASSISTANT}"));
    for command in ["show", "check", "repair", "undo"] {
        history(&[command, "@lokcs"]).exits(66).says(&["lokcs.jsonl", "gravix history list"]);
    }
}

#[test]
fn a_hint_names_a_file_of_the_directory_so_that_it_works_when_pasted() {
    let home = home();
    let locks = add(home.path(), "locks.jsonl", 0);
    fs::write(&locks, "[]\n").expect("the file is written");
    let repair = format!("gravix history repair {}", locks.display());
    run(&mut ask_in(home.path(), &["hi", "--history", "@locks"])).exits(65).says(&[&repair]);
    let command = format!("PATH={}:$PATH; {repair}", bin().display());
    run(crate::support::shell("sh", &command).env("HOME", home.path())).exits(0);
    run(&mut ask_in(home.path(), &["hi", "--history", "@locks"])).exits(0);
}

fn bin() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_gravix")).parent().expect("it is in a directory").to_owned()
}

#[test]
fn the_newest_history_is_continued() {
    let home = home();
    let old = add(home.path(), "old.jsonl", 60);
    let new = add(home.path(), "new.jsonl", 30);
    // None of these is a history.
    add(home.path(), "newer.jsonl.torn", 20);
    add(home.path(), "newer.jsonl.bad", 10);
    add(home.path(), ".hidden.jsonl", 5);
    fs::create_dir(chats(home.path()).join("directory.jsonl")).expect("the directory is created");
    let lines = |path: &Path| fs::read_to_string(path).expect("a history").lines().count();
    let more: &[&[&str]] = &[
        &["-c", "hi", "--no-save"],
        &["-c", "hi", "--turns", "1"],
        &["--latest", "hi", "--no-wait"],
    ];
    for arguments in more {
        run(&mut ask_in(home.path(), arguments)).exits(0).prints("hi\n");
    }
    assert_eq!((lines(&old), lines(&new)), (2, 6));
    let verbose = run(&mut ask_in(home.path(), &["-c", "hi", "-v"])).exits(0);
    verbose.tells(&["the newest conversation is", "new.jsonl"]);
    // What is continued becomes the newest.
    add(home.path(), "new.jsonl", 90);
    run(&mut ask_in(home.path(), &["-c", "hi"])).exits(0);
    assert_eq!((lines(&old), lines(&new)), (4, 2));
    fs::write(&old, format!("{USER}{ASSISTANT}{USER}")).expect("the file is written");
    run(&mut ask_in(home.path(), &["-c", "--continue"])).exits(0).prints("a\n");
}

#[test]
fn without_any_history_the_message_says_how_to_start_one() {
    let home = home();
    run(&mut ask_in(home.path(), &["-c", "hi"]))
        .exits(66)
        .prints("")
        .says(&["no conversation", "gravix ask --base-url mock: --history @chat"]);
    fs::create_dir_all(chats(home.path())).expect("the directory is created");
    run(&mut ask_in(home.path(), &["-c", "hi"])).exits(66).prints("").says(&["@chat"]);
    run(&mut ask_mock(&["-c", "hi"])).exits(78).prints("").says(&["set HOME"]);
}

#[test]
fn options_of_a_history_accept_the_newest_one_and_typing_both_is_refused() {
    let home = home();
    run(&mut ask_in(home.path(), &["-c", "hi", "--history", "@x"]))
        .exits(2)
        .says(&["--latest", "--history"]);
    for option in [&["--turns", "1"][..], &["--no-save"], &["--no-wait"], &["--continue"]] {
        run(ask_in(home.path(), &[]).args(option))
            .exits(2)
            .says(&[option[0], "needs --history or --latest"]);
    }
    let body = r#"{"messages":[{"role":"user","content":"a"}]}"#;
    run(&mut ask_in(home.path(), &["-c", "--body", body])).exits(2).says(&["--latest"]);
}

#[test]
fn the_configuration_can_name_a_history_of_the_directory() {
    let home = Home::new("history = \"@main\"\n[profiles.own]\nhistory = \"@own\"\n");
    let ask = |arguments: &[&str]| {
        let mut command = home.gravix(&["ask", "--base-url", "mock:", "hi"]);
        run(command.args(arguments)).exits(0).prints("hi\n").says_nothing();
    };
    ask(&[]);
    ask(&["-p", "own"]);
    let lines = |name: &str| {
        let path = chats(home.path()).join(name);
        fs::read_to_string(path).expect("a history").lines().count()
    };
    assert_eq!((lines("main.jsonl"), lines("own.jsonl")), (2, 2));
    // What is typed wins: -c over the configured name, and a name over a configured -c.
    add(home.path(), "main.jsonl", 60);
    ask(&["-c"]);
    assert_eq!((lines("main.jsonl"), lines("own.jsonl")), (2, 4));
    fs::write(home.config(), "latest = true\n").expect("the file is written");
    ask(&["--history", "@main"]);
    assert_eq!((lines("main.jsonl"), lines("own.jsonl")), (4, 4));
    fs::write(home.config(), "history = \"@a/b\"\n").expect("the file is written");
    run(&mut home.gravix(&["config"])).exits(78).says(&["c.toml:1:", "@a/b"]);
}
