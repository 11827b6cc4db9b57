//! Running two commands in turn, and what each run took. Knows no program.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

use crate::Result;
use crate::table::Quantity;

/// The argument that makes this program run the command after it, once.
pub const ONCE: &str = "--once";

/// The file in the home of a command that has what it wrote last.
pub const STDOUT: &str = "stdout";

/// What getrusage counts memory in: KiB, but for Apple's.
const RSS_UNIT: i64 = if cfg!(target_vendor = "apple") { 1 } else { 1 << 10 };

/// What the runs of one command took; never empty.
#[derive(Debug, Default)]
pub struct Runs {
    times: Vec<Duration>,
    peaks: Vec<u64>,
}

impl Runs {
    /// The median of the time from the start of the process to its end.
    pub fn time(&self) -> Quantity {
        Quantity::Time(quantile(&self.times, 0.5))
    }

    /// The median of the largest resident set.
    pub fn memory(&self) -> Quantity {
        Quantity::Bytes(quantile(&self.peaks, 0.5))
    }

    /// Runs `command`, whose environment is all that it sets, in a process
    /// between. Linux counts the memory of the process that starts another as
    /// the other's: this one, with its server, would be the larger.
    fn add(&mut self, command: &Command) -> Result<()> {
        let mut between = Command::new(std::env::current_exe()?);
        between.arg(ONCE).arg(command.get_program()).args(command.get_args()).env_clear();
        between.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = between.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
        let told = String::from_utf8(output.stdout)?;
        let numbers =
            told.split_ascii_whitespace().map(str::parse).collect::<Result<Vec<u64>, _>>();
        let Ok([time, peak]) = numbers.as_deref() else {
            return Err(told.trim().into());
        };
        self.times.push(Duration::from_nanos(*time));
        self.peaks.push(*peak);
        Ok(())
    }
}

/// Runs the command in `arguments`. Prints nanoseconds and bytes, or else what
/// went wrong.
pub fn once(arguments: &[String]) -> Result<()> {
    let (program, arguments) = arguments.split_first().ok_or("no program")?;
    let home = std::env::var_os("HOME").ok_or("no home")?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    command.stdout(File::create(Path::new(&home).join(STDOUT))?);
    let began = Instant::now();
    let status = command.status()?;
    let took = began.elapsed().as_nanos();
    // There is one child.
    let peak = getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss() * RSS_UNIT;
    let mut stdout = io::stdout();
    if status.success() {
        writeln!(stdout, "{took} {peak}")?;
    } else {
        writeln!(stdout, "{program}: {status}")?;
    }
    Ok(())
}

/// Runs the two commands in turn, so that what else the machine does meets
/// both. Each is prepared anew for each run, which is not measured.
pub fn side_by_side(
    runs: usize,
    ours: impl Fn() -> Result<Command>,
    theirs: impl Fn() -> Result<Command>,
) -> Result<[Runs; 2]> {
    let mut taken = [Runs::default(), Runs::default()];
    for run in 0..=runs {
        if run == 1 {
            // The first ones warmed the caches.
            taken = [Runs::default(), Runs::default()];
        }
        taken[0].add(&ours()?)?;
        taken[1].add(&theirs()?)?;
    }
    Ok(taken)
}

/// Runs a command that is measured by itself; there is no first run to warm up.
pub fn alone(runs: usize, prepare: impl Fn() -> Result<Command>) -> Result<Runs> {
    let mut taken = Runs::default();
    (0..runs).try_for_each(|_| taken.add(&prepare()?))?;
    Ok(taken)
}

/// The value that this share of `values`, which are not empty, are not above.
pub fn quantile<T: Copy + Ord>(values: &[T], share: f64) -> T {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}
