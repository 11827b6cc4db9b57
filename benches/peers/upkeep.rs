//! The size of the binary, and the number of crates in it.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;

use anyhow::Result;

use crate::Bench;
use crate::programs::cargo;
use crate::table::{Quantity, Row};

pub fn binary(bench: &Bench) -> Result<Vec<Row>> {
    let size = fs::metadata(&bench.programs.gravix)?.len();
    let goal = Quantity::Bytes(11 << 19); // 5.5 MiB
    Ok(vec![Row::measured("release binary", Quantity::Bytes(size), goal)])
}

/// Counts gravix itself, and each version of a crate.
pub fn crates(_: &Bench) -> Result<Vec<Row>> {
    let mut tree = cargo();
    tree.args(["tree", "-e", "normal", "--prefix", "none", "--no-dedupe", "--locked"]);
    let output = tree.stderr(Stdio::inherit()).output()?;
    let listed = String::from_utf8(output.stdout)?;
    let count = listed.lines().collect::<BTreeSet<_>>().len() as u64;
    Ok(vec![Row::measured("crates", Quantity::Count(count), Quantity::Count(115))])
}
