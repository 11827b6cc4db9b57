//! Options for what is printed of a reply, which `ask` and `chat` share, and `batch` in
//! part.

use clap::ValueHint;

use crate::cli::shared_args::LogArgs;
use crate::cli::values::{MarkdownWhen, ReasoningTarget};

// Which part of a reply is printed.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Output")]
pub struct PickArgs {
    /// Print the first code block, or the first in LANG
    ///
    /// LANG is the language named on the fence; give it after '=', as in -x=sh.
    /// bash and sh count as the same language, as do py and python. A reply
    /// without such a block goes to standard error, with exit status 65. In batch,
    /// --text prints the block, and a request whose reply has none fails.
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

    /// Print only the reply's last code block, or the last in LANG
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
}

// What is reported about a request.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Output")]
pub struct ReportArgs {
    /// Report tokens, time to first token and tokens per second on stderr
    ///
    /// Without streaming, the first token arrives together with all others.
    #[arg(short, long, hide_short_help = true)]
    pub usage: bool,

    #[command(flatten)]
    pub log: LogArgs,
}

// How a reply is shown.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Output")]
pub struct DisplayArgs {
    /// Print the model's reasoning on stderr, or drop it
    ///
    /// WHERE is stderr, where it is printed as it arrives, or drop. Reasoning that
    /// a server sends apart from the text is dropped by default. Some models
    /// begin their text with a block of thoughts instead, <think>...</think>. A
    /// plain reply keeps it unless this option is given; -x, --choose, --yes-no,
    /// --json-object and --schema always ignore it. --json and --events print what
    /// the server sent.
    #[arg(
        long,
        value_name = "WHERE",
        value_enum,
        hide_possible_values = true,
        hide_short_help = true
    )]
    pub reasoning: Option<ReasoningTarget>,

    /// Render the Markdown of a reply: auto, always or never
    ///
    /// Headings, lists, tables, code and links are laid out while the reply arrives,
    /// and words wrap at the terminal's width. The default is auto: only if standard
    /// output is a terminal. Without a value, it is always, as for a pipe to less -R,
    /// whose lines have as many columns as $COLUMNS says, or as the terminal on stderr
    /// has, or 80. Code has nothing around it, so that it can be copied. A file of
    /// --output stays as it is, and so does a reply that is not a text to read, as with
    /// --json or --schema.
    #[arg(
        long,
        value_name = "WHEN",
        value_enum,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "always",
        conflicts_with_all = [
            "raw", "extract", "extract_last", "choose", "yes_no", "json_object", "schema", "tools",
        ],
        hide_possible_values = true,
        hide_short_help = true
    )]
    pub markdown: Option<MarkdownWhen>,

    /// Print a reply to a terminal byte for byte
    ///
    /// By default, Markdown is rendered on a terminal, and control characters (but
    /// for newline and tab) and marks that reverse text, such as U+202E, are made
    /// visible there. Pipes and files get the exact bytes.
    #[arg(long, hide_short_help = true)]
    pub raw: bool,
}
