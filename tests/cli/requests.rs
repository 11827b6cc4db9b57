//! The fields of a request, dry runs and curl commands.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::server::{Server, whole_reply};
use crate::support::{ask, ask_mock, completion, gravix, program, run, skip, strace};

/// The request body that `--dry-run` prints for `arguments`.
#[track_caller]
fn body(arguments: &[&str]) -> Value {
    let run = run(ask_mock(arguments).arg("--dry-run")).exits(0).says_nothing();
    serde_json::from_slice(&run.stdout).expect("stdout is JSON")
}

#[test]
fn any_field_can_be_sent() {
    let arguments = [
        "--param",
        "top_k=40",
        "--param",
        "user=me",
        "--param",
        "options.num_ctx=8192",
        "--param",
        "options.x=\"1\"",
        "--param",
        "price=1.10",
        "hi",
    ];
    let server = Server::replying(&["ok"]);
    run(&mut ask(&server, &arguments)).exits(0);
    let body = String::from_utf8(server.request().body).expect("the request is UTF-8");
    for field in [
        r#""top_k":40"#,
        r#""user":"me""#,
        r#""options":{"num_ctx":8192,"x":"1"}"#,
        r#""price":1.10"#,
    ] {
        assert!(body.contains(field), "{body}");
    }
}

#[test]
fn an_invalid_parameter_exits_65() {
    for param in ["top_k", "=1", "a..b=1", ""] {
        run(&mut ask_mock(&["--param", param, "hi"])).exits(65).prints("").says(&["--param"]);
    }
}

#[test]
fn the_body_wins_over_options_and_parameters_over_the_body() {
    let named = r#"{"model":"theirs","temperature":1,"a":{"b":1,"c":2},"z":null}"#;
    let body = body(&["--body", named, "--param", "a.b=3", "-t", "0.5", "--max-tokens", "7", "hi"]);
    let messages = json!([{"role": "user", "content": "hi"}]);
    let expected = json!({
        "model": "theirs", "temperature": 1, "max_tokens": 7, "a": {"b": 3, "c": 2}, "z": null,
        "messages": messages,
    });
    assert_eq!(body, expected);
}

#[test]
fn a_body_can_be_in_a_file_and_must_be_an_object() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("body.json");
    fs::write(&file, "{\"a\":1}\n").expect("the file is written");
    let path = file.to_str().expect("the path is UTF-8");
    assert_eq!(body(&["--body", path, "hi"])["a"], 1);
    for (text, reason) in [("[1]", "an array"), ("{", "not JSON"), ("", "not JSON")] {
        fs::write(&file, text).expect("the file is written");
        run(&mut ask_mock(&["--body", path, "hi"]))
            .exits(65)
            .prints("")
            .says(&["body.json", reason]);
    }
    run(&mut ask_mock(&["--body", "/nowhere", "hi"])).exits(66).prints("").says(&["/nowhere"]);
}

#[test]
fn messages_of_the_body_are_the_whole_conversation() {
    let messages =
        r#"{"messages":[{"role":"user","content":"a"},{"role":"user","content":"b","x":1.0}]}"#;
    let server = Server::replying(&["ok"]);
    run(&mut ask(&server, &["--body", messages])).exits(0).prints("ok\n");
    let sent = server.request().json()["messages"].clone();
    assert_eq!(
        sent,
        serde_json::from_str::<Value>(messages).expect("the text is JSON")["messages"]
    );
    for more in [&["hi"][..], &["-s", "x"], &["--history", "/nowhere"]] {
        run(ask_mock(&["--body", messages]).args(more))
            .exits(2)
            .prints("")
            .says(&["whole conversation"]);
    }
    run(&mut ask_mock(&["--body", "{\"messages\":1}"])).exits(65).prints("").says(&["messages"]);
}

#[test]
fn a_dry_run_prints_exactly_what_would_be_sent() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("chat.jsonl");
    fs::write(
        &file,
        "{\"role\":\"user\", \"content\":\"a\"}\n\n{\"role\":\"assistant\",\"content\":\"b\"}\n",
    )
    .expect("the file is written");
    let server = Server::replying(&["ok"]);
    let arguments = ["-s", "S", "--stop", "x", "-t", "0.30", "it's", "--history"];
    let dry = run(ask(&server, &arguments).arg(&file).arg("--dry-run")).exits(0);
    assert!(server.requests().is_empty());
    run(ask(&server, &arguments).arg(&file)).exits(0);
    assert_eq!(dry.stdout, [server.request().body.as_slice(), b"\n"].concat());
}

#[test]
fn a_dry_run_needs_no_key_and_writes_no_file() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let [chat, log, out] =
        ["chat.jsonl", "log.jsonl", "out"].map(|name| directory.path().join(name));
    let mut command = gravix();
    command.args(["ask", "hi", "--dry-run", "--history"]).arg(&chat);
    run(command.arg("--log").arg(&log).arg("-o").arg(&out)).exits(0).says_nothing();
    assert_eq!(fs::read_dir(directory.path()).expect("the directory is readable").count(), 0);
}

