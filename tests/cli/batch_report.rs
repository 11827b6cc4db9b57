//! Reports on the results of batches.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::batch_lines::{input, stored};
use crate::support::home::Home;
use crate::support::service::{Reply, Service, prompt};
use crate::support::terminal::Terminal;
use crate::support::{Run, batch, completion, completion_ended, gravix, run};

/// `gravix batch --report` with these options: no server, and no key.
fn report(options: &[&str], file: &Path) -> Command {
    let mut command = gravix();
    command.args(["batch", "--report"]).args(options).arg(file);
    command
}

/// The report as JSON.
#[track_caller]
fn reported(options: &[&str], file: &Path) -> Value {
    let run = run(report(options, file).arg("--json")).exits(0);
    serde_json::from_slice(&run.stdout).expect("the report is JSON")
}

#[track_caller]
fn printed(run: Run) -> String {
    String::from_utf8(run.exits(0).stdout).expect("the report is UTF-8")
}

/// A result with this body, which took this long.
fn result(id: &str, body: &str, seconds: f64) -> String {
    let body: Value = serde_json::from_str(body).expect("the body is JSON");
    let response = json!({"status_code": 200, "request_id": "", "body": body});
    json!({"id": "r", "custom_id": id, "response": response, "error": null, "seconds": seconds})
        .to_string()
}

/// A whole reply with these counts of tokens.
fn with_usage(text: &str, tokens: [u64; 2]) -> String {
    let mut body: Value = serde_json::from_str(&completion(text)).expect("the body is JSON");
    let [input, output] = tokens;
    body["usage"] = json!({"prompt_tokens": input, "completion_tokens": output});
    body.to_string()
}

fn failure(id: &str, code: &str, message: &str) -> String {
    let error = json!({"code": code, "message": message});
    json!({"id": "r", "custom_id": id, "response": null, "error": error}).to_string()
}

#[test]
fn a_report_counts_each_request_once_and_all_that_was_paid() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("out.jsonl");
    stored(
        &file,
        &[
            failure("a", "cut", "the reply was cut"),
            result("a", &with_usage("yes", [1000, 10]), 0.5),
            result("b", &with_usage("no", [1000, 10]), 2.25),
            result("b", &with_usage("yes\n", [1000, 10]), 1.0),
            failure("b", "cut", "later"),
            result("c", &completion_ended("y", "length"), 0.25),
            failure("d", "lookup", "there is no such host:\n example.com"),
            failure("e", "lookup", "another"),
        ],
    );
    let found = reported(&[], &file);
    let cut = &found["failures"][1];
    assert_eq!((&cut["reason"], &cut["count"]), (&json!("length"), &json!(1)));
    let example = "there is no such host: example.com";
    let whole = json!({
        "lines": 8, "copies": 0, "requests": 5, "done": 2, "failed": 3,
        "failures": [{"reason": "lookup", "count": 2, "example": example}, cut],
        "tokens": {"prompt": 3000, "completion": 30, "replies_without_usage": 1},
        "seconds": {"p50": 0.5, "p99": 2.25, "lines_without": 4},
        "finish_reasons": [{"reason": "stop", "count": 2}, {"reason": "length", "count": 1}],
        "replies": [{"text": "yes", "count": 2}],
        "cost": null,
    });
    assert_eq!(found, whole);
    let text = printed(run(&mut report(&[], &file)).says_nothing());
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[..8],
        [
            "requests  5: 2 done, 3 failed (in 8 lines)",
            "tokens    3,000 in, 30 out; 1 reply without a report of usage",
            "cost      unpriced",
            "seconds   p50 0.500, p99 2.250; not recorded in 4 of 8 lines",
            "",
            "failures",
            "  lookup  2  there is no such host: example.com",
            lines[7],
        ]
    );
    assert!(lines[7].starts_with("  length  1  "), "{text}");
    assert_eq!(lines[9..13], ["finish reasons", "  stop    2", "  length  1", ""], "{text}");
    assert_eq!(lines[13], "replies");
}

