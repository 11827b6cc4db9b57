//! `gravix doctor`: what it says about faults on the way to the server.

use std::fs;
use std::io::Write;
use std::process::Command;
use std::thread;

use crate::proxies::proxy;
use crate::support::certificates::{Issuer, SelfSigned};
use crate::support::server::{Server, answer, listen_on_loopback, raw};
use crate::support::service::{Reply, Service};
use crate::support::{Run, completion, gravix, run};

fn doctor(base_url: &str, arguments: &[&str]) -> Command {
    let mut command = gravix();
    command.args(["doctor", "--base-url", base_url, "-m", "m"]).args(arguments);
    command
}

/// Checks the lines of the report after the key, with runs of spaces joined.
#[track_caller]
fn goes(run: &Run, expected: &[&str]) {
    let text = String::from_utf8(run.stdout.clone()).expect("stdout is UTF-8");
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    let lines: Vec<String> = lines.skip(3).collect();
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{expected}\n{lines:#?}");
    }
}

/// A port that refuses connections.
fn refused_port() -> u16 {
    listen_on_loopback().1
}

#[test]
fn a_host_that_does_not_exist_is_a_fault_of_dns() {
    let run = run(&mut doctor("https://nothing.invalid/v1", &[])).exits(75).says_nothing();
    goes(
        &run,
        &[
            "failed DNS cannot find the host nothing.invalid",
            "to do check the base URL",
            "skipped connection, TLS, models, question",
        ],
    );
}

#[test]
fn a_refused_connection_is_tried_once_and_reported() {
    let base_url = format!("http://127.0.0.1:{}/v1", refused_port());
    goes(
        &run(&mut doctor(&base_url, &[])).exits(75).says_nothing(),
        &[
            "ok DNS not used: 127.0.0.1 is an address",
            "failed connection cannot connect to 127.0.0.1:",
            "to do is the server running? check the base URL",
            "skipped TLS, models, question",
        ],
    );
    // Retries that are asked for are notes on stderr.
    run(&mut doctor(&base_url, &["--retries", "1"])).exits(75).says(&["retrying in"]);
    run(&mut doctor(&base_url, &["--retries", "1", "-q"])).exits(75).says_nothing();
    let localhost = base_url.replace("127.0.0.1", "localhost");
    goes(
        &run(&mut doctor(&localhost, &[])).exits(75),
        &["ok DNS localhost: ", "failed connection", "to do", "skipped TLS, models, question"],
    );
}

#[test]
fn a_certificate_that_is_not_trusted_is_a_fault_of_tls() {
    let issuer = Issuer::new();
    let base_url = |port: u16| format!("https://localhost:{port}/v1");
    let unknown = base_url(issuer.serve("localhost", false, ""));
    goes(
        &run(&mut doctor(&unknown, &[])).exits(78).says_nothing(),
        &[
            "ok DNS localhost: ",
            "ok connection ",
            "failed TLS the certificate of localhost is not trusted: its issuer is unknown",
            "to do if you expect that, save the certificate with openssl s_client",
            "skipped models, question",
        ],
    );
    let own = base_url(SelfSigned::serve("localhost", false, "").port);
    let run_own = run(&mut doctor(&own, &[])).exits(78);
    assert!(String::from_utf8_lossy(&run_own.stdout).contains("\nfailed   TLS "));
    // A server without TLS.
    let plain = base_url(listen_and_answer("HTTP/1.1 400 Bad Request\r\n\r\n"));
    goes(
        &run(&mut doctor(&plain, &[])).exits(76),
        &[
            "ok DNS",
            "ok connection",
            "failed TLS localhost does not speak TLS on this port",
            "to do try --base-url http://localhost:",
            "skipped models, question",
        ],
    );
}

/// Answers each connection with `text` as soon as something is received.
fn listen_and_answer(text: &'static str) -> u16 {
    let (listener, port) = listen_on_loopback();
    thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            let _ = std::io::Read::read(&mut connection, &mut [0; 512]);
            let _ = connection.write_all(text.as_bytes());
        }
    });
    port
}

#[test]
fn a_trusted_certificate_is_reported_with_the_version_and_the_reason() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let pem = directory.path().join("issuer.pem");
    let issuer = Issuer::new();
    fs::write(&pem, issuer.pem()).expect("the file is written");
    let body = completion("ok");
    let reply = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let port = issuer.serve("localhost", false, &reply);
    let mut command = doctor(&format!("https://localhost:{port}/v1"), &["--ca-cert"]);
    // The server knows no list of models: it answers every request with a reply.
    let run = run(command.arg(&pem)).exits(76);
    let trust = format!("ok TLS TLS 1.3, the certificate is trusted because of {}", pem.display());
    goes(&run, &["ok DNS", "ok connection", &trust, "failed models", "skipped question"]);
}

