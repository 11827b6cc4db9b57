//! How arguments, stdin and options become a prompt.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::process::Stdio;

use serde_json::json;

use crate::support::server::Server;
use crate::support::terminal::Terminal;
use crate::support::{ask, ask_mock, finish, gravix, run, run_with, shell, start};

/// The user message made from `arguments` and `stdin`.
#[track_caller]
fn prompt(arguments: &[&str], stdin: &[u8]) -> String {
    let server = Server::replying(&["ok"]);
    run_with(&mut ask(&server, arguments), stdin).exits(0).prints("ok\n");
    let messages = &server.request().json()["messages"];
    assert_eq!(messages[0]["role"], "user");
    messages[0]["content"].as_str().expect("the content is text").to_owned()
}

#[test]
fn words_are_joined_by_one_space() {
    assert_eq!(prompt(&["-n", "a", "b  c", " d"], b""), "a b  c  d");
    assert_eq!(prompt(&["-n", "--", "--stream", "-x"], b""), "--stream -x");
}

#[test]
fn stdin_is_the_prompt_when_there_are_no_words() {
    assert_eq!(prompt(&[], b"What is 2+2?\n"), "What is 2+2?");
    assert_eq!(prompt(&[], b" a \r\n\r\n"), " a \r\n");
}

#[test]
fn words_and_stdin_are_separated_by_a_blank_line() {
    assert_eq!(prompt(&["Sum", "up:"], b"text\n"), "Sum up:\n\ntext");
    assert_eq!(prompt(&["Hello"], b""), "Hello");
    assert_eq!(prompt(&["Hello"], b"\n"), "Hello");
}

#[test]
fn a_dash_says_where_stdin_goes() {
    assert_eq!(
        prompt(&["Compare:", "-", "with", "that"], b"this\n"),
        "Compare:\n\nthis\n\nwith that"
    );
    assert_eq!(prompt(&["-", "please"], b"this"), "this\n\nplease");
    assert_eq!(prompt(&["-"], b"this"), "this");
}

#[test]
fn empty_stdin_adds_nothing_and_is_noted_once() {
    run_with(&mut ask_mock(&["hi"]), b"").exits(0).prints("hi\n").says(&["is empty", "-n"]);
    run_with(&mut ask_mock(&["hi"]), b"\n").exits(0).prints("hi\n").says(&["is empty"]);
    run_with(&mut ask_mock(&["hi", "-q"]), b"").exits(0).prints("hi\n").says_nothing();
    run_with(&mut ask_mock(&["hi", "-n"]), b"").exits(0).prints("hi\n").says_nothing();
    run_with(&mut ask_mock(&["hi"]), b" ").exits(0).says_nothing();
    let empty = tempfile::tempfile().expect("the file is created");
    run(ask_mock(&["hi"]).stdin(empty)).exits(0).prints("hi\n").says(&["is empty"]);
    run(ask_mock(&["hi"]).stdin(Stdio::null())).exits(0).prints("hi\n").says_nothing();
}

#[test]
fn a_dash_for_an_empty_stdin_sends_nothing() {
    let server = Server::replying(&[]);
    for arguments in [&["a", "-", "b"][..], &["-"], &["a", "-a", "-"]] {
        for stdin in [&b""[..], b"\n", b"\xef\xbb\xbf"] {
            if arguments.contains(&"-a") && !stdin.is_empty() {
                continue;
            }
            run_with(&mut ask(&server, arguments), stdin).exits(2).prints("").says(&[
                "standard input is empty",
                "'-'",
                "nothing was sent",
            ]);
        }
        run(&mut ask(&server, arguments)).exits(2).prints("").says(&["is empty"]);
    }
    assert!(server.requests().is_empty());
}

#[test]
fn two_dashes_or_a_dash_without_stdin_are_usage_errors() {
    run(&mut ask_mock(&["a", "-", "-"])).exits(2).prints("").says(&["only once"]);
    run(&mut ask_mock(&["-n", "a", "-"])).exits(2).prints("").says(&["--no-stdin"]);
}

#[test]
fn no_stdin_leaves_stdin_to_a_shell_loop() {
    let script = format!(
        "printf 'one\\ntwo\\n' | while read -r q; do {} ask --base-url mock: -n \"$q\"; done",
        env!("CARGO_BIN_EXE_gravix")
    );
    run(&mut shell("sh", &script)).exits(0).prints("one\ntwo\n");
}

#[test]
fn waiting_for_stdin_is_reported_once_with_a_hint() {
    let mut child = start(ask_mock(&["hello"]).stdin(Stdio::piped()));
    let stdin = child.stdin.take();
    let mut stderr = std::io::BufReader::new(child.stderr.take().expect("stderr is a pipe"));
    let mut line = String::new();
    std::io::BufRead::read_line(&mut stderr, &mut line).expect("gravix prints a line");
    assert!(line.contains("standard input") && line.contains("-n"), "{line}");
    drop(stdin);
    let output = finish(child);
    assert_eq!(output.stdout, b"hello\n");
    assert_eq!(std::io::read_to_string(stderr).expect("stderr is UTF-8"), "");
}

#[test]
fn no_prompt_on_a_terminal_is_a_usage_error() {
    let terminal = Terminal::open();
    run(ask_mock(&[]).stdin(terminal.stream())).exits(2).prints("").says(&["no prompt"]);
    run(&mut ask_mock(&["-n"])).exits(2).prints("").says(&["no prompt"]);
}

#[test]
fn a_terminal_adds_nothing_to_the_words() {
    let terminal = Terminal::open();
    run(ask_mock(&["hello"]).stdin(terminal.stream())).exits(0).prints("hello\n");
}

