//! Base URLs: queries, endpoints, zones, and the spellings of this machine.

use crate::support::server::{Server, answer, whole_reply};
use crate::support::{Run, gravix, run};

#[track_caller]
fn asked(base_url: &str) -> Run {
    let mut command = gravix();
    command.args(["ask", "-n", "hi", "--retries", "0", "--base-url", base_url]);
    run(command.env("GRAVIXLAYER_API_KEY", "sesame42"))
}

#[test]
fn a_query_stays_at_the_end_of_every_url() {
    let list = answer("200 OK", "application/json", r#"["a"]"#);
    let server = Server::new(vec![whole_reply("ok"), list]);
    let base_url = format!("{}/d/?api-version=2024-10-21&x=a/b", server.base_url());
    asked(&base_url).exits(0).prints("ok\n").says_nothing();
    run(gravix().args(["models", "--base-url", &base_url])).exits(0).prints("a\n");
    let lines = server.requests().into_iter().map(|request| request.head[0].clone());
    assert_eq!(
        lines.collect::<Vec<_>>(),
        [
            "POST /v1/d/chat/completions?api-version=2024-10-21&x=a/b HTTP/1.1",
            "GET /v1/d/models?api-version=2024-10-21&x=a/b HTTP/1.1"
        ]
    );
}

#[test]
fn the_curl_command_has_the_query_too() {
    let base_url = "https://r.test/openai/deployments/d?api-version=1";
    let mut command = gravix();
    command.args(["ask", "-n", "--curl", "hi", "--base-url", base_url]);
    let run = run(&mut command).exits(0);
    let script = String::from_utf8(run.stdout).expect("stdout is UTF-8");
    let url = "'https://r.test/openai/deployments/d/chat/completions?api-version=1'";
    assert!(script.starts_with(&format!("curl -sS {url}")), "{script}");
}

#[test]
fn a_message_quotes_the_base_url_with_its_query() {
    let server = Server::once(answer("404 No", "application/json", r#"{"error":"no path"}"#));
    let base_url = format!("{}?a=1", server.base_url());
    asked(&base_url).exits(69).says(&[&format!("; check the base URL {base_url}\n")]);
    let server = Server::once(answer("404 No", "application/json", r#"{"error":"no model"}"#));
    let base_url = format!("{}?a=1", server.base_url());
    asked(&base_url).exits(69).says(&[&format!("gravix models --base-url '{base_url}'\n")]);
}

#[test]
fn the_url_of_an_endpoint_is_refused_with_the_base_url_that_is_meant() {
    for (base_url, meant) in [
        ("https://h.test/v1/chat/completions", "https://h.test/v1\n"),
        ("https://h.test/v1/chat/completions/?v=1", "https://h.test/v1?v=1\n"),
        ("https://h.test/v1/models", "https://h.test/v1\n"),
        ("https://h.test/v1/models/", "https://h.test/v1\n"),
        ("https://h.test/models?v=1", "https://h.test?v=1\n"),
    ] {
        let meant = format!("the base URL is {meant}");
        asked(base_url).exits(78).prints("").says(&["bad base URL", &meant]);
        let mut models = gravix();
        run(models.args(["models", "--base-url", base_url])).exits(78).says(&[&meant]);
    }
}

#[test]
fn a_key_is_sent_to_this_machine_however_it_is_spelled() {
    for host in [
        "127.0.0.1",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "api.localhost",
        "127.0.0.1.",
        "0.0.0.0",
        "[::ffff:127.0.0.1]",
        "[::FFFF:7F00:1]",
    ] {
        let server = Server::once(whole_reply("ok"));
        asked(&server.base_url().replace("127.0.0.1", host)).exits(0).prints("ok\n").says_nothing();
        assert_eq!(server.request().header("authorization"), Some("Bearer sesame42"), "{host}");
    }
    for host in ["localhost.example", "[::ffff:192.0.2.1]", "notlocalhost"] {
        asked(&format!("http://{host}/v1")).exits(78).says(&["in the clear", "--allow-http"]);
    }
}

#[test]
fn the_zone_of_an_address_must_be_an_interface_of_this_machine() {
    for zone in ["%25nowhere0", "%nowhere0"] {
        asked(&format!("https://[fe80::1{zone}]:8080/v1"))
            .exits(78)
            .says(&["fe80::1", "no network interface nowhere0"]);
    }
    asked("https://[fe80::1%25]/v1").exits(78).says(&["not the name of a network interface"]);
    let mut command = gravix();
    command.args(["ask", "-n", "hi", "--base-url", "http://[fe80::1%25lo]/v1"]);
    run(command.env("all_proxy", "p.test")).exits(78).says(&["all_proxy", "no_proxy"]);
}
