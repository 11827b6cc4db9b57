//! What a batch costs: the price of tokens, the cost in the summary, and --max-cost.

use std::fs;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::batch_lines::{input, prompts};
use crate::support::home::Home;
use crate::support::service::{Reply, Service, prompt};
use crate::support::{batch, completion, run};

/// The price of a million tokens of prompts, and of replies.
const PRICE: &str = "price = [1, 2]\n";

/// A reply for which the server counted these tokens.
fn counted(text: &str, prompt: u64, completion_tokens: u64) -> Reply {
    let mut body: Value = serde_json::from_str(&completion(text)).expect("it is JSON");
    let total = prompt + completion_tokens;
    body["usage"] = json!({
        "prompt_tokens": prompt, "completion_tokens": completion_tokens, "total_tokens": total
    });
    Reply::new("200 OK", body.to_string())
}

/// Each of its replies costs 0.002 at [`PRICE`].
fn service() -> Service {
    Service::new(|_, _| counted("a", 1000, 500))
}

/// gravix with this configuration. Sends one request after another.
fn priced(home: &Home, service: &Service, options: &[&str]) -> Command {
    let url = service.base_url();
    let mut command = home.gravix(&["batch", "--lines", "-j1", "--base-url", &url]);
    command.args(options);
    command
}

#[test]
fn the_summary_tells_the_cost_where_there_is_a_price() {
    let (_directory, file) = input(&prompts(3));
    let service = service();
    let home = Home::new(PRICE);
    run(priced(&home, &service, &[]).arg(&file))
        .exits(0)
        .says(&["3 done, 0 failed; 3,000 tokens in, 1,500 out; cost 0.006; "]);
    let output = run(batch(&service.base_url(), &["--lines"]).arg(&file)).exits(0);
    assert!(!output.stderr.contains("cost") && !output.stderr.contains("priced"));
}

#[test]
fn the_price_of_the_profile_counts() {
    let (_directory, file) = input(&prompts(1));
    let home = Home::new("price = [1, 2]\n[profiles.p]\nprice = [3000, 0]\n");
    run(priced(&home, &service(), &["-p", "p"]).arg(file)).exits(0).says(&["; cost 3.00; "]);
}

#[test]
fn a_request_whose_usage_is_not_known_is_unpriced() {
    let service = Service::new(|request, _| match prompt(request).as_str() {
        "0" => counted("a", 1000, 500),
        "silent" => Reply::hang_up(Duration::from_secs(60)),
        text => Reply::text(text),
    });
    let home = Home::new(PRICE);
    for (lines, status, cost) in [
        (&["0", "1"][..], 0, "; cost 0.002 and 1 request unpriced; "),
        (&["1", "2"], 0, "; 2 requests unpriced; "),
        // The server may have been at work on it.
        (&["0", "silent"], 4, "; cost 0.002 and 1 request unpriced; "),
    ] {
        let (_directory, file) = input(lines);
        let options = ["--idle-timeout", "1"];
        run(priced(&home, &service, &options).arg(file)).exits(status).says(&[cost]);
    }
}

#[test]
fn a_request_that_was_refused_costs_nothing() {
    let service = Service::new(|request, number| match (prompt(request).as_str(), number) {
        ("0", _) => Reply::new("422 Unprocessable Content", ""),
        (_, 1) => Reply::new("503 Service Unavailable", ""),
        _ => counted("a", 1000, 500),
    });
    let (_directory, file) = input(&prompts(2));
    run(priced(&Home::new(PRICE), &service, &[]).arg(file)).exits(4).says(&["; cost 0.002; "]);
}

#[test]
fn the_cost_is_that_of_all_tries_of_a_reply() {
    let service = Service::new(|_, number| match number {
        0 => counted("no JSON", 1000, 500),
        _ => counted("{}", 1000, 500),
    });
    let (_directory, file) = input(&prompts(1));
    let options = ["--json-object", "--repair", "1"];
    run(priced(&Home::new(PRICE), &service, &options).arg(file))
        .exits(0)
        .says(&["; 2,000 tokens in, 1,000 out; cost 0.004; "]);
}

