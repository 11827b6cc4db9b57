//! What a killed run leaves of a file that was to replace another is removed by
//! the next run that replaces it, and never belongs to a run that is alive.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::batch_lines::input;
use crate::support::conversation::{ASSISTANT, USER, chat_file};
use crate::support::{ask_mock, batch, gravix, run, strace};

/// The names in a directory, sorted.
#[track_caller]
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("the directory is readable");
    let name = |entry: std::io::Result<fs::DirEntry>| {
        entry.expect("the entry is readable").file_name().to_string_lossy().into_owned()
    };
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}

/// Kills `command` when it renames its new file, then runs it again.
/// Returns false where strace does not work.
#[track_caller]
fn ensure_nothing_is_left(command: &dyn Fn() -> Command, directory: &Path) -> bool {
    let kill = "--inject=rename,renameat,renameat2:signal=SIGKILL:error=EIO";
    let Some(mut killed) = strace(&command(), &[kill.to_owned()]) else {
        return false;
    };
    killed.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("strace runs");
    let has_left_overs = || names(directory).iter().any(|name| name.starts_with(".gravix-"));
    assert!(has_left_overs(), "{:?}", names(directory));
    run(&mut command()).exits(0);
    assert!(!has_left_overs(), "{:?}", names(directory));
    true
}

#[test]
fn the_next_run_removes_what_a_killed_one_left() {
    let (directory, file) = chat_file();
    let out = directory.path().join("ö".repeat(127));
    let ask = || {
        let mut command = ask_mock(&["hi", "-n", "-o"]);
        command.arg(&out);
        command
    };
    let repair = || {
        fs::write(&file, format!("{USER}5\n{ASSISTANT}")).expect("the file is written");
        let mut command = gravix();
        command.args(["history", "repair"]).arg(&file);
        command
    };
    let merged = directory.path().join("merged.jsonl");
    let results = directory.path().join("results.jsonl");
    fs::write(&results, "").expect("the file is written");
    let merge = || {
        let mut command = gravix();
        command.args(["batch", "--merge"]).arg(&results).arg("-o").arg(&merged);
        command
    };
    let _ = ensure_nothing_is_left(&ask, directory.path())
        && ensure_nothing_is_left(&repair, directory.path())
        && ensure_nothing_is_left(&merge, directory.path());
}

#[test]
fn the_next_ordered_batch_removes_what_a_killed_one_left_of_its_waiting_file() {
    let (directory, file) = input(&["a"]);
    let output = directory.path().join("out.jsonl");
    let left_over = directory.path().join(".gravix-out.jsonl.waiting-3");
    fs::write(&left_over, "part").expect("the file is written");
    let mut command = batch("mock:", &["-q", "--lines", "--ordered", "-o"]);
    run(command.arg(&output).arg(&file)).exits(0);
    assert_eq!(names(directory.path()), ["in.jsonl", "out.jsonl"]);
}

#[test]
fn only_what_a_dead_run_left_for_the_same_target_is_removed() {
    let (directory, _) = chat_file();
    let path = |name: &str| directory.path().join(name);
    let out = path("out");
    let others = ["precious", ".gravix-out2-0", ".gravix-out-x", ".gravix-0", ".gravix-out-0"];
    for name in others {
        fs::write(path(name), "kept").expect("the file is written");
    }
    symlink(path("precious"), path(".gravix-out-1")).expect("the link is created");
    fs::write(path(".gravix-out-2"), "left over").expect("the file is written");
    // The lock is the sign that the run of this file is alive.
    let alive = File::open(path(".gravix-out-0")).expect("the file is readable");
    alive.lock().expect("the file is locked");
    run(ask_mock(&["hi", "-n", "-o"]).arg(&out)).exits(0);
    let mut expected = others.to_vec();
    expected.extend([".gravix-out-1", "out"]);
    expected.sort_unstable();
    assert_eq!(names(directory.path()), expected);
    for name in others {
        assert_eq!(fs::read_to_string(path(name)).expect("the file is readable"), "kept");
    }
    // Names that are all taken are no hindrance.
    for slot in 2..4 {
        symlink("nowhere", path(&format!(".gravix-out-{slot}"))).expect("the link is created");
    }
    run(ask_mock(&["again", "-n", "-o"]).arg(&out)).exits(0);
    assert_eq!(fs::read_to_string(&out).expect("the file is readable"), "again\n");
    assert_eq!(names(directory.path()).len(), expected.len() + 2);
}