#[test]
fn an_empty_prompt_sends_nothing() {
    let server = Server::replying(&[]);
    for (arguments, stdin) in
        [(&[][..], &b""[..]), (&[], b" \n\t"), (&["", " "], b""), (&["-"], b"\n")]
    {
        run_with(&mut ask(&server, arguments), stdin).exits(2).prints("").says(&["empty"]);
    }
    assert!(server.requests().is_empty());
}

#[test]
fn a_prompt_that_is_not_utf_8_is_refused_with_its_offset() {
    run_with(&mut ask_mock(&[]), b"ab\xffc").exits(65).prints("").says(&["offset 2", "--lossy"]);
    run_with(&mut ask_mock(&["--lossy"]), b"ab\xffc").exits(0).prints("ab\u{fffd}c\n");
    let word = std::ffi::OsStr::from_bytes(b"\xff");
    run(ask_mock(&["-n", "a"]).arg(word)).exits(65).prints("").says(&["offset 2"]);
}

#[test]
fn text_is_sent_unchanged() {
    let text = "tab\t \u{feff}\u{1b}[31m é 日本 \u{1f600}\r\n";
    assert_eq!(prompt(&[], format!("{text}\n").as_bytes()), text);
    assert_eq!(prompt(&[], format!("\u{feff}{text}\n").as_bytes()), text);
    assert_eq!(prompt(&["-n", "\u{feff}word"], b""), "\u{feff}word");
    let large = "x".repeat(3 << 20);
    assert_eq!(prompt(&[], large.as_bytes()), large);
}

#[test]
fn the_system_prompt_comes_first() {
    let server = Server::replying(&["ok"]);
    run(&mut ask(&server, &["-s", "Be brief.", "hi"])).exits(0);
    assert_eq!(
        server.request().json()["messages"],
        json!([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}])
    );
}

#[test]
fn a_system_file_loses_one_final_newline() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("system.txt");
    fs::write(&file, "Be brief.\n\n").expect("the file is written");
    let server = Server::replying(&["ok"]);
    run(ask(&server, &["hi", "--system-file"]).arg(&file)).exits(0);
    assert_eq!(server.request().json()["messages"][0]["content"], "Be brief.\n");

    fs::write(&file, b"\xff").expect("the file is written");
    run(ask_mock(&["hi", "--system-file"]).arg(&file)).exits(65).says(&["system.txt", "offset 0"]);
    run(&mut ask_mock(&["hi", "--system-file", "/nowhere/x"])).exits(66).says(&["/nowhere/x"]);
    run(&mut ask_mock(&["hi", "-s", "a", "--system-file", "b"])).exits(2).says(&["--system-file"]);
}

#[test]
fn parameters_are_sent_only_when_given() {
    let server = Server::replying(&["ok"; 2]);
    run(&mut ask(&server, &["hi"])).exits(0);
    let arguments = [
        "hi",
        "-m",
        "m",
        "-t",
        "0.5",
        "--top-p",
        "1",
        "--max-tokens",
        "7",
        "--stop",
        "a",
        "--stop",
        "b",
        "--seed",
        "-3",
        "--presence-penalty",
        "-2",
        "--frequency-penalty",
        "0.25",
    ];
    run(&mut ask(&server, &arguments)).exits(0);
    let requests = server.requests();
    assert_eq!(
        requests[0].json(),
        json!({"model": "llama3.1:8b-instruct-fp16", "messages": [{"role": "user", "content": "hi"}]})
    );
    assert_eq!(
        requests[1].json(),
        json!({
            "model": "m", "temperature": 0.5, "top_p": 1.0, "max_tokens": 7, "stop": ["a", "b"],
            "seed": -3, "presence_penalty": -2.0, "frequency_penalty": 0.25,
            "messages": [{"role": "user", "content": "hi"}],
        })
    );
}

#[test]
fn parameters_out_of_range_are_usage_errors() {
    for arguments in [
        ["--temperature", "2.1"],
        ["--temperature", "-0.1"],
        ["--temperature", "NaN"],
        ["--temperature", "inf"],
        ["--temperature", "warm"],
        ["--top-p", "1.1"],
        ["--max-tokens", "0"],
        ["--max-tokens", "-1"],
        ["--seed", "x"],
        ["--presence-penalty", "2.5"],
        ["--frequency-penalty", "-2.5"],
        ["--model", ""],
    ] {
        run(ask_mock(&["hi"]).args(arguments)).exits(2).prints("").says(&[]);
    }
    let stops = ["--stop", "1", "--stop", "2", "--stop", "3", "--stop", "4", "--stop", "5"];
    run(ask_mock(&["hi"]).args(stops)).exits(2).prints("").says(&["--stop"]);
}

#[test]
fn the_environment_sets_the_base_url_the_model_and_the_key() {
    let server = Server::replying(&["ok"; 2]);
    let ask = |model: &str| {
        let mut command = gravix();
        command.args(["ask", "hi"]).env("GRAVIX_BASE_URL", server.base_url());
        command.env("GRAVIX_MODEL", model).env("GRAVIXLAYER_API_KEY", "sesame\n");
        command
    };
    run(&mut ask("tiny")).exits(0);
    run(&mut ask("")).exits(0);
    let requests = server.requests();
    assert_eq!(requests[0].head[0], "POST /v1/chat/completions HTTP/1.1");
    assert_eq!(requests[0].header("authorization"), Some("Bearer sesame"));
    assert_eq!(requests[0].header("accept-encoding"), None);
    assert_eq!(requests[0].json()["model"], "tiny");
    assert_eq!(requests[1].json()["model"], "llama3.1:8b-instruct-fp16");
}
