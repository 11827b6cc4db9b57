//! Patterns behind `-f`, and words that were meant for the option before them.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::support::{ask_mock, refuses, run};

/// A directory in which each file holds its own path.
fn tree(paths: &[&str]) -> TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    for path in paths {
        let file = directory.path().join(path);
        fs::create_dir_all(file.parent().expect("the file has a parent")).expect("it is made");
        fs::write(file, path).expect("the file is written");
    }
    directory
}

fn ask(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = ask_mock(arguments);
    command.current_dir(directory);
    command
}

/// The files in the prompt, in their order.
#[track_caller]
fn files(directory: &Path, arguments: &[&str]) -> Vec<String> {
    let reply = run(&mut ask(directory, arguments)).exits(0).says_nothing().stdout;
    let reply = String::from_utf8(reply).expect("the reply is UTF-8");
    reply.lines().filter_map(|line| Some(line.strip_suffix(':')?.to_owned())).collect()
}

#[test]
fn a_quoted_pattern_stands_for_all_files_that_match_sorted_by_bytes() {
    let tree = tree(&[
        "src/b.rs",
        "src/B.rs",
        "src/a/c.rs",
        "src/a/d.txt",
        "src/.hidden.rs",
        "src/.git/x.rs",
        "src/é.rs",
    ]);
    fs::create_dir(tree.path().join("src/dir.rs")).expect("the directory is made");
    let all = ["src/B.rs", "src/a/c.rs", "src/b.rs", "src/é.rs"];
    assert_eq!(files(tree.path(), &["-f", "src/**/*.rs"]), all);
    assert_eq!(files(tree.path(), &["-f", "src/*.rs"]), ["src/B.rs", "src/b.rs", "src/é.rs"]);
    assert_eq!(files(tree.path(), &["-f", "src/[ab].rs"]), ["src/b.rs"]);
    assert_eq!(files(tree.path(), &["-f", "src/.h*"]), ["src/.hidden.rs"]);
    assert_eq!(files(tree.path(), &["-f", "src/a/**"]), ["src/a/c.rs", "src/a/d.txt"]);
    let around = ["-f", "src/a/*.txt", "words", "-f", "src/?.rs"];
    let in_order = ["src/a/d.txt", "src/B.rs", "src/b.rs", "src/é.rs"];
    assert_eq!(files(tree.path(), &around), in_order);
}

#[test]
fn a_file_whose_name_looks_like_a_pattern_is_that_file() {
    let tree = tree(&["a*.txt", "ab.txt", "[1].txt"]);
    assert_eq!(files(tree.path(), &["-f", "a*.txt"]), ["a*.txt"]);
    assert_eq!(files(tree.path(), &["-f", "[1].txt"]), ["[1].txt"]);
}

#[test]
fn a_pattern_without_a_match_or_that_is_not_valid_is_told() {
    let tree = tree(&["a.rs"]);
    fs::create_dir(tree.path().join("dir.py")).expect("the directory is made");
    for (pattern, reason) in [
        ("*.py", "no file matches this pattern"),
        ("no/**/*.rs", "no file matches this pattern"),
        ("*/", "no file matches this pattern"),
        ("a[", "not a valid pattern: invalid range pattern"),
    ] {
        let message = format!("cannot read {pattern}: {reason}");
        refuses(run(&mut ask(tree.path(), &["-f", pattern, "x"])), 66, &message);
    }
}

#[test]
fn a_pattern_in_the_configuration_begins_at_its_file() {
    let tree = tree(&["notes/b.md", "notes/a.md"]);
    let config = tree.path().join("notes/config.toml");
    fs::write(&config, "file = [\"*.md\"]\n").expect("the file is written");
    let config = config.to_str().expect("the path is UTF-8");
    let found = files(Path::new("/"), &["--config", config]);
    assert!(found[0].ends_with("/a.md") && found[1].ends_with("/b.md"), "{found:?}");
}

#[test]
fn files_directly_behind_a_file_or_an_image_are_refused() {
    let tree = tree(&["a.md", "b.md", "c.md", "d.md", "e.md"]);
    fs::create_dir(tree.path().join("dir")).expect("the directory is made");
    for (arguments, message) in [
        (
            &["-f", "a.md", "b.md", "What?"][..],
            "b.md is a file, but -f takes one: use -f a.md -f b.md, or quote a pattern, as in -f '*.txt'",
        ),
        (
            &["-qf", "a.md", "dir", "c.md"],
            "c.md is a file, but -f takes one: use -f a.md -f c.md, or quote a pattern, as in -f '*.txt'",
        ),
        (
            &["--file=a.md", "b.md", "c.md", "d.md", "e.md", "What?"],
            "b.md and 3 other words are files, but -f takes one: quote the pattern, as in -f '*.txt'",
        ),
        (
            &["-a", "a.md", "b.md", "c.md"],
            "b.md and c.md are files, but -a takes one: use -a a.md -a b.md -a c.md",
        ),
    ] {
        refuses(run(&mut ask(tree.path(), arguments)), 2, message);
    }
}

