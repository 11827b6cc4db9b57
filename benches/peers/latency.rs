//! The latency of a token: from the server's write until it can be read from the
//! client's stdout.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::Bench;
use crate::measure::quantile;
use crate::prompts;
use crate::server::{PACED_TOKENS, Route};
use crate::table::{Quantity, Row};

const RUNS: usize = 5;

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let url = bench.server.base_url(Route::Paced);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        ours.extend(latencies(prompts::gravix(bench, &url).arg("--stream"), bench.server.epoch)?);
        theirs.extend(latencies(prompts::curl(bench, &url)?.arg("-N"), bench.server.epoch)?);
    }
    let row = |what, share| {
        let [ours, theirs] = [&ours, &theirs].map(|all| Quantity::Time(quantile(all, share)));
        Row::compared(what, ours, ("curl", theirs), 1.2)
    };
    Ok(vec![row("token latency: median", 0.5), row("token latency: p99", 0.99)])
}

fn latencies(command: &mut Command, epoch: Instant) -> Result<Vec<Duration>> {
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut stdout = child.stdout.take().context("the child has no stdout")?;
    let mut latencies = Vec::with_capacity(PACED_TOKENS);
    let mut buffer = vec![0; 64 << 10];
    let mut filled = 0;
    loop {
        let read = stdout.read(&mut buffer[filled..])?;
        let now = epoch.elapsed();
        if read == 0 {
            break;
        }
        filled += read;
        let lines = buffer[..filled].iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let sent = buffer[..lines].split(|&byte| byte == b'\n').filter_map(sending_time);
        latencies.extend(sent.map(|sent| now.saturating_sub(sent)));
        buffer.copy_within(lines..filled, 0);
        filled -= lines;
    }
    let status = child.wait()?;
    let count = latencies.len();
    ensure!(status.success() && count == PACED_TOKENS, "{status} after {count} tokens");
    Ok(latencies)
}

/// The sending time in a line: gravix prints only the text, curl the whole event.
fn sending_time(line: &[u8]) -> Option<Duration> {
    let line = std::str::from_utf8(line).ok()?;
    let text = line.split_once("\"content\":\"").map_or(line, |(_, text)| text);
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok().map(Duration::from_nanos)
}
