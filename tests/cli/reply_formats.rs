//! Replies that must be JSON, a code block or one of several words.

use std::fs;

use serde_json::{Value, json};

use crate::support::server::{Server, answer, events, whole_reply};
use crate::support::{DONE, Run, ask, json_lines, run, token};

/// `gravix ask` with `arguments`, answered with `reply`.
#[track_caller]
fn ask_for(reply: &str, arguments: &[&str]) -> Run {
    run(&mut ask(&Server::replying(&[reply]), arguments))
}

const SCHEMA: &str = r#"{"title":"My city","type":"object","properties":{"city":{"type":"string"},"size":{"type":"integer"}},"required":["city"]}"#;

#[test]
fn json_mode_is_requested_and_its_reply_printed_unchanged() {
    let server = Server::replying(&[" {\"b\":1.50, \"a\":2}\n"]);
    run(&mut ask(&server, &["--json-object", "hi"]))
        .exits(0)
        .prints(" {\"b\":1.50, \"a\":2}\n")
        .says_nothing();
    assert_eq!(server.request().json()["response_format"], json!({"type": "json_object"}));
}

#[test]
fn a_reply_that_is_not_a_json_object_exits_65_and_goes_to_stderr() {
    for (reply, reason) in
        [("[1]", "an array, not an object"), ("{\"a\":", "not JSON"), ("sure: {}", "not JSON")]
    {
        for arguments in [&["--json-object", "hi"][..], &["--json-object", "--stream", "hi"]] {
            let run = ask_for(reply, arguments).exits(65).prints("");
            assert!(run.stderr.starts_with(&format!("{reply}\n")), "{}", run.stderr);
            assert!(run.stderr.contains(reason), "{}", run.stderr);
        }
    }
}

#[test]
fn a_schema_is_sent_unchanged_and_the_reply_checked_against_it() {
    let server = Server::replying(&["{\"city\":\"Rome\"}"]);
    run(&mut ask(&server, &["--schema", SCHEMA, "hi"]))
        .exits(0)
        .prints("{\"city\":\"Rome\"}\n")
        .says_nothing();
    let body = String::from_utf8(server.request().body).expect("the request is UTF-8");
    let sent = format!(
        r#""response_format":{{"type":"json_schema","json_schema":{{"name":"My_city","schema":{SCHEMA}}}}}"#
    );
    assert!(body.contains(&sent), "{body}");

    for (reply, place, reason) in [
        ("{}", "at the top level", "city"),
        ("{\"city\":\"Rome\",\"size\":\"big\"}", "at /size", "integer"),
        ("[]", "at the top level", "object"),
    ] {
        let run = ask_for(reply, &["--schema", SCHEMA, "hi"]).exits(65).prints("");
        assert!(run.stderr.contains(place) && run.stderr.contains(reason), "{}", run.stderr);
    }
}

#[test]
fn a_schema_can_be_in_a_file_and_its_reply_in_a_code_fence() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("city.json");
    fs::write(&file, format!("\u{feff}{SCHEMA}")).expect("the file is written");
    let server = Server::replying(&["```json\n{\"city\": \"Rome\"}\n```\n"]);
    run(ask(&server, &["hi", "--schema"]).arg(&file)).exits(0).prints("{\"city\": \"Rome\"}\n");
}

#[test]
fn a_streamed_reply_is_checked_before_anything_is_printed() {
    let good = [token("{\"city\""), token(":\"Rome\"}"), DONE.to_owned()];
    let server = Server::once(events(&good));
    run(&mut ask(&server, &["--stream", "--schema", SCHEMA, "hi"]))
        .exits(0)
        .prints("{\"city\":\"Rome\"}\n");
    assert_eq!(server.request().json()["stream"], true);
    let server = Server::once(events(&[token("{\"city\""), token(":1}"), DONE.to_owned()]));
    run(&mut ask(&server, &["--stream", "--schema", SCHEMA, "hi"])).exits(65).prints("");
}

