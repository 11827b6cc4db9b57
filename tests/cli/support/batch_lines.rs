//! Input files and result lines of a batch.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Run;

/// A temporary directory with a file of this name.
pub fn named(name: &str, text: &str) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let path = directory.path().join(name);
    fs::write(&path, text).expect("the file is written");
    (directory, path)
}

/// A temporary directory with a table `in.csv`.
pub fn table(text: &str) -> (tempfile::TempDir, PathBuf) {
    named("in.csv", text)
}

/// A temporary directory with a file `in.jsonl` of these lines.
pub fn input(lines: &[impl AsRef<str>]) -> (tempfile::TempDir, PathBuf) {
    let lines = lines.iter().map(|line| line.as_ref().to_owned() + "\n");
    named("in.jsonl", &lines.collect::<String>())
}

/// `count` different prompts: the numbers from 0.
pub fn prompts(count: usize) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}

/// The lines of output by id. Each id must occur only once.
#[track_caller]
pub fn by_id(output: &[u8]) -> BTreeMap<String, Value> {
    let text = std::str::from_utf8(output).expect("stdout is UTF-8");
    let mut lines = BTreeMap::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).expect("the line is JSON");
        let id = line["custom_id"].as_str().expect("the line has an id").to_owned();
        assert!(lines.insert(id, line).is_none(), "{text}");
    }
    lines
}

/// The text of the reply in a line of output.
pub fn text(line: &Value) -> &str {
    line["response"]["body"]["choices"][0]["message"]["content"].as_str().unwrap_or("(none)")
}

/// The ids of a run's output, and the texts of their replies.
#[track_caller]
pub fn replies(run: &Run) -> Vec<(String, String)> {
    by_id(&run.stdout).iter().map(|(id, line)| (id.clone(), text(line).to_owned())).collect()
}

pub fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(id, text)| ((*id).to_owned(), (*text).to_owned())).collect()
}

/// Writes a file of these lines.
pub fn stored(path: &Path, lines: &[String]) {
    fs::write(path, lines.join("\n") + "\n").expect("the file is written");
}
