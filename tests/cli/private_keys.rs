//! Objects with the keys under which serde_json hands on numbers and raw values.
//! In the texts of a server and of the user they are objects like any other.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::home::Home;
use crate::support::server::{Server, answer, events};
use crate::support::{ask, ask_mock, gravix, run};

/// serde_json alone reads these as `[1]` and as 5.
const OBJECTS: [&str; 2] =
    [r#"{"$serde_json::private::RawValue":"[1]"}"#, r#"{"$serde_json::private::Number":"5"}"#];

/// What `ask` with these arguments would send.
#[track_caller]
fn request(arguments: &[&str]) -> String {
    request_of(&mut ask_mock(arguments))
}

#[track_caller]
fn request_of(ask: &mut Command) -> String {
    let run = run(ask.args(["--dry-run", "hi"])).exits(0).says_nothing();
    String::from_utf8(run.stdout).expect("the request is UTF-8")
}

#[test]
fn an_object_is_sent_as_the_user_wrote_it() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let tools = directory.path().join("tools.json");
    for object in OBJECTS {
        let text = format!(r#"[{{"type":"function","function":{{"name":"f","x":{object}}}}}]"#);
        fs::write(&tools, text).expect("the file is written");
        let requests = [
            request(&["--param", &format!("x={object}")]),
            request(&["--body", &format!(r#"{{"x":{object}}}"#)]),
            request(&["--schema", &format!(r#"{{"x":{object}}}"#)]),
            request(&["--tools", tools.to_str().expect("the path is UTF-8")]),
            request_of(&mut Home::new(&format!("param = ['x={object}']\n")).gravix(&["ask"])),
        ];
        for request in requests {
            assert!(request.contains(&format!(r#""x":{object}"#)), "{request}");
        }
        let inside = &object[1..object.len() - 1];
        let request = request(&["--body", object]);
        assert!(request.contains(inside), "{request}");
    }
}

#[test]
fn a_reply_is_checked_as_it_is_printed() {
    for (object, value) in OBJECTS.into_iter().zip(["[1]", "5"]) {
        let schema = format!(r#"{{"const":{value}}}"#);
        let server = Server::replying(&[object]);
        run(&mut ask(&server, &["--schema", &schema, "hi"])).exits(65).prints("");
        let server = Server::replying(&[object]);
        let is_object = format!(r#"{{"const":{object}}}"#);
        run(&mut ask(&server, &["--schema", &is_object, "hi"]))
            .exits(0)
            .prints(format!("{object}\n"));
        let server = Server::replying(&[value]);
        run(&mut ask(&server, &["--schema", &is_object, "hi"])).exits(65).prints("");
    }
}

#[test]
fn the_arguments_of_a_tool_are_printed_and_saved_as_they_came() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let (tools, history) =
        (directory.path().join("tools.json"), directory.path().join("chat.jsonl"));
    fs::write(&tools, r#"[{"type":"function","function":{"name":"f"}}]"#)
        .expect("the file is written");
    let arguments = format!(r#"{{"a":{},"b":{}}}"#, OBJECTS[0], OBJECTS[1]);
    let escaped = arguments.replace('$', "\\u0024");
    for (sent, more) in
        [(Value::from(arguments.as_str()), OBJECTS[0]), (escaped.into(), OBJECTS[1])]
    {
        let function = json!({"name": "f", "arguments": sent});
        let call = json!({"id": "a", "type": "function", "function": function}).to_string();
        let call = format!(r#"{},"more":{more}}}"#, call.strip_suffix('}').expect("an object"));
        let message = format!(r#"{{"role":"assistant","content":null,"tool_calls":[{call}]}}"#);
        let reply =
            format!(r#"{{"choices":[{{"message":{message},"finish_reason":"tool_calls"}}]}}"#);
        let server = Server::once(answer("200 OK", "application/json", reply));
        let mut command = ask(&server, &["hi", "--tools"]);
        run(command.arg(&tools).arg("--history").arg(&history))
            .exits(0)
            .prints(format!("{{\"id\":\"a\",\"name\":\"f\",\"arguments\":{arguments}}}\n"));
        let saved = fs::read_to_string(&history).expect("the history is written");
        assert!(saved.contains(&format!(r#""more":{more}"#)), "{saved}");
    }
}

#[test]
fn the_chunks_of_a_stream_are_joined_as_they_came() {
    for object in OBJECTS {
        let delta = format!(r#"{{"content":"a","x":{object}}}"#);
        let chunk = format!(r#"{{"y":{object},"choices":[{{"index":0,"delta":{delta}}}]}}"#);
        let end = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
        let sent = [chunk.as_str(), end, "[DONE]"].map(|data| format!("data: {data}\n\n"));
        let server = Server::once(events(&sent));
        let run = run(&mut ask(&server, &["--stream", "--json", "hi"])).exits(0);
        let response = String::from_utf8(run.stdout).expect("stdout is UTF-8");
        for name in ["x", "y"] {
            assert!(response.contains(&format!(r#""{name}":{object}"#)), "{response}");
        }
    }
}

#[test]
fn a_history_is_shown_and_logged_as_it_is() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = |name: &str| directory.path().join(name);
    let (history, log) = (file("chat.jsonl"), file("log.jsonl"));
    for object in OBJECTS {
        let line = format!(r#"{{"role":"user","content":{object}}}"#);
        fs::write(&history, format!("{line}\n")).expect("the file is written");
        run(gravix().args(["history", "show"]).arg(&history))
            .exits(0)
            .prints(format!("user:\n{object}\n"));
        let mut command = ask_mock(&["hi", "-q", "--no-save", "--log-content", "--log"]);
        run(command.arg(&log).arg("--history").arg(&history)).exits(0);
        let logged = fs::read_to_string(&log).expect("the log is written");
        assert!(logged.contains(&line), "{logged}");
    }
}
