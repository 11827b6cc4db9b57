//! Secrets in headers are in none of what gravix prints itself, and masked in
//! what a server or a proxy says.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::support::server::{Server, answer, raw, whole_reply};
use crate::support::service::{Reply, Service};
use crate::support::{ask, completion_ended, gravix, run};

const KEY: &str = "sesame42";

/// Answers that repeat the key: as an error, in the head, and in a reply.
fn echoes() -> Vec<Vec<crate::support::server::Step>> {
    let error = json!({"error": {"message": KEY, "type": KEY, "code": KEY, "param": KEY}});
    let tool = json!({"id": KEY, "function": {"name": KEY, "arguments": KEY}});
    let message = json!({"content": null, "refusal": KEY, "tool_calls": [tool]});
    let head = |status: &str, header: &str| {
        vec![raw(format!("HTTP/1.1 {status}\r\n{header}: {KEY}\r\nContent-Length: 0\r\n\r\n"))]
    };
    vec![
        answer("400 No", "application/json", error.to_string()),
        answer("200 OK", "text/event-stream", format!("data: {error}\n\n")),
        answer("200 OK", "text/event-stream", format!("{KEY}\n\ndata: [DONE]\n\n")),
        answer("500 No", "text/html", format!("<html><title>{KEY}</title></html>")),
        answer(
            "200 OK",
            "application/json",
            json!({"choices": [{"message": message}]}).to_string(),
        ),
        answer("200 OK", "application/json", completion_ended("", KEY)),
        head("302 No", "location"),
        head("401 No", "x-request-id"),
        head("401 No", "x-echo"),
        head("200 OK", "content-encoding"),
        head(&format!("499 {KEY}"), "x-echo"),
    ]
}

#[test]
fn a_secret_header_is_in_no_message_and_no_log_whatever_the_server_repeats() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let log = directory.path().join("log");
    for script in echoes() {
        let server = Server::once(script);
        let arguments = ["-n", "-v", "--retries", "0", "-H", "X-Api-Key: sesame42", "--log"];
        let run = run(ask(&server, &arguments).arg(&log).arg("hi"));
        assert!(run.stdout.is_empty() && !run.stderr.contains(KEY), "{}", run.stderr);
        assert!(run.stderr.contains("> x-api-key: (redacted)"), "{}", run.stderr);
    }
    let log = fs::read_to_string(log).expect("the log is read");
    assert!(log.contains("(redacted)") && !log.contains(KEY), "{log}");
}

#[test]
fn the_models_names_hold_no_secret() {
    let body = r#"{"data":[{"id":"for sesame42"}]}"#;
    let server = Server::once(answer("200 OK", "application/json", body));
    let mut command = gravix();
    command.args(["models", "--base-url", &server.base_url(), "-H", "X-Api-Key: sesame42"]);
    run(&mut command).exits(0).prints("for (redacted)\n").says_nothing();
}

#[test]
fn curl_gets_a_secret_header_from_the_variable_that_holds_it() {
    let server = Server::once(whole_reply("ok"));
    let mut command = ask(&server, &["--curl", "-n", "-H", "X-Api-Key: sesame42", "hi"]);
    let run = run(command.env("MY_KEY", KEY)).exits(0).says(&["takes X-Api-Key from $MY_KEY"]);
    let printed = String::from_utf8(run.stdout).expect("stdout is UTF-8");
    assert!(printed.contains("  -H \"X-Api-Key: $MY_KEY\" \\\n"), "{printed}");
    if std::process::Command::new("curl").arg("--version").output().is_err() {
        return crate::support::skip("curl is not installed");
    }
    let mut curl = crate::support::shell("sh", &printed);
    crate::support::run(curl.env("MY_KEY", KEY)).exits(0);
    assert_eq!(server.request().header("x-api-key"), Some(KEY));
}

