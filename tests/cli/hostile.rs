//! Servers that send as much as they can wherever something of it is kept.
//! gravix must end with the right status, and within a bound of memory.

use crate::support::batch_lines::{by_id, input, prompts};
use crate::support::server::{Server, Step, answer, raw, whole_reply};
use crate::support::{DONE, ask, ask_mock, batch, run, shell, token};

/// How much memory gravix may use. A body here has a few MB, most of which would
/// unfold to a multiple of this.
const MEMORY_KIB: u32 = 16 << 10;

/// A hostile body, or a whole response, and what gravix must make of it.
struct Hostile {
    name: &'static str,
    body: String,
    arguments: &'static [&'static str],
    status: i32,
    says: &'static str,
}

/// A body of JSON in which `part` is repeated.
fn json(before: &str, part: &str, times: usize, after: &str) -> String {
    [before, &part.repeat(times), after].concat()
}

/// A stream whose first event has such JSON as its data.
fn event(before: &str, part: &str, times: usize, after: &str) -> String {
    format!("data: {}\n\ndata: [DONE]\n\n", json(before, part, times, after))
}

/// A stream of numbered events. `#` stands for the number.
fn events(data: &str, times: usize, last: &str) -> String {
    let event = |number: usize| format!("data: {}\n\n", data.replace('#', &number.to_string()));
    let events: String = (0..times).map(event).collect();
    format!("{events}data: {last}\n\ndata: [DONE]\n\n")
}

const STOP: &str = r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#;

/// Runs `gravix ask` with a bound on its memory.
#[track_caller]
fn check(cases: Vec<Hostile>) {
    for Hostile { name, body, arguments, status, says } in cases {
        let server = Server::once(match body.get(..5) {
            Some("HTTP/") => vec![raw(body), Step::End],
            Some("data:") => answer("200 OK", "text/event-stream", &body),
            _ => answer("200 OK", "application/json", &body),
        });
        let script = format!(
            "ulimit -d {MEMORY_KIB}; exec {} ask --base-url {} \"$@\"",
            env!("CARGO_BIN_EXE_gravix"),
            server.base_url()
        );
        let run = run(shell("sh", &script).args(["sh", name]).args(arguments)).exits(status);
        assert!(run.stderr.contains(says), "{name}: {}", run.stderr);
    }
}

