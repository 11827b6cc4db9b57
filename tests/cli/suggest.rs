//! `gravix suggest`: one line of shell, and nothing else.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::support::home::Home;
use crate::support::server::{Script, Server, answer, events, whole_reply};
use crate::support::{
    DONE, Run, completion_ended, finish, full_device, gravix, json_lines, refuses, run, run_with,
    token,
};

/// `gravix suggest` with `arguments`, sent to `server`.
fn suggest(server: &Server, arguments: &[&str]) -> Command {
    let mut command = gravix();
    command.args(["suggest", "--base-url", &server.base_url()]).args(arguments);
    command
}

/// `gravix suggest`, answered with `reply`.
#[track_caller]
fn suggest_for(reply: &str) -> Run {
    run(&mut suggest(&Server::replying(&[reply]), &["list files"]))
}

#[test]
fn the_line_of_the_reply_is_printed_without_its_decoration() {
    for (reply, line) in [
        ("ls -l", "ls -l"),
        ("`ls -l`\n", "ls -l"),
        ("$ ls -l", "ls -l"),
        ("```sh\nls -l\n```", "ls -l"),
        ("This lists files:\n```\nls -l\n```\nNote the -l.", "ls -l"),
        ("<think>ls?\n```\nrm x\n```\n</think>\nls -l", "ls -l"),
        ("printf '%s\\n' \"*ä*\" | sort", "printf '%s\\n' \"*ä*\" | sort"),
    ] {
        suggest_for(reply).exits(0).prints(format!("{line}\n")).says_nothing();
    }
}

#[test]
fn any_other_reply_goes_to_stderr_with_status_65() {
    for (reply, reason) in [
        ("cd /tmp\nls", "it has 2 lines, not one"),
        ("```\ncd /tmp\nls\n```", "it has 2 lines, not one"),
        ("```\ncd\n```\n```\nls\n```", "it has 2 code blocks, not one"),
        ("```\n```", "it has no command"),
        ("echo \u{1b}[2J", "it has a control character"),
    ] {
        let run = suggest_for(reply).exits(65).prints("");
        let shown = reply.replace('\u{1b}', "^[");
        assert!(run.stderr.starts_with(&format!("{shown}\ngravix: ")), "{}", run.stderr);
        assert!(run.stderr.ends_with(&format!("{reason}\n")), "{}", run.stderr);
    }
}

#[test]
fn the_words_are_the_request_and_gravix_gives_the_instruction() {
    let server = Server::replying(&["ls"]);
    let mut command = suggest(&server, &["find", "files", "-t", "0", "--", "-over", "1 GB"]);
    run(command.env("SHELL", "/opt/bin/fish")).exits(0).prints("ls\n");
    let body = server.request().json();
    let messages = body["messages"].as_array().expect("messages are an array");
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[1], json!({"role": "user", "content": "find files -over 1 GB"}));
    let system = messages[0]["content"].as_str().expect("the instruction is text");
    assert!(system.contains("for the shell fish on "), "{system}");
    assert_eq!(body["temperature"].as_f64(), Some(0.0));
    assert_eq!(body.get("stream"), None);
}

#[test]
fn the_shell_is_that_of_the_user_unless_it_is_named() {
    let shell = |variable: Option<&str>, arguments: &[&str]| {
        let mut command = gravix();
        command.args(["suggest", "-p", "mock", "--dry-run", "x"]).args(arguments);
        let run = run(command.envs(variable.map(|shell| ("SHELL", shell)))).exits(0);
        let body = String::from_utf8(run.stdout).expect("the request is UTF-8");
        let (_, rest) = body.split_once("for the shell ").expect("the shell is named");
        rest.split(' ').next().expect("there is a word").to_owned()
    };
    assert_eq!(shell(None, &[]), "sh");
    assert_eq!(shell(Some("/bin/zsh"), &[]), "zsh");
    assert_eq!(shell(Some("/bin/false"), &[]), "sh");
    assert_eq!(shell(Some("/bin/zsh"), &["--shell", "cmd.exe"]), "cmd.exe");
    for name in ["", "a b", "a\nb"] {
        run(gravix().args(["suggest", "x", "--shell", name])).exits(2).prints("");
    }
}

