//! Tool calls.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::server::{Script, Server, answer, events, whole_reply};
use crate::support::{ask, json_lines, run};

const TOOLS: &str = r#"[{"type":"function","function":{"name":"weather","parameters":{"type":"object"}}},{"type":"function","function":{"name":"f"}}]"#;

fn tools(directory: &Path) -> String {
    let file = directory.join("tools.json");
    fs::write(&file, TOOLS).expect("the file is written");
    file.to_str().expect("the path is UTF-8").to_owned()
}

fn call(id: &str, city: &str) -> Value {
    let arguments = json!({ "city": city }).to_string();
    json!({"id": id, "type": "function", "function": {"name": "weather", "arguments": arguments}})
}

/// A reply that calls tools.
fn calling(calls: &[Value], content: Value) -> Script {
    let message = json!({"role": "assistant", "content": content, "tool_calls": calls});
    let choice = json!({"index": 0, "message": message, "finish_reason": "tool_calls"});
    answer("200 OK", "application/json", json!({ "choices": [choice] }).to_string())
}

fn delta(delta: Value, finish: Value) -> String {
    let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
    format!("data: {}\n\n", json!({ "choices": [choice] }))
}

const PRINTED: &str = "{\"id\":\"a\",\"name\":\"weather\",\"arguments\":{\"city\":\"Paris\"}}\n{\"id\":\"b\",\"name\":\"weather\",\"arguments\":{\"city\":\"Rome\"}}\n";

#[test]
fn each_call_is_a_line_and_the_message_is_saved() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let (tools, file) = (tools(directory.path()), directory.path().join("chat.jsonl"));
    let calls = [call("a", "Paris"), call("b", "Rome")];
    let server = Server::once(calling(&calls, Value::Null));
    let mut command = ask(&server, &["--tools", &tools, "--tool-choice", "auto", "hi"]);
    run(command.arg("--history").arg(&file)).exits(0).prints(PRINTED).says_nothing();
    let request = server.request().json();
    assert_eq!(request["tools"], serde_json::from_str::<Value>(TOOLS).expect("the text is JSON"));
    assert_eq!(request["tool_choice"], "auto");
    let saved = json_lines(&file);
    assert_eq!(saved[1], json!({"role": "assistant", "content": null, "tool_calls": calls}));
}

#[test]
fn fragments_of_streamed_calls_are_joined() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let (tools, file) = (tools(directory.path()), directory.path().join("chat.jsonl"));
    let begin = |index: u64, id: &str| {
        let function = json!({"name": "weather", "arguments": ""});
        json!({"tool_calls": [{"index": index, "id": id, "type": "function", "function": function}]})
    };
    let more = |index: u64, text: &str| json!({"tool_calls": [{"index": index, "function": {"arguments": text}}]});
    let stream = [
        delta(json!({"role": "assistant", "content": null}), Value::Null),
        delta(begin(0, "a"), Value::Null),
        delta(more(0, "{\"city\":"), Value::Null),
        delta(begin(1, "b"), Value::Null),
        delta(more(1, "{\"city\":\"Rome\"}"), Value::Null),
        delta(more(0, "\"Paris\"}"), Value::Null),
        delta(json!({}), "tool_calls".into()),
        "data: [DONE]\n\n".to_owned(),
    ];
    for finish in ["tool_calls", "stop"] {
        let stream = stream
            .clone()
            .map(|event| event.replace("\"tool_calls\"}]", &format!("\"{finish}\"}}]")));
        let server = Server::once(events(&stream));
        let mut command = ask(&server, &["--stream", "--tools", &tools, "hi", "--history"]);
        run(command.arg(&file)).exits(0).prints(PRINTED).says_nothing();
    }
    let saved = json_lines(&file);
    assert_eq!(saved[1]["tool_calls"], json!([call("a", "Paris"), call("b", "Rome")]));
}

#[test]
fn text_beside_calls_goes_to_stderr_and_into_the_history() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let (tools, file) = (tools(directory.path()), directory.path().join("chat.jsonl"));
    let server = Server::once(calling(&[call("a", "Paris")], "Let me look.".into()));
    let mut command = ask(&server, &["--tools", &tools, "hi", "--history"]);
    let run = run(command.arg(&file)).exits(0);
    assert_eq!(run.stderr, "Let me look.\n");
    assert_eq!(String::from_utf8_lossy(&run.stdout).lines().count(), 1);
    assert_eq!(json_lines(&file)[1]["content"], "Let me look.");
}

