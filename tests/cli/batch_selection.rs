//! Which requests of a batch are sent: the first ones, a sample, and equal ones once; and
//! what a dry run says.

use std::fs;

use serde_json::{Value, json};

use crate::support::batch_lines::{input, prompts, table};
use crate::support::service::{Reply, Service, prompt};
use crate::support::{batch, json_lines, run, run_with};

/// The prompts that a service has seen, sorted.
fn sent(service: &Service) -> Vec<String> {
    let mut prompts = service.prompts();
    prompts.sort();
    prompts
}

#[test]
fn a_limit_is_that_of_the_first_requests_done_or_not() {
    let service = Service::echo();
    let (directory, file) = input(&["a", "", "b", "c", "d"]);
    let output = directory.path().join("out.jsonl");
    let with = |limit: &str| {
        let mut command = batch(&service.base_url(), &["--lines", "--limit", limit, "-o"]);
        run(command.arg(&output).arg(&file)).exits(0)
    };
    with("2").says(&["2 done, 0 failed"]);
    with("2").says(&["2 already done"]);
    with("3").says(&["1 done", "2 already done"]);
    assert_eq!(service.prompts().len(), 3);
    assert_eq!(sent(&service), ["a", "b", "c"]);
    // A pipe is read only so far.
    let mut piped = batch(&service.base_url(), &["--limit", "1"]);
    run_with(&mut piped, b"{\"prompt\":\"x\"}\nnot JSON\n").exits(0).says(&["1 done, 0 failed"]);
}

#[test]
fn a_sample_has_the_same_requests_for_the_same_seed_and_a_full_run_goes_on_from_it() {
    let (directory, file) = input(&prompts(100));
    let output = directory.path().join("out.jsonl");
    let pick = |sample: &str| {
        let service = Service::echo();
        let options = ["--lines", "--sample", sample];
        run(batch(&service.base_url(), &options).arg(&file)).exits(0);
        sent(&service)
    };
    let ten = pick("10");
    assert_eq!(ten.len(), 10);
    assert_eq!(pick("10:0"), ten);
    assert_ne!(pick("10:1"), ten);
    let twenty = pick("20");
    assert!(ten.iter().all(|prompt| twenty.contains(prompt)));
    let service = Service::echo();
    let all: String = prompts(100).iter().map(|prompt| format!("{prompt}\n")).collect();
    let mut piped = batch(&service.base_url(), &["--lines", "--sample", "10", "-o"]);
    run_with(piped.arg(&output), all.as_bytes()).exits(0).says(&["10 done, 0 failed;"]);
    assert_eq!(sent(&service), ten);
    let mut rest = batch(&service.base_url(), &["--lines", "-o"]);
    run(rest.arg(&output).arg(&file)).exits(0).says(&["90 done", "10 already done"]);
    let both = ["--lines", "--sample", "1", "--limit", "1"];
    run(batch("mock:", &both).arg(&file)).exits(2).says(&["cannot be used with"]);
    run(batch("mock:", &["--sample", "0"]).arg(&file)).exits(2).says(&["such as 100:7"]);
}

#[test]
fn a_dry_run_prints_the_first_requests_and_what_would_be_sent() {
    let (directory, file) = table("c\nrow 1\nrow 2\n\"\"\nrow 3\nrow 4\n");
    let out = directory.path().join("out.csv");
    let with = |more: &[&str]| {
        let options = [&["-T", "{{c}}", "-m", "m"], more, &["-o"]].concat();
        run(batch("mock:", &options).arg(&out).arg(&file))
    };
    let dry = with(&["--dry-run"]).exits(0);
    let printed = String::from_utf8(dry.stdout).expect("stdout is UTF-8");
    let (requests, numbers) = printed.split_once("\n\n").expect("an empty line");
    let requests: Vec<Value> =
        requests.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let asked: Vec<_> = requests.iter().map(|body| &body["messages"][0]["content"]).collect();
    assert_eq!(asked, ["row 1", "row 2", "row 3"]);
    assert_eq!(
        numbers,
        "rows         5\ndone before  0\nunusable     1\nto send      4\nbytes        240\ntokens in    60 (estimated as 4 bytes a token)\ntokens out   unknown\ncost         unpriced\n"
    );
    assert!(!out.exists() && !directory.path().join("out.csv.jsonl").exists());
    with(&["--limit", "2"]).exits(0);
    let dry = with(&["--dry-run"]).exits(0);
    let printed = String::from_utf8(dry.stdout).expect("stdout is UTF-8");
    assert!(printed.contains("rows         5\ndone before  2\nunusable     1\nto send      2\n"));
    assert!(printed.contains("tokens out   4 (estimated from 2 rows done before)"), "{printed}");
    // What a run refuses, a dry run refuses too.
    let options = ["-T", "{{x}}", "--dry-run"];
    run(batch("mock:", &options).arg(&file)).exits(65).says(&["no column for {{x}}"]);
}