#[test]
fn arrays_and_objects_take_no_more_memory_than_their_text() {
    let joined: &[&str] = &["--json", "--stream"];
    let delta = r#"{"choices":[{"delta":{"content":"a","x":["#;
    check(vec![
        Hostile {
            name: "choices that are empty objects",
            body: json(r#"{"choices":[{"message":{"content":"a"}},"#, "{},", 200_000, "{}]}"),
            arguments: &[],
            status: 0,
            says: "",
        },
        Hostile {
            name: "choices that are no objects",
            body: json(r#"{"choices":["#, "0,", 200_000, r#"{"message":{"content":"a"}}]}"#),
            arguments: &[],
            status: 0,
            says: "",
        },
        Hostile {
            name: "content parts",
            body: json(r#"{"choices":[{"message":{"content":["#, "{},", 200_000, r#""a"]}}]}"#),
            arguments: &[],
            status: 0,
            says: "",
        },
        Hostile {
            name: "an unknown field of a delta",
            body: event(delta, "{},", 200_000, r#"0]},"finish_reason":"stop"}]}"#),
            arguments: joined,
            status: 0,
            says: "",
        },
        Hostile {
            name: "an unknown field of two deltas",
            body: event(delta, "{},", 120_000, "0]}}]}").replace("data: [DONE]\n\n", "")
                + &event(delta, "{},", 120_000, r#"0]},"finish_reason":"stop"}]}"#),
            arguments: joined,
            status: 0,
            says: "",
        },
        Hostile {
            name: "a field of a call",
            body: event(
                r#"{"choices":[{"delta":{"tool_calls":[{"function":{"name":"f"},"x":["#,
                "{},",
                200_000,
                r#"0]}]},"finish_reason":"tool_calls"}]}"#,
            ),
            arguments: joined,
            status: 65,
            says: "it calls f, but no tools were offered",
        },
        Hostile {
            name: "calls",
            body: event(
                r#"{"choices":[{"delta":{"tool_calls":["#,
                r#"{"id":"a"},"#,
                100_000,
                r#"{"id":"a"}]}}]}"#,
            ),
            arguments: &[],
            status: 76,
            says: "more than 16384 tool calls",
        },
        Hostile {
            name: "fields of a delta",
            body: events("", 0, &{
                let fields: String = (0..70_000).map(|n| format!(",\"{n}\":0")).collect();
                format!(r#"{{"choices":[{{"delta":{{"content":"paid"{fields}}}}}]}}"#)
            }),
            arguments: joined,
            status: 76,
            says: "too many levels or fields",
        },
        Hostile {
            name: "an error",
            body: event(r#"{"error":{"message":["#, "{},", 200_000, "0]}}"),
            arguments: &[],
            status: 75,
            says: "the server",
        },
        Hostile {
            name: "fields of an error",
            body: event(r#"{"error":{"message":"no","#, r#""a":{},"#, 200_000, r#""b":0}}"#),
            arguments: &[],
            status: 75,
            says: "the server reported an error: no",
        },
    ]);
}

#[test]
fn what_is_no_reply_takes_no_memory_either() {
    let stop = format!("data: {STOP}\n\n");
    let case = |name, body: String, status, says| Hostile {
        name,
        body,
        arguments: &["--retries", "0"],
        status,
        says,
    };
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";
    check(vec![
        case("white space", json("data: x\n", " ", 1_500_000, &stop), 76, "JSON"),
        case(
            "a reply for which there is no memory",
            json(r#"{"choices":[{"message":{"content":""#, "x", 6_000_000, r#""}}]}"#),
            78,
            "cannot hold the reply: out of memory; raise ulimit -v",
        ),
        case(
            "an event for which there is no memory",
            event(r#"{"choices":[{"delta":{"content":""#, "x", 6_000_000, r#""}}]}"#),
            78,
            "cannot hold the reply: out of memory; raise ulimit -v",
        ),
        Hostile {
            name: "values for which there is no memory",
            body: json(r#"{"choices":[{"message":{"content":"["#, "1,", 200_000, r#"1]"}}]}"#),
            arguments: &["--schema", "{}"],
            status: 65,
            says: "there is no memory to read it",
        },
        case("comments", json("data:\n", ": x\n", 500_000, &stop), 3, "no text"),
        case("names of events", json("data:\n", "event: x\n", 300_000, &stop), 3, "no text"),
        case("stray lines", json("data:\n", "stray\n", 400_000, ""), 76, "stray"),
        case("a long error", json("data: {\"error\":\"", "x", 1_500_000, "\"}\n\n"), 75, "xxx"),
        case("deep nesting", json("data: {\"choices\":", "[", 1_500_000, "\n\n"), 76, "EOF"),
        case(
            "the body of an error",
            json("HTTP/1.1 500 Oops\r\n\r\n", "x", 3_000_000, ""),
            75,
            "the server answered 500",
        ),
        case(
            "a long header",
            json(&format!("{head}X: "), "x", 3_000_000, "\r\n\r\n"),
            76,
            "headers are longer",
        ),
        case("many headers", json(head, "X: x\r\n", 500_000, "\r\n"), 76, "too many headers"),
        case("interim responses", "HTTP/1.1 100 Continue\r\n\r\n".repeat(100_000), 76, "headers"),
    ]);
}

#[test]
fn a_reply_that_is_held_has_a_limit() {
    let text = event(r#"{"choices":[{"delta":{"content":""#, "x", 2000, r#""}}]}"#)
        .replace("data: [DONE]", &format!("data: {STOP}"));
    let limit: &[&str] = &["--max-reply-bytes", "1K"];
    let too_long = |name, body: &str, arguments| Hostile {
        name,
        body: body.to_owned(),
        arguments,
        status: 76,
        says: "the reply takes more than 1 KiB of memory; use --max-reply-bytes 4K",
    };
    let refusal = text.replace("content", "refusal");
    let calls = events(
        r#"{"choices":[{"delta":{"tool_calls":[{"index":#,"id":"c#","function":{"name":"f"}}]}}]}"#,
        10,
        STOP,
    );
    let unknown = events(r#"{"choices":[{"delta":{"content":"a","x#":[#]}}]}"#, 10, STOP);
    let whole = json(r#"{"choices":[{"message":{"content":""#, "x", 2000, r#""}}]}"#);
    check(vec![
        too_long("a text", &text, limit),
        too_long("a whole text", &whole, limit),
        too_long("a refusal", &refusal, &["--stream", "--max-reply-bytes", "1K"]),
        too_long("calls", &calls, &["--stream", "--max-reply-bytes", "1K"]),
        too_long("fields", &unknown, &["--json", "--stream", "--max-reply-bytes", "1K"]),
        Hostile {
            name: "a text that is printed as it arrives",
            body: text.clone(),
            arguments: &["--stream", "--max-reply-bytes", "1K"],
            status: 0,
            says: "",
        },
        Hostile {
            name: "a text of the greatest length",
            body: text,
            arguments: &["--max-reply-bytes", "2000"],
            status: 0,
            says: "",
        },
    ]);
}

#[test]
fn a_turn_that_is_too_long_to_be_saved_breaks_off() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("chat.jsonl");
    let server = Server::once(crate::support::server::events(&[
        token("paid"),
        token(&"x".repeat(2000)),
        DONE.to_owned(),
    ]));
    let mut command = ask(&server, &["--stream", "--max-reply-bytes", "1K", "hi", "--history"]);
    let run = run(command.arg(&file)).exits(4).prints("paid\n");
    assert!(run.stderr.contains("more than 1 KiB of memory"), "{}", run.stderr);
    assert_eq!(std::fs::read(&file).unwrap_or_default(), b"");
}

#[test]
fn a_limit_that_cannot_be_is_refused_with_its_reason() {
    for (limit, reason) in [
        ("0", "must be at least 1"),
        ("0K", "must be at least 1"),
        ("99999999999999G", "more than this machine can address"),
        ("99999999999999999999", "more than this machine can address"),
        ("1T", "not a number of bytes such as 65536, 64K, 256M or 1G"),
        ("K", "not a number of bytes"),
        ("+1", "not a number of bytes"),
    ] {
        run(&mut ask_mock(&["-n", "hi", "--max-reply-bytes", limit])).exits(2).says(&[reason]);
    }
}

#[test]
fn the_limit_of_a_batch_is_that_of_each_request() {
    let (_directory, file) = input(&prompts(3));
    let long = whole_reply(&"x".repeat(2000));
    let server = Server::new(vec![whole_reply(&"x".repeat(600)), long, whole_reply("three")]);
    let options = ["--lines", "-j1", "--max-reply-bytes", "2K"];
    let run = run(batch(&server.base_url(), &options).arg(&file)).exits(4);
    let results = by_id(&run.stdout);
    assert_eq!(results["2"]["error"]["code"], "reply_too_long", "{results:?}");
    assert!(results["1"]["error"].is_null() && results["3"]["error"].is_null(), "{results:?}");
}