#[test]
fn max_cost_stops_the_run_and_the_next_one_goes_on() {
    let (directory, file) = input(&prompts(5));
    let output = directory.path().join("out.jsonl");
    let home = Home::new(PRICE);
    let service = service();
    let spend = |limit: &str| {
        let mut command = priced(&home, &service, &["--max-cost", limit, "-o"]);
        run(command.arg(&output).arg(&file))
    };
    let first = spend("0.0041").exits(5);
    assert_eq!(service.seen().len(), 3);
    let last = "gravix: stopped at a cost of 0.006 (--max-cost 0.0041); 2 requests are left\n";
    assert!(first.stderr.ends_with(last), "{}", first.stderr);
    assert!(first.stderr.contains("3 done, 0 failed, 2 left; "), "{}", first.stderr);
    // What an earlier run has cost does not count, and none is left at the end.
    spend("0.004").exits(0).says(&["2 done, 0 failed, 3 already done; ", "; cost 0.004; "]);
    assert_eq!(fs::read_to_string(&output).expect("it is readable").lines().count(), 5);
}

#[test]
fn max_cost_can_be_set_in_the_configuration() {
    let (_directory, file) = input(&prompts(5));
    let home = Home::new("max_cost = 0.002\nprice = [1, 2]\n");
    let service = service();
    run(priced(&home, &service, &[]).arg(&file))
        .exits(5)
        .tells(&["(--max-cost 0.002); 4 requests"]);
    run(priced(&home, &service, &["--max-cost", "0.02"]).arg(&file)).exits(0);
    let results = file.with_extension("results");
    fs::write(&results, "").expect("it is written");
    run(home.gravix(&["batch", "--merge"]).arg(&results)).exits(0);
}

#[test]
fn max_cost_counts_bytes_where_the_server_reports_no_usage() {
    let service = Service::new(|_, _| Reply::text(&"x".repeat(4000)));
    let (_directory, file) = input(&prompts(9));
    // Each reply is estimated at 1,000 tokens, and its request at less than 100.
    let options = ["--max-cost", "0.006"];
    let stopped = run(priced(&Home::new(PRICE), &service, &options).arg(file)).exits(5);
    assert_eq!(service.seen().len(), 3);
    let warning = "warning: request 1: the server did not report all of the usage; --max-cost counts a token for each 4 bytes";
    assert_eq!(stopped.stderr.matches("warning: ").count(), 1, "{}", stopped.stderr);
    stopped.tells(&[warning, "; 3 requests unpriced; ", "stopped at an estimated cost of 0.0060"]);
}

#[test]
fn max_cost_needs_a_price_before_anything_is_sent() {
    let (directory, file) = input(&prompts(1));
    let output = directory.path().join("out.jsonl");
    let service = service();
    let home = Home::new("[profiles.work]\n");
    for (options, place) in
        [(&[][..], "at the top of "), (&["-p", "work"], "under [profiles.work] in ")]
    {
        let mut command = priced(&home, &service, &["--max-cost", "1", "-o"]);
        let place = format!("{place}{}", home.config().display());
        run(command.arg(&output).args(options).arg(&file)).exits(2).says(&[
            "--max-cost needs a price",
            "price = [0.15, 0.6]",
            &place,
        ]);
    }
    assert!(service.seen().is_empty() && !output.exists());
}

#[test]
fn max_cost_is_a_number_above_zero_and_not_for_merging() {
    for sum in ["0", "-1", "NaN", "inf", "1$"] {
        run(&mut batch("mock:", &[&format!("--max-cost={sum}")]))
            .exits(2)
            .says(&["not a number above 0, such as 2.50"]);
    }
    run(&mut batch("mock:", &["--merge", "--max-cost", "1", "f"])).exits(2).says(&["--max-cost"]);
}