#[test]
fn a_dry_run_needs_no_key_and_tells_the_cost_at_the_price_in_force() {
    let (directory, file) = table("c\nrow 1\nrow 2\n");
    let config = directory.path().join("c.toml");
    fs::write(&config, "price = [1000, 2000]\nmax_tokens = 100\n").expect("it is written");
    let mut command = crate::support::gravix();
    command.args(["batch", "--base-url", "https://127.0.0.1:1/v1", "-T", "{{c}}", "--dry-run"]);
    let dry = run(command.arg("--config").arg(config).arg(&file)).exits(0);
    let printed = String::from_utf8(dry.stdout).expect("stdout is UTF-8");
    assert!(printed.contains("tokens out   200 (at most, as the requests say)\n"), "{printed}");
    let tokens: f64 = printed
        .split_once("tokens in    ")
        .and_then(|(_, rest)| rest.split(' ').next()?.parse().ok())
        .expect("a number of tokens");
    let cost = (tokens * 1000.0 + 200.0 * 2000.0) / 1e6;
    assert!(printed.ends_with(&format!("cost         {cost:.3}\n")), "{printed} {cost}");
    let endless = format!("{{\"prompt\":\"x\",\"max_tokens\":{}}}\n", u64::MAX).repeat(2);
    let dry = run_with(&mut batch("mock:", &["--dry-run"]), endless.as_bytes()).exits(0);
    let printed = String::from_utf8(dry.stdout).expect("stdout is UTF-8");
    assert!(printed.contains("tokens out   18,446,744,073,709,551,615 (at most"), "{printed}");
}