#[test]
fn other_words_may_be_names_of_files() {
    let tree = tree(&["a.md", "b.md"]);
    fs::create_dir(tree.path().join("dir")).expect("the directory is made");
    for arguments in [
        &["-f", "a.md", "What", "is", "b.md?", "b.md"][..],
        &["-f", "a.md", "--", "b.md"],
        &["-f", "a.md", "-q", "b.md"],
        &["-f", "a.md", "dir", "x"],
        &["b.md", "-f", "a.md"],
    ] {
        assert_eq!(files(tree.path(), arguments), ["a.md"]);
    }
}

#[test]
fn a_language_as_a_word_of_its_own_is_refused() {
    let alone = |option: &str, language: &str| {
        format!(
            "{option} takes its language after '=': use {option}={language}, or -- before the prompt if it begins with '{language}'"
        )
    };
    for (arguments, message) in [
        (&["-x", "python", "Sort a list"][..], alone("-x", "python")),
        (&["-qx", "SQL", "Sort a list"], alone("-x", "SQL")),
        (&["--extract", "c++"], alone("-x", "c++")),
        (&["--extract-last", "sh", "x"], alone("--extract-last", "sh")),
    ] {
        refuses(run(&mut ask_mock(arguments)), 2, &message);
    }
    for (arguments, prompt) in [
        (&["-x", "explain", "sql"][..], "explain sql"),
        (&["-x", "--", "sql"], "sql"),
        (&["-x=sh", "sql"], "sql"),
        (&["-x", "-q", "sql"], "sql"),
    ] {
        let run = run(&mut ask_mock(&[&["--dry-run"], arguments].concat())).exits(0);
        let request: serde_json::Value = serde_json::from_slice(&run.stdout).expect("it is JSON");
        assert_eq!(request["messages"][0]["content"], prompt);
    }
}

#[test]
fn a_file_whose_name_is_not_utf_8_is_found() {
    let tree = tree(&["a.txt", "b/c.txt"]);
    for directory in ["", "b"] {
        let name = OsStr::from_bytes(b"\xff.txt");
        fs::write(tree.path().join(directory).join(name), "yes").expect("the file is written");
    }
    assert_eq!(files(tree.path(), &["-f", "*.txt"]), ["a.txt", "\u{fffd}.txt"]);
    let all = ["a.txt", "b/c.txt", "b/\u{fffd}.txt", "\u{fffd}.txt"];
    assert_eq!(files(tree.path(), &["-f", "**/*.txt"]), all);
}

#[test]
fn a_file_that_matches_and_cannot_be_read_is_told() {
    let tree = tree(&["a.txt", "b/c.txt"]);
    symlink("nowhere", tree.path().join("gone.txt")).expect("the link is made");
    let message = "cannot read gone.txt: no such file or directory";
    refuses(run(&mut ask(tree.path(), &["-f", "*.txt"])), 66, message);
    let long = "x".repeat(300);
    let message = format!("cannot read b/{long}: file name too long");
    refuses(run(&mut ask(tree.path(), &["-f", &format!("?/{long}")])), 66, &message);
}

#[test]
fn two_stars_do_not_follow_links_to_directories() {
    let tree = tree(&["a.txt", "b/c.txt"]);
    for link in ["b/one", "b/two"] {
        symlink("..", tree.path().join(link)).expect("the link is made");
    }
    assert_eq!(files(tree.path(), &["-f", "**/*.txt"]), ["a.txt", "b/c.txt"]);
    assert_eq!(files(tree.path(), &["-f", "b/o*/*.txt"]), ["b/one/a.txt"]);
}

#[test]
fn a_directory_whose_name_looks_like_a_pattern_is_that_directory() {
    let tree = tree(&["a[b]/c.txt", "a[b]/d.txt", "ab/no.txt"]);
    let config = tree.path().join("a[b]/config.toml");
    fs::write(config, "file = \"*.txt\"").expect("the file is written");
    let all = ["a[b]/c.txt", "a[b]/d.txt"];
    assert_eq!(files(tree.path(), &["-f", "a[b]/*.txt"]), all);
    assert_eq!(files(tree.path(), &["--config", "a[b]/config.toml", "hi"]), all);
}
