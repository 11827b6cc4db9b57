//! The built-in mock server.

use crate::support::{ask_mock, json_lines, run, run_with};

#[test]
fn the_mock_answers_with_the_prompt() {
    run_with(&mut ask_mock(&[]), b"What is 2+2?\n")
        .exits(0)
        .prints("What is 2+2?\n")
        .says_nothing();
    run(&mut ask_mock(&["--stream", "one two\nthree"]))
        .exits(0)
        .prints("one two\nthree\n")
        .says_nothing();
    run(&mut ask_mock(&["--stream", " a  b "])).exits(0).prints(" a  b \n").says_nothing();
}

#[test]
fn the_mock_works_with_a_history() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("chat.jsonl");
    for _ in 0..2 {
        run(ask_mock(&["--stream", "hello", "--history"]).arg(&file)).exits(0).prints("hello\n");
    }
    let roles: Vec<_> = json_lines(&file).iter().map(|line| line["role"].clone()).collect();
    assert_eq!(roles, ["user", "assistant", "user", "assistant"]);
}
