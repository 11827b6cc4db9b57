//! Limits in tokens: --token-rate, and what the server says it has left.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::batch_lines::{by_id, input, prompts};
use crate::support::home::Home;
use crate::support::service::{Reply, Service, prompt};
use crate::support::{batch, completion, run};

/// The body of a reply for which the server counted so many tokens in all.
fn counted(text: &str, tokens: u64) -> String {
    let mut body: Value = serde_json::from_str(&completion(text)).expect("it is JSON");
    let completion = tokens - 10;
    body["usage"] = json!({
        "prompt_tokens": 10, "completion_tokens": completion, "total_tokens": tokens
    });
    body.to_string()
}

#[test]
fn a_token_rate_is_not_exceeded() {
    const TOKENS: u64 = 2_000;
    let service =
        Service::new(|request, _| Reply::new("200 OK", counted(&prompt(request), TOKENS)));
    let (_directory, file) = input(&prompts(36));
    let options = ["--lines", "-j8", "--token-rate", "10k/s"];
    let output = run(batch(&service.base_url(), &options).arg(file)).exits(0);
    assert_eq!(by_id(&output.stdout).len(), 36);
    let seen = service.seen();
    // The first 60,000 tokens are a burst. Then each request waits for 0.2 s.
    for (number, one) in seen.iter().enumerate() {
        let used = TOKENS * (number as u64 + 1);
        let due = Duration::from_millis(used.saturating_sub(60_000) / 10);
        let time = one.at - seen[0].at;
        assert!(time + Duration::from_millis(40) >= due, "{number}: {time:?}");
    }
}

#[test]
fn the_first_request_is_sent_alone_to_see_what_a_reply_takes() {
    let is_answered = Arc::new(AtomicBool::new(false));
    let answered = Arc::clone(&is_answered);
    let service = Service::new(move |request, number| {
        match number {
            0 => {
                // Others would arrive meanwhile.
                thread::sleep(Duration::from_millis(100));
                answered.store(true, Ordering::SeqCst);
            }
            _ if !answered.load(Ordering::SeqCst) => return Reply::new("400 Bad Request", ""),
            _ => {}
        }
        Reply::new("200 OK", counted(&prompt(request), 100))
    });
    let (_directory, file) = input(&prompts(20));
    let options = ["--lines", "-j8", "--token-rate", "1M/s"];
    run(batch(&service.base_url(), &options).arg(file)).exits(0);
    assert!(is_answered.load(Ordering::SeqCst));
}

/// Answers with 300 tokens each, accepts 1,000 tokens a second, and tells what is left.
/// `more` is called with each reply.
fn limited(more: impl Fn(Reply) -> Reply + Send + Sync + 'static) -> Service {
    let window = Duration::from_secs(1);
    // Counted from the first request.
    let begun = Mutex::new((Instant::now(), 0));
    Service::new(move |request, _| {
        let mut begun = begun.lock().expect("no thread panicked");
        if begun.1 == 0 || begun.0.elapsed() >= window {
            *begun = (Instant::now(), 0);
        }
        begun.1 += 300;
        // Rounded up.
        let reset = window.saturating_sub(begun.0.elapsed()).as_millis() + 1;
        let remaining = 1_000_u64.saturating_sub(begun.1);
        let reply = match begun.1 > 1_000 {
            true => Reply::new("429 Too Many Requests", ""),
            false => Reply::new("200 OK", counted(&prompt(request), 300)),
        };
        more(reply)
            .with(format!("X-RateLimit-Remaining-Tokens: {remaining}"))
            .with(format!("X-RateLimit-Reset-Tokens: {reset}ms"))
    })
}

#[test]
fn the_tokens_that_the_server_has_left_are_respected() {
    for options in [&[][..], &["--token-rate", "1M/s"]] {
        let service = limited(|reply| reply);
        let (_directory, file) = input(&prompts(8));
        let mut command = batch(&service.base_url(), &["--lines", "-j2"]);
        let output = run(command.args(options).arg(file)).exits(0);
        assert_eq!(by_id(&output.stdout).len(), 8);
        assert!(service.seen().len() <= 9, "{}", service.seen().len());
    }
}

#[test]
fn limits_in_requests_and_in_tokens_can_come_together() {
    // The limit in requests alone would allow all of them.
    let service = limited(|reply| {
        reply.with("X-RateLimit-Remaining-Requests: 99").with("X-RateLimit-Reset-Requests: 60s")
    });
    let (_directory, file) = input(&prompts(5));
    let output = run(batch(&service.base_url(), &["--lines", "-j1"]).arg(file)).exits(0);
    assert_eq!(by_id(&output.stdout).len(), 5);
    assert_eq!(service.seen().len(), 5, "none was refused");
}

#[test]
fn a_reset_of_tokens_in_an_hour_is_not_waited_for() {
    let service = Service::new(|request, _| {
        Reply::new("200 OK", counted(&prompt(request), 100))
            .with("X-RateLimit-Remaining-Tokens: 0")
            .with("X-RateLimit-Reset-Tokens: 1h0m0s")
    });
    let (_directory, file) = input(&prompts(5));
    run(batch(&service.base_url(), &["--lines"]).arg(file)).exits(0);
}

#[test]
fn replies_without_usage_and_requests_that_fail_block_nobody() {
    let service = Service::new(|request, number| match (number, prompt(request).as_str()) {
        (0 | 3, _) => Reply::new("503 Service Unavailable", ""),
        (1, _) => Reply::hang_up(Duration::ZERO),
        (_, "5") => Reply::new("422 Unprocessable Content", ""),
        (_, "6") => Reply::new("200 OK", "{\"choices\":["),
        (_, text) => Reply::text(text),
    });
    let (_directory, file) = input(&prompts(12));
    let options = ["--lines", "-j4", "--token-rate", "10M/m", "-q"];
    let output = run(batch(&service.base_url(), &options).arg(file)).exits(4);
    let results = by_id(&output.stdout);
    let failed = results.values().filter(|line| !line["error"].is_null()).count();
    assert_eq!((results.len(), failed), (12, 2));
}

#[test]
fn a_token_rate_has_a_number_and_a_time() {
    for rate in ["10k", "10k/d", "0/m", "-1/s", "NaN/s", "k/s", "/s", "10m/m", "1G/s"] {
        run(&mut batch("mock:", &[&format!("--token-rate={rate}")]))
            .exits(2)
            .says(&["not a rate such as 500/s, 10k/m or 2M/h"]);
    }
    run(&mut batch("mock:", &["--merge", "--token-rate", "1/s", "f"]))
        .exits(2)
        .says(&["--token-rate"]);
    let (_directory, file) = input(&prompts(2));
    let home = Home::new("token_rate = \"1.5M/h\"\n");
    run(home.gravix(&["batch", "--lines", "-q", "-p", "mock"]).arg(file)).exits(0).says_nothing();
    assert!(home.listing(&mut home.gravix(&["config"])).contains("token_rate = \"1.5M/h\" # "));
}
