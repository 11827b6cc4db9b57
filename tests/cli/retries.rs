//! When a request is sent again, and how long gravix waits first.

use std::time::{Duration, Instant, SystemTime};

use crate::support::server::{Script, Server, Step, answer, chunk, raw, stream_head, whole_reply};
use crate::support::{ask, gravix, run, token};

/// An error response that allows a retry at once.
fn refusal(status: &str) -> Script {
    with_header(status, "Retry-After: 0")
}

fn with_header(status: &str, header: &str) -> Script {
    let head = format!("HTTP/1.1 {status}\r\n{header}\r\nContent-Length: 0\r\n\r\n");
    vec![raw(head), Step::End]
}

const TEMPORARY: [&str; 12] = [
    "408 Request Timeout",
    "409 Conflict",
    "425 Too Early",
    "429 Too Many Requests",
    "500 Internal Server Error",
    "502 Bad Gateway",
    "503 Service Unavailable",
    "504 Gateway Timeout",
    "521 Down",
    "522 Timed Out",
    "523 Unreachable",
    "529 Overloaded",
];

#[test]
fn a_temporary_error_is_retried_with_the_same_body() {
    for status in TEMPORARY {
        let server = Server::new(vec![refusal(status), whole_reply("ok")]);
        let wait = ["retrying in", "(try 2 of 3)", &status[..3]];
        run(&mut ask(&server, &["hi"])).exits(0).prints("ok\n").says(&wait);
        let requests = server.requests();
        assert_eq!(requests.len(), 2);
        assert_eq!(requests[0].body, requests[1].body);
    }
}

#[test]
fn a_persistent_error_exits_75_after_two_retries() {
    for status in TEMPORARY {
        let server = Server::new((0..9).map(|_| refusal(status)).collect());
        let run = run(&mut ask(&server, &["hi"])).exits(75).prints("");
        assert_eq!(run.stderr.lines().count(), 3, "{}", run.stderr);
        assert_eq!(server.requests().len(), 3, "{status}");
    }
    let server = Server::new((0..9).map(|_| refusal("503 Busy")).collect());
    run(&mut ask(&server, &["hi", "--retries", "4", "-q"])).exits(75).says(&["503"]);
    assert_eq!(server.requests().len(), 5);
}

