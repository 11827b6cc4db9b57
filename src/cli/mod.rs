//! The command line as typed. What the options do is decided elsewhere.

pub mod ask_args;
pub mod batch_args;
pub mod budget_args;
pub mod chat_args;
mod command;
mod help_text;
pub mod history_args;
pub mod inspect_args;
pub mod model_args;
pub mod prompt_part;
pub mod reply_format;
pub mod reply_output;
pub mod report_args;
pub mod setup_args;
pub mod shared_args;
pub mod suggest_args;
pub mod table_args;
pub mod table_values;
mod tables;
pub mod values;

use clap::Parser;

pub use crate::cli::ask_args::AskArgs;
pub use crate::cli::batch_args::BatchArgs;
pub use crate::cli::chat_args::ChatArgs;
pub use crate::cli::command::{Command, with_options};
pub use crate::cli::help_text::EXAMPLES;
use crate::cli::help_text::TEMPLATE;
pub use crate::cli::history_args::{
    ChangeArgs, CheckArgs, ForkArgs, HistoryCommand, HistoryCommandArgs, ListArgs, ShowArgs,
};
pub use crate::cli::inspect_args::{ConfigArgs, DoctorArgs, ModelsArgs, TemplatesArgs};
pub use crate::cli::setup_args::{CompletionsArgs, ManArgs, Shell};
pub use crate::cli::shared_args::{NetworkArgs, SettingsArgs, VerbosityArgs};
pub use crate::cli::suggest_args::{KeyShell, ShellInitArgs, SuggestArgs};
use crate::cli::tables::section;
pub use crate::cli::tables::{
    ASK_STATUS, BATCH_STATUS, CHAT_COMMANDS, CHAT_STATUS, CONFIG_STATUS, DOCTOR_STATUS,
    DOCUMENT_STATUS, ENVIRONMENT, FILES, HISTORY_STATUS, MODELS_STATUS, SHELL_INIT_STATUS,
    SUGGEST_STATUS, TEMPLATES_STATUS,
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
It is a filter: standard output carries only the reply, the exit status says
what happened, and an incomplete reply is always an error. It works with Gravix
Layer and with every OpenAI-compatible server (Ollama, llama.cpp, vLLM,
LiteLLM)."
)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

/// Options of `ask` and of `batch` that need one of other options. All are clap
/// ids.
pub const REQUIRES: &[(&str, &[&str])] = &[
    ("turns", HISTORY),
    ("continue", HISTORY),
    ("no_save", HISTORY),
    ("no_wait", HISTORY),
    ("types", &["attachments"]),
    ("tool_choice", &["tools"]),
    ("log_content", &["log"]),
    ("vars", &["template"]),
    ("id", &["template"]),
    ("skip_empty", &["template"]),
    ("dedupe", &["output"]),
    // In `ask`, it is an option of its own.
    ("json", &["report"]),
];

/// The options that name a history.
const HISTORY: &[&str] = &["file", "latest"];

/// Options of which the last one typed wins, as clap ids.
pub const OVERRIDES: (&str, &str) = ("stream", "no_stream");

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn options_that_need_or_override_others_exist() {
        let command = Args::command();
        let commands = ["ask", "batch"]
            .map(|name| with_options(command.find_subcommand(name).expect("a command").clone()));
        let arguments = commands.iter().flat_map(clap::Command::get_arguments);
        let ids: Vec<&str> = arguments.map(|arg| arg.get_id().as_str()).collect();
        let needed = REQUIRES.iter().flat_map(|(id, others)| others.iter().chain([id]));
        for id in needed.chain([&OVERRIDES.0, &OVERRIDES.1]) {
            assert!(ids.contains(id), "{id}");
        }
    }
}