#[test]
fn counts_beyond_all_reason_are_no_bug() {
    let (directory, file) = input(&[r#"{"id":"c","prompt":"x"}"#]);
    let output = directory.path().join("out.jsonl");
    let huge = with_usage("x", [u64::MAX; 2]);
    stored(&output, &[result("a", &huge, 1.0), result("b", &huge, 1.0)]);
    assert_eq!(reported(&[], &output)["tokens"]["completion"], json!(u64::MAX));
    let options = ["--dry-run", "-o"];
    run(batch("mock:", &options).arg(&output).arg(&file)).exits(0);
}

#[test]
fn a_run_can_be_reported() {
    let service = Service::new(|request, _| match prompt(request).as_str() {
        "refused" => Reply::new("400 Bad Request", r#"{"error":{"message":"too long"}}"#),
        text => Reply::text(text),
    });
    let (directory, file) = input(&["yes", "no", "refused", "yes"]);
    let output = directory.path().join("out.jsonl");
    run(batch(&service.base_url(), &["--lines", "-o"]).arg(&output).arg(&file)).exits(4);
    let found = reported(&[], &output);
    assert_eq!((&found["done"], &found["failed"]), (&json!(3), &json!(1)));
    assert_eq!(found["failures"][0]["reason"], "400");
    assert_eq!(found["replies"][0], json!({"text": "yes", "count": 2}));
    assert_eq!(found["seconds"]["lines_without"], 0);
}

#[test]
fn a_table_and_its_copies_can_be_reported() {
    let service = Service::new(|_, _| Reply::new("200 OK", with_usage("yes", [7, 1])));
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let [table, output] = ["in.csv", "out.csv"].map(|name| directory.path().join(name));
    fs::write(&table, "text\na\nb\na\n").expect("the file is written");
    let options = ["-T", "{{text}}", "--dedupe", "-q", "-o"];
    run(batch(&service.base_url(), &options).arg(&output).arg(&table)).exits(0);
    let found = reported(&["-q"], &output);
    assert_eq!((&found["done"], &found["copies"]), (&json!(3), &json!(1)));
    let tokens = json!({"prompt": 14, "completion": 2, "replies_without_usage": 0});
    assert_eq!((&found["tokens"], &found["seconds"]["lines_without"]), (&tokens, &json!(0)));
    let text = printed(run(&mut report(&["-q"], &output)));
    assert!(text.starts_with("requests  3: 3 done, 0 failed (in 3 lines, 1 of them copies)\n"));
}

#[test]
fn the_cost_is_that_of_the_price_in_force() {
    let home = Home::new(
        "price = [1, 10]\njobs = 4\nchoose = [\"yes\", \"no\"]\n[profiles.p]\nprice = [0.5, 0]\n",
    );
    let file = home.path().join("out.jsonl");
    stored(&file, &[result("a", &with_usage("yes", [1000, 10]), 1.0), failure("b", "cut", "")]);
    let file = file.to_str().expect("the path is UTF-8");
    for (profile, cost, shown) in
        [(None, 0.0011, "cost      0.0011\n"), (Some("p"), 0.0005, "cost      0.0005\n")]
    {
        let with_profile = |options: &[&str]| {
            let mut command = home.gravix(&["batch", "--report", file]);
            run(command.args(options).args(profile.map(|name| ["-p", name]).iter().flatten()))
        };
        let found: Value =
            serde_json::from_slice(&with_profile(&["--json"]).exits(0).stdout).expect("JSON");
        assert_eq!(found["cost"], cost);
        let text = printed(with_profile(&[]));
        assert!(text.contains(shown), "{text}");
    }
}

#[test]
fn replies_are_judged_and_picked_by_a_form() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("out.jsonl");
    let code = "Here:\n```sh\nls\n```\n";
    let texts = ["**Yes**", "no.", "yes", "perhaps", code, "{\"n\":1}"];
    let line = |(at, text): (usize, &&str)| result(&at.to_string(), &completion(text), 1.0);
    stored(&file, &texts.iter().enumerate().map(line).collect::<Vec<_>>());
    assert_eq!(reported(&[], &file)["replies"], Value::Null);
    for (options, done, replies) in [
        (&["--yes-no"][..], 3, json!([{"text": "yes", "count": 2}, {"text": "no", "count": 1}])),
        (
            &["--choose", "no,perhaps"],
            2,
            json!([{"text": "no", "count": 1}, {"text": "perhaps", "count": 1}]),
        ),
        (&["-x"], 1, json!([{"text": "ls", "count": 1}])),
        (&["--schema", "{\"required\":[\"n\"]}"], 1, json!([{"text": "{\"n\":1}", "count": 1}])),
        (&["--json-object"], 1, json!([{"text": "{\"n\":1}", "count": 1}])),
    ] {
        let found = reported(options, &file);
        assert_eq!((&found["done"], &found["replies"]), (&json!(done), &replies), "{options:?}");
        assert_eq!(found["failures"][0]["reason"], "invalid_reply");
    }
}

#[test]
fn the_results_of_a_table_are_beside_it() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let [table, log] = ["out.csv", "out.csv.jsonl"].map(|name| directory.path().join(name));
    run(&mut report(&[], &table)).exits(66).says(&["out.csv: no such file"]);
    fs::write(&table, "text,reply\na,b\n").expect("the file is written");
    run(&mut report(&[], &table)).exits(65).says(&[
        "out.csv:1: not a batch result",
        "there is no ",
        ", where those of a table would be",
        "out.csv.jsonl",
    ]);
    stored(&log, &[result("1", &completion("b"), 1.0)]);
    for content in [
        Some("text,reply\na,b\n"),
        Some("{\"text\":\"a\",\"reply\":\"b\"}\n"),
        Some("{\"custom_id\":\"1\",\"reply\":\"b\",\"error\":null}\n"),
        Some(""),
        None,
    ] {
        match content {
            Some(content) => fs::write(&table, content).expect("the file is written"),
            None => fs::remove_file(&table).expect("the file is removed"),
        }
        let run = run(&mut report(&[], &table)).says_nothing();
        assert!(printed(run).starts_with("requests  1: 1 done, 0 failed\n"));
    }
    // Results are read themselves, whatever is beside them.
    fs::write(directory.path().join("out.csv.jsonl.jsonl"), "").expect("the file is written");
    run(&mut report(&[], &log)).exits(0).says_nothing();
    let requests = directory.path().join("in.jsonl");
    stored(&requests, &["{\"prompt\":\"a\"}".to_owned()]);
    run(&mut report(&[], &requests)).exits(65).says(&["in.jsonl:1: not a batch result"]);
}

#[test]
fn a_run_in_progress_can_be_reported() {
    let (service, go_on) = Service::gated();
    let (directory, file) = input(&["a", "b"]);
    let output = directory.path().join("out.jsonl");
    stored(&output, &[result("2", &completion("b"), 1.0)]);
    let mut command = batch(&service.base_url(), &["--lines", "-q", "--changed", "keep", "-o"]);
    let mut child = command.arg(&output).arg(&file).spawn().expect("gravix starts");
    service.wait_for(1);
    // As it is in the middle of a write.
    let before = fs::read(&output).expect("the output is readable");
    let mut torn = OpenOptions::new().append(true).open(&output).expect("the output opens");
    torn.write_all(b"{\"id\":\"r\",\"custom_id\":\"1\",\"resp").expect("the output is written");
    let text = printed(run(&mut report(&[], &output)).says(&["is not whole, and left out"]));
    assert!(text.starts_with("requests  1: 1 done, 0 failed\n"), "{text}");
    torn.set_len(before.len() as u64).expect("the output is cut");
    drop(go_on);
    assert!(child.wait().expect("gravix ends").success());
    assert_eq!(reported(&[], &output)["done"], 2);
}

#[test]
fn results_that_wait_for_their_turn_are_counted_once() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let [output, waiting] =
        ["out.jsonl", "out.jsonl.waiting"].map(|name| directory.path().join(name));
    let lines = ["1", "2", "3"].map(|id| result(id, &with_usage("hi", [1, 1]), 1.0));
    stored(&output, &lines[..2]);
    let metadata = fs::metadata(&output).expect("the output exists");
    let header = format!("{{\"waiting_for\":[{},{}]}}\n", metadata.dev(), metadata.ino());
    // The second line has been moved already, and the last one is being written.
    let content = format!("{header}{}\n{}\n{{\"id\":", lines[1], lines[2]);
    fs::write(&waiting, content).expect("the file is written");
    let found = reported(&["-q"], &output);
    assert_eq!((&found["lines"], &found["requests"]), (&json!(3), &json!(3)));
    assert_eq!(found["tokens"]["prompt"], 3);
    assert_eq!(fs::read_dir(&directory).expect("it is a directory").count(), 2);
}

