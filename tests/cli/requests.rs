use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::server::{Server, answer};
use crate::support::{ask, ask_mock, completion, gravix, program, run, run_with};

fn server() -> Server {
    Server::once(answer("200 OK", "application/json", completion("ok")))
}

/// The body of the request that `arguments` make, printed and not sent.
#[track_caller]
fn body(arguments: &[&str]) -> Value {
    let run = run(ask_mock(arguments).arg("--dry-run")).exits(0).says_nothing();
    serde_json::from_slice(&run.stdout).expect("JSON")
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
    let server = server();
    run(&mut ask(&server, &arguments)).exits(0);
    let body = String::from_utf8(server.request().body).expect("UTF-8");
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
fn a_parameter_that_is_none_is_exit_65() {
    for param in ["top_k", "=1", "a..b=1", ""] {
        run(&mut ask_mock(&["--param", param, "hi"])).exits(65).prints("").says(&["--param"]);
    }
}

#[test]
fn what_the_user_names_wins_and_parameters_win_over_the_body() {
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
fn a_body_may_be_in_a_file_and_must_be_an_object() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("body.json");
    fs::write(&file, "{\"a\":1}\n").expect("a file");
    let path = file.to_str().expect("UTF-8");
    assert_eq!(body(&["--body", path, "hi"])["a"], 1);
    for (text, reason) in [("[1]", "an array"), ("{", "not JSON"), ("", "not JSON")] {
        fs::write(&file, text).expect("a file");
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
    let server = server();
    run(&mut ask(&server, &["--body", messages])).exits(0).prints("ok\n");
    let sent = server.request().json()["messages"].clone();
    assert_eq!(sent, serde_json::from_str::<Value>(messages).expect("JSON")["messages"]);
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
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("chat.jsonl");
    fs::write(
        &file,
        "{\"role\":\"user\", \"content\":\"a\"}\n\n{\"role\":\"assistant\",\"content\":\"b\"}\n",
    )
    .expect("a file");
    let server = server();
    let arguments = ["-s", "S", "--stop", "x", "-t", "0.30", "it's", "--history"];
    let dry = run(ask(&server, &arguments).arg(&file).arg("--dry-run")).exits(0);
    assert!(server.requests().is_empty());
    run(ask(&server, &arguments).arg(&file)).exits(0);
    assert_eq!(dry.stdout, [server.request().body.as_slice(), b"\n"].concat());
}

#[test]
fn a_dry_run_needs_no_key_and_leaves_no_trace() {
    let directory = tempfile::tempdir().expect("a directory");
    let [chat, log, out] =
        ["chat.jsonl", "log.jsonl", "out"].map(|name| directory.path().join(name));
    let mut command = gravix();
    command.args(["ask", "hi", "--dry-run", "--history"]).arg(&chat);
    run(command.arg("--log").arg(&log).arg("-o").arg(&out)).exits(0).says_nothing();
    assert_eq!(fs::read_dir(directory.path()).expect("a directory").count(), 0);
}

#[test]
fn the_curl_command_sends_the_same_request() {
    if Command::new("curl").arg("--version").output().is_err() {
        crate::support::skip("curl cannot be had");
        return;
    }
    let prompt = "it's $HOME `x` \"q\" \\ !\né";
    for shell in ["sh", "bash"] {
        let reply = || answer("200 OK", "application/json", completion("ok"));
        let server = Server::new(vec![reply(), reply()]);
        let arguments = ["-H", "X-Quote: it's", "--deadline", "20", prompt];
        let key = ("GRAVIXLAYER_API_KEY", "a-key");
        let mut command = ask(&server, &arguments);
        let printed = run(command.envs([key]).arg("--curl")).exits(0).says_nothing();
        let script = String::from_utf8(printed.stdout).expect("UTF-8");
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
fn curl_cannot_reach_the_stand_in() {
    run(&mut ask_mock(&["--curl", "hi"])).exits(2).prints("").says(&["mock:"]);
}

#[test]
fn a_text_file_stands_in_a_code_block_under_its_name() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("a.rs"), "fn a() {}").expect("a file");
    fs::write(directory.path().join("b.md"), "```\ncode\n```\n").expect("a file");
    let mut command = ask_mock(&["-n", "First", "this:", "-f", "a.rs", "then", "--file", "b.md"]);
    run(command.current_dir(directory.path())).exits(0).says_nothing().prints(
        "First this:\n\na.rs:\n\n```rs\nfn a() {}\n```\n\nthen\n\nb.md:\n\n````md\n```\ncode\n```\n````\n",
    );
}

#[test]
fn a_file_alone_is_a_prompt_and_stdin_follows_it() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("a"), "A\n").expect("a file");
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
fn a_file_that_is_no_text_is_refused_with_advice() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("x");
    fs::write(&file, b"ab\xff").expect("a file");
    run(ask_mock(&["-n", "hi", "-f"]).arg(&file))
        .exits(65)
        .prints("")
        .says(&["offset 2", "--lossy"]);
    run(ask_mock(&["-n", "--lossy", "-f"]).arg(&file)).exits(0);
    fs::write(&file, PNG).expect("a file");
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
    let directory = tempfile::tempdir().expect("a directory");
    for (name, bytes) in [("a", PNG), ("b", b"\xff\xd8\xff\xe0"), ("c", b"GIF89a"), ("d.txt", b"D")]
    {
        fs::write(directory.path().join(name), bytes).expect("a file");
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
    let body: Value = serde_json::from_slice(&run.stdout).expect("JSON");
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
fn an_image_may_come_from_stdin() {
    let run = run_with(&mut ask_mock(&["what?", "-a", "-", "--dry-run"]), PNG).exits(0);
    let body: Value = serde_json::from_slice(&run.stdout).expect("JSON");
    let expected = json!([text("what?"), image("data:image/png;base64,iVBORw0KGgo=")]);
    assert_eq!(body["messages"][0]["content"], expected);
    run_with(&mut ask_mock(&["-", "-a", "-"]), PNG).exits(2).prints("").says(&["only once"]);
    run_with(&mut ask_mock(&["-n", "hi", "-a", "-"]), PNG)
        .exits(2)
        .prints("")
        .says(&["--no-stdin"]);
}

#[test]
fn what_is_no_image_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("x");
    for (bytes, reason) in
        [(&b"text"[..], "not an image"), (b"", "empty"), (b"%PDF-1.4", "not an image")]
    {
        fs::write(&file, bytes).expect("a file");
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
    let directory = tempfile::tempdir().expect("a directory");
    let (file, chat) = (directory.path().join("x"), directory.path().join("chat.jsonl"));
    fs::write(&file, PNG).expect("a file");
    let mut command = ask_mock(&["-n", "what?", "-a"]);
    run(command.arg(&file).arg("--history").arg(&chat)).exits(0).prints("what?\n");
    let again =
        ask_mock(&["-n", "and?", "--dry-run", "--history"]).arg(&chat).output().expect("a run");
    let body: Value = serde_json::from_slice(&again.stdout).expect("JSON");
    assert_eq!(body["messages"][0]["content"][1], image("data:image/png;base64,iVBORw0KGgo="));
}

#[test]
fn other_names_that_people_type_are_known() {
    assert_eq!(body(&["--temp", "0.5", "hi"])["temperature"], 0.5);
    run(gravix().arg("what is this?")).exits(2).prints("").says(&["gravix ask"]);
}

#[test]
fn parameters_reach_into_the_fields_of_options() {
    let schema = r#"{"type":"object"}"#;
    let param = "response_format.json_schema.strict=false";
    let body = body(&["--schema", schema, "--param", param, "hi"]);
    let format = &body["response_format"]["json_schema"];
    assert_eq!((&format["strict"], &format["schema"]["type"]), (&json!(false), &json!("object")));
}

#[test]
fn a_stream_that_is_asked_for_as_a_parameter_is_one() {
    let body = body(&["-u", "--param", "stream=true", "hi"]);
    assert_eq!(body["stream_options"], json!({"include_usage": true}));
}

#[test]
fn a_body_of_many_messages_is_sent() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("body.json");
    let messages = vec![json!({"role": "user", "content": "x"}); 100_000];
    fs::write(&file, json!({ "messages": messages }).to_string()).expect("a file");
    let run = run(ask_mock(&["--dry-run", "--body"]).arg(&file)).exits(0).says_nothing();
    let body: Value = serde_json::from_slice(&run.stdout).expect("JSON");
    assert_eq!(body["messages"].as_array().map(Vec::len), Some(100_000));
}

#[test]
fn a_dry_run_leaves_a_torn_history_as_it_is() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("chat.jsonl");
    fs::write(&file, "{\"role\":\"user\",\"content\":\"a\"}\n{\"role").expect("a file");
    run(ask_mock(&["--dry-run", "-q", "hi", "--history"]).arg(&file)).exits(0);
    assert!(fs::read_to_string(&file).expect("the file").ends_with("{\"role"));
    assert_eq!(fs::read_dir(directory.path()).expect("a directory").count(), 1);
}

