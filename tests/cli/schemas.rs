//! JSON Schemas: what replies are checked for.

use serde_json::json;

use crate::support::batch_lines::input;
use crate::support::server::Server;
use crate::support::service::{Reply, Service};
use crate::support::{Run, ask, batch, run};

#[track_caller]
fn ask_for(reply: &str, schema: &str) -> Run {
    run(&mut ask(&Server::replying(&[reply]), &["--schema", schema, "hi"]))
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
fn a_boolean_is_a_schema() {
    let server = Server::replying(&["1"]);
    run(&mut ask(&server, &["--schema", "true", "hi"])).exits(0).prints("1\n");
    assert_eq!(server.request().json()["response_format"]["json_schema"]["schema"], json!({}));
    let server = Server::replying(&[]);
    run(&mut ask(&server, &["--schema", "false", "hi"])).exits(65).says(&["no reply matches"]);
    assert!(server.requests().is_empty());
}
