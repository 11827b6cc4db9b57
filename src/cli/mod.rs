//! The command line as typed. Knows nothing of what the options do.

pub mod ask_args;
pub mod batch_args;
pub mod connection;
pub mod prompt_part;
mod prose;
pub mod reply_format;
pub mod values;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum, ValueHint};

pub use crate::cli::ask_args::AskArgs;
pub use crate::cli::batch_args::BatchArgs;
pub use crate::cli::connection::{NetworkArgs, SettingsArgs, VerbosityArgs};
use crate::cli::prose::{
    ASK_EXAMPLES, ASK_MORE, BATCH_EXAMPLES, BATCH_MORE, COMPLETIONS_EXAMPLES, CONFIG_EXAMPLES,
    HISTORY_EXAMPLES, MAN_EXAMPLES, MODELS_EXAMPLES, TEMPLATE, section,
};
pub use crate::cli::prose::{
    BATCH_STATUS, CONFIG_STATUS, ENVIRONMENT, EXAMPLES, EXIT_STATUS, FILES, HISTORY_STATUS,
    MODELS_STATUS, PRINT_STATUS,
};

/// Ask a chat-completions API one question at a time
#[derive(Debug, Parser)]
#[command(
    name = "gravix",
    version,
    help_template = TEMPLATE,
    before_help = EXAMPLES,
    max_term_width = 80,
    arg_required_else_help = true,
    subcommand_required = true,
    after_long_help = section("Environment", ENVIRONMENT) + "\n\n" + &section("Files", FILES),
    long_about = "\
gravix asks a chat-completions API one question at a time, from the shell.
It is a filter: standard output carries the reply and nothing else, the exit
status says what happened, and a reply is either whole or an error. It speaks
to Gravix Layer and to every OpenAI-compatible server (Ollama, llama.cpp,
vLLM, LiteLLM)."
)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

/// Options of `ask` that mean nothing without another one: their ids.
pub const REQUIRES: &[(&str, &str)] = &[
    ("turns", "file"),
    ("continues", "file"),
    ("no_save", "file"),
    ("no_wait", "file"),
    ("types", "attachments"),
    ("tool_choice", "tools"),
    ("log_content", "log"),
];

/// Options of which the later one wins: their ids.
pub const OVERRIDES: (&str, &str) = ("stream", "no_stream");

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Ask a question and print the reply
    #[command(
        help_template = TEMPLATE,
        before_help = ASK_EXAMPLES,
        long_about = "\
Ask a question and print the reply. The prompt is made of the words on the
command line and of standard input, when that is not a terminal: words, a
blank line, then standard input. A word that is exactly '-' says where
standard input goes instead. On a terminal, or with --stream, tokens are
printed as they come; otherwise the reply is printed once it is complete, so
that a pipe sees all of a reply or none of it.",
        // Its place in the short help is for what follows.
        disable_help_flag = true,
        after_help = ASK_MORE,
        after_long_help = section("Exit status", EXIT_STATUS)
    )]
    Ask(Box<AskArgs>),
    /// Run a file of requests, many at a time
    #[command(
        help_template = TEMPLATE,
        before_help = BATCH_EXAMPLES,
        long_about = "\
Run a file of requests, many at a time, and write a line of output for each as
it completes. A line of the input is a request of the Batch API (custom_id,
body), or {\"prompt\":TEXT} or {\"messages\":[...]} with an optional id, a
system prompt, and any field of a request; what it leaves out is taken from the
options. A line of output is that of the Batch API (custom_id, response,
error). A run can be killed at any time: run again with the same -o FILE, it
goes on where it was. The first Ctrl-C lets what is under way finish (for 10 s
at most), the second ends the run at once.",
        // Its place in the short help is for what follows.
        disable_help_flag = true,
        after_help = BATCH_MORE,
        after_long_help = section("Exit status", BATCH_STATUS)
    )]
    Batch(Box<BatchArgs>),
    /// List the models that the server offers
    #[command(
        help_template = TEMPLATE,
        before_help = MODELS_EXAMPLES,
        after_long_help = section("Exit status", MODELS_STATUS)
    )]
    Models(ModelsArgs),
    /// Show, check, repair or undo a conversation
    #[command(
        help_template = TEMPLATE,
        before_help = HISTORY_EXAMPLES,
        after_long_help = section("Exit status", HISTORY_STATUS),
        subcommand_required = true
    )]
    History(HistoryCommandArgs),
    /// Print the settings in force, and where each comes from
    #[command(
        help_template = TEMPLATE,
        before_help = CONFIG_EXAMPLES,
        after_long_help = section("Exit status", CONFIG_STATUS)
    )]
    Config(ConfigArgs),
    /// Print a completion script for a shell
    #[command(
        help_template = TEMPLATE,
        before_help = COMPLETIONS_EXAMPLES,
        after_long_help = section("Exit status", PRINT_STATUS)
    )]
    Completions(CompletionsArgs),
    /// Print a manual page, as roff
    #[command(
        help_template = TEMPLATE,
        before_help = MAN_EXAMPLES,
        after_long_help = section("Exit status", PRINT_STATUS)
    )]
    Man(ManArgs),
}