#[test]
fn text_that_begins_like_an_image_is_text() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("x.a`b");
    for text in ["BMW is a car", "GIF89a is a format"] {
        fs::write(&file, text).expect("a file");
        let run = run(ask_mock(&["-n", "-f"]).arg(&file)).exits(0).says_nothing();
        let printed = String::from_utf8(run.stdout).expect("UTF-8");
        assert!(printed.ends_with(&format!(":\n\n```\n{text}\n```\n")), "{printed}");
    }
    fs::write(&file, "BMW is a car").expect("a file");
    run(ask_mock(&["-n", "hi", "-a"]).arg(&file)).exits(65).prints("").says(&["not an image"]);
    run_with(&mut ask_mock(&[]), b"\x89PNG\r\n\x1a\n").exits(65).says(&["image/png", "-a -"]);
}

#[test]
fn a_later_header_replaces_one_of_its_name() {
    let server = server();
    run(&mut ask(&server, &["-H", "X-A: 1", "-H", "x-a: 2", "-H", "X-Empty:", "hi"])).exits(0);
    let request = server.request();
    assert_eq!((request.header("x-a"), request.header("x-empty")), (Some("2"), Some("")));
    let arguments = ["--curl", "-H", "X-A: 1", "-H", "x-a: 2", "-H", "X-Empty:", "hi"];
    let printed = run(&mut ask(&server, &arguments)).exits(0).stdout;
    let printed = String::from_utf8(printed).expect("UTF-8");
    assert!(!printed.contains("X-A: 1") && printed.contains("-H 'X-Empty;'"), "{printed}");
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
