//! Batches on real servers, where they are installed: killed, resumed, and read by
//! the `openai` package.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::batch_lines::{by_id, input, prompts, text};
use crate::support::real::RealServer;
use crate::support::service::Service;
use crate::support::{finish, json_lines, litellm, llama, openai, run, start};

const SCHEMA: &str = r#"{"type":"object","properties":{"a":{"type":"boolean"}},"required":["a"],"additionalProperties":false}"#;

/// Far more than any step takes.
const LIMIT: Duration = Duration::from_secs(300);

/// `gravix batch` of prompts in `input`, with results in `output`.
fn batch(server: &RealServer, model: &str, [input, output]: [&Path; 2]) -> Command {
    let mut command = server.gravix("batch");
    command.args(["--lines", "--model", model]).arg(input).arg("-o").arg(output);
    command
}

fn whole_lines(output: &Path) -> usize {
    fs::read(output).unwrap_or_default().iter().filter(|&&byte| byte == b'\n').count()
}

/// Starts a run and kills it once `output` has this many lines.
#[track_caller]
fn kill_at(lines: usize, output: &Path, command: &mut Command) {
    let mut child = start(command);
    let began = Instant::now();
    while whole_lines(output) < lines {
        assert!(began.elapsed() < LIMIT, "{} lines of {lines}", whole_lines(output));
        thread::sleep(Duration::from_millis(1));
    }
    child.kill().expect("gravix is running");
    child.wait().expect("gravix ends");
}

/// What a run says that ends by itself within [`LIMIT`].
#[track_caller]
fn said_at_its_end(command: &mut Command) -> String {
    let mut child = start(command);
    let began = Instant::now();
    while child.try_wait().expect("gravix is a child of the test").is_none() {
        if began.elapsed() > LIMIT {
            child.kill().expect("gravix is running");
        }
        thread::sleep(Duration::from_millis(20));
    }
    let output = finish(child);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{}: {stderr}", output.status);
    stderr
}

/// How many results have no error, by their id.
fn successes(output: &Path) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in json_lines(output).iter().filter(|line| line["error"].is_null()) {
        let id = line["custom_id"].as_str().expect("the line has an id").to_owned();
        *counts.entry(id).or_default() += 1;
    }
    counts
}

/// The openai package can read all results of `output`, but not if a response in it
/// is broken.
#[track_caller]
fn openai_reads(output: &Path) {
    let Some(mut reader) = openai::reader(&[output]) else {
        return;
    };
    run(&mut reader).exits(0);
    let mut lines = json_lines(output);
    let choice = &mut lines.last_mut().expect("there is a result")["response"]["body"]["choices"];
    choice[0]["message"]["content"] = json!(1);
    let broken = output.with_extension("broken");
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    fs::write(&broken, text).expect("the file is written");
    let mut reader = openai::reader(&[&broken]).expect("the package was there");
    let refused = run(&mut reader).exits(1);
    assert!(refused.stderr.contains("choices.0.message.content"), "{}", refused.stderr);
}

#[test]
fn a_batch_behind_the_rate_limit_of_litellm_survives_three_kills() {
    const REQUESTS: usize = 1000;
    const JOBS: usize = 8;
    // Less than half, so that the limit is met even if a new minute begins.
    const PER_MINUTE: u32 = 480;

    let backend = Service::echo();
    let Some(server) = RealServer::litellm(&backend.base_url(), PER_MINUTE) else {
        return;
    };
    let (directory, file) = input(&prompts(REQUESTS));
    let output = directory.path().join("out.jsonl");
    let run_batch = || {
        let mut command = batch(&server, litellm::MODEL, [&file, &output]);
        command.args(["-j", &JOBS.to_string()]);
        command
    };
    for kill in 0..3 {
        let lines = 150 * kill + fastrand::usize(1..150);
        kill_at(lines, &output, &mut run_batch());
    }
    let summary = said_at_its_end(&mut run_batch());
    assert!(summary.contains(", 0 failed, "), "{summary}");
    let log = fs::read_to_string(server.path("log")).expect("the log is readable");
    let refused = log.lines().filter(|line| line.contains(" 429 ")).count();
    assert!(refused > 0, "the limit was not met");
    let successes = successes(&output);
    assert_eq!(successes.len(), REQUESTS);
    assert!(successes.values().all(|&count| count == 1), "{successes:?}");
    // Each kill loses at most the requests that were in progress.
    // The proxy itself asks for a list now and then.
    let paid = backend.seen().iter().filter(|seen| !seen.request.body.is_empty()).count();
    assert!((REQUESTS..=REQUESTS + 3 * JOBS).contains(&paid), "{paid} requests were paid");
    openai_reads(&output);
}

#[test]
fn a_batch_on_llama_cpp_python_is_resumed() {
    const REQUESTS: usize = 50;

    let Some(server) = RealServer::llama_cpp_python() else {
        return;
    };
    let (directory, file) = input(&prompts(REQUESTS));
    let output = directory.path().join("out.jsonl");
    // It rejects a schema in OpenAI's format and accepts its own format.
    let format = format!(r#"response_format={{"type":"json_object","schema":{SCHEMA}}}"#);
    let run_batch = || {
        let mut command = batch(&server, llama::MODEL, [&file, &output]);
        command.args(["-j", "4", "--max-tokens", "256", "--schema", SCHEMA, "--param", &format]);
        command
    };
    kill_at(fastrand::usize(1..40), &output, &mut run_batch());
    let kept = whole_lines(&output);
    let summary = said_at_its_end(&mut run_batch());
    assert!(summary.contains(&format!("{kept} already done")), "{kept} lines: {summary}");
    let lines = by_id(&fs::read(&output).expect("the output is readable"));
    assert_eq!(lines.len(), REQUESTS);
    for line in lines.values() {
        let reply: Value = serde_json::from_str(text(line)).expect("the reply is JSON");
        assert!(reply["a"].is_boolean(), "{reply}");
    }
    openai_reads(&output);
}
