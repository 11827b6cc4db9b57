//! Errors in the server's own words, and the exit status of each.

use serde_json::json;

use crate::support::batch_lines::{by_id, input};
use crate::support::server::{Script, Server, Step, answer, events, raw};
use crate::support::service::{Reply, Service};
use crate::support::{ask, batch, gravix, run, token};

/// Runs a request that is answered by `script`, and returns what gravix says.
#[track_caller]
fn says(script: Script, exit: i32, parts: &[&str]) -> String {
    let server = Server::once(script);
    let arguments = ["--retries", "0", "hi"];
    let mut command = ask(&server, &arguments);
    run(command.env("GRAVIXLAYER_API_KEY", "sk-test-0123456789"))
        .exits(exit)
        .prints("")
        .says(parts)
        .stderr
}

#[track_caller]
fn json_says(status: &str, body: &str, exit: i32, parts: &[&str]) -> String {
    let said = says(answer(status, "application/json", body), exit, parts);
    for raw in ["{\"", "{'", "[{"] {
        assert!(!said.contains(raw), "{said}");
    }
    said
}

#[test]
fn an_error_is_told_in_the_servers_words() {
    for (body, words) in [
        (r#"[{"error":{"message":"no kite"}}]"#, "400: no kite"),
        (r#"{"code":1311,"msg":"no kite"}"#, "400: no kite (code 1311)"),
        (
            r#"{"error":{"message":"Upstream","metadata":{"raw":"{\"error\":\"no kite\"}"}}}"#,
            "400: no kite",
        ),
        (
            r#"{"error":{"code":"E","message":"Bad","details":{"reason":"no tail"}}}"#,
            "Bad: no tail",
        ),
        (r#"{"error":"litellm: {'error': {'message': \"it's no kite\"}}"}"#, "400: it's no kite"),
    ] {
        json_says("400 Bad Request", body, 69, &[words]);
    }
}

#[test]
fn a_prompt_that_the_server_sends_back_is_not_shown() {
    let detail = |input: &str| {
        let error = json!({"type": "missing", "loc": ["body", "model"], "msg": "give a kite", "input": {"messages": input}});
        json!({ "detail": [error] }).to_string()
    };
    // The longer body is cut off within the prompt.
    for body in [detail("violet otter"), detail(&"violet otter ".repeat(10_000))] {
        let said = json_says("422 No", &body, 69, &["422: model: give a kite"]);
        assert!(!said.contains("otter"), "{said}");
    }
}

#[test]
fn a_page_is_told_by_its_title() {
    let page = "<html><head><title>502 Bad Gateway</title></head><h1>x</h1></html>";
    let said = says(answer("502 Bad", "text/html", page), 75, &["answered 502: Bad Gateway\n"]);
    assert!(!said.contains('<'), "{said}");
    let page = "<html><title>401 Authorization Required</title></html>";
    says(answer("401 No", "text/html", page), 77, &["401: Authorization Required; check the key"]);
}

#[test]
fn a_status_without_words_is_named() {
    for (status, exit, name) in [
        ("429 x", 75, "429: Too Many Requests"),
        ("520 x", 75, "520: Web server returned an unknown error"),
        ("521 x", 75, "521: Web server is down"),
        ("522 x", 75, "522: Connection timed out"),
        ("523 x", 75, "523: Origin is unreachable"),
        ("524 x", 75, "524: A timeout occurred"),
        ("525 x", 75, "525: SSL handshake failed"),
        ("526 x", 75, "526: Invalid SSL certificate"),
        ("530 x", 75, "530: Origin DNS error"),
        ("501 x", 69, "501: Not Implemented"),
    ] {
        let text = format!("error code: {}", &status[..3]);
        for body in ["", "{}", &text] {
            says(answer(status, "text/plain", body), exit, &[name]);
        }
    }
    says(answer("530 x", "text/plain", "error code: 1033"), 75, &["DNS error (code 1033)"]);
}

#[test]
fn a_web_firewall_is_not_the_keys_fault() {
    let page = "<html><head><title>One moment</title></head><body>checking</body></html>";
    let marked = |status: &str| {
        let headers = "cf-mitigated: challenge\r\nContent-Length: 0";
        vec![raw(format!("HTTP/1.1 {status}\r\n{headers}\r\n\r\n")), Step::End]
    };
    let cloudflare = r#"{"title":"Access denied","error_code":1020,"cloudflare_error":true}"#;
    for (script, exit) in [
        (answer("403 Forbidden", "text/html", page), 76),
        (answer("403 Forbidden", "application/json", page), 76),
        (answer("403 Forbidden", "text/plain", "error code: 1020"), 76),
        (answer("403 Forbidden", "application/json", cloudflare), 76),
        (marked("403 Forbidden"), 76),
        (marked("401 Unauthorized"), 76),
        (marked("503 Service Unavailable"), 75),
    ] {
        let said = says(script, exit, &["a web firewall refused the request"]);
        assert!(!said.contains("key") && !said.contains("KEY") && !said.contains('<'), "{said}");
    }
    let refused = r#"{"error":{"message":"no"}}"#;
    json_says("403 Forbidden", refused, 77, &["403: no; check the key in GRAVIXLAYER_API_KEY"]);
    says(answer("403 Forbidden", "text/plain", "no"), 77, &["403: no; check the key"]);
    let country = r#"{"error":{"message":"no","code":"unsupported_country_region_territory"}}"#;
    let said = json_says("403 Forbidden", country, 77, &["403: no"]);
    assert!(!said.contains("key"), "{said}");
    let bad_request = r#"{"error":{"message":"no","code":"invalid_api_key"}}"#;
    json_says("400 Bad Request", bad_request, 69, &["check the key in GRAVIXLAYER_API_KEY"]);
}

#[test]
fn a_path_that_the_server_does_not_know_asks_about_the_base_url() {
    let unexpected = r#"{"error":"Unexpected endpoint or method. (POST /chat/completions)"}"#;
    for (status, body, exit) in [
        ("200 OK", unexpected, 76),
        ("404 Not Found", unexpected, 69),
        ("404 Not Found", "404 page not found", 69),
        ("405 Method Not Allowed", r#"{"detail":"Method Not Allowed"}"#, 69),
    ] {
        let server = Server::once(answer(status, "application/json", body));
        let base_url = server.base_url();
        let root = base_url.trim_end_matches("/v1");
        let hint = format!("does the base URL lack /v1? try --base-url {base_url}\n");
        let mut command = gravix();
        run(command.args(["ask", "hi", "--base-url", root])).exits(exit).prints("").says(&[&hint]);
    }
    let server = Server::once(answer("200 OK", "application/json", unexpected));
    let hint = format!("check the base URL {}", server.base_url());
    run(&mut ask(&server, &["hi"])).exits(76).prints("").says(&[&hint]);
}

/// Errors inside a success, and the exit status of each.
const INSIDE: [(&str, i32); 14] = [
    (r#"{"message":"m","code":401}"#, 77),
    (r#"{"message":"m","code":"invalid_api_key"}"#, 77),
    (r#"{"message":"m","type":"authentication_error"}"#, 77),
    (r#"{"message":"m","status":"UNAUTHENTICATED"}"#, 77),
    (r#"{"message":"m","code":"400"}"#, 69),
    (r#"{"message":"m","code":501}"#, 69),
    (r#"{"message":"m","type":"invalid_request_error"}"#, 69),
    (r#"{"message":"m","code":"model_not_found"}"#, 69),
    (r#"{"message":"m","code":"insufficient_quota"}"#, 69),
    (r#"{"message":"m","code":"rate_limit_exceeded","type":"invalid_request_error"}"#, 75),
    (r#"{"message":"m","type":"overloaded_error"}"#, 75),
    (r#"{"message":"m","code":503}"#, 75),
    (r#"{"message":"m","code":41}"#, 75),
    (r#"{"message":"m"}"#, 75),
];

#[test]
fn the_class_of_an_error_inside_a_success_is_that_of_its_code() {
    for (error, exit) in INSIDE {
        let body = format!("{{\"error\":{error}}}");
        json_says("200 OK", &body, exit, &["reported an error: m"]);
        let service =
            Service::new(move |_, _| Reply::new("200 OK", format!("{{\"error\":{error}}}")));
        let (_directory, file) = input(&["a"]);
        run(batch(&service.base_url(), &["--lines", "-q"]).arg(file)).exits(exit);
    }
    let event = r#"data: {"error":{"message":"m","code":401}}"#;
    let server = Server::once(events(&[token("a"), format!("{event}\n\n")]));
    run(&mut ask(&server, &["--stream", "hi"])).exits(4).prints("a\n").says(&["error: m"]);
}

#[test]
fn a_batch_ends_early_for_the_same_reasons() {
    for (status, body, exit) in [
        ("200 OK", r#"{"error":{"message":"m","code":"invalid_api_key"}}"#, 77),
        ("402 Payment Required", r#"{"error":"m"}"#, 69),
        ("429 Too Many Requests", r#"{"error":{"message":"m","code":"insufficient_quota"}}"#, 69),
        ("403 Forbidden", "<html><title>m</title></html>", 76),
    ] {
        let service = Service::new(move |_, _| Reply::new(status, body));
        let prompts: Vec<String> = (0..30).map(|number| number.to_string()).collect();
        let (_directory, file) = input(&prompts);
        let run = run(batch(&service.base_url(), &["--lines", "-j1"]).arg(file)).exits(exit);
        assert!(run.stderr.contains("stopped after 16 failures in a row"), "{}", run.stderr);
        assert_eq!(service.seen().len(), 16, "{status}");
    }
    let service = Service::new(|_, _| Reply::new("501 Not Implemented", r#"{"error":"m"}"#));
    let (_directory, file) = input(&["a"]);
    let run = run(batch(&service.base_url(), &["--lines", "-q"]).arg(file)).exits(69);
    assert_eq!(by_id(&run.stdout)["1"]["error"]["code"], "http_501");
    assert_eq!(service.seen().len(), 1);
}
