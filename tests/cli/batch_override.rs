//! Options that were typed, and lines that have fields of their own.

use serde_json::{Value, json};

use crate::support::batch_lines::{input, replies};
use crate::support::home::Home;
use crate::support::service::{Reply, Service};
use crate::support::{batch, run, run_with};

/// The bodies that a batch of these lines sends, in order.
#[track_caller]
fn bodies(lines: &[&str], options: &[&str]) -> Vec<Value> {
    let service = Service::new(|_, _| Reply::text("{\"a\":1}"));
    let (_directory, file) = input(lines);
    run(batch(&service.base_url(), &["-j1"]).args(options).arg(file)).exits(0);
    service.seen().iter().map(|seen| seen.request.json()).collect()
}

/// What a batch of these lines says on stderr besides its summary.
#[track_caller]
fn said(lines: &[&str], options: &[&str]) -> Vec<String> {
    let (_directory, file) = input(lines);
    let run = run(batch("mock:", options).arg(file)).exits(0);
    let mut said: Vec<String> = run.stderr.lines().map(str::to_owned).collect();
    let summary = said.pop().expect("there is a summary");
    assert!(summary.contains(" done, 0 failed"), "{summary}");
    said
}

const OWN: &str = r#"{"prompt":"a","model":"own","temperature":0.5,"options":{"x":1,"y":2}}"#;
const BARE: &str = r#"{"prompt":"b"}"#;

