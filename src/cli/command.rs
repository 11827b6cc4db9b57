//! The commands of gravix.

use clap::{Args as _, Command as ClapCommand, Subcommand};

use crate::cli::ask_args::AskArgs;
use crate::cli::batch_args::BatchArgs;
use crate::cli::chat_args::ChatArgs;
use crate::cli::help_text::{
    ASK_EXAMPLES, ASK_MORE, BATCH_EXAMPLES, BATCH_MORE, CHAT_EXAMPLES, COMPLETIONS_EXAMPLES,
    CONFIG_EXAMPLES, DOCTOR_EXAMPLES, HISTORY_EXAMPLES, MAN_EXAMPLES, MODELS_EXAMPLES,
    SHELL_INIT_EXAMPLES, SUGGEST_EXAMPLES, TEMPLATE, TEMPLATES_EXAMPLES,
};
use crate::cli::history_args::HistoryCommandArgs;
use crate::cli::inspect_args::{ConfigArgs, DoctorArgs, ModelsArgs, TemplatesArgs};
use crate::cli::setup_args::{CompletionsArgs, ManArgs};
use crate::cli::suggest_args::{ShellInitArgs, SuggestArgs};

#[derive(Debug, Subcommand)]
// Only the command that is run gets its options and tables: describing all of them takes
// longer than the rest of the start. Groups of options have no doc comments, because clap
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
        after_help = ASK_MORE
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
'set editing-mode vi'."
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
An output line is a Batch API result (custom_id, response, error). With -T, the
input is a table (CSV, TSV) or JSON objects of any fields, and each reply goes
into a column beside its row. A run can be killed at any time; to resume it, run
it again with the same -o FILE. After the first Ctrl-C, requests in progress
have 10 s to finish; the second Ctrl-C ends the run immediately.",
        // The short help needs the line of the help option for others.
        disable_help_flag = true,
        after_help = BATCH_MORE
    )]
    Batch(Box<BatchArgs>),
    /// Write a command line for the shell, and run nothing
    ///
    /// Asks the model for one line of shell that does what the words say, and prints
    /// that line and nothing else. It is never run and never saved; read it before
    /// you run it. Standard input is not read. gravix shell-init binds this to a key.
    #[command(
        help_template = TEMPLATE,
        before_help = SUGGEST_EXAMPLES
    )]
    Suggest(Box<SuggestArgs>),
    /// List the models that the server offers
    ///
    /// Prints one name a line. Control characters in a name are made visible even
    /// in a pipe (a newline as ^J); --json prints what the server sent.
    #[command(
        help_template = TEMPLATE,
        before_help = MODELS_EXAMPLES
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
        before_help = DOCTOR_EXAMPLES
    )]
    Doctor(DoctorArgs),
    /// List, show, check, repair or fork conversations, or undo a turn
    ///
    /// FILE is a path, or @NAME for NAME.jsonl in the default directory of
    /// conversations, ~/.local/state/gravix/chats.
    #[command(
        help_template = TEMPLATE,
        before_help = HISTORY_EXAMPLES,
        subcommand_required = true
    )]
    History(HistoryCommandArgs),
    /// Print the effective settings and where each comes from
    ///
    /// Says too whether the key is there, but never what it is.
    #[command(
        help_template = TEMPLATE,
        before_help = CONFIG_EXAMPLES
    )]
    Config(ConfigArgs),
    /// List the templates of prompts, each with its first line
    ///
    /// A template is a file prompts/NAME.md beside the configuration file. Use it with
    /// gravix ask -T NAME. In a pipe, a tab separates the name from the line, and both are
    /// escaped as in a JSON string.
    #[command(
        help_template = TEMPLATE,
        before_help = TEMPLATES_EXAMPLES
    )]
    Templates(TemplatesArgs),
    /// Print or install the completion script for a shell
    #[command(
        help_template = TEMPLATE,
        before_help = COMPLETIONS_EXAMPLES
    )]
    Completions(CompletionsArgs),
    /// Print a script that binds gravix suggest to a key of the shell
    ///
    /// Alt-G replaces what you have typed with a command that does it. Nothing is run:
    /// read the command, then press Enter or change it. If there is no answer, or after
    /// Ctrl-C, the line is as it was. The model and the server are those of gravix
    /// suggest; set GRAVIX_PROFILE to choose a profile. bash must be version 4 or later.
    #[command(
        help_template = TEMPLATE,
        before_help = SHELL_INIT_EXAMPLES
    )]
    ShellInit(ShellInitArgs),
    /// Print a man page as roff, or install all of them
    #[command(
        help_template = TEMPLATE,
        before_help = MAN_EXAMPLES
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
