//! Compares gravix with its peers on the same machine. `cargo bench --bench peers
//! -- WORD…` runs only the topics whose name contains one of the words. Times are
//! reported, not asserted.

mod batches;
mod documents;
mod latency;
mod measure;
mod nginx;
mod programs;
mod prompts;
mod server;
mod streams;
mod table;
mod upkeep;

use std::io;
use std::process::ExitCode;

use anyhow::Result;
use programs::Programs;
use server::BenchServer;
use table::Row;
use tempfile::TempDir;

/// State that every topic shares.
struct Bench {
    programs: Programs,
    server: BenchServer,
    /// The home directory of every command.
    directory: TempDir,
}

/// A measurement that adds one or more rows to the table.
struct Topic {
    name: &'static str,
    measure: fn(&Bench) -> Result<Vec<Row>>,
}

const TOPICS: &[Topic] = &[
    Topic { name: "one prompt", measure: prompts::plain },
    Topic { name: "one prompt over TLS", measure: prompts::tls },
    Topic { name: "one prompt, against aichat", measure: prompts::aichat },
    Topic { name: "one prompt, against llm", measure: prompts::llm },
    Topic { name: "100 turns of history", measure: prompts::history },
    Topic { name: "1 GiB of history, --turns 10", measure: prompts::long_history },
    Topic { name: "stream of 1,000,000 tokens", measure: streams::tokens },
    Topic { name: "stream of 1,000,000 tokens: memory", measure: streams::memory },
    Topic { name: "token latency", measure: latency::measure },
    Topic { name: "batch of 2,000", measure: batches::compared_with_xargs },
    Topic { name: "batch -o FILE", measure: batches::overhead },
    Topic { name: "batch of 1,000 waiting jobs", measure: batches::waiting },
    Topic { name: "batch of 1,000,000", measure: batches::million },
    Topic { name: "table of 1,000,000 rows", measure: batches::table },
    Topic { name: "--help", measure: documents::help },
    Topic { name: "--version", measure: documents::version },
    Topic { name: "release binary", measure: upkeep::binary },
    Topic { name: "crates", measure: upkeep::crates },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == measure::ONCE) {
        return exit_code(measure::run_once(&arguments[1..]));
    }
    // `cargo test --all-targets` runs this program too, but without the flag.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    let words: Vec<_> = arguments.iter().filter(|word| !word.starts_with('-')).collect();
    let is_selected =
        |topic: &&Topic| words.is_empty() || words.iter().any(|word| topic.name.contains(*word));
    exit_code(run(TOPICS.iter().filter(is_selected)))
}

fn exit_code(result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            table::report(&error);
            ExitCode::FAILURE
        }
    }
}

fn run<'a>(topics: impl Iterator<Item = &'a Topic>) -> Result<()> {
    let mut topics = topics.peekable();
    if topics.peek().is_none() {
        // `cargo bench -- WORD` passes the words to every bench target.
        return Ok(());
    }
    let bench = Bench {
        programs: Programs::find()?,
        server: BenchServer::start()?,
        directory: TempDir::with_prefix("gravix-bench-")?,
    };
    let mut stdout = io::stdout().lock();
    table::head(&mut stdout)?;
    for topic in topics {
        let rows = (topic.measure)(&bench);
        for row in rows.unwrap_or_else(|error| vec![Row::failed(topic.name, &error)]) {
            table::row(&mut stdout, &row)?;
        }
    }
    table::foot(&mut stdout, &bench.programs)?;
    Ok(())
}