#[test]
fn stdin_is_not_read() {
    let mut command = gravix();
    command.args(["suggest", "-p", "mock", "list", "files"]);
    run_with(&mut command, b"more").exits(0).prints("list files\n").says_nothing();
}

#[test]
fn a_request_in_words_is_needed() {
    for words in [&[][..], &["-"]] {
        let run = run(gravix().args(["suggest", "-p", "mock"]).args(words)).exits(2).prints("");
        run.says(&["no request", "gravix suggest \"find files over 1 GB\""]);
    }
    run(gravix().args(["suggest", "-p", "mock", " "])).exits(2).prints("").says(&["empty"]);
    for option in ["--history", "-f", "-s", "-x", "--stream", "-o", "--schema"] {
        run(gravix().args(["suggest", "-p", "mock", option, "x", "y"])).exits(2).prints("");
    }
    for param in ["messages=[]", "n=2"] {
        run(gravix().args(["suggest", "-p", "mock", "x", "--param", param])).exits(2).prints("");
    }
}

#[test]
fn a_failure_keeps_the_status_that_ask_gives_it() {
    let body = |text: &str, reason: &str| {
        answer("200 OK", "application/json", completion_ended(text, reason))
    };
    let cases: Vec<(Script, i32)> = vec![
        (body("ls -", "length"), 3),
        (body("", "stop"), 3),
        (whole_reply("<think>ls</think>"), 3),
        (answer("400 Bad Request", "application/json", "{\"error\":\"no\"}"), 69),
        (answer("503 Busy", "", ""), 75),
        (answer("200 OK", "text/html", "<html>"), 76),
        (answer("401 Unauthorized", "", ""), 77),
    ];
    for (script, status) in cases {
        let run = run(&mut suggest(&Server::once(script), &["x", "--retries", "0"]));
        run.exits(status).says(&["gravix: "]);
    }
    run(gravix().args(["suggest", "x"])).exits(78).prints("").says(&["GRAVIXLAYER_API_KEY"]);
    let mut command = gravix();
    command.args(["suggest", "-p", "mock", "x"]);
    let child = command.stdout(full_device()).spawn().expect("gravix starts");
    assert_eq!(finish(child).status.code(), Some(74));
}

#[test]
fn a_call_of_a_tool_is_no_command() {
    let call = r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"run","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}"#;
    let server = Server::once(events(&[format!("data: {call}\n\n"), "data: [DONE]\n\n".into()]));
    run(&mut suggest(&server, &["x"])).exits(65).prints("").tells(&["run {}", "it calls a tool"]);
}

#[test]
fn a_busy_server_is_asked_again_and_a_stream_is_understood() {
    let server = Server::new(vec![
        answer("503 Busy", "", ""),
        events(&[token("ls "), token("-l"), DONE.to_owned()]),
    ]);
    run(&mut suggest(&server, &["x"])).exits(0).prints("ls -l\n").says(&["retrying"]);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn settings_apply_as_they_do_to_ask_but_its_system_prompt_does_not() {
    let server = Server::replying(&["ls"]);
    let home = Home::new(&format!(
        "system = \"Rhyme\"\n[profiles.p]\nbase_url = \"{}\"\nmodel = \"m1\"\nseed = 7\n",
        server.base_url()
    ));
    run(&mut home.gravix(&["suggest", "-p", "p", "x"])).exits(0).prints("ls\n");
    let body = server.request().json();
    assert_eq!((&body["model"], &body["seed"]), (&json!("m1"), &json!(7)));
    assert!(!body.to_string().contains("Rhyme"), "{body}");
}

#[test]
fn a_log_has_the_request() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let log = directory.path().join("log.jsonl");
    let mut command = gravix();
    command.args(["suggest", "-p", "mock", "list files", "--log"]).arg(&log);
    run(&mut command).exits(0).prints("list files\n").says_nothing();
    assert_eq!(json_lines(&log).len(), 1);
    assert_eq!(fs::read_dir(directory.path()).expect("it is readable").count(), 1);
    let mut command = gravix();
    command.args(["suggest", "-p", "mock", "x", "--log", "/dev/full"]);
    run(&mut command).exits(73);
    refuses(
        run(gravix().args(["suggest", "-p", "mock", "x", "--log-content"])),
        2,
        "--log-content needs --log; see gravix suggest --help",
    );
}
