//! The pages for users, README.md and those in docs/, and what their commands need.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{program, skip};

/// Programs that the pages use and that may not be installed.
const TOOLS: &[&str] = &["git", "jq", "parallel"];

/// Programs that stand in for those that need other machines, as shell scripts.
const STAND_INS: &[(&str, &str)] = &[
    // A host is a directory.
    ("ssh", "mkdir -p \"$1\"; cd \"$1\"; shift; exec sh -c \"$*\""),
    (
        "scp",
        "for p; do case $p in *:*) mkdir -p \"${p%%:*}\" ;; esac; done; exec cp \"${1/://}\" \"${2/://}\"",
    ),
    ("srun", "exec \"$@\""),
    // The last job of an array of 16.
    (
        "aws",
        "job=${!#}; job=${job##*\\\"-c\\\",}; job=${job#*\\\"}; export AWS_BATCH_JOB_ARRAY_INDEX=15; exec sh -c \"${job%\\\"]\\}}\"",
    ),
    ("vllm", "[ \"$1 $2 $4\" = 'run-batch -i -o' ]; exec gravix batch -q \"$3\" -o \"$5\""),
    ("curl", "echo '{\"id\":\"file-1\"}'"),
];

pub struct Page {
    pub name: String,
    pub text: String,
}

impl Page {
    #[track_caller]
    fn read(path: &Path) -> Self {
        let name = path.file_name().expect("the page has a name").to_string_lossy().into_owned();
        Self { name, text: fs::read_to_string(path).expect("the page is readable") }
    }

    pub fn all() -> Vec<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let docs = fs::read_dir(root.join("docs")).expect("the directory is readable");
        let mut paths: Vec<PathBuf> =
            docs.map(|entry| entry.expect("the entry is readable").path()).collect();
        paths.sort();
        paths.insert(0, root.join("README.md"));
        paths.iter().map(|path| Self::read(path)).collect()
    }

    #[track_caller]
    pub fn named(name: &str) -> Self {
        let page = Self::all().into_iter().find(|page| page.name == name);
        page.expect("there is such a page")
    }

    /// The fenced blocks of `language`, in order.
    pub fn blocks(&self, language: &str) -> Vec<String> {
        let mut blocks = Vec::new();
        let mut lines = self.text.lines();
        while let Some(line) = lines.next() {
            if let Some(fence) = line.strip_prefix("```") {
                let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
                if fence == language {
                    blocks.push(block.join("\n"));
                }
            }
        }
        blocks
    }

    /// The block that makes the script with which the page labels reviews.
    pub fn job(&self) -> Option<String> {
        self.blocks("sh").into_iter().find(|block| block.contains("> label.sh"))
    }
}

/// A directory with the files that the pages' commands read.
pub fn example_directory() -> TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let request = |id, prompt| {
        format!(
            r#"{{"custom_id":"{id}","method":"POST","url":"/v1/chat/completions","body":{{"model":"m","messages":[{{"role":"user","content":"{prompt}"}}]}}}}"#
        )
    };
    let requests = request("a", "Why?") + "\n" + &request("b", "How?") + "\n";
    fs::create_dir_all(directory.path().join("src")).expect("the directory is made");
    for (name, text) in [
        ("app.log", "ERROR disk full\n"),
        ("broken.md", "Run this:\n\n```sh\ndate\n```\n"),
        ("city.schema.json", r#"{"type":"object","required":["city"]}"#),
        ("draft.txt", "A 404 means no.\n"),
        ("message.txt", "\n"),
        ("paris.txt", r#"{"city":"Paris"}"#),
        ("requests.jsonl", &requests),
        ("reviews.csv", "id,text\n7,\"Good, but\nlate\"\n8,Bad\n9,Fine\n"),
        ("questions.txt", "Why is the sky blue?\n\n--how far is the moon?\n"),
        ("src/main.rs", "fn main() {}\n"),
        ("tools.json", "[]"),
    ] {
        fs::write(directory.path().join(name), text).expect("the file is written");
    }
    let png = b"\x89PNG\r\n\x1a\n";
    fs::write(directory.path().join("chart.png"), png).expect("the file is written");
    directory
}

/// Makes the stand-ins, in a directory of their own, which is returned.
pub fn stand_ins() -> TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    for (name, script) in STAND_INS {
        let path = directory.path().join(name);
        fs::write(&path, format!("#!/bin/bash\nset -eu\n{script}\n")).expect("the file is written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("the mode is set");
    }
    directory
}

/// The directories of gravix and of the usual programs, as a `PATH`.
pub fn path() -> String {
    let gravix = Path::new(env!("CARGO_BIN_EXE_gravix")).parent().expect("the path has a parent");
    format!("{}:/usr/local/bin:/usr/bin:/bin", gravix.display())
}

/// Bash in `directory`, with gravix in its path and the built-in mock server.
pub fn bash(directory: &Path, script: &str) -> Command {
    let mut bash = program("bash");
    bash.env("PATH", path())
        .env("HOME", directory)
        .env("SHELL", "/bin/bash")
        .env("GRAVIX_BASE_URL", "mock:")
        .current_dir(directory)
        .args(["-euo", "pipefail", "-c", script]);
    bash
}

/// Returns whether the tools that `script` uses are installed; reports a missing
/// one as a skip.
pub fn has_tools(script: &str) -> bool {
    let missing = TOOLS.iter().find(|tool| {
        let is_named = script.split_whitespace().any(|word| word == **tool);
        let probe = format!("command -v {tool}");
        is_named && !bash(Path::new("/"), &probe).output().expect("bash runs").status.success()
    });
    if let Some(tool) = missing {
        skip(&format!("{tool} is not installed, so this was not run: {script}"));
    }
    missing.is_none()
}
