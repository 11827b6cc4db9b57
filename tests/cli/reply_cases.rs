//! Replies that servers send beside the specification: every case of
//! `tests/cases/replies.jsonl`, through the real binary.

use std::fs;
use std::path::Path;

use base64::Engine;
use serde::Deserialize;
use serde_json::Value;

use crate::support::server::{Script, Server, Step, raw};
use crate::support::{Run, gravix, json_lines, run};

#[derive(Deserialize)]
struct ReplyCase {
    name: String,
    kind: String,
    args: Vec<String>,
    path: Option<String>,
    tools: Option<Value>,
    key: Option<String>,
    status: Option<u16>,
    #[serde(default)]
    headers: std::collections::BTreeMap<String, String>,
    bytes: Option<String>,
    base64: Option<String>,
    stdout: Option<String>,
    #[serde(default)]
    stdout_has: Vec<String>,
    exit: OneOrMore,
    saved: Option<bool>,
    history_field: Option<(String, Value)>,
    #[serde(default)]
    stderr_has: Vec<String>,
    #[serde(default)]
    stderr_lacks: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(i32),
    More(Vec<i32>),
}

/// How the body is cut into writes.
#[derive(Debug, Clone, Copy)]
enum Cut {
    Whole,
    Bytes,
    /// At a third and at two thirds.
    Thirds,
}

impl ReplyCase {
    fn body(&self) -> Vec<u8> {
        let code = self.base64.as_deref().unwrap_or_default();
        let decoded = base64::prelude::BASE64_STANDARD.decode(code).expect("base64");
        self.bytes.clone().map_or(decoded, String::into_bytes)
    }

    fn script(&self, cut: Cut) -> Script {
        let body = self.body();
        let is_stream = self.kind == "stream";
        let default = if is_stream { "text/event-stream" } else { "application/json" };
        let content_type = self.headers.get("Content-Type").map_or(default, String::as_str);
        let length = match is_stream {
            true => "Transfer-Encoding: chunked".to_owned(),
            false => format!("Content-Length: {}", body.len()),
        };
        let status = self.status.unwrap_or(200);
        let head = format!("HTTP/1.1 {status} x\r\nContent-Type: {content_type}\r\n{length}\r\n");
        let others = self.headers.iter().filter(|(name, _)| *name != "Content-Type");
        let others: String = others.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let size = match cut {
            Cut::Whole => body.len().max(1),
            Cut::Bytes => 1,
            Cut::Thirds => body.len() / 3 + 1,
        };
        let mut script = vec![raw(head + &others + "\r\n")];
        let step = if is_stream { Step::Chunk } else { Step::Raw };
        script.extend(body.chunks(size).map(|part| step(part.to_vec())));
        if is_stream {
            script.push(Step::LastChunk);
        }
        script.push(Step::End);
        script
    }

    #[track_caller]
    fn check(&self, cut: Cut) {
        let directory = tempfile::tempdir().expect("a temporary directory is created");
        let history = directory.path().join("chat.jsonl");
        let tools = directory.path().join("tools.json");
        let server = Server::once(self.script(cut));
        let base_url = server.base_url();
        let base_url = match &self.path {
            Some(path) => base_url.replace("/v1", path),
            None => base_url,
        };
        let mut command = gravix();
        command.args(["ask", "-n", "--retries", "0", "--base-url", &base_url, "--history"]);
        command.arg(&history).args(&self.args);
        if let Some(defined) = &self.tools {
            fs::write(&tools, defined.to_string()).expect("the file is written");
            command.arg("--tools").arg(&tools);
        }
        if let Some(key) = &self.key {
            command.env("GRAVIXLAYER_API_KEY", key);
        }
        let context = format!("{}, {cut:?}", self.name);
        // The variable names the case where a failure prints the command.
        let result = run(command.arg("hi").env("GRAVIX_TEST_CASE", &context));
        self.check_run(&context, result);
        self.check_history(&context, &history);
    }

    #[track_caller]
    fn check_run(&self, context: &str, mut result: Run) {
        let stdout = String::from_utf8_lossy(&result.stdout).into_owned();
        let stderr = result.stderr.clone();
        for text in &self.stdout_has {
            assert!(stdout.contains(text), "{context}: {text:?} is not in {stdout:?}");
        }
        for text in &self.stderr_has {
            assert!(stderr.contains(text), "{context}: {text:?} is not in {stderr:?}");
        }
        for text in &self.stderr_lacks {
            assert!(!stderr.contains(text), "{context}: {text:?} is in {stderr:?}");
        }
        if let Some(expected) = &self.stdout {
            result = result.prints(expected);
        }
        match &self.exit {
            OneOrMore::One(status) => drop(result.exits(*status)),
            OneOrMore::More(statuses) => drop(result.exits_with_one_of(statuses)),
        }
    }

    #[track_caller]
    fn check_history(&self, context: &str, history: &Path) {
        let lines = if history.exists() { json_lines(history) } else { Vec::new() };
        if let Some(saved) = self.saved {
            assert_eq!(lines.len(), if saved { 2 } else { 0 }, "{context}: {lines:?}");
        }
        if let Some((pointer, value)) = &self.history_field {
            assert_eq!(lines[1].pointer(pointer), Some(value), "{context}: {lines:?}");
        }
        let plain = ["--stream", "-q", "-v"];
        let is_plain = self.args.iter().all(|arg| plain.contains(&arg.as_str()));
        if let (true, None, [_, assistant], Some(printed)) =
            (is_plain, &self.tools, lines.as_slice(), &self.stdout)
        {
            assert_eq!(assistant["content"].as_str(), printed.strip_suffix('\n'), "{context}");
        }
    }
}

#[test]
fn every_reply_case_gives_its_output_its_status_and_its_history() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/replies.jsonl");
    let cases = fs::read_to_string(path).expect("the cases are readable");
    for case in cases.lines() {
        let case: ReplyCase = serde_json::from_str(case).expect(case);
        for cut in [Cut::Whole, Cut::Bytes, Cut::Thirds] {
            case.check(cut);
        }
    }
}
