//! Arguments of `gravix ask`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{ArgAction, ValueHint};

use crate::cli::model_args::ModelArgs;
use crate::cli::prompt_part::PromptArgs;
use crate::cli::reply_format::ReplyFormatArgs;
use crate::cli::reply_output::{DisplayArgs, PickArgs, ReportArgs};
use crate::cli::shared_args::{
    NetworkArgs, ReplyLimitArgs, SettingsArgs, SystemFileArgs, VerbosityArgs,
};
use crate::cli::tables::{ASK_STATUS, section};
use crate::cli::values::{Variable, variable};

#[derive(Debug, clap::Args)]
#[command(after_long_help = section("Exit status", ASK_STATUS))]
pub struct AskArgs {
    /// Print help (-h prints a summary)
    #[arg(short, long, action = ArgAction::Help, hide_short_help = true)]
    pub(super) help: Option<bool>,

    #[command(flatten)]
    pub prompt: PromptArgs,

    /// Use a template of the prompt
    ///
    /// NAME is prompts/NAME.md beside the configuration file, a path such as
    /// ./NAME.md, or a text with {{ in it. {{prompt}} stands for the words of the
    /// prompt, {{input}} for standard input, and any other {{NAME}} for the value
    /// of --var NAME=VALUE. Without {{prompt}} or {{input}}, words and standard input
    /// follow the template, as files and images do. Only the template is expanded, never a value. Write
    /// \{{ for the braces themselves. A file may begin with settings: TOML between
    /// two lines of ---, such as model = "qwen3:32b".
    #[arg(short = 'T', long, value_name = "NAME", help_heading = "Input", value_hint = ValueHint::Other)]
    pub template: Option<String>,

    /// Set a variable of the template (repeatable)
    ///
    /// Needs --template.
    #[arg(
        long = "var",
        value_name = "NAME=VALUE",
        value_parser = OsStringValueParser::new().try_map(variable),
        help_heading = "Input",
        hide_short_help = true,
        value_hint = ValueHint::Other
    )]
    pub vars: Vec<Variable>,

    /// Set the system prompt
    ///
    /// With --history, it is saved only if it starts a new file. With an
    /// existing file, it applies to this turn only and overrides the file's
    /// own system message.
    #[arg(short, long, value_name = "TEXT", help_heading = "Input", value_hint = ValueHint::Other)]
    pub system: Option<OsString>,

    #[command(flatten)]
    pub system_file: SystemFileArgs,

    /// Never read stdin (use in loops such as 'while read')
    #[arg(short, long, help_heading = "Input")]
    pub no_stdin: bool,

    /// Replace bytes that are not UTF-8, and NUL, with U+FFFD
    #[arg(long, help_heading = "Input", hide_short_help = true)]
    pub lossy: bool,

    #[command(flatten)]
    pub model: ModelArgs,

    #[command(flatten)]
    pub output: OutputArgs,

    #[command(flatten)]
    pub format: ReplyFormatArgs,

    #[command(flatten)]
    pub verbosity: VerbosityArgs,

    #[command(flatten)]
    pub history: HistoryArgs,

    #[command(flatten)]
    pub network: NetworkArgs,

    #[command(flatten)]
    pub limits: ReplyLimitArgs,

    #[command(flatten)]
    pub settings: SettingsArgs,
}

// What is printed, and where.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Print tokens as they arrive, even into a pipe
    #[arg(long, overrides_with = "no_stream")]
    pub stream: bool,

    /// Print the reply once it is complete, even on a terminal
    #[arg(long, overrides_with = "stream", hide_short_help = true)]
    pub no_stream: bool,

    /// Write the reply to FILE once it is complete
    ///
    /// Nothing goes to standard output, unless FILE is '-'. FILE is replaced
    /// atomically. A reply that the server ended early replaces it too, but a
    /// reply without text does not.
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["yes_no", "markdown"], value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,

    #[command(flatten)]
    pub pick: PickArgs,

    /// Print the server's response as one JSON object
    ///
    /// The chunks of a stream are joined into the response that the server
    /// would have sent without streaming.
    #[arg(
        long,
        conflicts_with_all = ["extract", "extract_last", "choose", "yes_no", "markdown"],
        hide_short_help = true
    )]
    pub json: bool,

    /// Print each event of the stream as a line of JSON, as it arrives
    #[arg(
        long,
        conflicts_with_all = [
            "extract", "extract_last", "choose", "yes_no", "json", "json_object", "schema", "output",
            "markdown",
        ],
        hide_short_help = true
    )]
    pub events: bool,

    #[command(flatten)]
    pub report: ReportArgs,

    /// Print the request body and send nothing
    #[arg(long, hide_short_help = true)]
    pub dry_run: bool,

    /// Print the request as a curl command and send nothing
    ///
    /// The command reads the key from $GRAVIXLAYER_API_KEY, or from the place
    /// that the configuration file names. A secret header, such as X-Api-Key,
    /// takes its value from the environment variable that holds it; if there is
    /// none, put the value in place of (redacted). curl cannot reach mock:.
    #[arg(long, conflicts_with = "dry_run", hide_short_help = true)]
    pub curl: bool,

    #[command(flatten)]
    pub display: DisplayArgs,
}

// The conversation that the prompt continues.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "History")]
pub struct HistoryArgs {
    /// Continue the conversation in FILE and append the turn
    ///
    /// FILE holds the messages array, one JSON object per line. If it does not
    /// exist, it is created with mode 0600. It is locked during the turn, which
    /// is appended once the reply is complete. @NAME is NAME.jsonl in the default
    /// directory, ~/.local/state/gravix/chats, which is created.
    #[arg(long = "history", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,

    /// Continue the newest conversation in the default directory
    ///
    /// The newest is the file that was changed last: see gravix history list.
    #[arg(short = 'c', long, conflicts_with = "file", hide_short_help = true)]
    pub latest: bool,

    /// Send only the system message and the newest N turns
    ///
    /// A turn begins at a user message. The file is read from its end, and
    /// older lines are not checked. Needs --history or --latest.
    #[arg(long, value_name = "N", hide_short_help = true, value_hint = ValueHint::Other)]
    pub turns: Option<u64>,

    /// Send the history as it is, without a new prompt
    ///
    /// Use it when the history ends with a message that you added, such as the
    /// result of a tool. Only the reply is appended. Standard input is not read.
    /// Needs --history or --latest.
    #[arg(
        long,
        conflicts_with_all = ["words", "escaped_words", "files", "attachments", "template"],
        hide_short_help = true
    )]
    pub r#continue: bool,

    /// Send the history but append nothing
    ///
    /// The file may then be read-only, or a pipe, which is read once, as in
    /// --history <(zcat chat.jsonl.gz). Needs --history or --latest.
    #[arg(long, hide_short_help = true)]
    pub no_save: bool,

    /// Fail immediately if another turn of the conversation is in progress
    ///
    /// Needs --history or --latest.
    #[arg(long, hide_short_help = true)]
    pub no_wait: bool,
}