#[test]
fn an_invalid_schema_is_refused_before_anything_is_sent() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("bad.json");
    let server = Server::replying(&[]);
    for (schema, reason) in [
        ("[]", "an array"),
        ("{", "not JSON"),
        (r#"{"type":"strin"}"#, "at /type"),
        (r#"{"$ref":"file:///etc/hostname"}"#, "does not fetch"),
    ] {
        fs::write(&file, schema).expect("the file is written");
        run(ask(&server, &["hi", "--schema"]).arg(&file))
            .exits(65)
            .prints("")
            .says(&["bad.json", reason]);
    }
    run(&mut ask(&server, &["hi", "--schema", "/nowhere"]))
        .exits(66)
        .prints("")
        .says(&["/nowhere"]);
    assert!(server.requests().is_empty());
}

#[test]
fn a_repair_adds_the_reply_and_its_error_to_the_next_request_only() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("chat.jsonl");
    let server = Server::replying(&["{}", "{\"city\":1}", "{\"city\":\"Rome\"}"]);
    let arguments = ["--schema", SCHEMA, "--repair", "2", "which?", "--history"];
    let run = run(ask(&server, &arguments).arg(&file)).exits(0).prints("{\"city\":\"Rome\"}\n");
    assert_eq!(run.stderr.lines().count(), 2, "{}", run.stderr);
    let requests = server.requests();
    let user = json!({"role": "user", "content": "which?"});
    assert_eq!(requests[0].json()["messages"], json!([user]));
    for (request, reply) in [(1, "{}"), (2, "{\"city\":1}")] {
        let messages = &requests[request].json()["messages"];
        assert_eq!(messages[0], user);
        assert_eq!(messages[1], json!({"role": "assistant", "content": reply}));
        assert_eq!(messages[2]["role"], "user");
        assert!(messages[2]["content"].as_str().is_some_and(|text| text.contains("at ")));
        assert_eq!(messages.as_array().map(Vec::len), Some(3));
    }
    let assistant = json!({"role": "assistant", "content": "{\"city\":\"Rome\"}"});
    assert_eq!(json_lines(&file), [user, assistant]);
}

#[test]
fn a_turn_fails_unsaved_when_its_repairs_are_used_up() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("chat.jsonl");
    let server = Server::replying(&["no", "still no"]);
    let arguments = ["--json-object", "--repair", "1", "hi", "--history"];
    let run = run(ask(&server, &arguments).arg(&file)).exits(65).prints("");
    assert!(run.stderr.contains("still no\n"), "{}", run.stderr);
    assert_eq!(server.requests().len(), 2);
    assert!(!file.exists());
}

#[test]
fn a_stalled_end_of_a_reply_does_not_shorten_the_wait_for_its_repair() {
    // Waiting for the end of a stream shortens the read timeout, which the
    // repair must not inherit.
    let streams =
        [events(&[token("no"), DONE.to_owned()]), events(&[token("{}"), DONE.to_owned()])];
    let server = Server::new(streams.into());
    run(&mut ask(&server, &["--stream", "--json-object", "--repair", "1", "hi"]))
        .exits(0)
        .prints("{}\n");
}

const BLOCKS: &str =
    "Use:\n\n1. this\n\n   ```sh\n   ls -l\n   ```\n\n~~~Python\nprint(1)\n~~~\nor\n```sh\npwd";

#[test]
fn extract_prints_only_the_code_block() {
    for (option, printed) in [
        ("-x", "ls -l\n"),
        ("--extract", "ls -l\n"),
        ("-x=py", "print(1)\n"),
        ("-x=bash", "ls -l\n"),
        ("--extract-last", "pwd\n"),
        ("--extract-last=sh", "pwd\n"),
    ] {
        ask_for(BLOCKS, &[option, "hi"]).exits(0).prints(printed).says_nothing();
        ask_for(BLOCKS, &[option, "--stream", "hi"]).exits(0).prints(printed).says_nothing();
    }
}

