//! The results as a Markdown table.

use std::fmt;
use std::io::{self, Write};
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::programs::Programs;

/// A measured value.
#[derive(Debug, Clone, Copy)]
pub enum Quantity {
    Time(Duration),
    Bytes(u64),
    Count(u64),
}

impl Quantity {
    fn value(self) -> f64 {
        match self {
            Quantity::Time(time) => time.as_secs_f64(),
            Quantity::Bytes(number) | Quantity::Count(number) => number as f64,
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Quantity::Time(time) if time >= Duration::from_secs(1) => {
                write!(f, "{:.2} s", time.as_secs_f64())
            }
            Quantity::Time(time) if time >= Duration::from_millis(1) => {
                write!(f, "{:.2} ms", time.as_secs_f64() * 1e3)
            }
            Quantity::Time(time) => write!(f, "{:.0} µs", time.as_secs_f64() * 1e6),
            Quantity::Bytes(bytes) if bytes < 1 << 20 => {
                write!(f, "{:.1} KiB", bytes as f64 / f64::from(1 << 10))
            }
            Quantity::Bytes(bytes) => write!(f, "{:.2} MiB", bytes as f64 / f64::from(1 << 20)),
            Quantity::Count(count) => write!(f, "{count}"),
        }
    }
}

/// A row of the table.
pub struct Row {
    pub what: String,
    outcome: Outcome,
}

enum Outcome {
    /// gravix compared with a peer. `goal` is the maximum ratio, if there is a
    /// goal.
    Compared {
        gravix: Quantity,
        name: &'static str,
        peer: Quantity,
        goal: Option<f64>,
    },
    /// gravix without a peer. `goal` is the maximum.
    Measured {
        gravix: Quantity,
        goal: Quantity,
    },
    Failed(String),
}

impl Row {
    pub fn compared(
        what: &str,
        gravix: Quantity,
        (name, peer): (&'static str, Quantity),
        goal: impl Into<Option<f64>>,
    ) -> Self {
        let outcome = Outcome::Compared { gravix, name, peer, goal: goal.into() };
        Self { what: what.to_owned(), outcome }
    }

    pub fn measured(what: &str, gravix: Quantity, goal: Quantity) -> Self {
        Self { what: what.to_owned(), outcome: Outcome::Measured { gravix, goal } }
    }

    /// A row with an error instead of numbers, such as a peer that is not
    /// installed.
    pub fn failed(what: &str, error: &anyhow::Error) -> Self {
        Self { what: what.to_owned(), outcome: Outcome::Failed(format!("{error:#}")) }
    }

    fn cells(&self) -> [String; 5] {
        let what = self.what.clone();
        match &self.outcome {
            Outcome::Compared { gravix, name, peer, goal } => {
                let ratio = gravix.value() / peer.value();
                let goal =
                    goal.map_or_else(String::new, |goal| format!("{goal:.2}{}", miss(ratio, goal)));
                let peer = format!("{name} {peer}");
                // Some peers take hundreds of times as long.
                let digits = if ratio < 0.1 { 4 } else { 2 };
                [what, gravix.to_string(), peer, format!("{ratio:.digits$}"), goal]
            }
            Outcome::Measured { gravix, goal } => {
                let goal = format!("{goal}{}", miss(gravix.value(), goal.value()));
                [what, gravix.to_string(), String::new(), String::new(), goal]
            }
            Outcome::Failed(reason) => {
                [what, String::new(), reason.clone(), String::new(), String::new()]
            }
        }
    }
}

/// Compares with two decimals, as displayed.
fn miss(value: f64, goal: f64) -> &'static str {
    if (value * 100.0).round() > (goal * 100.0).round() { " (missed)" } else { "" }
}

pub fn head(out: &mut impl Write) -> io::Result<()> {
    line(out, ["what", "gravix", "peer", "ratio", "goal, at most"].map(str::to_owned))?;
    line(out, ["---", "---:", "---", "---:", "---"].map(str::to_owned))
}

pub fn row(out: &mut impl Write, row: &Row) -> io::Result<()> {
    line(out, row.cells())
}

/// Rows are written one by one, so the widths cannot depend on the longest cell.
fn line(out: &mut impl Write, [what, gravix, peer, ratio, goal]: [String; 5]) -> io::Result<()> {
    writeln!(out, "| {what:42} | {gravix:>9} | {peer:24} | {ratio:>6} | {goal:14} |")?;
    out.flush()
}

/// Writes the machine and the versions of the programs.
pub fn foot(out: &mut impl Write, programs: &Programs) -> io::Result<()> {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let system = Command::new("uname").arg("-srm").output();
    let system = system.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let system = system.unwrap_or_else(|_| std::env::consts::OS.to_owned());
    writeln!(out, "\nMedians of alternating runs; {cores} cores, {system}.")?;
    programs.versions().into_iter().try_for_each(|version| writeln!(out, "- {version}"))
}

pub fn report(error: &anyhow::Error) {
    // An error on stderr cannot be reported anywhere.
    let _ = writeln!(io::stderr(), "peers: {error:#}");
}
