//! A conversation in a file, from turn to turn.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::support::conversation::chat_file;
use crate::support::server::{Server, answer};
use crate::support::{ask, json_lines, run};

#[test]
fn each_turn_is_appended_and_sent_with_the_next() {
    let (_directory, file) = chat_file();
    let server = Server::replying(&["one", "two"]);
    for prompt in ["first", "second"] {
        run(ask(&server, &[prompt, "--history"]).arg(&file)).exits(0).says_nothing();
    }
    let turns = json!([
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "one"},
        {"role": "user", "content": "second"},
        {"role": "assistant", "content": "two"},
    ]);
    assert_eq!(json!(json_lines(&file)), turns);
    let sent = server.requests()[1].json()["messages"].clone();
    assert_eq!(sent, json!(turns.as_array().expect("messages are an array")[..3]));
    let length = server.requests()[1].header("content-length").map(str::to_owned);
    assert_eq!(length, Some(server.requests()[1].body.len().to_string()));
}

#[test]
fn lines_go_into_the_request_byte_for_byte() {
    let (_directory, file) = chat_file();
    let lines = [
        r#"{"content":"a\u00e9","role":"user","n":1.0,"big":123456789012345678901234567890}"#,
        r#"{ "role" : "tool", "x":[null, 1e5] , "content":null }"#,
    ];
    fs::write(&file, lines.join("\n") + "\n").expect("the file is written");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("the mode is set");
    let server = Server::replying(&["x"]);
    run(ask(&server, &["hi", "--history"]).arg(&file)).exits(0).says_nothing();
    let body = String::from_utf8(server.request().body).expect("the request is UTF-8");
    assert!(body.contains(&lines.join(",")), "{body}");
}

#[test]
fn byte_order_mark_crlf_blank_lines_and_a_missing_newline_are_accepted() {
    let (_directory, file) = chat_file();
    let text = "\u{feff}\r\n{\"role\":\"user\",\"content\":\"a\"}\r\n\n  \n{\"role\":\"assistant\",\"content\":\"b\"}";
    fs::write(&file, text).expect("the file is written");
    let server = Server::replying(&["x"]);
    run(ask(&server, &["hi", "-q", "--history"]).arg(&file)).exits(0).says_nothing();
    let sent = server.request().json()["messages"].clone();
    assert_eq!(sent.as_array().expect("messages are an array").len(), 3);
    let saved = fs::read_to_string(&file).expect("the file is readable");
    let turn =
        "\n{\"role\":\"user\",\"content\":\"hi\"}\n{\"role\":\"assistant\",\"content\":\"x\"}\n";
    assert_eq!(saved, format!("{text}{turn}"));
}

#[test]
fn a_system_prompt_is_written_only_when_it_starts_the_file() {
    let (_directory, file) = chat_file();
    let server = Server::replying(&["x", "y", "z"]);
    for system in ["S1", "S2"] {
        run(ask(&server, &["hi", "-s", system, "--history"]).arg(&file)).exits(0);
    }
    run(ask(&server, &["hi", "--history"]).arg(&file)).exits(0);
    let role = |messages: &serde_json::Value| -> Vec<String> {
        let messages = messages.as_array().expect("messages are an array");
        messages
            .iter()
            .map(|message| message["role"].as_str().expect("the message has a role").to_owned())
            .collect()
    };
    let saved = json!(json_lines(&file));
    assert_eq!(role(&saved)[..3], ["system", "user", "assistant"]);
    assert_eq!(role(&saved).iter().filter(|role| *role == "system").count(), 1);
    assert_eq!(saved[0]["content"], "S1");
    let sent: Vec<_> =
        server.requests().iter().map(|request| request.json()["messages"].clone()).collect();
    assert_eq!(sent[1][0]["content"], "S2");
    assert_eq!(role(&sent[1]), ["system", "user", "assistant", "user"]);
    assert_eq!(sent[2][0]["content"], "S1");
}

#[test]
fn a_bad_line_is_named_and_nothing_is_sent_or_written() {
    let (_directory, file) = chat_file();
    let server = Server::replying(&[]);
    for (line, reason) in [
        ("[]", "not a message"),
        ("\"x\"", "not a message"),
        ("{\"content\":\"x\"}", "missing field `role`"),
        ("{\"role\":1}", "expected a string"),
        ("{\"role\":\"user\",\"role\":\"user\"}", "duplicate field `role`"),
        ("{\"role\":\"user\",\"content\":\"a\",\"content\":\"b\"}", "duplicate field `content`"),
        (
            "{\"role\":\"user\",\"c\\u006fntent\":\"a\",\"content\":\"b\"}",
            "duplicate field `content`",
        ),
        ("{nope", "not a message"),
        ("{\"role\":\"user\"} x", "not a message"),
    ] {
        let text = format!("{{\"role\":\"user\",\"content\":\"a\"}}\n{line}\n");
        fs::write(&file, &text).expect("the file is written");
        let run = run(ask(&server, &["hi", "-q", "--history"]).arg(&file)).exits(65).prints("");
        run.says(&["chat.jsonl:2: ", reason, "gravix history repair /"]);
        assert_eq!(fs::read_to_string(&file).expect("the file is readable"), text);
    }
    fs::write(&file, b"{\"role\":\"\xff\"}\n").expect("the file is written");
    run(ask(&server, &["hi", "-q", "--history"]).arg(&file)).exits(65).says(&[":1: not UTF-8"]);
    assert!(server.requests().is_empty());
}

#[test]
fn a_failed_turn_leaves_the_file_unchanged() {
    let (_directory, file) = chat_file();
    let text = "{\"role\":\"user\",\"content\":\"a\"}\n";
    fs::write(&file, text).expect("the file is written");
    let refusal = answer("400 Bad Request", "application/json", "{}");
    run(ask(&Server::once(refusal), &["hi", "-q", "--history"]).arg(&file)).exits(69);
    assert_eq!(fs::read_to_string(&file).expect("the file is readable"), text);
}
