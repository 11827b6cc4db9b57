//! Real servers, where they are installed.

use crate::support::chat_screen::ChatScreen;
use crate::support::llama::{CONTEXT_LENGTH, MODEL};
use crate::support::real::RealServer;
use crate::support::{Run, json_lines, run};

/// Always the same reply to the same question, truncated at 8 tokens.
const SHORT: [&str; 4] = ["--temperature", "0", "--max-tokens", "8"];

/// Enough tokens to complete the JSON.
const LONG: [&str; 4] = ["--temperature", "0", "--max-tokens", "256"];

const SCHEMA: &str = r#"{"type":"object","properties":{"a":{"type":"boolean"}},"required":["a"],"additionalProperties":false}"#;

// One test per server, because a server takes seconds to start.
#[test]
fn gravix_works_with_llama_cpp_python() {
    let Some(server) = RealServer::llama_cpp_python() else {
        return;
    };
    ensure_gravix_works(&server);
    // It reports an error in a stream only by ending the stream.
    let prompt = long_prompt();
    run(&mut server.ask(&["--stream", &prompt])).exits(75).prints("").says(&[]);
    // It rejects a schema in OpenAI's format and accepts its own format.
    run(&mut server.ask(&["Hello", "--retries", "0", "--schema", SCHEMA]))
        .exits(75)
        .prints("")
        .says(&["the server answered 500", "response_format"]);
    let own = |schema| format!(r#"response_format={{"type":"json_object","schema":{schema}}}"#);
    a_reply_follows_its_schema(&server, &["--param", &own(SCHEMA)]);
    a_choice_is_made(&server, &["--param", &own(r#"{"enum":["red","green","blue"]}"#)]);
    // It ignores stream_options.include_usage.
    assert!(response(&server, "--stream")["usage"].is_null());
}

#[test]
fn gravix_works_with_llama_server() {
    let Some(server) = RealServer::llama_server() else {
        return;
    };
    ensure_gravix_works(&server);
    let prompt = long_prompt();
    run(&mut server.ask(&["--stream", &prompt])).exits(69).prints("").says(&["context"]);
    a_reply_follows_its_schema(&server, &[]);
    a_choice_is_made(&server, &[]);
    the_usage_is_printed(&server, "--stream");
}

fn ensure_gravix_works(server: &RealServer) {
    models_are_listed(server);
    a_streamed_reply_equals_the_plain_one(server);
    a_stop_sequence_ends_a_complete_reply(server);
    the_same_seed_gives_the_same_reply(server);
    a_conversation_continues(server);
    a_chat_saves_and_retries_a_turn(server);
    a_wrong_key_is_refused(server);
    a_prompt_beyond_the_context_is_refused(server);
    json_mode_gives_an_object(server);
    a_truncated_json_object_is_refused(server);
    the_usage_is_printed(server, "--no-stream");
    a_joined_stream_equals_the_plain_response(server);
}

fn models_are_listed(server: &RealServer) {
    run(&mut server.gravix("models")).exits(0).prints(format!("{MODEL}\n")).says_nothing();
}

fn a_streamed_reply_equals_the_plain_one(server: &RealServer) {
    let plain = short_reply(server, &["Hello"]);
    assert!(!plain.is_empty() && plain.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{plain}");
    assert_eq!(short_reply(server, &["--stream", "Hello"]), plain);
}

fn a_stop_sequence_ends_a_complete_reply(server: &RealServer) {
    let reply = short_reply(server, &["Hello"]);
    let is_new = |&at: &usize| reply.find(&reply[at..at + 2]) == Some(at);
    let at =
        (1..reply.len() - 1).find(is_new).expect("the reply repeats no single letter throughout");
    for mode in ["--no-stream", "--stream"] {
        run(server.ask(&SHORT).args([mode, "Hello", "--stop", &reply[at..at + 2]]))
            .exits(0)
            .prints(format!("{}\n", &reply[..at]))
            .says_nothing();
    }
}

fn the_same_seed_gives_the_same_reply(server: &RealServer) {
    let seeded = ["Hello", "--seed", "1"];
    assert_eq!(short_reply(server, &seeded), short_reply(server, &seeded));
}

fn a_conversation_continues(server: &RealServer) {
    let file = server.path("chat.jsonl");
    let history = file.to_str().expect("the path is UTF-8");
    let first = short_reply(server, &["Hello", "--history", history]);
    let second = short_reply(server, &["--stream", "And then?", "--history", history]);
    let expected = [
        serde_json::json!({"role": "user", "content": "Hello"}),
        serde_json::json!({"role": "assistant", "content": first}),
        serde_json::json!({"role": "user", "content": "And then?"}),
        serde_json::json!({"role": "assistant", "content": second}),
    ];
    assert_eq!(json_lines(&file), expected);
    assert_ne!(second, short_reply(server, &["And then?"]), "it depends on what was said before");
}

fn a_chat_saves_and_retries_a_turn(server: &RealServer) {
    let home = tempfile::tempdir().expect("a temporary directory is created");
    let mut command = server.gravix("chat");
    command.args(["--max-tokens", "8", "c.jsonl"]).env("HOME", home.path());
    let mut chat = ChatScreen::run(command.current_dir(home.path()));
    chat.enter("Hello");
    // The reply is cut at its limit of tokens, which is told.
    chat.screen.wait_for("/set max_tokens=N");
    chat.wait_for_prompt();
    chat.say("/set max_tokens=4", "goes into every request");
    chat.enter("/retry");
    chat.screen.wait_until_written("/set max_tokens=N", 2);
    chat.wait_for_prompt();
    chat.end();
    let roles: Vec<_> = json_lines(&home.path().join("c.jsonl"))
        .iter()
        .map(|line| line["role"].as_str().expect("a role").to_owned())
        .collect();
    assert_eq!(roles, ["user", "assistant"]);
}

fn a_wrong_key_is_refused(server: &RealServer) {
    run(server.ask(&["Hello"]).env("GRAVIXLAYER_API_KEY", "another-key"))
        .exits(77)
        .prints("")
        .says(&["the server answered 401", "check the key"]);
}

fn a_prompt_beyond_the_context_is_refused(server: &RealServer) {
    run(&mut server.ask(&[&long_prompt()]))
        .exits(69)
        .prints("")
        .says(&["the server answered 400", "shorten the prompt"]);
}

fn json_mode_gives_an_object(server: &RealServer) {
    for mode in ["--no-stream", "--stream"] {
        let reply = run(server.ask(&LONG).args(["Hello", "--json-object", mode])).exits(0);
        assert!(json(&reply.says_nothing()).is_object());
    }
}

fn a_truncated_json_object_is_refused(server: &RealServer) {
    let arguments = ["Hello", "--json-object", "--temperature", "0", "--max-tokens", "1"];
    run(&mut server.ask(&arguments)).exits(65).prints("");
}

fn a_reply_follows_its_schema(server: &RealServer, arguments: &[&str]) {
    let asked = ["Hello", "--schema", SCHEMA];
    let reply = json(&run(server.ask(&LONG).args(asked).args(arguments)).exits(0).says_nothing());
    assert!(reply["a"].is_boolean(), "{reply}");
}

fn a_choice_is_made(server: &RealServer, arguments: &[&str]) {
    let asked = ["Which?", "--choose", "red,green,blue"];
    let word = text(&run(server.ask(&LONG).args(asked).args(arguments)).exits(0).says_nothing());
    assert!(["red", "green", "blue"].contains(&word.as_str()), "{word}");
}

fn the_usage_is_printed(server: &RealServer, mode: &str) {
    let usage = &response(server, mode)["usage"];
    let run = run(server.ask(&SHORT).args(["Hello", "--usage", mode])).exits(3);
    let has_counts = |line: &str| {
        ["prompt_tokens", "completion_tokens", "total_tokens"].iter().all(|&count| {
            let count = usage[count].as_u64().expect("the count is a number").to_string();
            line.split(|c: char| !c.is_ascii_digit()).any(|number| number == count)
        })
    };
    assert!(run.stderr.lines().any(has_counts), "{usage} {}", run.stderr);
}

fn a_joined_stream_equals_the_plain_response(server: &RealServer) {
    let [plain, streamed] = ["--no-stream", "--stream"].map(|mode| response(server, mode));
    for name in ["object", "model", "choices"] {
        assert!(!plain[name].is_null());
        assert_eq!(streamed[name], plain[name]);
    }
}

/// The response that --json prints.
#[track_caller]
fn response(server: &RealServer, mode: &str) -> serde_json::Value {
    json(&run(server.ask(&SHORT).args(["Hello", "--json", mode])).exits(3))
}

/// What was printed, as JSON.
#[track_caller]
fn json(run: &Run) -> serde_json::Value {
    serde_json::from_str(&text(run)).expect("the text is JSON")
}

fn long_prompt() -> String {
    "a".repeat(CONTEXT_LENGTH as usize + 1)
}

/// A reply of eight tokens.
#[track_caller]
fn short_reply(server: &RealServer, arguments: &[&str]) -> String {
    let reply = run(server.ask(&SHORT).args(arguments)).exits(3).says(&["finish_reason length"]);
    text(&reply)
}

/// What was printed, without the newline that gravix adds.
#[track_caller]
fn text(run: &Run) -> String {
    let text = std::str::from_utf8(&run.stdout).expect("the reply is UTF-8");
    text.strip_suffix('\n').expect("stdout ends with a newline").to_owned()
}