#[test]
fn shards_and_pipes_can_be_reported() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let [one, two] = ["1.jsonl", "2.jsonl"].map(|name| directory.path().join(name));
    stored(&one, &[failure("a", "cut", ""), result("b", &completion("hi"), 1.0)]);
    stored(&two, &[result("a", &completion("hi"), 1.0)]);
    let run_with = |command: &mut Command| printed(run(command));
    let text = run_with(report(&[], &one).arg(&two));
    assert!(text.starts_with("requests  2: 2 done, 0 failed (in 3 lines)\n"), "{text}");
    for name in ["/dev/stdin", "-"] {
        let mut piped = report(&[], Path::new(name));
        let file = fs::File::open(&one).expect("the file opens");
        let mut cat = Command::new("cat");
        let mut cat = cat.stdin(file).stdout(Stdio::piped()).spawn().expect("cat runs");
        let text = run_with(piped.stdin(cat.stdout.take().expect("a pipe")));
        assert!(text.starts_with("requests  2: 1 done, 1 failed\n"), "{text}");
        cat.wait().expect("cat ends");
    }
}

#[test]
fn bars_fit_the_width() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("out.jsonl");
    let long = "a reply of nearly eighty characters, which leaves no room for anything behind it";
    let texts = ["yes", "yes", "yes", "no", "鎖", long];
    let line = |(at, text): (usize, &&str)| result(&at.to_string(), &completion(text), 1.0);
    let mut lines: Vec<String> = texts.iter().enumerate().map(line).collect();
    stored(&file, &lines[..5]);
    let text = printed(run(&mut report(&[], &file)));
    let bars = [
        "  yes  3   60.0 %  ########################################",
        "  no   1   20.0 %  ##############",
        "  鎖   1   20.0 %  ##############",
    ];
    assert!(text.ends_with(&(bars.join("\n") + "\n")), "{text}");
    lines.push(failure("f", "cut", &"\u{1b}[31m\u{202e}very long ".repeat(20)));
    stored(&file, &lines);
    for width in [80, 40] {
        let terminal = Terminal::with_width(width);
        let mut command = report(&[], &file);
        let status = command.stdout(terminal.stream()).status().expect("gravix runs");
        assert!(status.success());
        drop(command);
        let shown = terminal.read_to_end();
        assert!(!shown.contains(['\u{1b}', '\u{202e}']) && shown.contains("very long"), "{shown}");
        for line in shown.lines() {
            // One character takes two columns.
            assert!(line.trim_end().chars().count() <= usize::from(width), "{line:?}");
        }
        assert!(width < 80 || shown.contains("  3   50.0 %  ########"), "{shown}");
    }
}