#[test]
fn the_curl_command_sends_the_same_request() {
    if Command::new("curl").arg("--version").output().is_err() {
        skip("curl is not installed");
        return;
    }
    let prompt = "it's $HOME `x` \"q\" \\ !\né";
    for shell in ["sh", "bash"] {
        let reply = || whole_reply("ok");
        let server = Server::new(vec![reply(), reply()]);
        let arguments = ["-H", "X-Quote: it's", "--deadline", "20", prompt];
        let key = ("GRAVIXLAYER_API_KEY", "a-key");
        let mut command = ask(&server, &arguments);
        let printed = run(command.envs([key]).arg("--curl")).exits(0).says_nothing();
        let script = String::from_utf8(printed.stdout).expect("stdout is UTF-8");
        assert!(!script.contains("a-key") && script.contains("$GRAVIXLAYER_API_KEY"), "{script}");
        assert!(server.requests().is_empty());
        let mut curl = program(shell);
        curl.env("PATH", "/usr/local/bin:/usr/bin:/bin").args(["-c", &script]);
        run(curl.envs([key])).exits(0).prints(completion("ok"));
        run(ask(&server, &arguments).envs([key])).exits(0);
        let requests = server.requests();
        assert_eq!(requests[0].head[0], requests[1].head[0]);
        assert_eq!(requests[0].body, requests[1].body);
        for name in ["authorization", "content-type", "x-quote"] {
            assert_eq!(requests[0].header(name), requests[1].header(name), "{name}");
        }
    }
}

#[test]
fn curl_cannot_reach_the_mock() {
    run(&mut ask_mock(&["--curl", "hi"])).exits(2).prints("").says(&["mock:"]);
}

#[test]
fn an_option_alias_and_a_bare_prompt_are_recognized() {
    assert_eq!(body(&["--temp", "0.5", "hi"])["temperature"], 0.5);
    run(gravix().arg("what is this?")).exits(2).prints("").says(&["gravix ask"]);
}

#[test]
fn parameters_can_change_fields_that_options_set() {
    let schema = r#"{"type":"object"}"#;
    let param = "response_format.json_schema.strict=false";
    let body = body(&["--schema", schema, "--param", param, "hi"]);
    let format = &body["response_format"]["json_schema"];
    assert_eq!((&format["strict"], &format["schema"]["type"]), (&json!(false), &json!("object")));
}

#[test]
fn a_parameter_can_request_a_stream() {
    let body = body(&["-u", "--param", "stream=true", "hi"]);
    assert_eq!(body["stream_options"], json!({"include_usage": true}));
}

#[test]
fn a_short_request_is_sent_with_one_system_call() {
    let server = Server::replying(&["reply"]);
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let log = directory.path().join("log");
    let log_option = format!("--output={}", log.display());
    let options = [log_option, "--trace=sendto".to_owned()];
    let Some(mut traced) = strace(&ask(&server, &["hi"]), &options) else {
        return;
    };
    run(&mut traced).exits(0).prints("reply\n");
    let log = fs::read_to_string(log).expect("strace has written its log");
    assert_eq!(log.matches("sendto(").count(), 1, "{log}");
}

#[test]
fn a_body_of_many_messages_is_sent() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("body.json");
    let messages = vec![json!({"role": "user", "content": "x"}); 100_000];
    fs::write(&file, json!({ "messages": messages }).to_string()).expect("the file is written");
    let run = run(ask_mock(&["--dry-run", "--body"]).arg(&file)).exits(0).says_nothing();
    let body: Value = serde_json::from_slice(&run.stdout).expect("stdout is JSON");
    assert_eq!(body["messages"].as_array().map(Vec::len), Some(100_000));
}

#[test]
fn a_dry_run_leaves_a_torn_history_unchanged() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("chat.jsonl");
    fs::write(&file, "{\"role\":\"user\",\"content\":\"a\"}\n{\"role")
        .expect("the file is written");
    run(ask_mock(&["--dry-run", "-q", "hi", "--history"]).arg(&file)).exits(0);
    assert!(fs::read_to_string(&file).expect("the file is readable").ends_with("{\"role"));
    assert_eq!(fs::read_dir(directory.path()).expect("the directory is readable").count(), 1);
}

#[test]
fn a_curl_command_sends_no_key_in_the_clear() {
    let mut command = gravix();
    command.env("GRAVIXLAYER_API_KEY", "k").args([
        "ask",
        "--curl",
        "--base-url",
        "http://example.com/v1",
        "hi",
    ]);
    run(&mut command).exits(78).prints("").says(&["in the clear"]);
}