#[test]
fn a_website_in_place_of_the_api_breaks_the_protocol() {
    let html = "<!doctype html><html><body>Welcome</body></html>";
    let service = Service::new(move |_, _| Reply::new("200 OK", html));
    let run = run(&mut doctor(&service.base_url(), &[])).exits(76).says_nothing();
    goes(
        &run,
        &["ok DNS", "ok connection", "ok TLS not used", "failed models", "skipped question"],
    );
    assert!(String::from_utf8_lossy(&run.stdout).contains("HTML"));
}

#[test]
fn a_reply_that_breaks_off_is_a_fault_of_the_question() {
    let list = answer("200 OK", "application/json", r#"{"data":[{"id":"m"}]}"#);
    let cut = vec![raw("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"choices\":[")];
    let server = Server::new(vec![list, cut]);
    goes(
        &run(&mut doctor(&server.base_url(), &[])).exits(75).says_nothing(),
        &[
            "ok DNS",
            "ok connection",
            "ok TLS",
            "ok models 1 model, m is one of them",
            "failed question the connection was closed before the reply was complete",
        ],
    );
    // Nothing came at all.
    let silent = Server::new(vec![Vec::new()]);
    goes(
        &run(&mut doctor(&silent.base_url(), &[])).exits(75),
        &[
            "ok DNS",
            "ok connection",
            "ok TLS not used",
            "failed models the server closed the connection without a response",
            "skipped question",
        ],
    );
}

#[test]
fn a_proxy_is_named_without_its_password() {
    let proxy = format!("http://me:s3cret@localhost:{}", refused_port());
    let mut command = doctor("https://gravix.invalid/v1", &[]);
    let run_refused = run(command.env("https_proxy", &proxy)).exits(75).says_nothing();
    let text = String::from_utf8_lossy(&run_refused.stdout).into_owned();
    assert!(text.contains("https://gravix.invalid/v1, through http://localhost:"), "{text}");
    assert!(text.contains(" (https_proxy)\n") && !text.contains("s3cret"), "{text}");
    goes(
        &run_refused,
        &[
            "ok DNS the proxy localhost:",
            "failed connection cannot connect to the proxy localhost:",
            "to do check the proxy variables",
            "skipped TLS, models, question",
        ],
    );
    // Both kinds of proxy ask for a password.
    for (scheme, variable) in [("https", "https_proxy"), ("http", "http_proxy")] {
        let port = listen_and_answer("HTTP/1.1 407 Who?\r\nContent-Length: 0\r\n\r\n");
        let mut command = doctor(&format!("{scheme}://gravix.invalid/v1"), &[]);
        let run = run(command.env(variable, format!("http://localhost:{port}"))).exits(78);
        goes(
            &run,
            &[
                "ok DNS ",
                "failed connection the proxy localhost:",
                &format!("to do set {variable} to http://USER:PASSWORD@localhost:"),
                "skipped TLS, models, question",
            ],
        );
    }
}

#[test]
fn a_certificate_behind_a_tunnel_is_a_fault_of_tls() {
    let port = Issuer::new().serve("localhost", false, "");
    let (proxy, _) = proxy("200 OK");
    let mut command = doctor(&format!("https://localhost:{port}/v1"), &[]);
    let run = run(command.env("https_proxy", format!("http://127.0.0.1:{proxy}"))).exits(78);
    goes(
        &run,
        &[
            "ok DNS the proxy 127.0.0.1:",
            &format!("ok connection localhost:{port} through the proxy 127.0.0.1:{proxy}"),
            "failed TLS the certificate of localhost is not trusted",
            "to do",
            "skipped models, question",
        ],
    );
}

#[test]
fn a_server_behind_a_proxy_is_reached_in_its_own_steps() {
    let service = Service::new(|request, _| match request.head[0].starts_with("GET ") {
        true => Reply::new("200 OK", r#"{"data":[{"id":"m"}]}"#),
        false => Reply::text("ok"),
    });
    // The service is the proxy: it gets requests in absolute form.
    let proxy = service.base_url().replace("/v1", "");
    let mut command = doctor("http://gravix.invalid/v1", &[]);
    goes(
        &run(command.env("http_proxy", proxy)).exits(0).says_nothing(),
        &[
            "ok DNS gravix.invalid:80 through the proxy 127.0.0.1:",
            "ok connection gravix.invalid:80 through the proxy 127.0.0.1:",
            "ok TLS not used",
            "ok models",
            "ok question",
        ],
    );
    assert!(service.seen()[0].request.head[0].starts_with("GET http://gravix.invalid/v1/models "));
}
