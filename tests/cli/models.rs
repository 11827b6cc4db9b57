//! The list of models.

use httpmock::prelude::*;

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
    for body in ["<html></html>", "{}", "[1]"] {
        let mut models = server.mock(|when, then| {
            when.path("/v1/models");
            then.status(200).body(body);
        });
        let mut command = gravix();
        run(command.args(["models", "--base-url", &server.url("/v1")]))
            .exits(76)
            .prints("")
            .says(&[]);
        models.assert();
        models.delete();
    }
}
