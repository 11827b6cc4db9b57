use crate::support::llama::{CONTEXT_LENGTH, MODEL, RealServer};
use crate::support::{Run, json_lines, run};

/// The same reply to the same question each time, cut at its limit.
const SHORT: [&str; 4] = ["--temperature", "0", "--max-tokens", "8"];

// One test a server, since one takes seconds to start.
#[test]
fn llama_cpp_python_is_understood() {
    let Some(server) = RealServer::llama_cpp_python() else {
        return;
    };
    it_is_understood(&server);
    // All that it says of a fault in a stream is the end of it.
    let prompt = long_prompt();
    run(&mut server.ask(&["--stream", &prompt])).exits(75).prints("").says(&["the stream ended"]);
}

#[test]
fn llama_server_is_understood() {
    let Some(server) = RealServer::llama_server() else {
        return;
    };
    it_is_understood(&server);
    let prompt = long_prompt();
    run(&mut server.ask(&["--stream", &prompt])).exits(69).prints("").says(&["context"]);
}

fn it_is_understood(server: &RealServer) {
    its_models_are_listed(server);
    a_streamed_reply_is_the_plain_one(server);
    a_stop_sequence_ends_a_reply_well(server);
    the_same_seed_gives_the_same_reply(server);
    a_conversation_goes_on(server);
    a_key_that_is_wrong_is_refused(server);
    a_prompt_beyond_the_context_is_refused(server);
}

fn its_models_are_listed(server: &RealServer) {
    run(&mut server.gravix("models")).exits(0).prints(format!("{MODEL}\n")).says_nothing();
}

fn a_streamed_reply_is_the_plain_one(server: &RealServer) {
    let plain = short_reply(server, &["Hello"]);
    assert!(!plain.is_empty() && plain.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{plain}");
    assert_eq!(short_reply(server, &["--stream", "Hello"]), plain);
}

fn a_stop_sequence_ends_a_reply_well(server: &RealServer) {
    let reply = short_reply(server, &["Hello"]);
    let is_new = |&at: &usize| reply.find(&reply[at..at + 2]) == Some(at);
    let at = (1..reply.len() - 1).find(is_new).expect("not one letter over and over");
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

fn a_conversation_goes_on(server: &RealServer) {
    let file = server.path("chat.jsonl");
    let history = file.to_str().expect("a path of ASCII");
    let first = short_reply(server, &["Hello", "--history", history]);
    let second = short_reply(server, &["--stream", "And then?", "--history", history]);
    let told = [
        serde_json::json!({"role": "user", "content": "Hello"}),
        serde_json::json!({"role": "assistant", "content": first}),
        serde_json::json!({"role": "user", "content": "And then?"}),
        serde_json::json!({"role": "assistant", "content": second}),
    ];
    assert_eq!(json_lines(&file), told);
    assert_ne!(second, short_reply(server, &["And then?"]), "it depends on what was said before");
}

fn a_key_that_is_wrong_is_refused(server: &RealServer) {
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
    text.strip_suffix('\n').expect("a newline at the end").to_owned()
}
