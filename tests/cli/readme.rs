//! The commands and settings in the README work.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{gravix, program, run, skip};

/// Programs in the README that may not be installed.
const TOOLS: &[&str] = &["git", "jq"];

fn readme() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    fs::read_to_string(path).expect("the README is readable")
}

/// The fenced blocks of `language`, in order.
fn blocks(language: &str) -> Vec<String> {
    let readme = readme();
    let mut blocks = Vec::new();
    let mut lines = readme.lines();
    while let Some(line) = lines.next() {
        if line.strip_prefix("```") == Some(language) {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push(block.join("\n"));
        }
    }
    assert!(!blocks.is_empty(), "no block of {language}");
    blocks
}

/// A directory with the files that the README's commands read.
fn example_directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    for (name, text) in [
        ("app.log", "ERROR disk full\n"),
        ("broken.md", "Run this:\n\n```sh\ndate\n```\n"),
        ("city.schema.json", r#"{"type":"object","required":["city"]}"#),
        ("draft.txt", "A 404 means no.\n"),
        ("paris.txt", r#"{"city":"Paris"}"#),
        ("requests.jsonl", "{\"id\":\"a\",\"prompt\":\"Why?\"}\n{\"prompt\":\"How?\"}\n"),
        ("questions.txt", "Why?\n\n--how?\n"),
        ("tools.json", "[]"),
    ] {
        fs::write(directory.path().join(name), text).expect("the file is written");
    }
    let png = b"\x89PNG\r\n\x1a\n";
    fs::write(directory.path().join("chart.png"), png).expect("the file is written");
    directory
}

/// Bash in `directory`, with gravix in its path and the built-in mock server.
fn bash(directory: &Path, script: &str) -> Command {
    let gravix = Path::new(env!("CARGO_BIN_EXE_gravix")).parent().expect("the path has a parent");
    let mut bash = program("bash");
    bash.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", gravix.display()))
        .env("HOME", directory)
        .env("GRAVIX_BASE_URL", "mock:")
        .current_dir(directory)
        .args(["-euo", "pipefail", "-c", script]);
    bash
}

/// Returns whether the tools that `script` uses are installed; reports a missing
/// one as a skip.
fn has_tools(directory: &Path, script: &str) -> bool {
    let missing = TOOLS.iter().find(|tool| {
        let is_named = script.split_whitespace().any(|word| word == **tool);
        let probe = format!("command -v {tool}");
        is_named && !bash(directory, &probe).output().expect("bash runs").status.success()
    });
    if let Some(tool) = missing {
        skip(&format!("{tool} is not installed, so this was not run: {script}"));
    }
    missing.is_none()
}

#[test]
fn every_command_works() {
    let directory = example_directory();
    let mut cargo = 0;
    for block in blocks("sh") {
        // The CI script runs these.
        if block.starts_with("cargo ") {
            cargo += 1;
            continue;
        }
        if !has_tools(directory.path(), &block) {
            continue;
        }
        let mut script = block.replace("http://localhost:11434/v1", "mock:");
        if script.contains("git diff") {
            script = format!("git init -q . && git add draft.txt && {script}");
        }
        let output = bash(directory.path(), &script).output().expect("bash runs");
        assert!(output.status.success(), "{script}\n{output:?}");
        // The summary of a batch is the only expected line.
        let stderr = String::from_utf8_lossy(&output.stderr);
        let more: Vec<&str> = stderr.lines().filter(|line| !line.contains(" done, ")).collect();
        assert!(more.is_empty(), "{script}\n{output:?}");
    }
    assert_eq!(cargo, 3, "the README runs cargo to try, install and test gravix");
    let summary = fs::read_to_string(directory.path().join("summary.txt"));
    assert_eq!(summary.expect("the summary is readable"), "Sum this up:\n\nA 404 means no.\n");
}

#[test]
fn the_example_session_prints_what_it_shows() {
    let directory = example_directory();
    for session in blocks("console") {
        let commands: Vec<&str> =
            session.lines().filter_map(|line| line.strip_prefix("$ ")).collect();
        if !has_tools(directory.path(), &commands.join("\n")) {
            continue;
        }
        let mut printed = String::new();
        for command in commands {
            let output = bash(directory.path(), &format!("set +e; exec 2>&1\n{command}")).output();
            let output =
                String::from_utf8(output.expect("bash runs").stdout).expect("stdout is UTF-8");
            printed += &format!("$ {command}\n{output}");
        }
        assert_eq!(printed.trim_end(), session);
    }
}

#[test]
fn the_example_settings_are_valid() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("config.toml");
    for block in blocks("toml") {
        fs::write(&file, &block).expect("the file is written");
        let mut command = gravix();
        let run = run(command.args(["config", "-p", "work", "--config"]).arg(&file));
        let listing = String::from_utf8(run.exits(0).stdout).expect("stdout is UTF-8");
        assert!(listing.contains("# profile work"), "{listing}");
    }
}

#[test]
fn the_exit_statuses_match_the_help() {
    let help = run(gravix().args(["ask", "--help"])).exits(0);
    let help = String::from_utf8(help.stdout).expect("stdout is UTF-8");
    let (_, statuses) = help.split_once("Exit status:\n").expect("help lists the exit statuses");
    let readme = readme();
    for line in statuses.lines() {
        let (status, meaning) = line.trim().split_once("  ").expect("the line has two columns");
        let row = format!("| {} | {}", status.trim(), meaning.trim());
        let row = row.split(" (").next().expect("the row is not empty");
        assert!(readme.contains(row), "{row}");
    }
}
