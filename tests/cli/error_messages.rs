//! Error messages for URLs, keys and HTTP statuses, with their exit statuses.

use crate::support::home::Home;
use crate::support::server::{Server, answer, listen_on_loopback};
use crate::support::{ask, gravix, run};

#[track_caller]
fn ensure_refused(base_url: &str, status: i32, parts: &[&str]) {
    let mut command = gravix();
    run(command.args(["ask", "-n", "hi", "--retries", "0", "--base-url", base_url]))
        .exits(status)
        .prints("")
        .says(parts);
}

#[test]
fn a_missing_key_says_how_to_set_one() {
    run(gravix().args(["ask", "hi"])).exits(78).prints("").says(&["GRAVIXLAYER_API_KEY"]);
}

#[test]
fn a_bad_base_url_is_refused_with_a_hint() {
    ensure_refused("localhost:8000", 78, &["did you mean http://localhost:8000?"]);
    ensure_refused("http://h:99999", 78, &["port 99999"]);
    ensure_refused("http://u:p@h", 78, &["user or password"]);
}

#[test]
fn an_unknown_host_is_named() {
    // The resolver refuses an empty label without asking a server.
    ensure_refused("http://no-such..host/v1", 75, &["no-such..host", "check the base URL"]);
}

#[test]
fn a_refused_connection_is_named() {
    let (listener, port) = listen_on_loopback();
    drop(listener);
    ensure_refused(
        &format!("http://127.0.0.1:{port}/v1"),
        75,
        &["127.0.0.1", "connection refused", "check the base URL"],
    );
}

#[test]
fn an_unknown_model_points_to_the_list_of_models() {
    let ollama =
        r#"{"error":{"message":"model 'x' not found","type":"not_found_error","code":null}}"#;
    let litellm = r#"{"error":{"message":"/chat/completions: Invalid model name passed in model=x. Call `/v1/models` to view available models for your key.","type":"None","param":"None","code":"400"}}"#;
    for (status, body, words) in
        [("404 Not Found", ollama, "model 'x'"), ("400 Bad Request", litellm, "model=x")]
    {
        let server = Server::once(answer(status, "application/json", body));
        let list = format!("gravix models --base-url {}", server.base_url());
        run(&mut ask(&server, &["-m", "x", "hi"])).exits(69).prints("").says(&[
            &status[..3],
            words,
            &list,
        ]);
    }
}

#[test]
fn an_html_answer_names_the_base_url() {
    for (status, content_type, exit) in [
        ("200 OK", "text/html", 76),
        ("200 OK", "application/json", 76),
        ("400 Bad Request", "text/html", 69),
        ("404 Not Found", "text/html", 69),
        ("405 Method Not Allowed", "text/html", 69),
    ] {
        let server = Server::once(answer(status, content_type, "\n<!DOCTYPE html><html></html>"));
        run(&mut ask(&server, &["hi"])).exits(exit).prints("").says(&["HTML", &server.base_url()]);
    }
}

#[test]
fn every_http_status_has_its_exit_status() {
    for (line, status) in [
        ("400 Bad Request", 69),
        ("401 Unauthorized", 77),
        ("403 Forbidden", 77),
        ("404 Not Found", 69),
        ("413 Payload Too Large", 69),
        ("418 Teapot", 69),
        ("422 Unprocessable", 69),
    ] {
        let server =
            Server::once(answer(line, "application/json", "{\"error\":{\"message\":\"m\"}}"));
        run(&mut ask(&server, &["hi"])).exits(status).prints("").says(&[&line[..3], ": m"]);
    }
}

#[test]
fn a_key_that_no_header_can_carry_is_refused_without_showing_it() {
    let server = Server::new(vec![]);
    for key in ["a\u{1}b", "clé", "\n"] {
        let run = run(ask(&server, &["hi"]).env("GRAVIXLAYER_API_KEY", key)).exits(78).prints("");
        assert!(!run.stderr.contains(key.trim()) || key.trim().is_empty(), "{}", run.stderr);
    }
    assert!(server.requests().is_empty());
}

#[test]
fn a_key_is_not_sent_in_the_clear() {
    let mut command = gravix();
    command
        .args(["ask", "-n", "hi", "--base-url", "http://192.0.2.1/v1"])
        .env("GRAVIXLAYER_API_KEY", "k");
    run(&mut command).exits(78).prints("").says(&["https", "--allow-http"]);
}

#[test]
fn a_key_for_another_service_names_its_profile() {
    for (variable, profile) in [("OPENAI_API_KEY", "openai"), ("OPENROUTER_API_KEY", "openrouter")]
    {
        let mut command = gravix();
        run(command.args(["ask", "-n", "hi"]).env(variable, "k"))
            .exits(78)
            .prints("")
            .says(&["GRAVIXLAYER_API_KEY", &format!("use -p {profile}, which reads {variable}")]);
    }
}

#[test]
fn a_404_from_one_base_url_of_gravix_names_the_other() {
    let body = r#"{"error":{"message":"no such path"}}"#;
    let server = Server::once(answer("404 Not Found", "application/json", body));
    let base_url = format!("{}/inference", server.base_url());
    let mut command = gravix();
    command.args(["ask", "-n", "hi", "--base-url", &base_url]);
    run(&mut command).exits(69).says(&[&format!("; try --base-url {}\n", server.base_url())]);
    // The proxy answers in place of Gravix Layer.
    let server = Server::once(answer("404 Not Found", "application/json", body));
    let mut command = gravix();
    command.args(["ask", "-n", "hi", "--allow-http"]).env("GRAVIXLAYER_API_KEY", "k");
    command.args(["--base-url", "http://api.gravixlayer.com/v1"]);
    run(command.env("http_proxy", server.base_url()))
        .exits(69)
        .says(&["; try --base-url http://api.gravixlayer.com/v1/inference\n"]);
    // Another server has only one.
    let server = Server::once(answer("404 Not Found", "application/json", body));
    run(&mut ask(&server, &["hi"])).exits(69).says(&["; check the base URL http://127.0.0.1"]);
}

#[test]
fn a_hint_repeats_the_typed_options_that_say_where_requests_go() {
    let body = r#"{"error":{"message":"no such model"}}"#;
    for (arguments, hint) in [
        (&["-p", "a b"][..], "gravix models -p 'a b'\n"),
        (&["-p", "a b", "--allow-http"], "gravix models -p 'a b' --allow-http\n"),
        (&["--base-url", "BASE_URL"], "gravix models --base-url BASE_URL\n"),
        // Set by the environment, which another command sees too.
        (&[], "gravix models\n"),
    ] {
        let server = Server::once(answer("404 Not Found", "application/json", body));
        let base_url = server.base_url();
        let home = Home::new(&format!("[profiles.\"a b\"]\nbase_url = \"{base_url}\"\n"));
        let mut command = home.gravix(&["ask", "hi"]);
        command.args(arguments.iter().map(|word| word.replace("BASE_URL", &base_url)));
        command.env("GRAVIX_BASE_URL", &base_url);
        run(&mut command).exits(69).says(&[&hint.replace("BASE_URL", &base_url)]);
    }
}
