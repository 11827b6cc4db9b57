use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::service::{Reply, Service, prompt};
use crate::support::{
    Run, batch, completion, completion_ended, json_lines, run, run_with, shell, token,
};

/// A directory with a file of these lines, `in.jsonl`.
pub fn input(lines: &[impl AsRef<str>]) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("in.jsonl");
    let text: String = lines.iter().map(|line| line.as_ref().to_owned() + "\n").collect();
    fs::write(&path, text).expect("a file");
    (directory, path)
}

/// So many prompts that differ: the numbers from 0.
pub fn prompts(count: usize) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}

/// Lines of output by their ids, of which each is there once.
#[track_caller]
pub fn by_id(output: &[u8]) -> BTreeMap<String, Value> {
    let text = std::str::from_utf8(output).expect("UTF-8");
    let mut lines = BTreeMap::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).expect("a line of JSON");
        let id = line["custom_id"].as_str().expect("an id").to_owned();
        assert!(lines.insert(id, line).is_none(), "{text}");
    }
    lines
}

/// The text of the reply in a line of output.
pub fn text(line: &Value) -> &str {
    line["response"]["body"]["choices"][0]["message"]["content"].as_str().unwrap_or("(none)")
}

/// The ids of a run's output, and the texts of their replies.
#[track_caller]
fn replies(run: &Run) -> Vec<(String, String)> {
    by_id(&run.stdout).iter().map(|(id, line)| (id.clone(), text(line).to_owned())).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(id, text)| ((*id).to_owned(), (*text).to_owned())).collect()
}

