//! What needs no server: help and version.

use crate::measure::side_by_side;
use crate::programs::command;
use crate::table::Row;
use crate::{Bench, Result};

const RUNS: usize = 100;

pub fn help(bench: &Bench) -> Result<Vec<Row>> {
    beside_version_of_curl(bench, "--help")
}

pub fn version(bench: &Bench) -> Result<Vec<Row>> {
    beside_version_of_curl(bench, "--version")
}

fn beside_version_of_curl(bench: &Bench, option: &str) -> Result<Vec<Row>> {
    let home = bench.directory.path();
    let curl = bench.programs.peer("curl")?;
    let run = |program, option: &str| {
        let mut command = command(program, home);
        command.arg(option);
        Ok(command)
    };
    let ours = || run(&bench.programs.gravix, option);
    let [ours, theirs] = side_by_side(RUNS, ours, || run(curl, "--version"))?;
    Ok(vec![Row::beside(option, ours.time(), ("curl --version", theirs.time()), 0.25)])
}