#[derive(Debug, clap::Args)]
pub struct ModelsArgs {
    /// Print the server's answer as it came
    #[arg(long, help_heading = "Output")]
    pub json: bool,

    #[command(flatten)]
    pub verbosity: VerbosityArgs,

    #[command(flatten)]
    pub network: NetworkArgs,

    #[command(flatten)]
    pub settings: SettingsArgs,
}

#[derive(Debug, clap::Args)]
pub struct ConfigArgs {
    /// Write a commented file to begin with, where there is none
    #[arg(long)]
    pub init: bool,

    #[command(flatten)]
    pub settings: SettingsArgs,
}

#[derive(Debug, clap::Args)]
pub struct HistoryCommandArgs {
    #[command(subcommand)]
    pub command: HistoryCommand,
}

#[derive(Debug, Subcommand)]
pub enum HistoryCommand {
    /// Print a conversation for people, paged where it does not fit
    Show(ShowArgs),
    /// Name every line that is no message, and count the others
    Check(CheckArgs),
    /// Move the lines that are no messages to FILE.bad
    Repair(ChangeArgs),
    /// Remove the newest turn, and print its lines
    Undo(ChangeArgs),
}

#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// The history
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    /// Show only the system message and the newest N turns
    #[arg(long, value_name = "N", value_hint = ValueHint::Other)]
    pub last: Option<u64>,

    /// Print control characters to a terminal as they are
    #[arg(long)]
    pub raw: bool,
}

#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// The histories
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    pub files: Vec<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub struct ChangeArgs {
    /// The history
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    /// Drop notes and warnings, not errors
    #[arg(short, long)]
    pub quiet: bool,
}

#[derive(Debug, clap::Args)]
pub struct CompletionsArgs {
    /// bash, zsh, fish, powershell or elvish
    #[arg(hide_possible_values = true)]
    pub shell: Shell,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
    Powershell,
    Elvish,
}

#[derive(Debug, clap::Args)]
pub struct ManArgs {
    /// gravix, or that of a command, as gravix-ask
    #[arg(default_value = "gravix", hide_possible_values = true)]
    pub page: Page,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Page {
    Gravix,
    GravixAsk,
    GravixBatch,
    GravixModels,
    GravixHistory,
    GravixConfig,
    GravixCompletions,
    GravixMan,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn companions_and_opposites_are_options_of_ask() {
        let command = Args::command();
        let ask = command.find_subcommand("ask").expect("a command");
        let ids: Vec<&str> = ask.get_arguments().map(|arg| arg.get_id().as_str()).collect();
        for (id, other) in REQUIRES.iter().chain([&OVERRIDES]) {
            assert!(ids.contains(id) && ids.contains(other), "{id} {other}");
        }
    }
}
