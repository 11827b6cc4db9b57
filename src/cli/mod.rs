//! The command line as typed. What the options do is decided elsewhere.

pub mod ask_args;
pub mod batch_args;
pub mod chat_args;
mod help_text;
pub mod history_args;
pub mod model_args;
pub mod prompt_part;
pub mod reply_format;
pub mod reply_output;
pub mod shared_args;
pub mod suggest_args;
pub mod values;

use std::path::PathBuf;

use clap::{Args as _, Command as ClapCommand, Parser, Subcommand, ValueEnum, ValueHint};

pub use crate::cli::ask_args::AskArgs;
pub use crate::cli::batch_args::BatchArgs;
pub use crate::cli::chat_args::ChatArgs;
use crate::cli::help_text::{
    ASK_EXAMPLES, ASK_MORE, BATCH_EXAMPLES, BATCH_MORE, CHAT_EXAMPLES, COMPLETIONS_EXAMPLES,
    CONFIG_EXAMPLES, DOCTOR_EXAMPLES, HISTORY_EXAMPLES, MAN_EXAMPLES, MODELS_EXAMPLES,
    SHELL_INIT_EXAMPLES, SUGGEST_EXAMPLES, TEMPLATE, TEMPLATES_EXAMPLES, section,
};
pub use crate::cli::help_text::{
    ASK_STATUS, BATCH_STATUS, CHAT_COMMANDS, CHAT_STATUS, CONFIG_STATUS, DOCTOR_STATUS,
    DOCUMENT_STATUS, ENVIRONMENT, EXAMPLES, FILES, HISTORY_STATUS, MODELS_STATUS,
    SHELL_INIT_STATUS, SUGGEST_STATUS, TEMPLATES_STATUS,
};
pub use crate::cli::history_args::{
    ChangeArgs, CheckArgs, ForkArgs, HistoryCommand, HistoryCommandArgs, ListArgs, ShowArgs,
};
pub use crate::cli::shared_args::{NetworkArgs, SettingsArgs, VerbosityArgs};
pub use crate::cli::suggest_args::{KeyShell, ShellInitArgs, SuggestArgs};

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

/// Options of `ask`, and some of `batch`, that need one of other options. All are clap
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
];

/// The options that name a history.
const HISTORY: &[&str] = &["file", "latest"];

/// Options of which the last one typed wins, as clap ids.
pub const OVERRIDES: (&str, &str) = ("stream", "no_stream");

