//! What `gravix batch` takes.

use std::path::PathBuf;

use clap::{ArgAction, ValueHint};

use crate::cli::ask_args::ModelArgs;
use crate::cli::connection::{NetworkArgs, SettingsArgs, VerbosityArgs};
use crate::cli::reply_format::SchemaArgs;
use crate::cli::values::{jobs, positive, rate, shard};

#[derive(Debug, clap::Args)]
pub struct BatchArgs {
    /// Print help (-h prints a summary)
    #[arg(short, long, action = ArgAction::Help, hide_short_help = true)]
    help: Option<bool>,

    /// The requests, one a line; without FILE, or for '-', stdin
    #[arg(value_name = "FILE", help_heading = "Input", value_hint = ValueHint::FilePath)]
    pub files: Vec<PathBuf>,

    /// Take each line as a prompt, not as JSON
    ///
    /// Blank lines are left out, and counted: a line's number is its id.
    #[arg(long, help_heading = "Input")]
    pub lines: bool,

    /// Take each NUL-ended record as a prompt; end --text by NUL
    ///
    /// For prompts and replies of several lines, as find -print0 and xargs -0
    /// have them.
    #[arg(short = '0', long, help_heading = "Input")]
    pub null: bool,

    /// The system prompt, where a line has none
    #[arg(short, long, value_name = "TEXT", help_heading = "Input", value_hint = ValueHint::Other)]
    pub system: Option<String>,

    /// Read the system prompt from FILE
    ///
    /// One line end at the very end of the file is taken off.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "system",
        help_heading = "Input",
        hide_short_help = true,
        value_hint = ValueHint::FilePath
    )]
    pub system_file: Option<PathBuf>,

    /// Take every N-th line from the I-th on
    ///
    /// N machines that are each given the same input and another I do
    /// together what one would have done. Ids are the same everywhere.
    #[arg(long, value_name = "I/N", value_parser = shard, help_heading = "Input", value_hint = ValueHint::Other)]
    pub shard: Option<(u64, u64)>,

    /// Let lines that are no requests fail, and go on
    ///
    /// Without it such a line is exit status 65: before anything is sent
    /// where the input is a file, and when it comes where it is a pipe.
    #[arg(long, help_heading = "Input", hide_short_help = true)]
    pub skip_bad: bool,

    /// Append results to FILE; go on where it ends
    ///
    /// Requests that have a good response in FILE are not sent again, and
    /// those that failed there are: they are known by their ids. FILE is
    /// locked during the run.
    #[arg(short, long, value_name = "FILE", help_heading = "Output", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,

    /// Append what failed to FILE instead
    #[arg(long, value_name = "FILE", help_heading = "Output", value_hint = ValueHint::FilePath)]
    pub errors: Option<PathBuf>,

    /// Keep the order of the input
    ///
    /// A result waits for those before it, in FILE.waiting where -o names a
    /// FILE. So that few do, no request is begun that is more than 16 times
    /// --jobs ahead of the oldest one. After a kill, results that waited come
    /// before those that had not come.
    #[arg(long, help_heading = "Output")]
    pub ordered: bool,

    /// Print the text of each reply alone, on one line
    ///
    /// Newlines and quotes in it are escaped as in a JSON string. With -0
    /// texts are printed as they are, each with a NUL at its end. A request
    /// that failed leaves an empty line, and is told on stderr, unless
    /// --errors takes it.
    #[arg(long, help_heading = "Output")]
    pub text: bool,

    /// Join outputs: one line an id, the good one winning
    ///
    /// The outputs are FILE..., and the joined one goes to standard output, or
    /// to the file of -o, which is replaced at one stroke. Of several failed lines the last one stays. Nothing is sent.
    #[arg(
        long,
        help_heading = "Output",
        requires = "files",
        conflicts_with_all = [
            "lines", "null", "shard", "skip_bad", "errors", "ordered", "text", "jobs", "rate",
            "max_failures",
        ]
    )]
    pub merge: bool,

    /// Have N requests under way at once (default 8)
    #[arg(short, long, value_name = "N", value_parser = jobs, help_heading = "Network", value_hint = ValueHint::Other)]
    pub jobs: Option<u16>,

    /// Send no more than N requests a second, minute or hour
    ///
    /// Without a rate it is found: it falls when the server refuses requests
    /// (429), and rises again while it takes them. What is refused so is sent
    /// again when others may be, and is no try of --retries, as long as the
    /// server has taken anything in the last two minutes.
    #[arg(long, value_name = "N/s|m|h", value_parser = rate, help_heading = "Network", value_hint = ValueHint::Other)]
    pub rate: Option<f64>,

    /// Stop when so many requests have failed
    #[arg(long, value_name = "N", value_parser = positive, help_heading = "Network", value_hint = ValueHint::Other)]
    pub max_failures: Option<u32>,

    #[command(flatten)]
    pub model: ModelArgs,

    #[command(flatten)]
    pub schema: SchemaArgs,

    #[command(flatten)]
    pub verbosity: VerbosityArgs,

    #[command(flatten)]
    pub network: NetworkArgs,

    #[command(flatten)]
    pub settings: SettingsArgs,
}
