//! Batches: 2,000 requests compared with xargs and curl, what a request and a job
//! cost, a file of a million, and a table of a million.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use crate::Bench;
use crate::measure::{run_alone, side_by_side};
use crate::programs::command;
use crate::prompts;
use crate::server::{self, Route};
use crate::table::{Quantity, Row};

const RUNS: usize = 5;

/// The size of the batch compared with curl.
const REQUESTS: usize = 2_000;

/// The size of the large batch.
const MANY: usize = 1_000_000;

/// Enough requests that the start of the process does not count.
const OVERHEAD_REQUESTS: u32 = 20_000;

/// Enough jobs that the rest of the process counts little.
const WAITING_JOBS: u32 = 1_000;

/// The memory goal: 64 MiB.
const MEMORY_GOAL: Quantity = Quantity::Bytes(64 << 20);

pub fn compared_with_xargs(bench: &Bench) -> Result<Vec<Row>> {
    let url = bench.server.base_url(Route::Kept);
    let input = write_requests(bench, REQUESTS)?;
    let lines = bench.directory.path().join("lines");
    fs::write(&lines, "x\n".repeat(REQUESTS))?;
    let theirs = || {
        let mut xargs = command(bench.programs.peer("xargs")?, bench.directory.path());
        xargs.arg("-a").arg(&lines).args(["-P8", "-Ix"]);
        let curl = prompts::curl(bench, &url)?;
        xargs.arg(curl.get_program()).args(curl.get_args()).args(["-o", "/dev/null"]);
        Ok(xargs)
    };
    let ours = || Ok(gravix(bench, &url, &input));
    let [ours, theirs] = side_by_side(RUNS, ours, theirs)?;
    let peer = ("xargs -P8 curl", theirs.time());
    Ok(vec![Row::compared("batch of 2,000, -j 8", ours.time(), peer, 0.1)])
}

/// The processor time of gravix for each request, its result written to a file.
pub fn overhead(bench: &Bench) -> Result<Vec<Row>> {
    let url = bench.server.base_url(Route::Kept);
    let input = write_requests(bench, OVERHEAD_REQUESTS as usize)?;
    let output = bench.directory.path().join("results.jsonl");
    let taken = run_alone(RUNS, || {
        if output.exists() {
            fs::remove_file(&output)?;
        }
        let mut gravix = gravix(bench, &url, &input);
        gravix.arg("-o").arg(&output);
        Ok(gravix)
    })?;
    let goal = Quantity::Time(Duration::from_micros(70));
    let name = "batch -o FILE: processor time a request";
    Ok(vec![Row::measured(name, taken.processor_time_each(OVERHEAD_REQUESTS), goal)])
}

/// The memory of gravix for each job, while all of them wait for an answer.
pub fn waiting(bench: &Bench) -> Result<Vec<Row>> {
    let input = write_requests(bench, WAITING_JOBS as usize)?;
    let taken = run_alone(RUNS, || {
        let url = server::answer_together(WAITING_JOBS as usize)?;
        let mut gravix = gravix(bench, &url, &input);
        // The rate that gravix would find itself starts low.
        gravix.args(["--rate", "1000000/s", "-j", &WAITING_JOBS.to_string()]);
        Ok(gravix)
    })?;
    let name = "batch of 1,000 waiting jobs: memory a job";
    let goal = Quantity::Bytes(100 << 10);
    Ok(vec![Row::measured(name, taken.memory_each(WAITING_JOBS), goal)])
}

pub fn million(bench: &Bench) -> Result<Vec<Row>> {
    let url = bench.server.base_url(Route::Kept);
    let input = write_requests(bench, MANY)?;
    let output = bench.directory.path().join("results.jsonl");
    let run = || {
        let mut gravix = gravix(bench, &url, &input);
        gravix.arg("-o").arg(&output);
        Ok(gravix)
    };
    let whole = run_alone(1, run)?;
    let resumed = run_alone(RUNS, run)?;
    for file in [input, output] {
        fs::remove_file(file)?;
    }
    let name = "batch of 1,000,000";
    let goal = Quantity::Time(Duration::from_secs(3));
    Ok(vec![
        Row::measured(&format!("{name}: memory"), whole.memory(), MEMORY_GOAL),
        Row::measured(&format!("{name}: already done"), resumed.time(), goal),
        Row::measured(&format!("{name}: already done, memory"), resumed.memory(), MEMORY_GOAL),
    ])
}

/// A table of as many rows, beside the same requests as JSON.
pub fn table(bench: &Bench) -> Result<Vec<Row>> {
    let url = bench.server.base_url(Route::Kept);
    let [requests, rows] = [write_requests(bench, MANY)?, write_rows(bench, MANY)?];
    let output = |name: &str| bench.directory.path().join(name);
    let [lines, table] = [output("results.jsonl"), output("table.csv")];
    let results = output("table.csv.jsonl");
    let ours = || {
        for file in [&table, &results].into_iter().filter(|file| file.exists()) {
            fs::remove_file(file)?;
        }
        let mut gravix = gravix(bench, &url, &rows);
        gravix.args(["-T", "What is {{number}} plus one?", "-o"]).arg(&table);
        Ok(gravix)
    };
    let theirs = || {
        if lines.exists() {
            fs::remove_file(&lines)?;
        }
        let mut gravix = gravix(bench, &url, &requests);
        gravix.arg("-o").arg(&lines);
        Ok(gravix)
    };
    let [rows_taken, lines_taken] = side_by_side(1, ours, theirs)?;
    for file in [requests, rows, lines, table, results] {
        fs::remove_file(file)?;
    }
    let peer = ("the same requests as JSON", lines_taken.time());
    Ok(vec![
        Row::compared("table of 1,000,000 rows", rows_taken.time(), peer, 1.5),
        Row::measured("table of 1,000,000 rows: memory", rows_taken.memory(), MEMORY_GOAL),
    ])
}

fn gravix(bench: &Bench, url: &str, input: &Path) -> Command {
    let mut gravix = command(&bench.programs.gravix, bench.directory.path());
    gravix.args(["batch", "--quiet", "--base-url", url]).arg(input);
    gravix
}

/// Writes `count` requests in the format of OpenAI's Batch API.
fn write_requests(bench: &Bench, count: usize) -> Result<PathBuf> {
    let path = bench.directory.path().join("requests.jsonl");
    let mut file = BufWriter::with_capacity(1 << 20, File::create(&path)?);
    for number in 0..count {
        let content = format!("What is {number} plus one?");
        let request = json!({
            "custom_id": format!("request-{number}"),
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {"messages": [{"role": "user", "content": content}]},
        });
        writeln!(file, "{request}")?;
    }
    // Otherwise the disk would still be busy during the measurement.
    file.into_inner()?.sync_all()?;
    Ok(path)
}

/// Writes a table of `count` rows, whose questions are those of the requests.
fn write_rows(bench: &Bench, count: usize) -> Result<PathBuf> {
    let path = bench.directory.path().join("rows.csv");
    let mut file = BufWriter::with_capacity(1 << 20, File::create(&path)?);
    writeln!(file, "number,note")?;
    for number in 0..count {
        writeln!(file, "{number},\"a note, with a comma\"")?;
    }
    file.into_inner()?.sync_all()?;
    Ok(path)
}