#[derive(Debug, Subcommand)]
// Only the command that is run gets its options: describing all of them takes longer
// than the rest of the start. Groups of options have no doc comments, because clap
// would then take those for what the command does.
#[command(defer = true)]
pub enum Command {
    /// Ask a question and print the reply
    #[command(
        help_template = TEMPLATE,
        before_help = ASK_EXAMPLES,
        long_about = "\
Ask a question and print the reply. The prompt consists of the words on the
command line, followed by a blank line and standard input unless that is a
terminal. To put standard input elsewhere, write '-' in its place. On a
terminal, or with --stream, tokens are printed as they arrive; otherwise the
reply is printed once it is complete, so a pipe gets either a whole reply or
nothing.",
        // The short help needs the line of the help option for others.
        disable_help_flag = true,
        after_help = ASK_MORE,
        after_long_help = section("Exit status", ASK_STATUS)
    )]
    Ask(Box<AskArgs>),
    /// Hold a conversation at the terminal
    #[command(
        help_template = TEMPLATE,
        before_help = CHAT_EXAMPLES,
        long_about = "\
Hold a conversation at the terminal. Each question is asked as by ask --history
FILE: the file is plain JSONL, locked for the turn only, and a turn is saved
once its reply is complete. Enter sends; Alt-Enter, or a backslash at the end
of a line, begins a new line; a paste is one message. Ctrl-C drops the turn
under way and brings the question back; Ctrl-D ends the conversation. /help
lists the commands. The keys are those of emacs, or of vi if ~/.inputrc says
'set editing-mode vi'.",
        after_long_help = section("Commands", CHAT_COMMANDS)
            + "\n\n"
            + &section("Exit status", CHAT_STATUS)
    )]
    Chat(Box<ChatArgs>),
    /// Run many requests from a file concurrently
    #[command(
        help_template = TEMPLATE,
        before_help = BATCH_EXAMPLES,
        long_about = "\
Run many requests from a file concurrently, and write a line of output for each
as it completes. An input line is a Batch API request (custom_id, body), or
{\"prompt\":TEXT} or {\"messages\":[...]} with an optional id, system prompt and
any other field of a request. Options supply the fields that a line leaves out.
An output line is a Batch API result (custom_id, response, error). A run can be
killed at any time; to resume it, run it again with the same -o FILE. After the
first Ctrl-C, requests in progress have 10 s to finish; the second Ctrl-C ends
the run immediately.",
        // The short help needs the line of the help option for others.
        disable_help_flag = true,
        after_help = BATCH_MORE,
        after_long_help = section("Exit status", BATCH_STATUS)
    )]
    Batch(Box<BatchArgs>),
    /// Write a command line for the shell, and run nothing
    ///
    /// Asks the model for one line of shell that does what the words say, and prints
    /// that line and nothing else. It is never run and never saved; read it before
    /// you run it. Standard input is not read. gravix shell-init binds this to a key.
    #[command(
        help_template = TEMPLATE,
        before_help = SUGGEST_EXAMPLES,
        after_long_help = section("Exit status", SUGGEST_STATUS)
    )]
    Suggest(Box<SuggestArgs>),
    /// List the models that the server offers
    ///
    /// Prints one name a line. Control characters in a name are made visible even
    /// in a pipe (a newline as ^J); --json prints what the server sent.
    #[command(
        help_template = TEMPLATE,
        before_help = MODELS_EXAMPLES,
        after_long_help = section("Exit status", MODELS_STATUS)
    )]
    Models(ModelsArgs),
    /// Find out, step by step, why no reply comes
    ///
    /// Goes through the configuration, the key, DNS, the connection, TLS, the list of
    /// models and one small question, which costs a few tokens. Prints a line for each
    /// step. At the first fault it says what to do, and ends with the exit status that
    /// ask would have.
    #[command(
        help_template = TEMPLATE,
        before_help = DOCTOR_EXAMPLES,
        after_long_help = section("Exit status", DOCTOR_STATUS)
    )]
    Doctor(DoctorArgs),
    /// List, show, check, repair or fork conversations, or undo a turn
    ///
    /// FILE is a path, or @NAME for NAME.jsonl in the default directory of
    /// conversations, ~/.local/state/gravix/chats.
    #[command(
        help_template = TEMPLATE,
        before_help = HISTORY_EXAMPLES,
        after_long_help = section("Exit status", HISTORY_STATUS),
        subcommand_required = true
    )]
    History(HistoryCommandArgs),
    /// Print the effective settings and where each comes from
    ///
    /// Says too whether the key is there, but never what it is.
    #[command(
        help_template = TEMPLATE,
        before_help = CONFIG_EXAMPLES,
        after_long_help = section("Exit status", CONFIG_STATUS)
    )]
    Config(ConfigArgs),
    /// List the templates of prompts, each with its first line
    ///
    /// A template is a file prompts/NAME.md beside the configuration file. Use it with
    /// gravix ask -T NAME. In a pipe, a tab separates the name from the line, and both are
    /// escaped as in a JSON string.
    #[command(
        help_template = TEMPLATE,
        before_help = TEMPLATES_EXAMPLES,
        after_long_help = section("Exit status", TEMPLATES_STATUS)
    )]
    Templates(TemplatesArgs),
    /// Print or install the completion script for a shell
    #[command(
        help_template = TEMPLATE,
        before_help = COMPLETIONS_EXAMPLES,
        after_long_help = section("Exit status", DOCUMENT_STATUS)
    )]
    Completions(CompletionsArgs),
    /// Print a script that binds gravix suggest to a key of the shell
    ///
    /// The key, Alt-G, puts the command for the text of the line into the line. It runs
    /// nothing: read the command, then press Enter or change it. If there is no answer,
    /// or after Ctrl-C, the line is as it was. The model and the server are those of
    /// gravix suggest; set GRAVIX_PROFILE to choose a profile. bash must be version 4 or
    /// later.
    #[command(
        help_template = TEMPLATE,
        before_help = SHELL_INIT_EXAMPLES,
        after_long_help = section("Exit status", SHELL_INIT_STATUS)
    )]
    ShellInit(ShellInitArgs),
    /// Print a man page as roff, or install all of them
    #[command(
        help_template = TEMPLATE,
        before_help = MAN_EXAMPLES,
        after_long_help = section("Exit status", DOCUMENT_STATUS)
    )]
    Man(ManArgs),
}

