//! One prompt and one short reply, measured as a whole process.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use serde_json::json;

use crate::Bench;
use crate::measure::side_by_side;
use crate::nginx::Nginx;
use crate::programs::command;
use crate::server::Route;
use crate::table::Row;

const RUNS: usize = 100;

/// The number of runs for peers that take half a second to start.
const FEW: usize = 20;

pub fn plain(bench: &Bench) -> Result<Vec<Row>> {
    let url = bench.server.base_url(Route::Prompt);
    let [ours, theirs] = side_by_side(RUNS, || Ok(gravix(bench, &url)), || curl(bench, &url))?;
    Ok(vec![Row::compared("one prompt", ours.time(), ("curl", theirs.time()), 0.2)])
}

pub fn tls(bench: &Bench) -> Result<Vec<Row>> {
    let nginx = Nginx::start(bench.programs.peer("nginx")?, bench.directory.path())?;
    let ours = || {
        let mut gravix = gravix(bench, &nginx.url);
        gravix.arg("--ca-cert").arg(&nginx.issuer);
        Ok(gravix)
    };
    let theirs = || {
        let mut curl = curl(bench, &nginx.url)?;
        curl.arg("--cacert").arg(&nginx.issuer);
        Ok(curl)
    };
    let [ours, theirs] = side_by_side(RUNS, ours, theirs)?;
    Ok(vec![Row::compared("one prompt over TLS", ours.time(), ("curl", theirs.time()), 0.6)])
}

pub fn aichat(bench: &Bench) -> Result<Vec<Row>> {
    let aichat = bench.programs.peer("aichat")?;
    let home = bench.directory.path();
    let url = bench.server.base_url(Route::Prompt);
    let config = format!(
        "model: local:test\nstream: false\nsave: false\nclients:\n- type: openai-compatible\n  name: local\n  api_base: {url}\n  api_key: none\n  models:\n  - name: test\n"
    );
    fs::write(home.join("config.yaml"), config)?;
    let theirs = || {
        let mut command = command(aichat, home);
        command.env("AICHAT_CONFIG_DIR", home).args(["--no-stream", "hi"]);
        Ok(command)
    };
    let [ours, theirs] = side_by_side(FEW, || Ok(gravix(bench, &url)), theirs)?;
    Ok(vec![Row::compared(
        "one prompt, against aichat",
        ours.time(),
        ("aichat", theirs.time()),
        None,
    )])
}

pub fn llm(bench: &Bench) -> Result<Vec<Row>> {
    let llm = bench.programs.peer("llm")?;
    let home = bench.directory.path();
    let url = bench.server.base_url(Route::Prompt);
    let models = format!("- model_id: test\n  model_name: test\n  api_base: {url}\n");
    fs::write(home.join("extra-openai-models.yaml"), models)?;
    let theirs = || {
        let mut command = command(llm, home);
        command.env("LLM_USER_PATH", home);
        command.args(["-m", "test", "--key", "none", "--no-stream", "--no-log", "hi"]);
        Ok(command)
    };
    let [ours, theirs] = side_by_side(FEW, || Ok(gravix(bench, &url)), theirs)?;
    Ok(vec![Row::compared("one prompt, against llm", ours.time(), ("llm", theirs.time()), None)])
}

/// A history of 100 turns, only read and also appended to. Appending waits for
/// the disk.
pub fn history(bench: &Bench) -> Result<Vec<Row>> {
    let url = bench.server.base_url(Route::Prompt);
    let original = bench.directory.path().join("original.jsonl");
    write_turns(&original, |turns, _| turns < 100)?;
    let copy = bench.directory.path().join("copy.jsonl");
    let appending = || {
        fs::copy(&original, &copy)?;
        // Otherwise gravix would wait for the copy to be written to the disk.
        File::open(&copy)?.sync_all()?;
        Ok(gravix_with(bench, &url, &copy))
    };
    let reading = || {
        let mut gravix = gravix_with(bench, &url, &original);
        gravix.arg("--no-save");
        Ok(gravix)
    };
    let without = || Ok(gravix(bench, &url));
    let name = "100 turns of history";
    let [read, plain] = side_by_side(RUNS, reading, without)?;
    let [appended, plain_again] = side_by_side(RUNS, appending, without)?;
    let first = format!("{name}, --no-save");
    let second = format!("{name}, appended to");
    Ok(vec![
        Row::compared(&first, read.time(), ("without", plain.time()), 1.3),
        Row::compared(&second, appended.time(), ("without", plain_again.time()), 1.3),
    ])
}

pub fn long_history(bench: &Bench) -> Result<Vec<Row>> {
    let url = bench.server.base_url(Route::Prompt);
    let [long, short] = ["long.jsonl", "short.jsonl"].map(|name| bench.directory.path().join(name));
    write_turns(&long, |_, bytes| bytes < 1 << 30)?;
    write_turns(&short, |_, bytes| bytes < 100 << 10)?;
    let asking = |path: &Path| {
        let mut gravix = gravix_with(bench, &url, path);
        gravix.args(["--turns", "10", "--no-save"]);
        Ok(gravix)
    };
    let measured = side_by_side(RUNS, || asking(&long), || asking(&short));
    fs::remove_file(long)?;
    let [long, short] = measured?;
    let name = "1 GiB of history, --turns 10";
    let (time, memory) = (format!("{name}: time"), format!("{name}: memory"));
    Ok(vec![
        Row::compared(&time, long.time(), ("100 KiB", short.time()), 1.5),
        Row::compared(&memory, long.memory(), ("100 KiB", short.memory()), 1.5),
    ])
}

/// gravix with a short prompt, sent to `url`.
pub fn gravix(bench: &Bench, url: &str) -> Command {
    let mut gravix = command(&bench.programs.gravix, bench.directory.path());
    gravix.args(["ask", "-n", "hi", "--base-url", url]);
    gravix
}

fn gravix_with(bench: &Bench, url: &str, history: &Path) -> Command {
    let mut gravix = gravix(bench, url);
    // Depending on the umask, gravix would warn that others can read the file.
    gravix.arg("--quiet").arg("--history").arg(history);
    gravix
}

/// curl with the request that gravix sends.
pub fn curl(bench: &Bench, url: &str) -> Result<Command> {
    let body = json!({
        "model": "llama3.1:8b-instruct-fp16",
        "messages": [{"role": "user", "content": "hi"}],
    });
    let mut curl = command(bench.programs.peer("curl")?, bench.directory.path());
    curl.args(["-s", "-f", "-H", "Content-Type: application/json", "-d", &body.to_string()]);
    curl.arg(format!("{url}/chat/completions"));
    Ok(curl)
}

/// Writes turns while `is_short` returns true for the number of turns and of bytes
/// so far.
fn write_turns(path: &Path, is_short: impl Fn(usize, usize) -> bool) -> Result<()> {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let (mut turns, mut bytes) = (0, 0);
    while is_short(turns, bytes) {
        let question = json!({"role": "user", "content": format!("What is {turns} plus one?")});
        let reply = "It is the number that follows it. ".repeat(4);
        let reply = json!({"role": "assistant", "content": reply});
        let turn = format!("{question}\n{reply}\n");
        file.write_all(turn.as_bytes())?;
        turns += 1;
        bytes += turn.len();
    }
    // Otherwise the disk would still be busy during the measurement.
    file.into_inner()?.sync_all()?;
    Ok(())
}
