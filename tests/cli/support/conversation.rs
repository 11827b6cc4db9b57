//! History files for tests.

use std::path::PathBuf;

pub const USER: &str = "{\"role\":\"user\",\"content\":\"a\"}\n";
pub const ASSISTANT: &str = "{\"role\":\"assistant\",\"content\":\"b\"}\n";

/// A temporary directory, and the path of a history that does not exist yet.
pub fn chat_file() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("chat.jsonl");
    (directory, file)
}
