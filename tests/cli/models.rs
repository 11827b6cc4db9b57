//! The list of models.

use httpmock::prelude::*;

use crate::support::server::{Server, answer};
use crate::support::terminal::Terminal;
use crate::support::{gravix, run};

#[test]
fn models_are_listed_in_order() {
    let server = MockServer::start();
    let models = server.mock(|when, then| {
        when.method(GET).path("/v1/models").header("authorization", "Bearer k");
        then.status(200).body(r#"{"data":[{"id":"b"},{"id":"a:1"}]}"#);
    });
    let models_of = |arguments: &[&str]| {
        let mut command = gravix();
        command.args(["models", "--base-url", &server.url("/v1")]).args(arguments);
        command.env("GRAVIXLAYER_API_KEY", "k");
        run(&mut command)
    };
    models_of(&[]).exits(0).prints("a:1\nb\n").says_nothing();
    models_of(&["--json"]).exits(0).prints("{\"data\":[{\"id\":\"b\"},{\"id\":\"a:1\"}]}\n");
    models.assert_calls(2);
    run(gravix().args(["models", "--base-url", "mock:"])).exits(0).prints("mock\n");
}

#[test]
fn an_invalid_list_of_models_is_a_protocol_error() {
    let server = MockServer::start();
    for (body, reason) in [
        ("<html></html>", "HTML"),
        ("", "sent nothing"),
        ("{}", "no list of models: {}"),
        ("[1]", "no entry"),
        ("not here", "no list of models: not here"),
    ] {
        let mut models = server.mock(|when, then| {
            when.path("/v1/models");
            then.status(200).body(body);
        });
        let mut command = gravix();
        run(command.args(["models", "--base-url", &server.url("/v1")]))
            .exits(76)
            .prints("")
            .says(&[reason]);
        models.assert();
        models.delete();
    }
}

#[test]
fn every_shape_of_list_is_printed_and_an_odd_entry_loses_no_other() {
    let server = MockServer::start();
    for body in [
        r#"{"object":"list","data":[{"id":"b"},{"id":"a"}]}"#,
        r#"[{"id":"b"},{"id":"a"}]"#,
        r#"{"models":[{"name":"b"},{"name":"a"}]}"#,
        r#"{"data":["b","a"]}"#,
        r#"["b","a"]"#,
        r#"{"data":[{"id":7},{"id":"b"},null,{"id":"a"}]}"#,
    ] {
        let mut models = server.mock(|when, then| {
            when.path("/v1/models");
            then.status(200).body(body);
        });
        let mut command = gravix();
        run(command.args(["models", "-q", "--base-url", &server.url("/v1")]))
            .exits(0)
            .prints("a\nb\n")
            .says_nothing();
        let mut command = gravix();
        run(command.args(["models", "--json", "--base-url", &server.url("/v1")]))
            .exits(0)
            .prints(format!("{body}\n"));
        models.delete();
    }
    server.mock(|when, then| {
        when.path("/v1/models");
        then.status(200).body("[1,\"a\"]");
    });
    run(gravix().args(["models", "--base-url", &server.url("/v1")]))
        .exits(0)
        .prints("a\n")
        .says(&["1 entry of the list names no model"]);
}

#[test]
fn an_error_in_place_of_the_list_is_reported_as_one() {
    let server = MockServer::start();
    for (body, status) in [
        (r#"{"error":{"message":"no such account","code":401}}"#, 77),
        (r#"{"error":"no such account","data":[]}"#, 75),
    ] {
        let mut models = server.mock(|when, then| {
            when.path("/v1/models");
            then.status(200).body(body);
        });
        let mut command = gravix();
        run(command.args(["models", "--base-url", &server.url("/v1")]))
            .exits(status)
            .prints("")
            .says(&["reported an error: no such account"]);
        models.delete();
    }
}

#[test]
fn a_models_name_takes_one_line_whatever_is_in_it() {
    let names = ["a\nb", "c\r\td", "e\u{2028}\u{85}f", "g\\n", "h\u{200d}\u{202e}"];
    let body = serde_json::json!({"data": names.map(|name| serde_json::json!({"id": name}))});
    let server = Server::new(
        (0..2).map(|_| answer("200 OK", "application/json", body.to_string())).collect(),
    );
    let mut command = gravix();
    command.args(["models", "--base-url", &server.base_url()]);
    run(&mut command)
        .exits(0)
        .prints("a^Jb\nc^M^Id\ne<U+2028><U+0085>f\ng\\n\nh\u{200d}\u{202e}\n")
        .says_nothing();
    let terminal = Terminal::open();
    let mut child = command.stdout(terminal.stream()).spawn().expect("gravix starts");
    drop(command);
    child.wait().expect("gravix ends");
    let shown = terminal.read_to_end();
    assert!(shown.contains("h\u{200d}<U+202E>") && !shown.contains('\u{202e}'), "{shown}");
}
