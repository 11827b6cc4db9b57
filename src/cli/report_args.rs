//! Arguments of `gravix batch --report`.

// A report on results, which sends nothing.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub struct BatchReportArgs {
    /// Report on results: failures, tokens, cost, seconds, replies
    ///
    /// FILE... are result files, also of other programs, or of a run in progress; '-' is
    /// stdin. If FILE is a table that batch wrote, its results are in FILE.jsonl, which is
    /// read instead. Each id counts once, as with --merge, but the tokens are those of all
    /// lines, because each was paid for. The replies that --repair rejected are in no
    /// line. The cost needs a price in the configuration file. With --choose, --yes-no,
    /// -x, --schema or --json-object, replies are judged and listed in that format.
    /// Nothing is sent.
    #[arg(
        long,
        requires = "files",
        conflicts_with_all = [
            "lines", "null", "shard", "skip_bad", "output", "errors", "ordered", "text", "merge",
            "jobs", "rate", "max_failures", "patience", "progress", "usage", "log", "log_content",
            "override", "changed", "retry_failed", "system", "system_file", "repair", "csv", "tsv",
            "delimiter", "template", "limit", "sample", "dedupe", "dry_run", "format", "column",
            "columns", "keep", "drop", "token_rate", "max_cost",
        ],
        hide_short_help = true
    )]
    pub report: bool,

    /// Print the report as one JSON object
    ///
    /// Needs --report. Its numbers are not rounded. The cost is null without a price.
    #[arg(long, hide_short_help = true)]
    pub json: bool,
}