#[test]
fn a_reply_without_the_code_block_exits_65_and_is_shown() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("chat.jsonl");
    for (option, reason) in [("-x", "no code block"), ("-x=rust", "no code block in rust")] {
        let server = Server::replying(&["plain\ntext"]);
        let run = run(ask(&server, &[option, "hi", "--history"]).arg(&file)).exits(65).prints("");
        assert!(run.stderr.starts_with("plain\ntext\n"), "{}", run.stderr);
        assert!(run.stderr.contains(reason), "{}", run.stderr);
    }
    assert!(!file.exists());
    let run = ask_for(BLOCKS, &["-x=rust", "hi"]).exits(65).prints("");
    assert!(run.stderr.contains("in rust (found: sh, Python, sh)"), "{}", run.stderr);
}

#[test]
fn a_code_block_goes_to_the_output_file_and_the_reply_to_the_history() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let (file, chat) = (directory.path().join("x"), directory.path().join("chat.jsonl"));
    let server = Server::replying(&[BLOCKS]);
    let mut command = ask(&server, &["-x", "hi"]);
    run(command.arg("-o").arg(&file).arg("--history").arg(&chat)).exits(0).prints("");
    assert_eq!(fs::read_to_string(&file).expect("the output file is readable"), "ls -l\n");
    assert_eq!(json_lines(&chat)[1]["content"], BLOCKS);
}

#[test]
fn a_json_block_is_checked_against_a_schema() {
    let reply = "Here:\n```json\n{\"city\":\"Rome\"}\n```\nDone.";
    ask_for(reply, &["-x", "--schema", SCHEMA, "hi"]).exits(0).prints("{\"city\":\"Rome\"}\n");
    ask_for(reply, &["--schema", SCHEMA, "hi"]).exits(65).prints("");
}

#[test]
fn a_choice_is_printed_as_it_was_offered() {
    for reply in ["red", " Red.\n", "{\"answer\":\"red\"}", "\"RED\""] {
        let server = Server::replying(&[reply]);
        run(&mut ask(&server, &["--choose", "green, red", "hi"]))
            .exits(0)
            .prints("red\n")
            .says_nothing();
        let request = server.request().json();
        let answer = "/response_format/json_schema/schema/properties/answer/enum";
        assert_eq!(request.pointer(answer), Some(&json!(["green", "red"])));
        assert_eq!(request["messages"][0]["role"], "system");
        assert_eq!(request["messages"][1], json!({"role": "user", "content": "hi"}));
    }
    let run = ask_for("reddish", &["--choose", "green,red", "hi"]).exits(65).prints("");
    assert!(run.stderr.contains("not one of green, red"), "{}", run.stderr);
}

#[test]
fn a_choice_works_when_the_server_rejects_the_schema() {
    let refusal = r#"{"error":{"message":"response_format is not supported"}}"#;
    for status in ["400 Bad Request", "422 Unprocessable Entity", "501 Not Implemented"] {
        let refused = answer(status, "application/json", refusal);
        let server = Server::new(vec![refused, whole_reply("green")]);
        run(&mut ask(&server, &["--choose", "green,red", "hi"])).exits(0).prints("green\n");
        assert_eq!(server.requests()[1].json()["response_format"], Value::Null);
    }
    let refused = || answer("400 Bad Request", "application/json", refusal);
    let server = Server::new(vec![refused(), refused()]);
    run(&mut ask(&server, &["--choose", "green,red", "hi"])).exits(69).prints("");
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn the_choices_are_appended_to_the_existing_system_message() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("chat.jsonl");
    let system = r#"{"role":"system","content":"Be kind."}"#;
    fs::write(&file, format!("{system}\n")).expect("the file is written");
    let server = Server::replying(&["red", "red"]);
    for arguments in
        [&["--choose", "green,red", "hi"][..], &["--choose", "green,red", "hi", "-s", "Hm."]]
    {
        run(ask(&server, arguments).arg("--history").arg(&file)).exits(0).prints("red\n");
    }
    for (request, begin) in [(0, "Be kind.\n\nAnswer with"), (1, "Hm.\n\nAnswer with")] {
        let messages = server.requests()[request].json()["messages"].clone();
        let content = messages[0]["content"].as_str().expect("the first message has text");
        assert!(content.starts_with(begin), "{content}");
        let systems = messages.as_array().expect("messages are an array").iter();
        assert_eq!(systems.filter(|message| message["role"] == "system").count(), 1);
    }
    let saved = fs::read_to_string(&file).expect("the history is readable");
    assert!(saved.starts_with(system) && !saved.contains("Answer with"), "{saved}");
    assert_eq!(json_lines(&file)[2]["content"], "red");
}