#[test]
fn continue_sends_the_result_of_a_tool() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let (tools, file) = (tools(directory.path()), directory.path().join("chat.jsonl"));
    let reply = whole_reply("18 degrees");
    let server = Server::new(vec![calling(&[call("a", "Paris")], Value::Null), reply]);
    run(ask(&server, &["--tools", &tools, "hi", "--history"]).arg(&file)).exits(0);
    let result = r#"{"role":"tool","tool_call_id":"a","content":"18"}"#;
    let lines = fs::read_to_string(&file).expect("the history is readable");
    fs::write(&file, format!("{lines}{result}\n")).expect("the history is written");
    run(ask(&server, &["--tools", &tools, "--continue", "--history"]).arg(&file))
        .exits(0)
        .prints("18 degrees\n");
    let messages = server.requests()[1].json()["messages"].clone();
    let roles: Vec<_> =
        messages.as_array().expect("messages are an array").iter().map(|m| &m["role"]).collect();
    assert_eq!(roles, ["user", "assistant", "tool"]);
    assert_eq!(json_lines(&file).len(), 4);
}

#[test]
fn a_tool_choice_can_name_a_tool() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let tools = tools(directory.path());
    let server = Server::once(calling(&[call("a", "Paris")], Value::Null));
    run(&mut ask(&server, &["--tools", &tools, "--tool-choice", "weather", "hi"])).exits(0);
    let choice = json!({"type": "function", "function": {"name": "weather"}});
    assert_eq!(server.request().json()["tool_choice"], choice);
}

#[test]
fn an_invalid_call_is_an_error() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let tools = tools(directory.path());
    let bad =
        |arguments: &str| json!({"id": "a", "function": {"name": "f", "arguments": arguments}});
    for (call, status, reason) in [
        (bad("{\"city\":"), 65, "not JSON"),
        (bad("[]"), 65, "an array"),
        (
            json!({"id": "a", "function": {"arguments": "{}"}}),
            76,
            "call 1 of the reply has no tool name",
        ),
    ] {
        for format in [
            &["--tools", &tools][..],
            &["--tools", &tools, "--schema", "{}"],
            &["--tools", &tools, "-x"],
            &["--choose", "a,b"],
            &["--yes-no"],
        ] {
            let server = Server::once(calling(std::slice::from_ref(&call), Value::Null));
            let run = run(ask(&server, format).arg("hi")).exits(status).prints("");
            assert!(run.stderr.contains(reason), "{}", run.stderr);
        }
    }
    // The server's mistake is not repaired: asking again would not help.
    let nameless = json!({"id": "a", "function": {"name": "", "arguments": "{}"}});
    let server = Server::once(calling(&[nameless], Value::Null));
    run(&mut ask(&server, &["--yes-no", "--repair", "1", "hi"])).exits(76).prints("");
    assert_eq!(server.requests().len(), 1);
    let server = Server::once(calling(&[], Value::Null));
    run(&mut ask(&server, &["hi"])).exits(76).prints("").says(&["calls no tool"]);
}

#[test]
fn a_file_without_tools_is_refused_before_anything_is_sent() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("tools.json");
    let server = Server::new(vec![]);
    for (text, reason) in
        [("{}", "an object, not an array"), ("[1]", "an object"), ("[", "not JSON")]
    {
        fs::write(&file, text).expect("the file is written");
        run(ask(&server, &["hi", "--tools"]).arg(&file)).exits(65).says(&["tools.json", reason]);
    }
    run(&mut ask(&server, &["hi", "--tools", "/nowhere"])).exits(66).says(&["/nowhere"]);
    run(&mut ask(&server, &["hi", "--tool-choice", "auto"])).exits(2).says(&["--tools"]);
    assert!(server.requests().is_empty());
}

#[test]
fn a_bad_call_loses_neither_text_nor_response() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let tools = tools(directory.path());
    let good = call("a", "Paris");
    let bad = json!({"id": "b", "function": {"name": "f", "arguments": "{\"x\":"}});
    let server = Server::once(calling(&[good.clone(), bad.clone()], "The answer.".into()));
    let shown = run(&mut ask(&server, &["--tools", &tools, "hi"])).exits(65).prints("").stderr;
    for part in ["The answer.\n", "weather {\"city\":\"Paris\"}\n", "f {\"x\":\n"] {
        assert!(shown.contains(part), "{shown}");
    }
    let server = Server::once(calling(&[good, bad], Value::Null));
    let run =
        run(&mut ask(&server, &["--tools", &tools, "--json", "hi"])).exits(65).says(&["not JSON"]);
    assert!(String::from_utf8_lossy(&run.stdout).contains("tool_calls"));
}

