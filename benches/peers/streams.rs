//! A reply of a million tokens, streamed as fast as the server can send.

use std::fs;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::Bench;
use crate::measure::{STDOUT, side_by_side};
use crate::prompts;
use crate::server::{Route, text_length};
use crate::table::Row;

const RUNS: usize = 5;

pub fn tokens(bench: &Bench) -> Result<Vec<Row>> {
    let name = "stream of 1,000,000 tokens";
    let row = |what: &str, route, goal| -> Result<Row> {
        let theirs = || {
            ensure_written(bench)?;
            curl(bench, route)
        };
        let [ours, theirs] = side_by_side(RUNS, || Ok(gravix(bench, route)), theirs)?;
        Ok(Row::compared(what, ours.time(), ("curl", theirs.time()), goal))
    };
    Ok(vec![
        row(name, Route::Stream, Some(3.0))?,
        row(&format!("{name}, unchunked"), Route::Unchunked, None)?,
    ])
}

pub fn memory(bench: &Bench) -> Result<Vec<Row>> {
    let url = bench.server.base_url(Route::Prompt);
    let one = || Ok(prompts::gravix(bench, &url));
    let [stream, one] = side_by_side(RUNS, || Ok(gravix(bench, Route::Stream)), one)?;
    let name = "stream of 1,000,000 tokens: memory";
    Ok(vec![Row::compared(name, stream.memory(), ("one prompt", one.memory()), 1.1)])
}

fn gravix(bench: &Bench, route: Route) -> Command {
    let mut gravix = prompts::gravix(bench, &bench.server.base_url(route));
    gravix.arg("--stream");
    gravix
}

fn curl(bench: &Bench, route: Route) -> Result<Command> {
    let mut curl = prompts::curl(bench, &bench.server.base_url(route))?;
    curl.args(["-N", "-o", "/dev/null"]);
    Ok(curl)
}

/// Makes sure that gravix wrote the whole text and a newline.
fn ensure_written(bench: &Bench) -> Result<()> {
    let written = fs::metadata(bench.directory.path().join(STDOUT))?.len();
    let expected = text_length() as u64 + 1;
    ensure!(written == expected, "gravix wrote {written} bytes, expected {expected}");
    Ok(())
}