#[test]
fn every_form_of_a_line_is_a_request() {
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
        let seen = seen.iter().find(|seen| seen.prompt() == prompt).expect("a request");
        seen.request.clone()
    };
    assert_eq!(body("one").json()["model"], "m");
    assert_eq!(body("two").json()["model"], "llama3.1:8b-instruct-fp16");
    assert_eq!(body("three").json()["messages"][0]["content"], "Be brief.");
    assert_eq!(body("four").json()["messages"][0]["content"], "Rhyme.");
    let text = String::from_utf8(body("four").body).expect("UTF-8");
    assert!(text.contains(r#""top_k":1.50"#) && !text.contains("\"id\""), "{text}");
}

#[test]
fn options_and_settings_give_what_a_line_leaves_out() {
    let service = Service::echo();
    let (directory, file) = input(&[
        r#"{"prompt":"one"}"#,
        r#"{"prompt":"two","model":"own","temperature":1,"options":{"a":1},"system":null}"#,
        r#"{"messages":[{"role":"developer","content":"d"},{"role":"user","content":"three"}]}"#,
    ]);
    let config = directory.path().join("config.toml");
    let settings = "system = \"From the file.\"\nmax_tokens = 7\nstream = true\noutput = \"x\"\n";
    fs::write(&config, settings).expect("a file");
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

/// An object as text, with its fields in alphabetical order.
fn sorted(value: &Value) -> String {
    let fields: BTreeMap<_, _> = value.as_object().expect("an object").iter().collect();
    serde_json::to_string(&fields).expect("JSON")
}

#[test]
fn lines_and_records_of_text_are_prompts() {
    let service = Service::echo();
    let lines = run_with(&mut batch(&service.base_url(), &["--lines"]), b"one\r\n\n {\"a\":1} ");
    assert_eq!(replies(&lines.exits(0)), pairs(&[("1", "one"), ("3", " {\"a\":1} ")]));
    let records = run_with(&mut batch(&service.base_url(), &["-0"]), b"one\ntwo\n\0\0three");
    assert_eq!(replies(&records.exits(0)), pairs(&[("1", "one\ntwo\n"), ("3", "three")]));
}

#[test]
fn standard_input_is_read_from_where_it_is() {
    let service = Service::echo();
    let (_directory, file) = input(&["one", "two", "three"]);
    let script = format!(
        "read first; exec {} batch --lines --base-url {} -",
        env!("CARGO_BIN_EXE_gravix"),
        service.base_url()
    );
    let mut command = shell("sh", &script);
    command.stdin(File::open(file).expect("the file"));
    assert_eq!(replies(&run(&mut command).exits(0)), pairs(&[("1", "two"), ("2", "three")]));
}

#[test]
fn no_input_is_a_usage_error() {
    let terminal = crate::support::terminal::Terminal::open();
    let mut command = batch("mock:", &[]);
    run(command.stdin(terminal.stream())).exits(2).prints("").says(&["no requests"]);
    run(&mut batch("mock:", &["a", "b"])).exits(2).prints("").says(&["--merge"]);
    run(&mut batch("mock:", &["/nowhere/in.jsonl"])).exits(66).says(&["/nowhere/in.jsonl"]);
    run(&mut batch("mock:", &["/"])).exits(66).says(&["directory"]);
}

#[test]
fn lines_that_are_no_requests_are_named_before_anything_is_sent() {
    let service = Service::echo();
    let (_directory, file) =
        input(&[r#"{"prompt":"one"}"#, "{", "[]", r#"{"prompt":""}"#, r#"{"prompt":"two"}"#]);
    let run = run(batch(&service.base_url(), &[]).arg(&file)).exits(65).prints("");
    for (number, reason) in [(2, "not JSON"), (3, "an array"), (4, "empty")] {
        let told = format!("gravix: {}:{number}: ", file.display());
        let line = run.stderr.lines().find(|line| line.starts_with(&told)).expect(&told);
        assert!(line.contains(reason), "{line}");
    }
    assert!(run.stderr.lines().last().is_some_and(|line| line.contains("3 lines")));
    assert!(service.seen().is_empty());
}

#[test]
fn a_pipe_is_used_up_to_the_line_that_is_no_request() {
    let service = Service::echo();
    let input = b"{\"prompt\":\"one\"}\n{\"prompt\":\"two\"}\n{}\n{\"prompt\":\"three\"}\n";
    let run = run_with(&mut batch(&service.base_url(), &["-j1"]), input).exits(65);
    assert_eq!(replies(&run), pairs(&[("1", "one"), ("2", "two")]));
    assert!(run.stderr.contains("standard input:3: neither a prompt"), "{}", run.stderr);
    assert_eq!(service.prompts(), ["one", "two"]);
}

#[test]
fn bad_lines_that_are_skipped_are_outcomes() {
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
fn a_line_of_output_is_that_of_the_batch_api() {
    let service = Service::new(|request, _| {
        match prompt(request).as_str() {
        "good" => Reply::new("200 OK", "{ \"choices\": [\n {\"message\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}], \"n\": 1.50 }")
            .with("x-request-id: r1"),
        _ => Reply::new("400 Bad Request", r#"{"error":{"message":"bad","code":"b1"}}"#)
            .with("x-request-id: r2"),
    }
    });
    let (_directory, file) =
        input(&[r#"{"id":"é","prompt":"good"}"#, r#"{"id":"f","prompt":"fails"}"#]);
    let run = run(batch(&service.base_url(), &[]).arg(file)).exits(4);
    let lines = by_id(&run.stdout);
    let good = &lines["é"];
    assert!(good["id"].as_str().is_some_and(|id| id.starts_with("batch_req_")), "{good}");
    assert_ne!(good["id"], lines["f"]["id"]);
    assert_eq!(good["error"], Value::Null);
    assert_eq!(good["response"]["status_code"], 200);
    assert_eq!(good["response"]["request_id"], "r1");
    assert_eq!(text(good), "a");
    assert!(String::from_utf8_lossy(&run.stdout).contains(r#""n":1.50}"#));
    let response = json!({"status_code": 400, "request_id": "r2",
        "body": {"error": {"message": "bad", "code": "b1"}}});
    assert_eq!(lines["f"]["response"], response);
    assert_eq!(lines["f"]["error"]["code"], "b1");
    assert_eq!(
        lines["f"]["error"]["message"],
        "the server answered 400: bad (code b1, request r2)"
    );
    run.says(&["1 done, 1 failed (400: 1)"]);
}

#[test]
fn a_failure_without_an_answer_has_its_error_alone() {
    let (_directory, file) = input(&[r#"{"prompt":"one"}"#]);
    let run = run(batch("http://127.0.0.1:9/v1", &["--retries", "0"]).arg(file)).exits(75);
    let line = &by_id(&run.stdout)["1"];
    assert_eq!(line["response"], Value::Null);
    assert_eq!(line["error"]["code"], "connect");
    run.says(&["0 done, 1 failed (connect: 1)"]);
}

#[test]
fn the_order_of_the_input_is_kept_where_it_is_asked_for() {
    let (go_on, wait) = channel::<()>();
    let wait = Mutex::new(Some(wait));
    let service = Service::new(move |request, _| {
        let prompt = prompt(request);
        if prompt == "0" {
            let wait = wait.lock().expect("no panic").take().expect("asked once");
            let _ = wait.recv();
        }
        Reply::text(&prompt)
    });
    let prompts = prompts(100);
    let (_directory, file) = input(&prompts);
    let mut command = batch(&service.base_url(), &["--lines", "--ordered", "--text", "-j2"]);
    let child = command.arg(file).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.expect("gravix starts");
    // The first one and 31 more: no further while it is waited for.
    service.wait_for(32);
    // What must not come cannot be waited for.
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert_eq!(service.seen().len(), 32);
    go_on.send(()).expect("the service waits");
    let output = child.wait_with_output().expect("gravix ends");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), prompts.join("\n") + "\n");
}

#[test]
fn texts_are_lines_or_records() {
    let service = Service::new(|request, _| match prompt(request).as_str() {
        "fails" => Reply::new("404 Not Found", r#"{"error":"gone"}"#),
        _ => Reply::text("a\n\"b\"\\é"),
    });
    let lines = b"one\nfails\ntwo\n";
    let options = ["--lines", "--text", "--ordered"];
    let run = run_with(&mut batch(&service.base_url(), &options), lines).exits(4);
    assert_eq!(run.stdout, "a\\n\\\"b\\\"\\\\é\n\na\\n\\\"b\\\"\\\\é\n".as_bytes());
    assert!(run.stderr.contains("request 2: the server answered 404: gone"), "{}", run.stderr);
    let records = run_with(&mut batch(&service.base_url(), &["-0", "--text"]), b"one\0");
    records.exits(0).prints("a\n\"b\"\\é\0");
}

#[test]
fn failed_requests_go_apart_where_that_is_asked_for() {
    let service = Service::new(|request, _| match prompt(request).as_str() {
        "fails" => Reply::new("404 Not Found", r#"{"error":"gone"}"#),
        text => Reply::text(text),
    });
    let (directory, file) = input(&["one", "fails"]);
    let errors = directory.path().join("errors.jsonl");
    for format in [&["--lines"][..], &["--lines", "--text"]] {
        let mut command = batch(&service.base_url(), format);
        let run = run(command.arg(&file).arg("--errors").arg(&errors)).exits(4);
        assert_eq!(run.stdout.iter().filter(|&&byte| byte == b'\n').count(), 1);
        run.says(&["1 done, 1 failed (404: 1)"]);
    }
    let failed = json_lines(&errors);
    assert_eq!(failed.len(), 2);
    assert!(failed.iter().all(|line| line["custom_id"] == "2" && line["error"].is_object()));
}

#[test]
fn a_reply_that_was_ended_early_failed_and_is_not_lost() {
    let service = Service::new(|request, _| match prompt(request).as_str() {
        "length" => Reply::new("200 OK", completion_ended("cut", "length")),
        "filter" => Reply::new("200 OK", completion_ended("", "content_filter")),
        _ => Reply::text(""),
    });
    let (_directory, file) = input(&["length", "filter", "nothing"]);
    let run = run(batch(&service.base_url(), &["--lines"]).arg(file)).exits(3);
    let lines = by_id(&run.stdout);
    for (id, code) in [("1", "length"), ("2", "content_filter"), ("3", "no_text")] {
        assert_eq!(lines[id]["error"]["code"], code);
        assert_eq!(lines[id]["response"]["status_code"], 200);
    }
    assert_eq!(text(&lines["1"]), "cut");
}

#[test]
fn replies_are_held_against_the_schema() {
    let service = Service::new(|request, _| match prompt(request).as_str() {
        "good" => Reply::text("```json\n{\"n\": 1}\n```"),
        _ => Reply::text(r#"{"n":"x"}"#),
    });
    let (_directory, file) = input(&[
        r#"{"id":"good","prompt":"good"}"#,
        r#"{"id":"bad","prompt":"bad"}"#,
        r#"{"id":"own","prompt":"own","response_format":{"type":"text"}}"#,
    ]);
    let schema = r#"{"properties":{"n":{"type":"integer"}}}"#;
    let mut command = batch(&service.base_url(), &["--schema", schema]);
    let output = run(command.arg(&file)).exits(4);
    let lines = by_id(&output.stdout);
    assert_eq!(lines["good"]["error"], Value::Null);
    assert_eq!(lines["own"]["error"], Value::Null);
    assert_eq!(lines["bad"]["error"]["code"], "invalid_reply");
    assert_eq!(text(&lines["bad"]), r#"{"n":"x"}"#);
    for seen in service.seen() {
        let body = seen.request.json();
        let kind = if seen.prompt() == "own" { "text" } else { "json_schema" };
        assert_eq!(body["response_format"]["type"], kind, "{body}");
    }
    let options = ["--schema", schema, "--text", "--ordered", "-q"];
    let texts = run(batch(&service.base_url(), &options).arg(file)).exits(4);
    assert!(texts.stderr.starts_with("gravix: request bad: the reply is not"), "{}", texts.stderr);
    assert_eq!(texts.stderr.lines().nth(1), Some(r#"{"n":"x"}"#));
    texts.prints("{\\\"n\\\": 1}\n\n{\\\"n\\\":\\\"x\\\"}\n");
}

#[test]
fn a_reply_of_another_form_is_asked_for_again() {
    let service = Service::new(|request, _| {
        let is_again = request.json()["messages"].as_array().is_some_and(|all| all.len() == 3);
        Reply::text(if is_again { "{}" } else { "no" })
    });
    let run = run_with(
        &mut batch(&service.base_url(), &["--lines", "--json-object", "--repair", "1"]),
        b"a",
    );
    assert_eq!(replies(&run.exits(0)), pairs(&[("1", "{}")]));
    let messages = service.seen()[1].request.json()["messages"].clone();
    assert_eq!(messages[1], json!({"role": "assistant", "content": "no"}));
    assert!(messages[2]["content"].as_str().is_some_and(|text| text.contains("not JSON")));
}

#[test]
fn a_stream_becomes_a_response() {
    let events = token("Hel") + &token("lo") + crate::support::DONE;
    let service = Service::new(move |_, _| Reply::new("200 OK", events.clone()));
    let (_directory, file) = input(&[r#"{"prompt":"a","stream":true}"#]);
    let run = run(batch(&service.base_url(), &[]).arg(file)).exits(0);
    assert_eq!(replies(&run), pairs(&[("1", "Hello")]));
}

#[test]
fn the_exit_status_says_what_failed() {
    for (statuses, expected) in [
        (&["200 OK", "200 OK"][..], 0),
        (&["200 OK", "401 Unauthorized"], 4),
        (&["401 Unauthorized", "503 Service Unavailable"], 77),
        (&["503 Service Unavailable", "503 Service Unavailable"], 75),
        (&["422 Unprocessable Content", "401 Unauthorized"], 69),
    ] {
        let (_directory, file) = input(statuses);
        let all: Vec<&'static str> = statuses.to_vec();
        let service = Service::new(move |request, _| {
            let prompt = prompt(request);
            let status = all.iter().find(|status| **status == prompt).expect("a status");
            Reply::new(status, completion("a"))
        });
        let options = ["--lines", "-j1", "--retries", "0", "-q"];
        run(batch(&service.base_url(), &options).arg(file)).exits(expected).says_nothing();
    }
}

#[test]
fn enough_failures_end_the_run() {
    let service = Service::new(|_, _| Reply::new("404 Not Found", ""));
    let prompts = prompts(50);
    let (_directory, file) = input(&prompts);
    let options = ["--lines", "-j1", "--max-failures", "3"];
    let run = run(batch(&service.base_url(), &options).arg(file)).exits(69);
    assert_eq!(service.seen().len(), 3);
    assert!(run.stderr.contains("stopping after 3 failures"), "{}", run.stderr);
    assert!(run.stderr.contains("0 done, 3 failed (404: 3), 47 left"), "{}", run.stderr);
}

#[test]
fn a_pipe_sees_the_summary_alone_and_a_terminal_a_bar() {
    let (_directory, file) = input(&["one two", "three"]);
    let told = run(batch("mock:", &["--lines"]).arg(&file)).exits(0);
    told.says(&["2 done, 0 failed; 3 tokens in, 3 out; "]);
    run(batch("mock:", &["--lines", "-q"]).arg(&file)).exits(0).says_nothing();
    let terminal = crate::support::terminal::Terminal::open();
    let mut command = batch("mock:", &["--lines"]);
    command.arg(&file).env("TERM", "xterm").stdout(Stdio::null()).stderr(terminal.stream());
    assert!(command.status().expect("gravix starts").success());
    drop(command);
    let shown = terminal.read_to_end();
    for part in ["failed", "left", "requests/s", "tokens/s", "2 done, 0 failed; 3 tokens in"] {
        assert!(shown.contains(part), "{part}: {shown:?}");
    }
}

#[test]
fn shards_are_disjoint_and_merged_they_are_all() {
    let service = Service::echo();
    let (directory, file) = input(&["a", "b", "", "c", "d", "e", "f"]);
    let parts: Vec<PathBuf> = (1..=3)
        .map(|number| {
            let part = directory.path().join(format!("out.{number}.jsonl"));
            let shard = format!("{number}/3");
            let mut command = batch(&service.base_url(), &["--lines", "--shard", &shard, "-o"]);
            run(command.arg(&part).arg(&file)).exits(0).prints("");
            part
        })
        .collect();
    assert_eq!(service.prompts(), ["a", "b", "c", "d", "e", "f"]);
    let ids = |path: &PathBuf| by_id(&fs::read(path).expect("a file")).into_keys().collect();
    let second: Vec<String> = ids(&parts[1]);
    assert_eq!(second, ["2", "5"]);
    let merged = run(batch("mock:", &["--merge"]).args(&parts)).exits(0).says_nothing();
    let expected = [("1", "a"), ("2", "b"), ("4", "c"), ("5", "d"), ("6", "e"), ("7", "f")];
    assert_eq!(replies(&merged), pairs(&expected));
    for shard in ["0/3", "4/3", "1", "a/b", "1/0"] {
        run(batch("mock:", &["--shard", shard]).arg(&file)).exits(2).says(&["I/N"]);
    }
}

fn line(id: &str, text: Option<&str>) -> String {
    let response = text.map(|text| {
        let body: Value = serde_json::from_str(&completion(text)).expect("JSON");
        json!({"status_code": 200, "request_id": "", "body": body})
    });
    let error = text.is_none().then(|| json!({"code": "cut", "message": id}));
    json!({"id": "batch_req_0", "custom_id": id, "response": response, "error": error}).to_string()
}

#[test]
fn merging_keeps_the_good_line_of_an_id_or_else_the_last() {
    let (directory, first) =
        input(&[line("a", None), line("b", Some("first")), line("c", None), line("d", None)]);
    let second = directory.path().join("second.jsonl");
    let last = line("c", None).replace("batch_req_0", "batch_req_1");
    let lines = [line("a", Some("good")), line("b", Some("second")), last, line("b", None)];
    fs::write(&second, lines.join("\n") + "\n{\"id\":\"to").expect("a file");
    let mut command = batch("mock:", &["--merge"]);
    let merged = run(command.arg(&first).arg(&second)).exits(0).says(&["torn and left out"]);
    let lines = by_id(&merged.stdout);
    assert_eq!(lines.len(), 4);
    assert_eq!((text(&lines["a"]), text(&lines["b"])), ("good", "first"));
    assert_eq!(lines["c"]["id"], "batch_req_1");
    // One of them may be replaced by all.
    let mut command = batch("mock:", &["--merge", "-q", "-o"]);
    run(command.arg(&first).arg(&first).arg(&second)).exits(0).prints("");
    assert_eq!(fs::read(&first).expect("a file"), merged.stdout);
    run(batch("mock:", &["--merge"]).arg("/dev/null")).exits(66).says(&["regular file"]);
    run(&mut batch("mock:", &["--merge"])).exits(2);
    fs::write(&second, "{}\n{}\n").expect("a file");
    run(batch("mock:", &["--merge"]).arg(&second)).exits(65).says(&["second.jsonl:1: "]);
}

#[test]
fn two_names_of_one_file_are_refused() {
    let (directory, file) = input(&["one"]);
    let other = directory.path().join("other.jsonl");
    let refused = |arguments: &[&PathBuf]| {
        let [input, output, errors] = arguments else { panic!("three files") };
        let mut command = batch("mock:", &["--lines"]);
        command.arg(input).arg("-o").arg(output).arg("--errors").arg(errors);
        run(&mut command).exits(2).prints("").says(&["name the same file"]);
    };
    refused(&[&file, &file, &other]);
    refused(&[&file, &other, &file]);
    refused(&[&file, &other, &other]);
    assert_eq!(fs::read_to_string(file).expect("the file"), "one\n");
    assert!(!other.exists());
}

#[test]
fn the_key_is_masked_in_errors() {
    let service = Service::new(|request, _| {
        let header = request.header("authorization").unwrap_or_default().to_owned();
        Reply::new("400 Bad Request", json!({"error": {"message": header}}).to_string())
    });
    let mut command = batch(&service.base_url(), &["--lines"]);
    let run = run_with(command.env("GRAVIXLAYER_API_KEY", "hunter2"), b"one\n").exits(69);
    let text = String::from_utf8(run.stdout).expect("UTF-8");
    assert!(text.contains("(redacted)") && !text.contains("hunter2"), "{text}");
}

/// The lines of output are what the `openai` package for Python knows, where
/// it is installed: `GRAVIX_TEST_PYTHON`, or `python3`.
#[test]
fn the_openai_package_reads_the_output() {
    let python = std::env::var_os("GRAVIX_TEST_PYTHON").unwrap_or_else(|| "python3".into());
    let probe = std::process::Command::new(&python).args(["-c", "import openai"]).output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        crate::support::skip("the openai package cannot be had; GRAVIX_TEST_PYTHON names a python");
        return;
    }
    let (directory, file) = input(&["good", "{"]);
    let output = directory.path().join("out.jsonl");
    run(batch("mock:", &["--lines", "-o"]).arg(&output).arg(&file)).exits(0);
    let errors = directory.path().join("errors.jsonl");
    run(batch("mock:", &["--skip-bad", "-o"]).arg(&errors).arg(&file)).exits(65);
    let script = r#"
import json, sys
from openai.types import BatchError
from openai.types.chat import ChatCompletion
for path in sys.argv[1:]:
    for line in open(path):
        line = json.loads(line)
        assert set(line) == {"id", "custom_id", "response", "error"}, line
        assert isinstance(line["id"], str) and isinstance(line["custom_id"], str), line
        if line["response"] is not None:
            assert set(line["response"]) == {"status_code", "request_id", "body"}, line
            assert isinstance(line["response"]["status_code"], int), line
            assert isinstance(line["response"]["request_id"], str), line
            completion = ChatCompletion.model_validate(line["response"]["body"], strict=True)
            print(completion.choices[0].message.content, completion.usage.total_tokens)
        if line["error"] is not None:
            print(BatchError.model_validate(line["error"], strict=True).code)
"#;
    let mut python = std::process::Command::new(python);
    let told = run(python.args(["-c", script]).arg(output).arg(errors)).exits(0);
    let told = String::from_utf8(told.stdout).expect("UTF-8");
    let mut lines: Vec<&str> = told.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["good 2", "invalid_request", "invalid_request", "{ 2"]);
}

#[test]
fn a_shared_service_is_asked_by_many_threads() {
    let most = Arc::new(Mutex::new((0, 0)));
    let (count, seen) = (Arc::clone(&most), Arc::clone(&most));
    let (arrive, arrivals) = channel::<()>();
    let arrive = Mutex::new(arrive);
    let (leave, leaves) = channel::<()>();
    let leaves = Mutex::new(leaves);
    let service = Service::new(move |request, _| {
        {
            let mut count = count.lock().expect("no panic");
            count.0 += 1;
            count.1 = count.1.max(count.0);
        }
        arrive.lock().expect("no panic").send(()).expect("the test listens");
        leaves.lock().expect("no panic").recv().expect("the test goes on");
        count.lock().expect("no panic").0 -= 1;
        Reply::text(&prompt(request))
    });
    let prompts = prompts(20);
    let (_directory, file) = input(&prompts);
    let mut command = batch(&service.base_url(), &["--lines", "-j5"]);
    let child = command.arg(file).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let child = child.expect("gravix starts");
    // Five are under way before the first one gets its answer.
    (0..5).for_each(|_| arrivals.recv().expect("a request"));
    (0..20).for_each(|_| leave.send(()).expect("the service waits"));
    let output = child.wait_with_output().expect("gravix ends");
    assert_eq!(by_id(&output.stdout).len(), 20);
    assert_eq!(seen.lock().expect("no panic").1, 5);
    let connections = service.seen().iter().map(|seen| seen.connection).max();
    assert_eq!(connections, Some(4), "each worker keeps its connection");
}