#[test]
fn a_truncated_call_exits_3_and_says_so() {
    let call = json!({"id": "a", "function": {"name": "f", "arguments": "{\"x"}});
    let message = json!({"content": null, "tool_calls": [call]});
    let body = json!({"choices": [{"message": message, "finish_reason": "length"}]}).to_string();
    for (option, has_output) in [("--no-stream", false), ("--yes-no", false), ("--json", true)] {
        let server = Server::once(answer("200 OK", "application/json", &body));
        let run = run(&mut ask(&server, &[option, "hi"])).exits(3);
        assert!(run.stderr.contains("--max-tokens"), "{}", run.stderr);
        assert_eq!(!run.stdout.is_empty(), has_output);
        assert!(has_output || run.stderr.contains("f {\"x\n"), "{}", run.stderr);
    }
}

#[test]
fn odd_calls_lose_no_text() {
    for odd in [json!(""), json!({}), json!([null]), json!(7)] {
        let message = json!({"content": "text", "tool_calls": odd});
        let choice = json!({"message": message, "finish_reason": "stop"});
        let body = json!({ "choices": [choice] }).to_string();
        let server = Server::once(answer("200 OK", "application/json", body));
        run(&mut ask(&server, &["hi"])).exits(0).prints("text\n");
    }
}

#[test]
fn a_streamed_response_has_the_calls_that_are_printed() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let tools = tools(directory.path());
    let whole = |id: &str, city: &str| {
        let function = json!({"name": "weather", "arguments": json!({"city": city}).to_string()});
        delta(json!({"tool_calls": [{"index": 0, "id": id, "function": function}]}), Value::Null)
    };
    let stream = [whole("a", "Paris"), whole("b", "Rome"), "data: [DONE]\n\n".to_owned()];
    let server = Server::once(events(&stream));
    let run = run(&mut ask(&server, &["--tools", &tools, "--json", "--stream", "hi"])).exits(0);
    let response: Value = serde_json::from_slice(&run.stdout).expect("stdout is JSON");
    let calls = &response["choices"][0]["message"]["tool_calls"];
    assert_eq!(calls, &json!([call("a", "Paris"), call("b", "Rome")]));
}

#[test]
fn a_reply_without_a_required_call_exits_65() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let tools = tools(directory.path());
    for (choice, status) in [("required", 65), ("weather", 65), ("auto", 0)] {
        let server = Server::once(whole_reply("I will not"));
        let arguments = ["--tools", &tools, "--tool-choice", choice, "hi"];
        let run = run(&mut ask(&server, &arguments)).exits(status);
        assert_eq!(run.stdout.is_empty(), status == 65);
        assert_eq!(run.stderr.contains("I will not\n"), status == 65, "{}", run.stderr);
    }
    let server = Server::new(vec![]);
    let arguments = ["--tools", &tools, "--tool-choice", "wether", "hi"];
    run(&mut ask(&server, &arguments)).exits(65).prints("").says(&["no tool wether"]);
    assert!(server.requests().is_empty());
}

#[test]
fn a_failed_repair_after_printed_events_exits_4() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let tools = tools(directory.path());
    let reply = events(&[delta(json!({"content": "I will not"}), "stop".into())]);
    let refusal = answer("400 Bad Request", "text/plain", "no");
    let server = Server::new(vec![reply, refusal]);
    let arguments =
        ["--events", "--tools", &tools, "--tool-choice", "required", "--repair", "1", "hi"];
    let run = run(&mut ask(&server, &arguments)).exits(4);
    assert_eq!(String::from_utf8_lossy(&run.stdout).lines().count(), 1);
    assert_eq!(server.requests()[1].json()["messages"][1]["content"], "I will not");
}

#[test]
fn malformed_arguments_are_repaired_but_not_beside_a_refusal() {
    let call = |arguments: &str| json!({"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}});
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let tools = directory.path().join("tools.json");
    fs::write(&tools, r#"[{"type":"function","function":{"name":"f"}}]"#)
        .expect("the file is written");
    let ask_with_repair = |server: &Server| {
        let mut command = ask(server, &["-n", "-q", "--repair", "1", "hi", "--tools"]);
        command.arg(&tools);
        command
    };
    let server = Server::new(vec![
        calling(&[call("{bad")], Value::Null),
        calling(&[call("{\"x\":1}")], Value::Null),
    ]);
    run(&mut ask_with_repair(&server))
        .exits(0)
        .prints("{\"id\":\"c\",\"name\":\"f\",\"arguments\":{\"x\":1}}\n");
    let correction = server.requests()[1].json()["messages"][2]["content"].to_string();
    assert!(correction.contains("Call the tool again"), "{correction}");
    let message = json!({"role": "assistant", "content": null, "refusal": "no", "tool_calls": [call("{bad")]});
    let reply = json!({"choices": [{"index": 0, "message": message}]}).to_string();
    let server = Server::once(answer("200 OK", "application/json", &reply));
    run(&mut ask_with_repair(&server)).exits(65).prints("");
    assert_eq!(server.requests().len(), 1);
}