#[test]
fn equal_requests_are_sent_once_and_all_get_the_reply() {
    let service = Service::new(|request, _| {
        let reply = json!({"choices": [{"message": {"content": prompt(request)}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 2, "completion_tokens": 1}});
        Reply::new("200 OK", reply.to_string())
    });
    let (directory, file) = table("id,c\n1,x\n2,y\n3,x\n4,x\n5,z\n");
    let out = directory.path().join("out.csv");
    let with = |more: &[&str]| {
        let options = [&["-T", "{{c}}", "--dedupe"], more, &["-o"]].concat();
        run(batch(&service.base_url(), &options).arg(&out).arg(&file))
    };
    with(&[]).exits(0).says(&["5 done, 0 failed, 2 of them copies; 6 tokens in, 3 out"]);
    assert_eq!(sent(&service), ["x", "y", "z"]);
    let table = fs::read_to_string(&out).expect("the table is there");
    assert_eq!(table, "id,c,reply,error\n1,x,x,\n2,y,y,\n3,x,x,\n4,x,x,\n5,z,z,\n");
    let lines = json_lines(&directory.path().join("out.csv.jsonl"));
    let (copies, originals): (Vec<&Value>, Vec<&Value>) =
        lines.iter().partition(|line| line["copied"] == true);
    let ids: Vec<&str> = copies.iter().filter_map(|line| line["custom_id"].as_str()).collect();
    assert_eq!((ids, originals.len()), (vec!["3", "4"], 3));
    assert_eq!(copies[0]["id"], copies[1]["id"]);
    assert!(copies.iter().all(|line| line["response"]["body"].get("usage").is_none()));
    with(&[]).exits(0).says(&["5 already done"]);
    assert_eq!(service.seen().len(), 3);
}

#[test]
fn copies_are_made_of_earlier_results_and_of_failures_too() {
    let service = Service::new(|request, _| match prompt(request).as_str() {
        "bad" => Reply::new("400 Bad Request", r#"{"error":"no"}"#),
        text => Reply::text(text),
    });
    let (directory, file) = table("c\nx\nbad\nx\nbad\ny\n");
    let out = directory.path().join("out.csv");
    let with = |more: &[&str]| {
        let options = [&["-T", "{{c}}"], more, &["-o"]].concat();
        run(batch(&service.base_url(), &options).arg(&out).arg(&file))
    };
    with(&["--limit", "1"]).exits(0);
    let dry = with(&["--dedupe", "--dry-run"]).exits(0);
    let printed = String::from_utf8(dry.stdout).expect("stdout is UTF-8");
    assert!(printed.contains("copies       2\nto send      2\n"), "{printed}");
    with(&["--dedupe"])
        .exits(4)
        .says(&["2 done, 2 failed (400: 2), 2 of them copies, 1 already done"]);
    assert_eq!(sent(&service), ["bad", "x", "y"]);
    let table = fs::read_to_string(&out).expect("the table is there");
    let refused = "the server answered 400: no";
    assert_eq!(table, format!("c,reply,error\nx,x,\nbad,,{refused}\nx,x,\nbad,,{refused}\ny,y,\n"));
}

#[test]
fn a_result_outside_of_the_selection_is_copied_too() {
    let service = Service::echo();
    let (directory, file) = table("c\nx\nx\ny\nz\n");
    let out = directory.path().join("out.csv");
    let shard = |shard| {
        let options = ["-T", "{{c}}", "--dedupe", "--shard", shard, "-o"];
        run(batch(&service.base_url(), &options).arg(&out).arg(&file)).exits(0)
    };
    shard("1/2").says(&["2 done, 0 failed;"]);
    shard("2/2").says(&["2 done, 0 failed, 1 of them copies;"]);
    assert_eq!(sent(&service), ["x", "y", "z"]);
}

#[test]
fn copies_are_made_of_final_failures_of_earlier_runs_once() {
    let service = Service::new(|_, _| Reply::new("400 Bad Request", r#"{"error":"no"}"#));
    let (directory, file) = table("c\nbad\nbad\n");
    let out = directory.path().join("out.csv");
    let with = |more: &[&str]| {
        let options = [&["-T", "{{c}}"], more, &["-o"]].concat();
        run(batch(&service.base_url(), &options).arg(&out).arg(&file)).exits_with_one_of(&[4, 69])
    };
    with(&["--limit", "1"]);
    with(&["--dedupe"]).says(&["1 failed (400: 1), 1 of them copies, 1 left alone"]);
    with(&["--dedupe"]).says(&["2 left alone"]);
    assert_eq!(sent(&service), ["bad"]);
    let table = fs::read_to_string(&out).expect("the table is there");
    let refused = "the server answered 400: no";
    assert_eq!(table, format!("c,reply,error\nbad,,{refused}\nbad,,{refused}\n"));
    assert_eq!(json_lines(&directory.path().join("out.csv.jsonl")).len(), 2);
    // Neither is copied again by a run that has something else to send.
    fs::write(&file, "c\nbad\nbad\nnew\n").expect("the file is written");
    with(&["--dedupe"]).says(&["1 failed (400: 1), 2 left alone"]);
    assert_eq!(json_lines(&directory.path().join("out.csv.jsonl")).len(), 3);
}

#[test]
fn copies_need_results_in_a_file() {
    let (_directory, file) = table("c\nx\n");
    for (options, message) in [
        (&["--dedupe"][..], "--dedupe needs --output"),
        (&["--dedupe", "-o", "-"], "--dedupe needs the results in a file"),
        (&["--dedupe", "-o", "o.txt", "--text"], "--dedupe needs the results in a file"),
        (
            &["--dedupe", "-o", "o.jsonl", "--format", "batch", "--ordered"],
            "--dedupe writes copies last",
        ),
        (
            &["--dedupe", "-o", "o.jsonl", "--format", "batch", "--errors", "e"],
            "leave out --errors",
        ),
    ] {
        let options = [&["-T", "{{c}}"], options].concat();
        run(batch("mock:", &options).arg(&file)).exits(2).says(&[message]);
    }
}
