//! A long reply, token by token, as fast as it can be sent.

use std::fs;
use std::process::Command;

use crate::measure::{STDOUT, side_by_side};
use crate::prompts;
use crate::server::{Answer, text_length};
use crate::table::Row;
use crate::{Bench, Result};

const RUNS: usize = 5;

pub fn tokens(bench: &Bench) -> Result<Vec<Row>> {
    let name = "stream of 1,000,000 tokens";
    let row = |what: &str, answer, goal| -> Result<Row> {
        let theirs = || {
            ensure_written(bench)?;
            curl(bench, answer)
        };
        let [ours, theirs] = side_by_side(RUNS, || Ok(gravix(bench, answer)), theirs)?;
        Ok(Row::beside(what, ours.time(), ("curl", theirs.time()), goal))
    };
    Ok(vec![
        row(name, Answer::Stream, Some(3.0))?,
        row(&format!("{name}, unchunked"), Answer::Unchunked, None)?,
    ])
}

pub fn memory(bench: &Bench) -> Result<Vec<Row>> {
    let url = bench.server.base_url(Answer::Prompt);
    let one = || Ok(prompts::gravix(bench, &url));
    let [stream, one] = side_by_side(RUNS, || Ok(gravix(bench, Answer::Stream)), one)?;
    let name = "stream of 1,000,000 tokens: memory";
    Ok(vec![Row::beside(name, stream.memory(), ("one prompt", one.memory()), 1.1)])
}

fn gravix(bench: &Bench, answer: Answer) -> Command {
    let mut gravix = prompts::gravix(bench, &bench.server.base_url(answer));
    gravix.arg("--stream");
    gravix
}

fn curl(bench: &Bench, answer: Answer) -> Result<Command> {
    let mut curl = prompts::curl(bench, &bench.server.base_url(answer))?;
    curl.args(["-N", "-o", "/dev/null"]);
    Ok(curl)
}

/// What gravix wrote is as long as the text, and ends in a newline.
fn ensure_written(bench: &Bench) -> Result<()> {
    let written = fs::metadata(bench.directory.path().join(STDOUT))?.len();
    if written == text_length() as u64 + 1 {
        return Ok(());
    }
    Err(format!("gravix wrote {written} bytes").into())
}
