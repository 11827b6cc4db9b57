//! Assistant messages that call tools are saved with every field that the server
//! sent: some servers refuse the next turn without them.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::batch_lines::input;
use crate::support::page::{Page, bash, has_tools};
use crate::support::server::{Script, Server, answer, events, whole_reply};
use crate::support::service::{Reply, Service};
use crate::support::{ask, batch, json_lines, run};

/// Two tools, in the file `tools.json`.
fn tools(directory: &Path) -> String {
    let tool = |name: &str| json!({"type": "function", "function": {"name": name}});
    let file = directory.join("tools.json");
    fs::write(&file, json!([tool("weather"), tool("clock")]).to_string())
        .expect("the file is written");
    file.to_str().expect("the path is UTF-8").to_owned()
}

/// A message that calls a tool, with the fields that DeepSeek, Gemini and
/// OpenRouter want back.
fn message() -> Value {
    json!({
        "role": "assistant",
        "content": null,
        "reasoning_content": "look it up",
        "reasoning_details": [{"type": "reasoning.text", "text": "look it up", "format": "v1", "index": 0}],
        "tool_calls": [{
            "id": "a",
            "type": "function",
            "function": {"name": "weather", "arguments": "{\"city\":\"Paris\",\"n\":1.50}"},
            "extra_content": {"google": {"thought_signature": "Zm9v"}},
        }],
    })
}

fn plain() -> String {
    json!({"choices": [{"index": 0, "message": message(), "finish_reason": "tool_calls"}]})
        .to_string()
}

/// The same message in deltas.
fn deltas() -> Vec<String> {
    let detail =
        |text: &str| json!([{"type": "reasoning.text", "text": text, "format": "v1", "index": 0}]);
    let call = |call: Value| json!({"tool_calls": [call]});
    let deltas = [
        json!({"role": "assistant", "content": null, "reasoning_content": "look"}),
        json!({"reasoning_content": " it up", "reasoning_details": detail("look it")}),
        json!({"reasoning_details": detail(" up")}),
        call(
            json!({"index": 0, "id": "a", "type": "function", "function": {"name": "wea", "arguments": ""}}),
        ),
        call(json!({"index": 0, "extra_content": {"google": {"thought_signature": "Zm9v"}}})),
        call(
            json!({"index": 0, "function": {"name": "ther", "arguments": "{\"city\":\"Paris\","}}),
        ),
        call(json!({"index": 0, "function": {"arguments": "\"n\":1.50}"}})),
    ];
    let event = |choice: Value| format!("data: {}\n\n", json!({ "choices": [choice] }));
    let mut stream: Vec<String> =
        deltas.into_iter().map(|delta| event(json!({"index": 0, "delta": delta}))).collect();
    stream.push(event(json!({"index": 0, "delta": {}, "finish_reason": "tool_calls"})));
    stream.push("data: [DONE]\n\n".to_owned());
    stream
}

/// The assistant line that is saved after this answer.
fn saved(script: Script, arguments: &[&str]) -> Value {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let (tools, file) = (tools(directory.path()), directory.path().join("chat.jsonl"));
    let server = Server::once(script);
    let mut command = ask(&server, &["--tools", &tools, "hi", "--history"]);
    run(command.arg(&file).args(arguments)).exits(0);
    json_lines(&file)[1].clone()
}

#[test]
fn a_message_is_saved_as_it_came_streamed_or_not() {
    for arguments in [&[][..], &["--json"], &["--reasoning", "drop"]] {
        let script = answer("200 OK", "application/json", plain());
        assert_eq!(saved(script, arguments), message());
        assert_eq!(saved(events(&deltas()), arguments), message());
    }
}

#[test]
fn a_missing_content_stays_missing_and_a_missing_id_is_added() {
    let call = |id: &str| json!({"id": id, "function": {"name": "clock", "arguments": {}}});
    let choice = |message: Value| json!({"choices": [{"message": message}]}).to_string();
    let body = choice(json!({"tool_calls": call("")}));
    let line = saved(answer("200 OK", "application/json", body), &[]);
    let mut expected = call("call_0");
    expected["type"] = "function".into();
    assert_eq!(line, json!({"tool_calls": [expected], "role": "assistant"}));
    let stream = [
        format!("data: {}\n\n", json!({"choices": [{"delta": {"tool_calls": [call("b")]}}]})),
        "data: [DONE]\n\n".to_owned(),
    ];
    assert!(saved(events(&stream), &[]).get("content").is_none());
    // A legacy call stays one, and its name is whole.
    let piece = |function: Value| {
        format!("data: {}\n\n", json!({"choices": [{"delta": {"function_call": function}}]}))
    };
    let stream = [
        piece(json!({"name": "clo", "arguments": "{"})),
        piece(json!({"name": "ck", "arguments": "}"})),
        "data: [DONE]\n\n".to_owned(),
    ];
    let whole = json!({"name": "clock", "arguments": "{}"});
    assert_eq!(saved(events(&stream), &[])["function_call"], whole);
    let legacy = json!({"role": "assistant", "content": null, "function_call": {"name": "clock", "arguments": "{}"}});
    let body = choice(legacy.clone());
    assert_eq!(saved(answer("200 OK", "application/json", body), &[]), legacy);
}