/// `command` with its options, which clap otherwise gives it when it is run.
pub fn with_options(command: ClapCommand) -> ClapCommand {
    // Not a second time.
    let command = command.defer(|command| command);
    match command.get_name() {
        "ask" => AskArgs::augment_args(command),
        "chat" => ChatArgs::augment_args(command),
        "suggest" => SuggestArgs::augment_args(command),
        "shell-init" => ShellInitArgs::augment_args(command),
        "batch" => BatchArgs::augment_args(command),
        "models" => ModelsArgs::augment_args(command),
        "doctor" => DoctorArgs::augment_args(command),
        "history" => HistoryCommandArgs::augment_args(command),
        "config" => ConfigArgs::augment_args(command),
        "templates" => TemplatesArgs::augment_args(command),
        "completions" => CompletionsArgs::augment_args(command),
        "man" => ManArgs::augment_args(command),
        name => unreachable!("no command {name}"),
    }
}

#[derive(Debug, clap::Args)]
pub struct ModelsArgs {
    /// Print the server's response unchanged
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
pub struct DoctorArgs {
    /// Ask this model [env: GRAVIX_MODEL]
    #[arg(short, long, value_name = "NAME", help_heading = "Model", value_hint = ValueHint::Other)]
    pub model: Option<String>,

    #[command(flatten)]
    pub verbosity: VerbosityArgs,

    #[command(flatten)]
    pub network: NetworkArgs,

    #[command(flatten)]
    pub settings: SettingsArgs,
}

#[derive(Debug, clap::Args)]
pub struct ConfigArgs {
    /// Write a commented configuration file, unless one exists
    #[arg(long)]
    pub init: bool,

    /// List all profiles, with the base URL, the model and the key of each
    ///
    /// Keys themselves are not printed, and api_key_command is not run.
    #[arg(long, conflicts_with = "init")]
    pub profiles: bool,

    #[command(flatten)]
    pub settings: SettingsArgs,
}

#[derive(Debug, clap::Args)]
pub struct TemplatesArgs {
    /// List the templates beside this configuration file [env: GRAVIX_CONFIG]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub struct CompletionsArgs {
    /// One of bash, zsh, fish, powershell or elvish
    #[arg(hide_possible_values = true, required_unless_present = "install")]
    pub shell: Option<Shell>,

    /// Install the script where the shell finds it, and print its path
    ///
    /// Without SHELL, it is installed for the shell that the variable SHELL names.
    /// bash, zsh and fish have a directory for it, powershell and elvish do not.
    #[arg(long)]
    pub install: bool,
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
    /// gravix, or a command, such as ask or gravix-ask
    #[arg(default_value = "gravix")]
    pub page: String,

    /// Install all pages where man finds them, and print their paths
    #[arg(long, conflicts_with = "page")]
    pub install: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn options_that_need_or_override_others_exist() {
        let command = Args::command();
        let ask = with_options(command.find_subcommand("ask").expect("a command").clone());
        let ids: Vec<&str> = ask.get_arguments().map(|arg| arg.get_id().as_str()).collect();
        let needed = REQUIRES.iter().flat_map(|(id, others)| others.iter().chain([id]));
        for id in needed.chain([&OVERRIDES.0, &OVERRIDES.1]) {
            assert!(ids.contains(id), "{id}");
        }
    }
}
