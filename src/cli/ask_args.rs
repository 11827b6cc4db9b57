//! What `gravix ask` takes.

use std::path::PathBuf;

use clap::{ArgAction, ValueHint};

use crate::cli::connection::{NetworkArgs, SettingsArgs, VerbosityArgs};
use crate::cli::prompt_part::PromptArgs;
use crate::cli::reply_format::FormatArgs;
use crate::cli::values::{positive, within};

#[derive(Debug, clap::Args)]
pub struct AskArgs {
    /// Print help (-h prints a summary)
    #[arg(short, long, action = ArgAction::Help, hide_short_help = true)]
    help: Option<bool>,

    #[command(flatten)]
    pub prompt: PromptArgs,

    /// The system prompt
    ///
    /// With --history it is saved when it starts a new file. Over a file that
    /// is there already it holds for this turn alone, in place of the file's
    /// own system message if there is one.
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

    /// Never read stdin (for loops such as 'while read')
    #[arg(short, long, help_heading = "Input")]
    pub no_stdin: bool,

    /// Replace bytes that are not UTF-8 by U+FFFD
    #[arg(long, help_heading = "Input", hide_short_help = true)]
    pub lossy: bool,

    #[command(flatten)]
    pub model: ModelArgs,

    #[command(flatten)]
    pub output: OutputArgs,

    #[command(flatten)]
    pub format: FormatArgs,

    #[command(flatten)]
    pub verbosity: VerbosityArgs,

    #[command(flatten)]
    pub history: HistoryArgs,

    #[command(flatten)]
    pub network: NetworkArgs,

    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// The model and its parameters, each sent only when given.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Model")]
pub struct ModelArgs {
    /// The model's name [env: GRAVIX_MODEL]
    #[arg(short, long, value_name = "NAME", value_hint = ValueHint::Other)]
    pub model: Option<String>,

    /// Sampling temperature, 0 to 2
    #[arg(short, long, alias = "temp", value_name = "T", value_parser = within::<0, 2>, allow_negative_numbers = true, value_hint = ValueHint::Other)]
    pub temperature: Option<f64>,

    /// Sample from this share of the probability, 0 to 1
    #[arg(long, value_name = "P", value_parser = within::<0, 1>, allow_negative_numbers = true, hide_short_help = true, value_hint = ValueHint::Other)]
    pub top_p: Option<f64>,

    /// End the reply after N tokens
    #[arg(long, value_name = "N", value_parser = positive, allow_negative_numbers = true, value_hint = ValueHint::Other)]
    pub max_tokens: Option<u32>,

    /// End the reply before TEXT (up to 4 times)
    #[arg(long, value_name = "TEXT", hide_short_help = true, value_hint = ValueHint::Other)]
    pub stop: Vec<String>,

    /// Ask for the same reply each time, as far as possible
    #[arg(long, value_name = "N", allow_negative_numbers = true, hide_short_help = true, value_hint = ValueHint::Other)]
    pub seed: Option<i64>,

    /// Penalty for tokens that occurred, -2 to 2
    #[arg(long, value_name = "P", value_parser = within::<-2, 2>, allow_negative_numbers = true, hide_short_help = true, value_hint = ValueHint::Other)]
    pub presence_penalty: Option<f64>,

    /// Penalty by how often tokens occurred, -2 to 2
    #[arg(long, value_name = "P", value_parser = within::<-2, 2>, allow_negative_numbers = true, hide_short_help = true, value_hint = ValueHint::Other)]
    pub frequency_penalty: Option<f64>,

    /// Send any other field of the request (repeatable)
    ///
    /// VALUE is JSON if it parses, and a string otherwise. A dot goes one
    /// level down: options.num_ctx=8192 sends {"options":{"num_ctx":8192}}.
    /// What is named here wins over every other option; objects are merged.
    #[arg(long, value_name = "NAME=VALUE", hide_short_help = true, value_hint = ValueHint::Other)]
    pub param: Vec<String>,

    /// Merge a JSON object into the request
    ///
    /// FILE|JSON is the object itself when it begins with '{', and the name
    /// of a file otherwise. Its fields win over those of other options, but
    /// for --param. An object with messages of its own takes no prompt.
    #[arg(long, value_name = "FILE|JSON", hide_short_help = true, value_hint = ValueHint::FilePath)]
    pub body: Option<String>,
}

/// What is printed, and where.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Print tokens as they come, on a pipe too
    #[arg(long, overrides_with = "no_stream")]
    pub stream: bool,