#[test]
fn many_or_long_replies_are_not_listed() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("out.jsonl");
    let lines = |count: usize| -> Vec<String> {
        (0..count).map(|at| result(&at.to_string(), &completion(&at.to_string()), 1.0)).collect()
    };
    stored(&file, &lines(20));
    assert!(printed(run(&mut report(&[], &file))).contains("\nreplies\n"));
    stored(&file, &lines(21));
    assert!(!printed(run(&mut report(&[], &file))).contains("\nreplies\n"));
}

#[test]
fn a_report_excludes_what_sends() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("out.jsonl");
    stored(&file, &[result("1", &completion("b"), 1.0)]);
    for options in [
        &["-o", "x"][..],
        &["--lines"],
        &["--text"],
        &["--merge"],
        &["-j", "3"],
        &["--rate", "1/s"],
        &["--repair", "1"],
        &["--usage"],
        &["--max-cost", "1"],
        &["-s", "x"],
    ] {
        run(&mut report(options, &file)).exits(2).says(&["--report", "cannot be used with"]);
    }
    run(gravix().args(["batch", "--json"]).arg(&file)).exits(2).says(&["needs --report"]);
    let asking = ["batch", "-T", "{{c}}", "--json", "--base-url", "mock:"];
    run(gravix().args(asking).arg(&file)).exits(2).says(&["--json needs --report"]);
    run(gravix().args(["batch", "--report"])).exits(2).says(&["gravix batch needs FILE;"]);
}
