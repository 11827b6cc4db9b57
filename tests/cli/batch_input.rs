//! Which records of a batch become which requests.

use std::collections::BTreeMap;
use std::fs::{self, File};

use serde_json::{Value, json};

use crate::support::batch_lines::{by_id, input, pairs, replies, text};
use crate::support::service::Service;
use crate::support::terminal::Terminal;
use crate::support::{batch, run, run_with, shell};

#[test]
fn every_record_format_is_a_request() {
    let service = Service::echo();
    let (_directory, file) = input(&[
        r#"{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":[{"role":"user","content":"one"}]}}"#,
        r#"{"prompt":"two"}"#,
        "",
        r#"{"id":"b","messages":[{"role":"user","content":"three"}]}"#,
        r#"{"id":5,"prompt":"four","system":"Rhyme.","top_k":1.50}"#,
    ]);
    let run = run(batch(&service.base_url(), &["-s", "Be brief."]).arg(file)).exits(0);
    let expected = [("2", "two"), ("5", "four"), ("a", "one"), ("b", "three")];
    assert_eq!(replies(&run), pairs(&expected));
    let seen = service.seen();
    let body = |prompt: &str| {
        let seen = seen.iter().find(|seen| seen.prompt() == prompt).expect("the request was sent");
        seen.request.clone()
    };
    assert_eq!(body("one").json()["model"], "m");
    assert_eq!(body("two").json()["model"], "llama3.1:8b-instruct-fp16");
    assert_eq!(body("three").json()["messages"][0]["content"], "Be brief.");
    assert_eq!(body("four").json()["messages"][0]["content"], "Rhyme.");
    let text = String::from_utf8(body("four").body).expect("the request is UTF-8");
    assert!(text.contains(r#""top_k":1.50"#) && !text.contains("\"id\""), "{text}");
}

#[test]
fn options_and_settings_fill_in_what_a_record_omits() {
    let service = Service::echo();
    let (directory, file) = input(&[
        r#"{"prompt":"one"}"#,
        r#"{"prompt":"two","model":"own","temperature":1,"options":{"a":1},"system":null}"#,
        r#"{"messages":[{"role":"developer","content":"d"},{"role":"user","content":"three"}]}"#,
    ]);
    let config = directory.path().join("config.toml");
    let settings = "system = \"From the file.\"\nmax_tokens = 7\nstream = true\noutput = \"x\"\n";
    fs::write(&config, settings).expect("the file is written");
    let options = ["-m", "m", "-t", "0.5", "--param", "options.b=2", "--stop", "x"];
    let mut command = batch(&service.base_url(), &options);
    command.arg("--config").arg(config).arg(file);
    run(&mut command).exits(0);
    let mut bodies: Vec<Value> = service.seen().iter().map(|seen| seen.request.json()).collect();
    bodies.sort_by_key(ToString::to_string);
    let default = |messages: Value| {
        json!({"model": "m", "temperature": 0.5, "max_tokens": 7, "stop": ["x"],
            "options": {"b": 2}, "messages": messages})
    };
    let user = |text: &str| json!({"role": "user", "content": text});
    let mut expected = [
        default(json!([{"role": "system", "content": "From the file."}, user("one")])),
        json!({"max_tokens": 7, "stop": ["x"], "model": "own", "temperature": 1,
            "options": {"a": 1}, "messages": [user("two")]}),
        default(json!([{"role": "developer", "content": "d"}, user("three")])),
    ];
    expected.sort_by_key(ToString::to_string);
    assert_eq!(
        bodies.iter().map(sorted).collect::<Vec<_>>(),
        expected.iter().map(sorted).collect::<Vec<_>>()
    );
}

/// An object as text, with its fields sorted.
fn sorted(value: &Value) -> String {
    let fields: BTreeMap<_, _> =
        value.as_object().expect("the value is an object").iter().collect();
    serde_json::to_string(&fields).expect("the text is JSON")
}

#[test]
fn lines_and_null_terminated_records_are_prompts() {
    let service = Service::echo();
    let lines = run_with(&mut batch(&service.base_url(), &["--lines"]), b"one\r\n\n {\"a\":1} ");
    assert_eq!(replies(&lines.exits(0)), pairs(&[("1", "one"), ("3", " {\"a\":1} ")]));
    let records = run_with(&mut batch(&service.base_url(), &["-0"]), b"one\ntwo\n\0\0three");
    assert_eq!(replies(&records.exits(0)), pairs(&[("1", "one\ntwo\n"), ("3", "three")]));
}

#[test]
fn standard_input_is_read_from_its_current_offset() {
    let service = Service::echo();
    let (_directory, file) = input(&["one", "two", "three"]);
    let script = format!(
        "read first; exec {} batch --lines --base-url {} -",
        env!("CARGO_BIN_EXE_gravix"),
        service.base_url()
    );
    let mut command = shell("sh", &script);
    command.stdin(File::open(file).expect("the file can be opened"));
    assert_eq!(replies(&run(&mut command).exits(0)), pairs(&[("1", "two"), ("2", "three")]));
}

#[test]
fn no_input_is_a_usage_error() {
    let terminal = Terminal::open();
    let mut command = batch("mock:", &[]);
    run(command.stdin(terminal.stream())).exits(2).prints("").says(&["no requests"]);
    run(&mut batch("mock:", &["a", "b"])).exits(2).prints("").says(&["--merge"]);
    run(&mut batch("mock:", &["/nowhere/in.jsonl"])).exits(66).says(&["/nowhere/in.jsonl"]);
    run(&mut batch("mock:", &["/"])).exits(66).says(&["directory"]);
}

#[test]
fn invalid_lines_are_named_before_anything_is_sent() {
    let service = Service::echo();
    let (_directory, file) =
        input(&[r#"{"prompt":"one"}"#, "{", "[]", r#"{"prompt":""}"#, r#"{"prompt":"two"}"#]);
    let run = run(batch(&service.base_url(), &[]).arg(&file)).exits(65).prints("");
    for (number, reason) in [(2, "not JSON"), (3, "an array"), (4, "empty")] {
        let place = format!("gravix: {}:{number}: ", file.display());
        let line = run.stderr.lines().find(|line| line.starts_with(&place)).expect(&place);
        assert!(line.contains(reason), "{line}");
    }
    assert!(
        run.stderr
            .lines()
            .last()
            .is_some_and(|line| line.contains("3 lines in ") && line.contains("are not requests"))
    );
    assert!(service.seen().is_empty());
}

#[test]
fn a_pipe_is_processed_up_to_the_first_invalid_line() {
    let service = Service::echo();
    let input = b"{\"prompt\":\"one\"}\n{\"prompt\":\"two\"}\n{}\n{\"prompt\":\"three\"}\n";
    let run = run_with(&mut batch(&service.base_url(), &["-j1"]), input).exits(65);
    assert_eq!(replies(&run), pairs(&[("1", "one"), ("2", "two")]));
    assert!(run.stderr.contains("standard input:3: neither a prompt"), "{}", run.stderr);
    assert_eq!(service.prompts(), ["one", "two"]);
}

#[test]
fn skipped_lines_get_an_error_result() {
    let service = Service::echo();
    let lines = [r#"{"prompt":"one"}"#, "{", r#"{"id":"x","prompt":1}"#];
    let (_directory, file) = input(&lines);
    let run = run(batch(&service.base_url(), &["--skip-bad"]).arg(file)).exits(4);
    let lines = by_id(&run.stdout);
    assert_eq!(text(&lines["1"]), "one");
    for id in ["2", "x"] {
        assert_eq!(lines[id]["response"], Value::Null);
        assert_eq!(lines[id]["error"]["code"], "invalid_request");
    }
    run.says(&["1 done, 2 failed (invalid_request: 2)"]);
}

#[test]
fn a_repeated_id_is_found_before_anything_is_sent() {
    let service = Service::echo();
    let lines = [r#"{"id":"3","prompt":"a"}"#, r#"{"prompt":"b"}"#, r#"{"prompt":"c"}"#];
    let (_directory, file) = input(&lines);
    let mut command = batch(&service.base_url(), &["--skip-bad"]);
    run(command.arg(file)).exits(65).prints("").says(&["in.jsonl:3: ", "the id 3"]);
    assert!(service.seen().is_empty());
    let pipe =
        run_with(&mut batch(&service.base_url(), &["-j1"]), (lines.join("\n") + "\n").as_bytes());
    let pipe = pipe.exits(65);
    assert_eq!(replies(&pipe), pairs(&[("2", "b"), ("3", "a")]));
    assert!(pipe.stderr.contains("standard input:3: the id 3"), "{}", pipe.stderr);
}

#[test]
fn an_overlong_line_is_one_invalid_line() {
    let long = "x".repeat(65 << 20);
    let (_directory, file) = input(&["a", &long, "b"]);
    let mut command = batch("mock:", &["--lines", "--skip-bad"]);
    let run = run(command.arg(&file)).exits(4).says(&["2 done, 1 failed (invalid_request: 1)"]);
    let lines = by_id(&run.stdout);
    assert_eq!((text(&lines["1"]), text(&lines["3"])), ("a", "b"));
    let message = lines["2"]["error"]["message"].as_str().unwrap_or_default();
    assert_eq!(message, "longer than 64 MiB");
}

#[test]
fn an_invalid_line_has_an_id_too() {
    let (_directory, file) = input(&[r#"{"id":"2","prompt":"a"}"#, "{"]);
    let mut command = batch("mock:", &["--skip-bad"]);
    run(command.arg(&file)).exits(65).prints("").says(&["in.jsonl:2: the id 2"]);
}

#[test]
fn several_invalid_lines_may_have_the_same_id() {
    let lines = [r#"{"id":"a","prompt":1}"#, r#"{"id":"b","prompt":"good"}"#, r#"{"id":"a"}"#];
    let (_directory, file) = input(&lines);
    let text = lines.join("\n") + "\n";
    for run in [
        run(batch("mock:", &["--skip-bad"]).arg(file)),
        run_with(&mut batch("mock:", &["--skip-bad"]), text.as_bytes()),
    ] {
        let run = run.exits(4).says(&["1 done, 2 failed (invalid_request: 2)"]);
        assert_eq!(String::from_utf8_lossy(&run.stdout).matches("\"custom_id\":\"a\"").count(), 2);
    }
    // A valid line may not share its id with any other.
    for lines in [
        [r#"{"id":"a","prompt":"x"}"#, r#"{"id":"a"}"#],
        [r#"{"id":"a"}"#, r#"{"id":"a","prompt":"x"}"#],
    ] {
        let (_directory, file) = input(&lines);
        run(batch("mock:", &["--skip-bad"]).arg(file)).exits(65).says(&["in.jsonl:2: the id a"]);
        let text = lines.join("\n") + "\n";
        let piped = run_with(&mut batch("mock:", &["--skip-bad"]), text.as_bytes()).exits(65);
        assert!(piped.stderr.contains("standard input:2: the id a"), "{}", piped.stderr);
    }
}