    /// Print the reply once it is complete, on a terminal too
    #[arg(long, overrides_with = "stream", hide_short_help = true)]
    pub no_stream: bool,

    /// Write the reply to FILE, once it is whole
    ///
    /// Standard output stays empty, unless FILE is '-'. FILE is replaced at one stroke, also by a
    /// reply that the server ended early, but never by one without text.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,

    /// Print only the reply's first code block [in LANG]
    ///
    /// LANG is what the fence says, and stands behind '=', as in -x=sh; bash
    /// and sh are one language, as are py and python. A reply without such a
    /// block is exit status 65, and goes to standard error.
    #[arg(
        short = 'x',
        long,
        value_name = "LANG",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        value_hint = ValueHint::Other
    )]
    pub extract: Option<String>,

    /// Print only the reply's last code block [in LANG]
    #[arg(
        long,
        value_name = "LANG",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        conflicts_with = "extract",
        hide_short_help = true,
        value_hint = ValueHint::Other
    )]
    pub extract_last: Option<String>,

    /// Print the server's response as one JSON object
    ///
    /// The chunks of a stream are joined to what a response at one stroke
    /// would have been.
    #[arg(
        long,
        conflicts_with_all = ["extract", "extract_last", "choose", "yes_no"],
        hide_short_help = true
    )]
    pub json: bool,

    /// Print each event of the reply's stream as it comes, as a line of JSON
    #[arg(
        long,
        conflicts_with_all = [
            "extract", "extract_last", "choose", "yes_no", "json", "json_object", "schema", "output",
        ],
        hide_short_help = true
    )]
    pub events: bool,

    /// Tell tokens, time to the first one, and tokens a second on stderr
    ///
    /// A reply that is not streamed comes at one stroke: its first token is
    /// all of it.
    #[arg(short, long, hide_short_help = true)]
    pub usage: bool,

    /// Append a line of JSON about each request to FILE
    ///
    /// It has the time, the model, the base URL, the HTTP status, the tries,
    /// the seconds to the first token and in all, the usage, the finish
    /// reason, the request's id, and the error of a request that failed.
    #[arg(long, value_name = "FILE", hide_short_help = true, value_hint = ValueHint::FilePath)]
    pub log: Option<PathBuf>,

    /// Put the messages and the reply into the log too
    #[arg(long, hide_short_help = true)]
    pub log_content: bool,

    /// Print the body of the request, and send nothing
    #[arg(long, hide_short_help = true)]
    pub dry_run: bool,

    /// Print the request as a curl command, and send nothing
    ///
    /// The key stands in it as $GRAVIXLAYER_API_KEY, or as the configuration
    /// file says where it is.
    #[arg(long, conflicts_with = "dry_run", hide_short_help = true)]
    pub curl: bool,

    /// Print control characters to a terminal as they are
    ///
    /// By default a reply on a terminal has its control characters, but for
    /// newline and tab, made visible, so that a model cannot send it escape
    /// sequences. Pipes and files always get the exact bytes.
    #[arg(long, hide_short_help = true)]
    pub raw: bool,
}

/// The conversation that the question is part of.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "History")]
pub struct HistoryArgs {
    /// Continue the conversation in FILE, and append the turn
    ///
    /// FILE holds the messages array, one JSON object a line. It is created
    /// with mode 0600 and locked while the turn is under way; the turn is
    /// appended when the reply is whole.
    #[arg(long = "history", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,

    /// Send only the system message and the newest N turns
    ///
    /// A turn begins at a user message. The file is read from its end, and
    /// what is not sent is not checked.
    #[arg(long, value_name = "N", value_hint = ValueHint::Other)]
    pub turns: Option<u64>,

    /// Send the history as it is, without a new prompt
    ///
    /// For a history that ends with a message of your own or of a tool. The
    /// reply alone is appended. Standard input is left alone.
    #[arg(
        long = "continue",
        conflicts_with_all = ["words", "files", "attachments"],
        hide_short_help = true
    )]
    pub continues: bool,

    /// Send the history, append nothing
    ///
    /// The file may then be read-only.
    #[arg(long, hide_short_help = true)]
    pub no_save: bool,

    /// Give up at once when another turn is under way
    #[arg(long, hide_short_help = true)]
    pub no_wait: bool,
}
