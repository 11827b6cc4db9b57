//! Files and images that go with a prompt.

use std::fs;

use serde_json::{Value, json};

use crate::support::{ask_mock, run, run_with};

#[test]
fn a_text_file_becomes_a_code_block_under_its_name() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    fs::write(directory.path().join("a.rs"), "fn a() {}").expect("the file is written");
    fs::write(directory.path().join("b.md"), "```\ncode\n```\n").expect("the file is written");
    let mut command = ask_mock(&["-n", "First", "this:", "-f", "a.rs", "then", "--file", "b.md"]);
    run(command.current_dir(directory.path())).exits(0).says_nothing().prints(
        "First this:\n\na.rs:\n\n```rs\nfn a() {}\n```\n\nthen\n\nb.md:\n\n````md\n```\ncode\n```\n````\n",
    );
}

#[test]
fn a_file_alone_is_a_prompt_and_stdin_follows_it() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    fs::write(directory.path().join("a"), "A\n").expect("the file is written");
    let mut command = ask_mock(&["-f", "a"]);
    run_with(command.current_dir(directory.path()), b"B\n")
        .exits(0)
        .prints("a:\n\n```\nA\n```\n\nB\n");
    let mut command = ask_mock(&["-", "-f", "a"]);
    run_with(command.current_dir(directory.path()), b"B\n")
        .exits(0)
        .prints("B\n\na:\n\n```\nA\n```\n");
}

#[test]
fn a_file_that_is_not_text_is_refused_with_a_hint() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("x");
    fs::write(&file, b"ab\xff").expect("the file is written");
    run(ask_mock(&["-n", "hi", "-f"]).arg(&file))
        .exits(65)
        .prints("")
        .says(&["offset 2", "--lossy"]);
    run(ask_mock(&["-n", "--lossy", "-f"]).arg(&file)).exits(0);
    fs::write(&file, PNG).expect("the file is written");
    run(ask_mock(&["-n", "hi", "-f"]).arg(&file)).exits(65).prints("").says(&["image/png", "-a"]);
    run(&mut ask_mock(&["-n", "hi", "-f", "/nowhere"])).exits(66).prints("").says(&["/nowhere"]);
    run(ask_mock(&["-n", "hi", "-f"]).arg(directory.path()))
        .exits(66)
        .prints("")
        .says(&["directory"]);
    run(&mut ask_mock(&["hi", "-f", "-"])).exits(2).prints("").says(&["./-"]);
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

fn image(url: &str) -> Value {
    json!({"type": "image_url", "image_url": {"url": url}})
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

#[test]
fn images_are_content_parts_in_the_order_of_the_command_line() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    for (name, bytes) in [("a", PNG), ("b", b"\xff\xd8\xff\xe0"), ("c", b"GIF89a"), ("d.txt", b"D")]
    {
        fs::write(directory.path().join(name), bytes).expect("the file is written");
    }
    let arguments = [
        "-n",
        "--dry-run",
        "-a",
        "a",
        "One",
        "two",
        "-f",
        "d.txt",
        "--image",
        "b",
        "three",
        "-a",
        "https://h/x.png",
        "-a",
        "c",
        "--attach-type",
        "image/x-own",
    ];
    let run = run(ask_mock(&arguments).current_dir(directory.path())).exits(0).says_nothing();
    let body: Value = serde_json::from_slice(&run.stdout).expect("stdout is JSON");
    let expected = json!([
        image("data:image/png;base64,iVBORw0KGgo="),
        text("One two\n\nd.txt:\n\n```txt\nD\n```"),
        image("data:image/jpeg;base64,/9j/4A=="),
        text("three"),
        image("https://h/x.png"),
        image("data:image/x-own;base64,R0lGODlh"),
    ]);
    assert_eq!(body["messages"][0]["content"], expected);
}

#[test]
fn an_image_can_come_from_stdin() {
    let run = run_with(&mut ask_mock(&["what?", "-a", "-", "--dry-run"]), PNG).exits(0);
    let body: Value = serde_json::from_slice(&run.stdout).expect("stdout is JSON");
    let expected = json!([text("what?"), image("data:image/png;base64,iVBORw0KGgo=")]);
    assert_eq!(body["messages"][0]["content"], expected);
    run_with(&mut ask_mock(&["-", "-a", "-"]), PNG).exits(2).prints("").says(&["only once"]);
    run_with(&mut ask_mock(&["-n", "hi", "-a", "-"]), PNG)
        .exits(2)
        .prints("")
        .says(&["--no-stdin"]);
}

#[test]
fn a_file_that_is_not_an_image_is_refused() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("x");
    for (bytes, reason) in
        [(&b"text"[..], "not an image"), (b"", "empty"), (b"%PDF-1.4", "not an image")]
    {
        fs::write(&file, bytes).expect("the file is written");
        run(ask_mock(&["-n", "hi", "-a"]).arg(&file)).exits(65).prints("").says(&[reason]);
    }
    run(&mut ask_mock(&["-n", "hi", "-a", "/nowhere"])).exits(66).prints("").says(&["/nowhere"]);
    for (arguments, reason) in [
        (&["hi", "--attach-type", "image/png"][..], "--attach"),
        (&["hi", "-a", "x", "--attach-type", "png"], "media type"),
        (&["hi", "-a", "http://h/x", "--attach-type", "image/png"], "--attach-type"),
    ] {
        run(ask_mock(arguments).arg("-n")).exits(2).prints("").says(&[reason]);
    }
}

#[test]
fn an_image_is_saved_in_the_history_and_sent_again() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let (file, chat) = (directory.path().join("x"), directory.path().join("chat.jsonl"));
    fs::write(&file, PNG).expect("the file is written");
    let mut command = ask_mock(&["-n", "what?", "-a"]);
    run(command.arg(&file).arg("--history").arg(&chat)).exits(0).prints("what?\n");
    let again = ask_mock(&["-n", "and?", "--dry-run", "--history"])
        .arg(&chat)
        .output()
        .expect("gravix runs");
    let body: Value = serde_json::from_slice(&again.stdout).expect("stdout is JSON");
    assert_eq!(body["messages"][0]["content"][1], image("data:image/png;base64,iVBORw0KGgo="));
}

#[test]
fn text_that_begins_like_an_image_is_text() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("x.a`b");
    for text in ["BMW is a car", "GIF89a is a format"] {
        fs::write(&file, text).expect("the file is written");
        let run = run(ask_mock(&["-n", "-f"]).arg(&file)).exits(0).says_nothing();
        let printed = String::from_utf8(run.stdout).expect("stdout is UTF-8");
        assert!(printed.ends_with(&format!(":\n\n```\n{text}\n```\n")), "{printed}");
    }
    fs::write(&file, "BMW is a car").expect("the file is written");
    run(ask_mock(&["-n", "hi", "-a"]).arg(&file)).exits(65).prints("").says(&["not an image"]);
    run_with(&mut ask_mock(&[]), b"\x89PNG\r\n\x1a\n").exits(65).says(&["image/png", "-a -"]);
}