#[test]
fn a_message_that_no_history_could_hold_is_saved_in_a_form_that_it_can() {
    let body = r#"{"choices":[{"message":{"role":"x","content":null,"content":"","logprobs":-Infinity,"role":"assistant","tool_calls":[{"id":"a","function":{"name":"clock","arguments":""}}]}}]}"#;
    let line = saved(answer("200 OK", "application/json", body), &[]);
    assert_eq!((&line["role"], &line["content"]), (&json!("assistant"), &json!("")));
    assert_eq!(line["tool_calls"][0]["function"]["arguments"], "{}");
    assert_eq!(line["logprobs"], Value::Null);
}

/// Refuses a turn whose assistant message is not what it sent.
fn strict_server(stream: bool) -> Service {
    Service::new(move |request, _| {
        let body = request.json();
        let messages = body["messages"].as_array().expect("messages are an array");
        match messages.iter().find(|message| message["role"] == "assistant") {
            None if stream => Reply::new("200 OK", deltas().concat()),
            None => Reply::new("200 OK", plain()),
            Some(sent) if *sent == message() => Reply::text("Sunny."),
            Some(sent) => {
                let error = json!({"error": {"message": format!("fields are missing: {sent}")}});
                Reply::new("400 Bad Request", error.to_string())
            }
        }
    })
}

/// The shell loop of the recipes, in `directory`; `None` where it cannot run.
fn loop_in_the_recipes(directory: &Path, base_url: &str) -> Option<Command> {
    let blocks = Page::named("recipes.md").blocks("sh");
    let script = blocks.iter().find(|block| block.contains("--tools tools.json"));
    let script = script.expect("the recipes have the loop");
    if !has_tools(script) {
        return None;
    }
    tools(directory);
    let mut bash = bash(directory, script);
    bash.env("GRAVIX_BASE_URL", base_url);
    Some(bash)
}

#[test]
fn the_loop_in_the_recipes_returns_every_result() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let call = |id: &str, city: &str| {
        let arguments = json!({ "city": city }).to_string();
        json!({"id": id, "function": {"name": "weather", "arguments": arguments}})
    };
    let message = json!({"tool_calls": [call("a", "Paris"), call("b", "New York")]});
    let body = json!({"choices": [{ "message": message }]}).to_string();
    let calls = answer("200 OK", "application/json", body);
    let server = Server::new(vec![calls, whole_reply("Sunny everywhere.")]);
    let Some(mut bash) = loop_in_the_recipes(directory.path(), &server.base_url()) else {
        return;
    };
    run(&mut bash).exits(0).prints("Sunny everywhere.\n").says_nothing();
    let messages = server.requests()[1].json()["messages"].clone();
    for (message, id, city) in [(2, "a", "Paris"), (3, "b", "New York")] {
        let content = format!("18 degrees and sunny in {city}");
        let result = json!({"role": "tool", "tool_call_id": id, "content": content});
        assert_eq!(messages[message], result);
    }
}

#[test]
fn the_loop_in_the_recipes_works_with_a_server_that_wants_every_field_back() {
    for stream in [false, true] {
        let directory = tempfile::tempdir().expect("a temporary directory is created");
        let server = strict_server(stream);
        if let Some(mut bash) = loop_in_the_recipes(directory.path(), &server.base_url()) {
            run(&mut bash).exits(0).prints("Sunny.\n").says_nothing();
        }
    }
}

/// A reply that calls this tool.
fn calling(name: &str) -> String {
    let call = json!({"id": "a", "function": {"name": name, "arguments": "{}"}});
    json!({"choices": [{"message": {"tool_calls": [call]}}]}).to_string()
}

#[test]
fn a_call_of_a_tool_that_was_not_offered_is_refused_or_repaired() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let (tools, file) = (tools(directory.path()), directory.path().join("chat.jsonl"));
    let reply = |name: &str| answer("200 OK", "application/json", calling(name));
    let server = Server::once(reply("wether"));
    let refused = run(ask(&server, &["--tools", &tools, "hi", "--history"]).arg(&file)).exits(65);
    let expected = "it calls wether, which was not offered (offered: weather, clock)";
    assert!(refused.stderr.contains(expected), "{}", refused.stderr);
    assert!(refused.stderr.starts_with("wether {}\n"), "{}", refused.stderr);
    assert!(!file.exists());

    let server = Server::once(reply("clock"));
    let refused = run(&mut ask(&server, &["hi"])).exits(65).prints("");
    assert!(refused.stderr.contains("but no tools were offered"), "{}", refused.stderr);

    let server = Server::new(vec![reply("wether"), reply("weather")]);
    let mut command = ask(&server, &["--tools", &tools, "--repair", "1", "hi"]);
    run(&mut command).exits(0).prints("{\"id\":\"a\",\"name\":\"weather\",\"arguments\":{}}\n");

    // A tool of the server has no name that can be compared.
    let server = Server::once(reply("search"));
    run(&mut ask(&server, &["--body", r#"{"tools":[{"type":"web_search"}]}"#, "hi"])).exits(0);
}

#[test]
fn a_batch_refuses_tools_that_a_line_does_not_offer() {
    let service = Service::new(|_, _| Reply::new("200 OK", calling("clock")));
    let offer = |name: &str| {
        json!({"id": name, "prompt": "a", "tools": [{"function": {"name": name}}]}).to_string()
    };
    let (_directory, file) = input(&[offer("clock"), offer("weather")]);
    let output = run(batch(&service.base_url(), &["-q", "--ordered"]).arg(&file)).exits(4);
    let lines: Vec<Value> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("a result"))
        .collect();
    assert_eq!(lines[0]["error"], Value::Null);
    assert_eq!(lines[1]["error"]["code"], "invalid_reply");
    assert!(lines[1]["response"]["body"].is_object());
}
