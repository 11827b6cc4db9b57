//! Arguments of `gravix batch`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, ValueHint};

use crate::cli::budget_args::BudgetArgs;
use crate::cli::model_args::ModelArgs;
use crate::cli::reply_format::{JsonFormatArgs, WordFormatArgs};
use crate::cli::reply_output::PickArgs;
use crate::cli::report_args::BatchReportArgs;
use crate::cli::shared_args::{
    LogArgs, NetworkArgs, ReplyLimitArgs, SettingsArgs, SystemFileArgs, VerbosityArgs,
};
use crate::cli::table_args::{SelectionArgs, TableInputArgs, TableOutputArgs};
use crate::cli::tables::{BATCH_STATUS, section};
use crate::cli::values::{
    ChangedAction, FailureKind, ProgressInterval, ReasoningTarget, jobs, positive,
    progress_interval, rate, shard, time,
};

#[derive(Debug, clap::Args)]
#[command(
    after_long_help = section("Exit status", BATCH_STATUS),
    // The short help has no room for it.
    mut_arg("extract", |arg| arg.hide_short_help(true))
)]
pub struct BatchArgs {
    /// Print help (-h prints a summary)
    #[arg(short, long, action = ArgAction::Help, hide_short_help = true)]
    help: Option<bool>,

    /// Requests or a table; '-' or nothing is stdin
    #[arg(value_name = "FILE", help_heading = "Input", value_hint = ValueHint::FilePath)]
    pub files: Vec<PathBuf>,

    /// Treat each line as a prompt, not as JSON
    ///
    /// The id of a prompt is its line number. Blank lines are skipped, but
    /// counted.
    #[arg(long, help_heading = "Input")]
    pub lines: bool,

    /// Read NUL-terminated prompts, and end each --text with NUL
    ///
    /// For prompts and replies of several lines, as with find -print0 and
    /// xargs -0.
    #[arg(short = '0', long, help_heading = "Input", hide_short_help = true)]
    pub null: bool,

    #[command(flatten)]
    pub table: TableInputArgs,

    #[command(flatten)]
    pub selection: SelectionArgs,

    /// Set the system prompt for lines without one
    #[arg(short, long, value_name = "TEXT", help_heading = "Input", value_hint = ValueHint::Other)]
    pub system: Option<OsString>,

    #[command(flatten)]
    pub system_file: SystemFileArgs,