#[test]
fn other_errors_are_final() {
    for (status, exit) in [
        ("400 Bad Request", 69),
        ("402 Payment Required", 69),
        ("401 Unauthorized", 77),
        ("403 Forbidden", 77),
        ("404 Not Found", 69),
        ("405 Not Allowed", 69),
        ("413 Too Large", 69),
        ("422 Unprocessable", 69),
        ("501 Not Implemented", 69),
        ("520 Unknown", 75),
        ("524 Timeout", 75),
        ("525 TLS", 75),
        ("526 Certificate", 75),
        ("530 DNS", 75),
    ] {
        let server = Server::new(vec![refusal(status), whole_reply("ok")]);
        run(&mut ask(&server, &["hi"])).exits(exit).prints("").says(&[&status[..3]]);
        assert_eq!(server.requests().len(), 1, "{status}");
    }
    for body in [
        r#"{"error":{"message":"q","type":"insufficient_quota","code":"insufficient_quota"}}"#,
        r#"{"error":{"message":"q","exceeded":["tokens"]}}"#,
        r#"{"error":"q","exceeded":[]}"#,
        r#"{"error":{"message":"q","code":"billing_hard_limit_reached"}}"#,
        r#"{"error":{"message":"q","type":"exceeded_current_quota_error"}}"#,
        r#"{"error":{"message":"q","code":"InsufficientBalance"}}"#,
    ] {
        let server =
            Server::new(vec![answer("429 No", "application/json", body), whole_reply("ok")]);
        run(&mut ask(&server, &["hi"])).exits(69).prints("").says(&["429: q"]);
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn a_connection_closed_before_the_answer_is_retried() {
    for first in [vec![], vec![Step::Reset], vec![raw("HTTP/1.1 20")]] {
        let server = Server::new(vec![first, whole_reply("ok")]);
        run(&mut ask(&server, &["hi"])).exits(0).prints("ok\n").says(&["without a response"]);
        assert_eq!(server.requests().len(), 2);
    }
}

#[test]
fn a_request_that_may_be_billed_is_not_sent_twice() {
    // A timeout after the request was sent, and two incomplete replies.
    for (first, status) in [
        (vec![Step::Stall], 75),
        (vec![stream_head()], 75),
        (vec![stream_head(), chunk(token("a"))], 4),
    ] {
        let server = Server::new(vec![first, whole_reply("ok")]);
        let arguments = ["hi", "--stream", "--idle-timeout", "0.3"];
        run(&mut ask(&server, &arguments)).exits(status).says(&[]);
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn the_x_should_retry_header_is_obeyed() {
    let server =
        Server::new(vec![with_header("503 Busy", "x-should-retry: false"), whole_reply("ok")]);
    run(&mut ask(&server, &["hi"])).exits(75).prints("").says(&["503"]);
    assert_eq!(server.requests().len(), 1);
    let headers = "x-should-retry: true\r\nRetry-After: 0";
    let server = Server::new(vec![with_header("520 Odd", headers), whole_reply("ok")]);
    run(&mut ask(&server, &["hi", "-q"])).exits(0).prints("ok\n");
    // A refusal of the request itself is final, whatever the header says.
    let server = Server::new(vec![with_header("400 Odd", headers), whole_reply("ok")]);
    run(&mut ask(&server, &["hi", "-q"])).exits(69).prints("");
}

#[test]
fn the_wait_is_what_the_server_asks_for() {
    let soon = SystemTime::now() + Duration::from_secs(2);
    let date = format!("Retry-After: {}", httpdate::fmt_http_date(soon));
    for (header, least) in [
        // The date is counted from the start of the test, so it comes first.
        (date.as_str(), 700),
        ("Retry-After: 1", 1000),
        ("retry-after: 0.7", 700),
        ("Retry-After: 60\r\nretry-after-ms: 600", 600),
    ] {
        let server = Server::new(vec![with_header("429 Slow Down", header), whole_reply("ok")]);
        let began = Instant::now();
        run(&mut ask(&server, &["hi"])).exits(0).prints("ok\n").says(&["429"]);
        assert!(began.elapsed() >= Duration::from_millis(least), "{header}");
    }
}

#[test]
fn a_wait_that_is_too_long_is_an_error_at_once() {
    for (header, arguments, reason) in [
        ("Retry-After: 121", &["hi"][..], "try again in 121 s"),
        ("Retry-After: 5", &["hi", "--deadline", "4"], "try again in 5 s"),
        ("retry-after-ms: 130500", &["hi"], "try again in 131 s"),
    ] {
        let server = Server::new(vec![with_header("429 Slow Down", header), whole_reply("ok")]);
        run(&mut ask(&server, arguments)).exits(75).prints("").says(&["429", reason]);
        assert_eq!(server.requests().len(), 1);
    }
    for status in TEMPORARY {
        let server = Server::new(vec![with_header(status, "Retry-After: 600"), whole_reply("ok")]);
        run(&mut ask(&server, &["hi"])).exits(75).says(&[&status[..3], "try again in 600 s"]);
        assert_eq!(server.requests().len(), 1);
    }
    let for_ever = with_header("503 Busy", "Retry-After: 99999999999999999999999");
    run(&mut ask(&Server::once(for_ever), &["hi"])).exits(75).says(&["try again later"]);
}

#[test]
fn a_list_of_models_is_retried_too() {
    let list = answer("200 OK", "application/json", r#"{"data":[{"id":"m"}]}"#);
    let server = Server::new(vec![refusal("503 Busy"), list]);
    let mut command = gravix();
    command.args(["models", "--quiet", "--base-url", &server.base_url()]);
    run(&mut command).exits(0).prints("m\n").says_nothing();
    // A complete list is accepted without its framing.
    let head = raw("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n");
    let server = Server::once(vec![head, raw(r#"{"data":[{"id":"m"}]}"#)]);
    let mut command = gravix();
    command.args(["models", "--base-url", &server.base_url()]);
    run(&mut command).exits(0).prints("m\n").says_nothing();
}
