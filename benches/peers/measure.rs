//! Runs commands and measures their time, processor time and memory.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

use crate::table::Quantity;

/// The argument that makes this program run the command after it once and print
/// its times and memory.
pub const ONCE: &str = "--once";

/// The file in the home directory with the stdout of the last command.
pub const STDOUT: &str = "stdout";

/// The unit of getrusage's `ru_maxrss`: KiB, but bytes on Apple systems.
const RSS_UNIT: i64 = if cfg!(target_vendor = "apple") { 1 } else { 1 << 10 };

/// The times and memory peaks of the runs of one command. Not empty once
/// returned.
#[derive(Debug, Default)]
pub struct Runs {
    times: Vec<Duration>,
    processor_times: Vec<Duration>,
    peaks: Vec<u64>,
}

impl Runs {
    /// The median time from the start of the process to its end.
    pub fn time(&self) -> Quantity {
        Quantity::Time(quantile(&self.times, 0.5))
    }

    /// The median peak of the resident set size.
    pub fn memory(&self) -> Quantity {
        Quantity::Bytes(quantile(&self.peaks, 0.5))
    }

    /// The median processor time, in user mode and in the system, that each of
    /// `count` parts of the work took.
    pub fn processor_time_each(&self, count: u32) -> Quantity {
        Quantity::Time(quantile(&self.processor_times, 0.5) / count)
    }

    /// The share of each of `count` parts of the work in the median peak.
    pub fn memory_each(&self, count: u32) -> Quantity {
        Quantity::Bytes(quantile(&self.peaks, 0.5) / u64::from(count))
    }

    /// Runs `command`, with only the environment that it sets, as a grandchild of
    /// this process. On Linux the peak of a child includes the memory of its
    /// parent at the fork, and this process with its server is too large.
    fn add(&mut self, command: &Command) -> Result<()> {
        let mut runner = Command::new(std::env::current_exe()?);
        runner.arg(ONCE).arg(command.get_program()).args(command.get_args()).env_clear();
        runner.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = runner.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
        let printed = String::from_utf8(output.stdout)?;
        let numbers =
            printed.split_ascii_whitespace().map(str::parse).collect::<Result<Vec<u64>, _>>();
        let Ok([time, processor_time, peak]) = numbers.as_deref() else {
            bail!("{}", printed.trim());
        };
        self.times.push(Duration::from_nanos(*time));
        self.processor_times.push(Duration::from_micros(*processor_time));
        self.peaks.push(*peak);
        Ok(())
    }
}

/// Runs the command in `arguments`. Prints its time in nanoseconds, its processor
/// time in microseconds and its peak memory in bytes, or why it failed.
pub fn run_once(arguments: &[String]) -> Result<()> {
    let (program, arguments) = arguments.split_first().context("no program to run")?;
    let home = std::env::var_os("HOME").context("HOME is not set")?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    command.stdout(File::create(Path::new(&home).join(STDOUT))?);
    let started = Instant::now();
    let status = command.status()?;
    let took = started.elapsed().as_nanos();
    // RUSAGE_CHILDREN is the command's usage: it is the only child.
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let peak = usage.max_rss() * RSS_UNIT;
    let processor_time = (usage.user_time() + usage.system_time()).num_microseconds();
    let mut stdout = io::stdout();
    if status.success() {
        writeln!(stdout, "{took} {processor_time} {peak}")?;
    } else {
        writeln!(stdout, "{program}: {status}")?;
    }
    Ok(())
}

/// Runs two commands alternately, so that other load on the machine affects both.
/// Both are prepared before each run, which is not measured.
pub fn side_by_side(
    runs: usize,
    ours: impl Fn() -> Result<Command>,
    theirs: impl Fn() -> Result<Command>,
) -> Result<[Runs; 2]> {
    let mut taken = [Runs::default(), Runs::default()];
    for run in 0..=runs {
        if run == 1 {
            // The first run only warms the caches.
            taken = [Runs::default(), Runs::default()];
        }
        taken[0].add(&ours()?)?;
        taken[1].add(&theirs()?)?;
    }
    Ok(taken)
}

/// Runs a single command, without a first run to warm the caches.
pub fn run_alone(runs: usize, prepare: impl Fn() -> Result<Command>) -> Result<Runs> {
    let mut taken = Runs::default();
    (0..runs).try_for_each(|_| taken.add(&prepare()?))?;
    Ok(taken)
}

/// The quantile of `values`, which must not be empty. A share of 0.5 is the
/// median.
pub fn quantile<T: Copy + Ord>(values: &[T], share: f64) -> T {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}
