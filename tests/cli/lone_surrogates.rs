//! Escapes of half a surrogate pair, which no text can hold. Each is one U+FFFD
//! wherever gravix makes a text of it.

use std::fs;

use httpmock::prelude::*;

use crate::support::server::{Server, answer, events};
use crate::support::{ask, ask_mock, gravix, json_lines, run};

/// Halves beside a whole pair, as JSON and as text.
const ESCAPED: &str = r"\ud83d\ud83d\ude00\ude00.";
const TEXT: &str = "\u{fffd}😀\u{fffd}.";

/// A reply that calls a tool whose id, name and arguments have halves.
fn call() -> String {
    let twice = ESCAPED.replace('\\', r"\\");
    let function = format!(
        r#"{{"name":"f{ESCAPED}","arguments":"{{\"a\":\"{twice}\",\"b\":\"{ESCAPED}\"}}"}}"#
    );
    let call = format!(
        r#"{{"id":"i{ESCAPED}","type":"function","function":{function},"{ESCAPED}":"{ESCAPED}"}}"#
    );
    format!(r#"{{"role":"assistant","content":null,"tool_calls":[{call}]}}"#)
}

#[test]
fn one_half_in_a_tool_call_is_one_character() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = |name: &str| directory.path().join(name);
    let (tools, history, log) = (file("tools.json"), file("chat.jsonl"), file("log.jsonl"));
    fs::write(&tools, format!(r#"[{{"type":"function","function":{{"name":"f{TEXT}"}}}}]"#))
        .expect("the file is written");
    let choice = |field: &str| {
        format!(r#"{{"choices":[{{"{field}":{},"finish_reason":"tool_calls"}}]}}"#, call())
    };
    let printed = format!(
        "{{\"id\":\"i{TEXT}\",\"name\":\"f{TEXT}\",\"arguments\":{{\"a\":\"{TEXT}\",\"b\":\"{TEXT}\"}}}}\n"
    );
    for streams in [false, true] {
        let (script, flag) = match streams {
            false => (answer("200 OK", "application/json", choice("message")), "--no-stream"),
            true => {
                let sent = [choice("delta"), "[DONE]".to_owned()];
                (events(&sent.map(|data| format!("data: {data}\n\n"))), "--stream")
            }
        };
        let mut command = ask(&Server::once(script), &[flag, "hi", "--log-content", "--tools"]);
        command.arg(&tools).arg("--history").arg(&history).arg("--log").arg(&log);
        run(&mut command).exits(0).prints(&printed).says_nothing();
        let saved = &json_lines(&history)[1]["tool_calls"][0];
        let logged = &json_lines(&log)[0]["reply"]["tool_calls"][0];
        for call in [saved, logged] {
            assert_eq!(call["id"], format!("i{TEXT}"), "{call}");
            assert_eq!(call["function"]["name"], format!("f{TEXT}"), "{call}");
            assert_eq!(call[TEXT], TEXT, "{call}");
        }
        fs::remove_file(&history).expect("the history is removed");
        fs::remove_file(&log).expect("the log is removed");
    }
}

#[test]
fn the_servers_own_bytes_stay_as_they_are() {
    let body = format!(
        r#"{{"choices":[{{"message":{{"content":"{ESCAPED}"}},"finish_reason":"stop"}}]}}"#
    );
    for (arguments, printed) in [(&["hi"][..], TEXT), (&["--json", "hi"], body.as_str())] {
        let server = Server::once(answer("200 OK", "application/json", &body));
        run(&mut ask(&server, arguments)).exits(0).prints(format!("{printed}\n")).says_nothing();
    }
}

#[test]
fn one_half_in_an_error_is_one_character() {
    let body = format!(r#"{{"error":{{"message":"no {ESCAPED}","type":"t{ESCAPED}"}}}}"#);
    for status in ["400 Bad Request", "200 OK"] {
        let server = Server::once(answer(status, "application/json", &body));
        let run = run(&mut ask(&server, &["hi"])).prints("");
        assert!(run.stderr.contains(&format!("no {TEXT}")), "{}", run.stderr);
    }
}

#[test]
fn one_half_in_a_list_of_models_loses_no_model() {
    let server = MockServer::start();
    for body in [
        format!(r#"{{"data":[{{"id":"{ESCAPED}"}}]}}"#),
        format!(r#"{{"{ESCAPED}":1,"data":[{{"{ESCAPED}":2,"id":"{ESCAPED}"}}]}}"#),
        format!(r#"["{ESCAPED}"]"#),
    ] {
        let mut models = server.mock(|when, then| {
            when.path("/v1/models");
            then.status(200).body(&body);
        });
        let list = |arguments: &[&str]| {
            run(gravix().args(["models", "--base-url", &server.url("/v1")]).args(arguments))
        };
        list(&[]).exits(0).prints(format!("{TEXT}\n")).says_nothing();
        list(&["--json"]).exits(0).prints(format!("{body}\n"));
        models.delete();
    }
}

#[test]
fn a_message_of_a_history_is_shown_with_its_role() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let history = directory.path().join("chat.jsonl");
    let line = format!("{{\"role\":\"user\",\"content\":\"{ESCAPED}\"}}\n");
    fs::write(&history, &line).expect("the file is written");
    run(gravix().args(["history", "show"]).arg(&history))
        .exits(0)
        .prints(format!("user:\n{TEXT}\n"));
    // It is sent as it is.
    let mut command = ask_mock(&["hi", "-q", "--dry-run", "--history"]);
    let sent = run(command.arg(&history)).exits(0).stdout;
    let sent = String::from_utf8(sent).expect("stdout is UTF-8");
    assert!(sent.contains(line.trim_end()), "{sent}");
}