    /// Let typed options win over the fields of a line
    ///
    /// By default, the fields of a line win over options. With --override, those
    /// options win that were typed, not those of the configuration file: -m,
    /// --temperature and the like, --param, the fields of --body, the format of
    /// --schema, --json-object, --choose and --yes-no, and the system prompt, which replaces a
    /// system or developer message at the start of messages. Objects are merged.
    #[arg(
        long,
        conflicts_with_all = ["template", "csv", "tsv"],
        help_heading = "Input",
        hide_short_help = true
    )]
    pub r#override: bool,

    /// Send only every N-th line, starting with line I
    ///
    /// N machines that get the same input, each with its own I from 1 to N,
    /// share the requests; together they send all of them. The ids are the same on every machine.
    #[arg(long, value_name = "I/N", value_parser = shard, help_heading = "Input", hide_short_help = true, value_hint = ValueHint::Other)]
    pub shard: Option<(u64, u64)>,

    /// Treat lines that are not requests as failures, and go on
    ///
    /// By default, such a line gives exit status 65, and so does a row that does not
    /// fit the header of its table. In a file, it is found before anything is sent; in
    /// a pipe, when the line is read.
    #[arg(long, help_heading = "Input", hide_short_help = true)]
    pub skip_bad: bool,

    /// Append results to FILE; resume if it exists
    ///
    /// Requests with a good result in FILE are not sent again; failed ones are
    /// (see --retry-failed). A stored result is good if it would be good today: a
    /// reply that was cut off or filtered is not, nor one that is not in the format
    /// of --schema, --choose and the like. Requests are recognized by their ids. The id of a result line
    /// is a hash of the request that was sent, so that a request that has changed since
    /// is noticed (see --changed). Outputs of other programs, such as OpenAI's
    /// Batch API, can be resumed too. Lines that are not JSON are moved to
    /// FILE.bad. FILE is locked during the run.
    #[arg(short, long, value_name = "FILE", help_heading = "Output", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,

    #[command(flatten)]
    pub view: TableOutputArgs,

    /// Append failed results to FILE instead
    ///
    /// To resume, give the same FILE again: it tells which requests were refused.
    #[arg(long, value_name = "FILE", help_heading = "Output", hide_short_help = true, value_hint = ValueHint::FilePath)]
    pub errors: Option<PathBuf>,

    /// What to do with done requests that have changed: redo or keep
    ///
    /// If the prompt, the model or another field of a request is not what it was when
    /// its result in -o FILE was written, the exit status is 65; in a file,
    /// this is found before anything is sent.
    /// With redo, such requests are sent again; their new results come last in FILE,
    /// and --merge keeps those. With keep, their old results stay. White space, the
    /// order of fields and the base URL do not matter.
    #[arg(
        long,
        value_name = "ACTION",
        value_enum,
        hide_possible_values = true,
        help_heading = "Output",
        hide_short_help = true
    )]
    pub changed: Option<ChangedAction>,

    /// Which failed requests to send again: temporary or all
    ///
    /// With temporary, the default, a request that the server refused (400, 413,
    /// 422) and that has not changed since is left alone: it would be refused again.
    /// With all, it is sent again too.
    #[arg(
        long,
        value_name = "KIND",
        value_enum,
        hide_possible_values = true,
        help_heading = "Output",
        hide_short_help = true
    )]
    pub retry_failed: Option<FailureKind>,

    /// Write results in the order of the input
    ///
    /// A result waits for those before it, in FILE.waiting if -o names a FILE.
    /// To keep few waiting, a request starts only when it is at most 16 times
    /// --jobs ahead of the oldest unfinished one. If a killed run is resumed,
    /// the results that were waiting come before the missing ones.
    #[arg(long, help_heading = "Output")]
    pub ordered: bool,

    /// Print only the text of each reply, on one line
    ///
    /// Newlines and quotes are escaped as in a JSON string. With -0, texts are
    /// printed unchanged and end with NUL. A failed request leaves an empty
    /// line and is reported on stderr; with --errors, it goes to that file
    /// only.
    #[arg(long, help_heading = "Output")]
    pub text: bool,

    /// Remove thoughts (<think>...</think>) from the texts that --text prints
    ///
    /// WHERE is drop; stderr is for ask. The responses in results stay as the
    /// server sent them. Replies in a requested format are always checked without
    /// their thoughts.
    #[arg(
        long,
        value_name = "WHERE",
        value_enum,
        hide_possible_values = true,
        help_heading = "Output",
        hide_short_help = true
    )]
    pub reasoning: Option<ReasoningTarget>,

    /// Report the progress every S seconds (default 60), or never
    ///
    /// The line goes to standard error, if that is not a terminal. On a terminal,
    /// a progress bar is shown instead, which is redrawn all the time, and S
    /// changes nothing; never turns off both.
    #[arg(
        long,
        value_name = "S|never",
        value_parser = progress_interval,
        help_heading = "Output",
        hide_short_help = true,
        value_hint = ValueHint::Other
    )]
    pub progress: Option<ProgressInterval>,

    /// Merge result files: one line per id
    ///
    /// FILE... are the result files. Successes are preferred. The merged results go to standard output,
    /// or to the file named by -o, which is replaced atomically. Of several good
    /// lines of an id the last one is kept, and of failures too, if it has nothing else.
    /// Nothing is sent.
    #[arg(
        long,
        help_heading = "Output",
        requires = "files",
        conflicts_with_all = [
            "lines", "null", "shard", "skip_bad", "errors", "ordered", "text", "jobs", "rate",
            "max_failures", "max_cost", "patience", "progress", "usage", "log", "log_content",
            "override", "changed", "retry_failed", "csv", "tsv", "delimiter", "template", "limit",
            "sample", "dedupe", "dry_run", "format", "column", "columns", "keep", "drop", "token_rate",
        ]
    )]
    pub merge: bool,

    /// Run up to N requests concurrently (default 8)
    ///
    /// N is at most 10,000. Each of them needs an open file, and about 80 KiB of
    /// memory, or 120 KiB with https.
    #[arg(short, long, value_name = "N", value_parser = jobs, help_heading = "Network", value_hint = ValueHint::Other)]
    pub jobs: Option<u16>,

    /// Send at most N requests per second, minute or hour
    ///
    /// Without this option gravix finds the rate itself: it slows down when
    /// the server refuses requests (429), and speeds up again while the server
    /// accepts them. A refused request is sent again later. Eight refusals
    /// count as one retry, and only while the server accepts other requests.
    /// Retry-After, X-RateLimit-Remaining and X-RateLimit-Reset are obeyed; for tokens
    /// see --token-rate.
    #[arg(long, value_name = "N/s|m|h", value_parser = rate, help_heading = "Network", value_hint = ValueHint::Other)]
    pub rate: Option<f64>,

    /// Wait up to TIME for a success while the server is away (default 2m)
    ///
    /// While there is no connection, or the server answers 429, 500, 502, 503, 504,
    /// 521, 522, 523 or 529, one request at a time is tried. If none succeeds for
    /// TIME, the run stops and leaves the rest for the next run. If a request fails like
    /// this while others succeed, it is retried up to --retries times, and then it has
    /// failed. TIME is in seconds, or like
    /// 90s, 10m or 8h. With 0, the first request that has used up its --retries stops
    /// the run.
    #[arg(long, value_name = "TIME", value_parser = time, help_heading = "Network", hide_short_help = true, value_hint = ValueHint::Other)]
    pub patience: Option<Duration>,

    /// Stop after N failed requests
    ///
    /// Requests in progress at that time are finished, so a few more may fail. Even
    /// without this option, the run stops after 16 failures in a row that any request
    /// would meet: the key is refused, the quota or the money is used up, there is no
    /// such model or path, or the server sends a website.
    #[arg(long, value_name = "N", value_parser = positive, help_heading = "Network", hide_short_help = true, value_hint = ValueHint::Other)]
    pub max_failures: Option<u32>,

    #[command(flatten)]
    pub budget: BudgetArgs,

    #[command(flatten)]
    pub model: ModelArgs,

    #[command(flatten)]
    pub json: JsonFormatArgs,

    #[command(flatten)]
    pub words: WordFormatArgs,

    #[command(flatten)]
    pub pick: PickArgs,

    #[command(flatten)]
    pub report: BatchReportArgs,

    /// Report the tokens and the number of requests at the end of the run
    ///
    /// They are what the server reported for the requests that it answered,
    /// repairs included. The report goes to standard error.
    #[arg(short, long, help_heading = "Output", hide_short_help = true)]
    pub usage: bool,

    #[command(flatten)]
    pub log: LogArgs,

    #[command(flatten)]
    pub verbosity: VerbosityArgs,

    #[command(flatten)]
    pub network: NetworkArgs,

    #[command(flatten)]
    pub limits: ReplyLimitArgs,

    #[command(flatten)]
    pub settings: SettingsArgs,
}
