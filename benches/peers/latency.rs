//! How long a token is on its way, from the server's send until whoever reads
//! the client's standard output has it.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::measure::quantile;
use crate::prompts;
use crate::server::{Answer, PACED_TOKENS};
use crate::table::{Quantity, Row};
use crate::{Bench, Result};

const RUNS: usize = 5;

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let url = bench.server.base_url(Answer::Paced);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        ours.extend(latencies(prompts::gravix(bench, &url).arg("--stream"), bench.server.epoch)?);
        theirs.extend(latencies(prompts::curl(bench, &url)?.arg("-N"), bench.server.epoch)?);
    }
    let row = |what, share| {
        let [ours, theirs] = [&ours, &theirs].map(|all| Quantity::Time(quantile(all, share)));
        Row::beside(what, ours, ("curl", theirs), 1.2)
    };
    Ok(vec![row("token latency: median", 0.5), row("token latency: p99", 0.99)])
}

fn latencies(command: &mut Command, epoch: Instant) -> Result<Vec<Duration>> {
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut stdout = child.stdout.take().ok_or("no pipe")?;
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
        let whole = buffer[..filled].iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let sent = buffer[..whole].split(|&byte| byte == b'\n').filter_map(time_of_sending);
        latencies.extend(sent.map(|sent| now.saturating_sub(sent)));
        buffer.copy_within(whole..filled, 0);
        filled -= whole;
    }
    let status = child.wait()?;
    if !status.success() || latencies.len() != PACED_TOKENS {
        return Err(format!("{status} after {} tokens", latencies.len()).into());
    }
    Ok(latencies)
}

/// The number in a line of text, or in an event of the stream as it was sent.
fn time_of_sending(line: &[u8]) -> Option<Duration> {
    let line = std::str::from_utf8(line).ok()?;
    let text = line.split_once("\"content\":\"").map_or(line, |(_, text)| text);
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok().map(Duration::from_nanos)
}
