//! `--help` and `--version`, which need no server.

use anyhow::Result;

use crate::Bench;
use crate::measure::side_by_side;
use crate::programs::command;
use crate::table::Row;

const RUNS: usize = 100;

pub fn help(bench: &Bench) -> Result<Vec<Row>> {
    compare_with_curl_version(bench, "--help")
}

pub fn version(bench: &Bench) -> Result<Vec<Row>> {
    compare_with_curl_version(bench, "--version")
}

fn compare_with_curl_version(bench: &Bench, option: &str) -> Result<Vec<Row>> {
    let home = bench.directory.path();
    let curl = bench.programs.peer("curl")?;
    let run = |program, option: &str| {
        let mut command = command(program, home);
        command.arg(option);
        Ok(command)
    };
    let ours = || run(&bench.programs.gravix, option);
    let [ours, theirs] = side_by_side(RUNS, ours, || run(curl, "--version"))?;
    Ok(vec![Row::compared(option, ours.time(), ("curl --version", theirs.time()), 0.25)])
}