#[test]
fn yes_or_no_is_an_exit_status() {
    for (reply, status) in [("Yes.", 0), ("no", 1), ("{\"answer\":\"no\"}", 1)] {
        ask_for(reply, &["--yes-no", "hi"]).exits(status).prints("").says_nothing();
    }
    let run = ask_for("perhaps", &["--yes-no", "hi"]).exits(65).prints("");
    assert!(run.stderr.starts_with("perhaps\n"), "{}", run.stderr);
    no_answer_is_not_a_no(&["--yes-no", "hi"]);
}

#[track_caller]
fn no_answer_is_not_a_no(arguments: &[&str]) {
    let server = Server::new(vec![]);
    run(ask(&server, arguments).args(["--retries", "0"])).exits(75).prints("").says(&[]);
}

#[test]
fn choices_must_be_two_or_more_different_words() {
    let server = Server::new(vec![]);
    for words in ["red", "red,", ",", "red,green,red", " , a"] {
        run(&mut ask(&server, &["--choose", words, "hi"])).exits(2).prints("").says(&["--choose"]);
    }
    assert!(server.requests().is_empty());
}

#[test]
fn a_tool_call_is_not_a_choice() {
    let call = json!({"id": "a", "function": {"name": "f", "arguments": "{}"}});
    let message = json!({"role": "assistant", "content": null, "tool_calls": [call]});
    let choice = json!({"message": message, "finish_reason": "tool_calls"});
    let body = json!({ "choices": [choice] }).to_string();
    for option in [&["--yes-no"][..], &["--choose", "a,b"]] {
        let server = Server::once(answer("200 OK", "application/json", &body));
        let run = run(ask(&server, option).arg("hi")).exits(65).prints("");
        assert!(run.stderr.contains("calls a tool"), "{}", run.stderr);
    }
}

#[test]
fn a_refusal_is_reported_and_nothing_unchecked_is_printed() {
    let message = json!({"content": "x", "refusal": "I will not."});
    let body = json!({"choices": [{"message": message, "finish_reason": "stop"}]}).to_string();
    let server = Server::once(answer("200 OK", "application/json", body));
    run(&mut ask(&server, &["--schema", SCHEMA, "hi"])).exits(3).prints("").says(&["I will not."]);
}

#[test]
fn a_truncated_reply_is_reported_and_not_repaired() {
    let choice = json!({"message": {"content": "{\"city\":"}, "finish_reason": "length"});
    let body = json!({ "choices": [choice] }).to_string();
    let server = Server::once(answer("200 OK", "application/json", body));
    let arguments = ["--schema", SCHEMA, "--repair", "3", "hi"];
    let run = run(&mut ask(&server, &arguments)).exits(65).prints("");
    assert!(
        run.stderr.contains("not JSON") && run.stderr.contains("--max-tokens"),
        "{}",
        run.stderr
    );
    server.request();
}

#[test]
fn a_reply_is_shown_when_its_repair_fails() {
    let refusal = answer("400 Bad Request", "text/plain", "no");
    let server = Server::new(vec![whole_reply("the first reply"), refusal]);
    let run =
        run(&mut ask(&server, &["--json-object", "--repair", "1", "hi"])).exits(69).prints("");
    assert!(run.stderr.contains("the first reply\n"), "{}", run.stderr);
}

#[test]
fn no_exits_1_whatever_the_finish_reason() {
    for reason in ["stop", "tool_calls", "function_call"] {
        let choice = json!({"message": {"content": "no"}, "finish_reason": reason});
        let body = json!({ "choices": [choice] }).to_string();
        let server = Server::once(answer("200 OK", "application/json", body));
        run(&mut ask(&server, &["--yes-no", "hi"])).exits(1).prints("");
    }
}