#[test]
fn curl_shows_that_a_secret_header_is_missing() {
    let server = Server::new(vec![]);
    for (header, shown) in [
        ("X-Api-Key: sesame42", "-H 'X-Api-Key: (redacted)'"),
        ("X-Team: Bearer sesame42", "-H 'X-Team: (redacted)'"),
        // Such a value may be in a variable by chance.
        ("X-Api-Key: ollama", "-H 'X-Api-Key: (redacted)'"),
        ("X-$A-Key: sesame43", "-H 'X-$A-Key: (redacted)'"),
    ] {
        let mut command = ask(&server, &["--curl", "-n", "-H", header, "hi"]);
        command.env("A", "ollama").env("B", "sesame43").env("C-D", KEY);
        let run =
            run(&mut command).exits(0).says(&["is a secret: put its value in place of (redacted)"]);
        let printed = String::from_utf8(run.stdout).expect("stdout is UTF-8");
        assert!(printed.contains(shown) && !printed.contains("sesame"), "{printed}");
    }
    let mut command = ask(&server, &["--curl", "-n", "-H", "X-Auth: Bearer sesame42", "hi"]);
    let run = run(command.env("TOKEN", KEY)).exits(0);
    let printed = String::from_utf8(run.stdout).expect("stdout is UTF-8");
    assert!(printed.contains("-H \"X-Auth: Bearer $TOKEN\""), "{printed}");
}

#[test]
fn a_header_that_is_not_valid_is_refused_without_its_value() {
    for (header, shown) in [
        ("X Key: sesame42", "\"X Key\" is not a header name; see gravix "),
        ("X-Key: sesame42\u{1}", "the value of X-Key contains a control character; see"),
        ("X-Key: sesame42\nX: y", "the value of X-Key contains a control character; see"),
        ("Authorization: Bearer sesame42", "Authorization is made from GRAVIXLAYER_API_KEY"),
        ("X-Key sesame42", "it is not in the format 'Name: value'; see gravix "),
        (":sesame42", "its name is empty; see gravix "),
    ] {
        let only = format!("gravix: invalid --header: {shown}");
        let second = format!("gravix: invalid 2nd --header: {shown}");
        for (arguments, shown) in [
            (&["ask", "-n", "-H", header, "hi"][..], only),
            (&["ask", "-H", "X-A: b", "-nH", header, "hi", "--header=X-B"], second.clone()),
            (&["models", "-H", "X-A: b", "-H", header], second),
        ] {
            let run = run(gravix().args(arguments)).exits(2).says(&[&shown]);
            assert!(!run.stderr.contains(KEY), "{}", run.stderr);
        }
    }
}

#[test]
fn the_configuration_is_shown_without_secret_headers() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("gravix.toml");
    let text = r#"header = ["x_api_key: sesame42", "X-Team: Bearer sesame42", "X-Team2: tools"]"#;
    fs::write(&file, text).expect("the file is written");
    let owner_only = fs::Permissions::from_mode(0o600);
    fs::set_permissions(&file, owner_only).expect("the mode is set");
    let run = run(gravix().args(["config", "--config"]).arg(file)).exits(0);
    let shown = String::from_utf8(run.stdout).expect("stdout is UTF-8");
    let expected = r#"["x_api_key: (redacted)", "X-Team: (redacted)", "X-Team2: tools"]"#;
    assert!(shown.contains(expected), "{shown}");
}

#[test]
fn the_password_of_a_proxy_is_masked() {
    let body = "no sesame42, no dTpzZXNhbWU0Mg==";
    let service = Service::new(move |_, _| Reply::new("500 No", body));
    let proxy = service.base_url().replace("http://", "http://u:sesam%6542@").replace("/v1", "");
    let mut command = gravix();
    command.args(["ask", "-n", "-v", "--retries", "0", "--base-url", "http://10.0.0.1/v1", "hi"]);
    let run = run(command.env("http_proxy", proxy)).exits(75);
    assert!(run.stderr.contains("no (redacted), no (redacted)"), "{}", run.stderr);
    assert!(run.stderr.contains("> proxy-authorization: (redacted)"), "{}", run.stderr);
}
