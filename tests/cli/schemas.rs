//! JSON Schemas: what is asked of the server, and what replies are checked for.

use serde_json::{Value, json};

use crate::support::batch_lines::{by_id, input};
use crate::support::server::{Server, answer, whole_reply};
use crate::support::service::{Reply, Service};
use crate::support::{Run, ask, batch, run};

/// It qualifies for strictness.
const STRICT: &str = r#"{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}"#;

const REFUSAL: &str = r#"{"error":{"message":"Invalid schema for response_format 'reply': In context=(), 'additionalProperties' is required to be supplied and to be false.","code":null}}"#;

#[track_caller]
fn ask_for(reply: &str, schema: &str) -> Run {
    run(&mut ask(&Server::replying(&[reply]), &["--schema", schema, "hi"]))
}

/// Whether a request asks for strictness; null if it does not say.
fn strictness(body: &Value) -> Value {
    body["response_format"]["json_schema"]["strict"].clone()
}

#[test]
fn strictness_is_asked_for_only_where_the_schema_qualifies() {
    for (schema, strict, reason) in [
        (STRICT, json!(true), None),
        (r#"{"type":"object"}"#, Value::Null, Some("additionalProperties is not false")),
    ] {
        let server = Server::replying(&[r#"{"a":"b"}"#]);
        let run = run(&mut ask(&server, &["-v", "--schema", schema, "hi"])).exits(0);
        assert_eq!(strictness(&server.request().json()), strict);
        assert_eq!(run.stderr.contains("not strictly"), reason.is_some(), "{}", run.stderr);
        assert!(run.stderr.contains(reason.unwrap_or_default()), "{}", run.stderr);
    }
}

#[test]
fn a_server_that_refuses_strictness_is_asked_without_it() {
    for status in ["400 Bad Request", "422 Unprocessable Entity"] {
        let refused = answer(status, "application/json", REFUSAL);
        let server = Server::new(vec![refused, whole_reply(r#"{"a":"b"}"#)]);
        let run = run(&mut ask(&server, &["--schema", STRICT, "hi"])).exits(0);
        assert_eq!(run.stderr.matches("asking again without strict").count(), 1, "{}", run.stderr);
        let asked: Vec<Value> =
            server.requests().iter().map(|request| strictness(&request.json())).collect();
        assert_eq!(asked, [json!(true), Value::Null]);
        run.prints("{\"a\":\"b\"}\n");
    }
    // No other refusal, and no second time.
    let other = answer("400 Bad Request", "application/json", r#"{"error":{"message":"no"}}"#);
    let server = Server::new(vec![other]);
    run(&mut ask(&server, &["--schema", STRICT, "hi"])).exits(69).prints("");
    let refused = || answer("400 Bad Request", "application/json", REFUSAL);
    let server = Server::new(vec![refused(), refused()]);
    run(&mut ask(&server, &["--schema", STRICT, "hi"])).exits(69).prints("");
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_batch_asks_for_strictness_until_it_is_refused_once() {
    let service = Service::new(|request, _| {
        let body = request.json();
        let own = body["response_format"]["json_schema"]["name"] == "own";
        match strictness(&body) {
            Value::Bool(true) if !own => Reply::new("400 Bad Request", REFUSAL),
            _ => Reply::text(r#"{"a":"b"}"#),
        }
    });
    let mut lines = vec![r#"{"prompt":"hi"}"#.to_owned(); 5];
    let own = r#"{"type":"json_schema","json_schema":{"name":"own","strict":true,"schema":{}}}"#;
    lines.push(format!(r#"{{"id":"own","prompt":"own","response_format":{own}}}"#));
    let (_directory, file) = input(&lines);
    let arguments = ["--schema", STRICT, "--jobs", "1"];
    let run = run(batch(&service.base_url(), &arguments).arg(file)).exits(0);
    assert_eq!(run.stderr.matches("asking again without strict").count(), 1, "{}", run.stderr);
    assert!(by_id(&run.stdout).values().all(|line| line["error"].is_null()));
    let strict: Vec<bool> =
        service.seen().iter().map(|seen| strictness(&seen.request.json()) == true).collect();
    assert_eq!(strict, [true, false, false, false, false, false, true]);
    let sent = String::from_utf8(service.seen()[1].request.body.clone()).expect("UTF-8");
    assert!(sent.contains(&format!(r#"{{"name":"reply","schema":{STRICT}}}"#)), "{sent}");
}

#[test]
fn patterns_with_look_around_and_back_references_are_checked() {
    let schema = r#"{"properties":{"a":{"pattern":"^(?!\\.)(\\d)-\\1$"}}}"#;
    ask_for(r#"{"a":"1-1"}"#, schema).exits(0).prints("{\"a\":\"1-1\"}\n").says_nothing();
    for reply in [r#"{"a":"1-2"}"#, r#"{"a":"٣-٣"}"#, r#"{"a":"1-1\n"}"#] {
        let run = ask_for(reply, schema).exits(65).prints("");
        assert!(
            run.stderr.contains(r"at /a: must match the pattern ^(?!\.)(\d)-\1$"),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn a_pattern_that_is_not_checked_is_told() {
    let schema = r#"{"properties":{"a":{"pattern":"(?R)"}}}"#;
    let unread = "the pattern (?R) (at /properties/a/pattern in the schema)";
    ask_for(r#"{"a":"b"}"#, schema).exits(0).prints("{\"a\":\"b\"}\n").says(&[unread]);
    let slow = r#"{"properties":{"a":{"pattern":"(?=(.*.*.*)!)(?!\\1)b"}}}"#;
    let reply = json!({"a": "x".repeat(2000)}).to_string();
    let took = "(at /properties/a/pattern in the schema), which took too long";
    ask_for(&reply, slow).exits(0).prints(format!("{reply}\n")).says(&["warning", took]);

    let service = Service::new(move |_, _| Reply::text(&reply));
    let (_directory, file) = input(&[r#"{"prompt":"hi"}"#; 3]);
    let run = run(batch(&service.base_url(), &["--schema", slow]).arg(file)).exits(0);
    assert_eq!(run.stderr.matches("took too long").count(), 1, "{}", run.stderr);
}

#[test]
fn what_is_checked_is_what_is_printed() {
    let number = r#"{"$serde_json::private::Number":"5"}"#;
    for (reply, schema, reason) in [
        (number, r#"{"type":"number"}"#, "must be a number, not an object"),
        (r#"{"a":"b","a":1}"#, r#"{"properties":{"a":{"type":"integer"}}}"#, "the field 'a' twice"),
        (r#"{"a":1e400}"#, r#"{"properties":{"a":{"maximum":1e399}}}"#, "at /a: must be at most"),
        ("12345678901234567890123", r#"{"maximum":12345678901234567890122}"#, "must be at most"),
        ("1.5e-400", r#"{"type":"integer"}"#, "must be an integer"),
    ] {
        let run = ask_for(reply, schema).exits(65).prints("");
        assert!(run.stderr.contains(reason), "{}", run.stderr);
    }
    for (reply, schema) in [
        (number, r#"{"type":"object"}"#),
        ("1.0", r#"{"type":"integer","const":1}"#),
        ("1e400", r#"{"type":"integer","minimum":1e399}"#),
        ("19.99", r#"{"multipleOf":0.01}"#),
        (r#"[1, {"a" : 2}]"#, "true"),
    ] {
        ask_for(reply, schema).exits(0).prints(format!("{reply}\n")).says_nothing();
    }
}

#[test]
fn what_is_wrong_with_a_schema_is_said_in_words() {
    for (schema, reason) in [
        (
            r##"{"$ref":"#/default","default":{"pattern":"("}}"##,
            "at /default/pattern: is not a regular expression",
        ),
        (
            r##"{"$ref":"#/default","default":{"type":"x"}}"##,
            "at /default/type: is not what it may be",
        ),
        (r#"{"$id":"http://[x"}"#, r#"its $id or $ref "http://[x" is not a valid URI"#),
        (
            r#"{"$dynamicRef":"x"}"#,
            "it refers to x, which gravix does not fetch; copy that schema into \"$defs\", and refer to it there",
        ),
        (
            r##"{"$ref":"#/allOf/x","allOf":[{}]}"##,
            "it refers to #/allOf/x, which it does not have",
        ),
    ] {
        let server = Server::replying(&[]);
        let run = run(&mut ask(&server, &["--schema", schema, "hi"])).exits(65).prints("");
        assert_eq!(run.stderr, format!("gravix: --schema: not a usable JSON Schema: {reason}\n"));
    }
}

#[test]
fn a_boolean_is_a_schema() {
    let server = Server::replying(&["1"]);
    run(&mut ask(&server, &["--schema", "true", "hi"])).exits(0).prints("1\n");
    assert_eq!(server.request().json()["response_format"]["json_schema"]["schema"], json!({}));
    let server = Server::replying(&[]);
    run(&mut ask(&server, &["--schema", "false", "hi"])).exits(65).says(&["no reply matches"]);
    assert!(server.requests().is_empty());
}