#[test]
fn typed_options_override_the_fields_of_lines_only_with_override() {
    let typed = ["-m", "M", "--param", "options.x=7", "--body", r#"{"temperature":1}"#];
    let fields = |body: &Value| ["model", "temperature", "options"].map(|name| body[name].clone());
    let own = [json!("own"), json!(0.5), json!({"x": 1, "y": 2})];
    let bare = [json!("M"), json!(1), json!({"x": 7})];
    let sent = bodies(&[OWN, BARE], &typed);
    assert_eq!([fields(&sent[0]), fields(&sent[1])], [own, bare.clone()]);
    let sent = bodies(&[OWN, BARE], &[&typed[..], &["--override"]].concat());
    let merged = [json!("M"), json!(1), json!({"x": 7, "y": 2})];
    assert_eq!([fields(&sent[0]), fields(&sent[1])], [merged, bare]);
    // An option that was not typed overrides nothing.
    let sent = bodies(&[OWN], &["-t", "1", "--override"]);
    assert_eq!([&sent[0]["model"], &sent[0]["temperature"]], [&json!("own"), &json!(1.0)]);
}

#[test]
fn a_typed_system_prompt_overrides_that_of_a_line() {
    let lines = [
        r#"{"prompt":"a","system":"own"}"#,
        r#"{"prompt":"a","system":null}"#,
        r#"{"messages":[{"role":"user","content":"a"}]}"#,
        r#"{"messages":[ {"content":"own", "role":"developer"} , {"role":"user","content":"a"} ]}"#,
        r#"{"body":{"messages":[{"role":"system","content":"own"},{"role":"user","content":"a"}]}}"#,
    ];
    let user = json!({"role": "user", "content": "a"});
    let whole = json!([{"role": "system", "content": "S"}, user]);
    for sent in bodies(&lines, &["-s", "S", "--override"]) {
        assert_eq!(sent["messages"], whole);
    }
    let alone = r#"{"messages":[{"role":"system","content":"own"}]}"#;
    let sent = bodies(&[alone], &["-s", "S", "--override"]);
    assert_eq!(sent[0]["messages"], json!([{"role": "system", "content": "S"}]));
    let sent = bodies(&lines, &["-m", "M", "--override"]);
    assert_eq!(sent[0]["messages"], json!([{"role": "system", "content": "own"}, user]));
}

#[test]
fn a_typed_format_overrides_that_of_a_line() {
    let line = r#"{"prompt":"a","response_format":{"type":"json_schema","json_schema":{"x":1}}}"#;
    let sent = bodies(&[line], &["--json-object", "--override"]);
    assert_eq!(sent[0]["response_format"], json!({"type": "json_object"}));
    // The reply must then be in that format.
    let service = Service::new(|_, _| Reply::text("no JSON"));
    let (_directory, file) = input(&[line]);
    let options = ["--schema", "{}", "--override"];
    run(batch(&service.base_url(), &options).arg(&file)).exits(65);
    run(batch(&service.base_url(), &options[..2]).arg(&file)).exits(0);
}

#[test]
fn settings_override_no_line() {
    let home = Home::new("model = \"set\"\nsystem = \"set\"\ntemperature = 1\nparam.top_k = 3\n");
    let service = Service::echo();
    let (_directory, file) =
        input(&[r#"{"prompt":"a","model":"own","system":"own","temperature":0,"top_k":4}"#]);
    let base_url = service.base_url();
    let mut command = home.gravix(&["batch", "--base-url", &base_url, "--override"]);
    run(command.env("GRAVIX_MODEL", "set").arg(&file)).exits(0);
    let body = service.seen()[0].request.json();
    assert_eq!([&body["model"], &body["messages"][0]["content"]], ["own", "own"]);
    assert_eq!([&body["temperature"], &body["top_k"]], [0, 4]);
    let mut command = home.gravix(&["batch", "--base-url", &base_url, "--override", "-t", "0.5"]);
    run(command.args(["--param", "top_k=5"]).arg(&file)).exits(0);
    let body = service.seen()[1].request.json();
    assert_eq!(
        ([&body["temperature"], &body["top_k"]], &body["model"]),
        ([&json!(0.5), &json!(5)], &json!("own"))
    );
}

#[test]
fn a_typed_option_that_every_line_overrides_is_told() {
    let own: Vec<String> =
        (0..1200).map(|n| format!(r#"{{"prompt":"{n}","model":"own"}}"#)).collect();
    let own: Vec<&str> = own.iter().map(String::as_str).collect();
    let told = "gravix: 1,200 lines name their own model; --override uses the -m that was typed";
    assert_eq!(said(&own, &["-m", "M"]), [told]);
    assert_eq!(said(&own, &["-m", "M", "--override"]), [""; 0]);
    let (_directory, file) = input(&own);
    run(batch("mock:", &["-q", "-m", "M"]).arg(file)).exits(0).says_nothing();
    // The bare line is in the other shard.
    let mixed = [BARE, OWN];
    assert_eq!(said(&mixed, &["-m", "M"]), [""; 0]);
    let told = "gravix: 1 line has its own model, options; --override uses what was typed";
    let options = ["-m", "M", "--param", "options.z=1", "--seed", "1", "--shard", "2/2"];
    assert_eq!(said(&mixed, &options), [told]);
    assert_eq!(
        said(&[OWN], &["-t", "1"]),
        ["gravix: 1 line has its own temperature; --override uses what was typed"]
    );
    // No option was typed.
    assert_eq!(said(&[OWN], &[]), [""; 0]);
}

#[test]
fn nothing_is_sent_before_an_overridden_option_is_told() {
    let service = Service::new(|_, _| Reply::new("404 Not Found", "{}"));
    let (_directory, file) = input(&[OWN]);
    let failed = run(batch(&service.base_url(), &["-m", "M"]).arg(file)).exits(69);
    assert!(failed.stderr.starts_with("gravix: 1 line names its own model"), "{}", failed.stderr);
}

#[test]
fn a_pipe_is_told_of_at_the_end() {
    let lines = format!("{OWN}\n{}\n", OWN.replace("\"a\"", "\"c\""));
    let piped = run_with(&mut batch("mock:", &["-m", "M"]), lines.as_bytes()).exits(0);
    let said: Vec<&str> = piped.stderr.lines().collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].starts_with("gravix: 2 done"), "{said:?}");
    let told = "gravix: 2 lines name their own model; --override uses the -m that was typed";
    assert_eq!(said[1], told);
    assert_eq!(replies(&piped).len(), 2);
    let lines = format!("{OWN}\n{BARE}\n");
    run_with(&mut batch("mock:", &["-m", "M"]), lines.as_bytes()).exits(0).says(&["2 done"]);
}
