//! The command line as typed. Knows nothing of what the options do.

mod prose;
mod values;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum, ValueHint};

use prose::{
    ASK_EXAMPLES, BASE_URL_HELP, COMPLETIONS_EXAMPLES, HISTORY_EXAMPLES, MAN_EXAMPLES,
    MODELS_EXAMPLES, TEMPLATE, section,
};
pub use prose::{
    ENVIRONMENT, EXAMPLES, EXIT_STATUS, FILES, HISTORY_STATUS, MODELS_STATUS, PRINT_STATUS,
};
use values::{count, header, positive, seconds, within};

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
        after_long_help = section("Exit status", EXIT_STATUS)
    )]
    Ask(Box<AskArgs>),
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
    History(HistoryArgs),
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
pub struct AskArgs {
    /// The prompt: words joined by one space; '-' is stdin
    #[arg(value_name = "PROMPT", help_heading = "Input")]
    pub words: Vec<OsString>,

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

    /// Print tokens as they come, on a pipe too
    #[arg(long, overrides_with = "no_stream", help_heading = "Output")]
    pub stream: bool,

    /// Print the reply once it is complete, on a terminal too
    #[arg(long, overrides_with = "stream", help_heading = "Output")]
    pub no_stream: bool,

    /// Write the reply to FILE, once it is whole
    ///
    /// Standard output stays empty, unless FILE is '-'. FILE is replaced at one stroke, also by a
    /// reply that the server ended early, but never by one without text.
    #[arg(
        short,
        long,
        value_name = "FILE",
        help_heading = "Output",
        value_hint = ValueHint::FilePath
    )]
    pub output: Option<PathBuf>,

    /// Print control characters to a terminal as they are
    ///
    /// By default a reply on a terminal has its control characters, but for
    /// newline and tab, made visible, so that a model cannot send it escape
    /// sequences. Pipes and files always get the exact bytes.
    #[arg(long, help_heading = "Output", hide_short_help = true)]
    pub raw: bool,

    #[command(flatten)]
    pub volume: VolumeArgs,

    /// Continue the conversation in FILE, and append the turn
    ///
    /// FILE holds the messages array, one JSON object a line. It is created
    /// with mode 0600 and locked while the turn is under way; the turn is
    /// appended when the reply is whole.
    #[arg(
        long,
        value_name = "FILE",
        help_heading = "History",
        value_hint = ValueHint::FilePath
    )]
    pub history: Option<PathBuf>,

    /// Send only the system message and the newest N turns
    ///
    /// A turn begins at a user message. The file is read from its end, and
    /// what is not sent is not checked.
    #[arg(long, value_name = "N", requires = "history", help_heading = "History", value_hint = ValueHint::Other)]
    pub turns: Option<u64>,

    /// Send the history as it is, without a new prompt
    ///
    /// For a history that ends with a message of your own or of a tool. The
    /// reply alone is appended. Standard input is left alone.
    #[arg(
        long = "continue",
        requires = "history",
        conflicts_with = "words",
        help_heading = "History",
        hide_short_help = true
    )]
    pub continues: bool,

    /// Send the history, append nothing
    ///
    /// The file may then be read-only.
    #[arg(long, requires = "history", help_heading = "History", hide_short_help = true)]
    pub no_save: bool,

    /// Give up at once when another turn is under way
    #[arg(long, requires = "history", help_heading = "History", hide_short_help = true)]
    pub no_wait: bool,

    #[command(flatten)]
    pub network: NetworkArgs,
}

/// The model and its parameters, each sent only when given.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Model")]
pub struct ModelArgs {
    /// The model's name [env: GRAVIX_MODEL]
    #[arg(short, long, value_name = "NAME", value_hint = ValueHint::Other)]
    pub model: Option<String>,

    /// Sampling temperature, 0 to 2
    #[arg(short, long, value_name = "T", value_parser = within::<0, 2>, allow_negative_numbers = true, value_hint = ValueHint::Other)]
    pub temperature: Option<f64>,

    /// Sample from this share of the probability, 0 to 1
    #[arg(long, value_name = "P", value_parser = within::<0, 1>, allow_negative_numbers = true, hide_short_help = true, value_hint = ValueHint::Other)]
    pub top_p: Option<f64>,

    /// End the reply after N tokens
    #[arg(long, value_name = "N", value_parser = positive, allow_negative_numbers = true, value_hint = ValueHint::Other)]
    pub max_tokens: Option<u32>,

    /// End the reply before TEXT (up to 4 times)
    #[arg(long, value_name = "TEXT", value_hint = ValueHint::Other)]
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
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Network")]
pub struct NetworkArgs {
    /// The API's base URL, or 'mock:' [env: GRAVIX_BASE_URL]
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, long_help = BASE_URL_HELP)]
    pub base_url: Option<String>,

    /// Give up connecting after S seconds (default 10)
    ///
    /// The limit holds for the name's lookup, TCP, a proxy and TLS together.
    #[arg(long, value_name = "S", value_parser = seconds, hide_short_help = true, value_hint = ValueHint::Other)]
    pub connect_timeout: Option<Duration>,

    /// Give up after S seconds of silence (default 300)
    ///
    /// Silence is time without an event that has data: comments, blank lines
    /// and half an event do not end it. Of a reply that is not streamed each
    /// further 64 KiB count as an event.
    #[arg(long, value_name = "S", value_parser = seconds, hide_short_help = true, value_hint = ValueHint::Other)]
    pub idle_timeout: Option<Duration>,

    /// Give up after S seconds, whatever happens
    ///
    /// The time begins when the prompt has been read, and the limit holds for
    /// everything: waits, tries, and the whole reply.
    #[arg(long, value_name = "S", value_parser = seconds, value_hint = ValueHint::Other)]
    pub deadline: Option<Duration>,

    /// Try again up to N times (default 2)
    ///
    /// Connections that fail or close before an answer, and the statuses 408,
    /// 409, 425, 429, 500, 502, 503, 504 and 529, are tried again: after a
    /// random wait of at most 0.5 s, then 1 s, 2 s and so on up to 8 s, or as
    /// long as the server asks for, up to 120 s. A timeout after the request
    /// was sent is final: the request may be billed.
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true, value_hint = ValueHint::Other)]
    pub retries: Option<u32>,

    /// Trust the issuers in FILE (PEM) and no others [env: SSL_CERT_FILE]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, hide_short_help = true)]
    pub ca_cert: Option<PathBuf>,

    /// Send the key over plain http too, where anyone can read it
    #[arg(long, hide_short_help = true)]
    pub allow_http: bool,

    /// Send this header too (repeatable)
    ///
    /// Authorization is refused: it is made from GRAVIXLAYER_API_KEY. So are
    /// the headers that frame the message.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = header, hide_short_help = true, value_hint = ValueHint::Other)]
    pub headers: Vec<Header>,
}

/// The name and the value of a request header, checked.
pub type Header = (String, String);

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub struct VolumeArgs {
    /// Drop notes and warnings, not errors
    #[arg(short, long)]
    pub quiet: bool,

    /// Tell connections, headers and times on stderr
    #[arg(short, long, conflicts_with = "quiet")]
    pub verbose: bool,
}

#[derive(Debug, clap::Args)]
pub struct ModelsArgs {
    /// Print the server's answer as it came
    #[arg(long, help_heading = "Output")]
    pub json: bool,

    #[command(flatten)]
    pub volume: VolumeArgs,

    #[command(flatten)]
    pub network: NetworkArgs,
}

#[derive(Debug, clap::Args)]
pub struct HistoryArgs {
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
    GravixModels,
    GravixHistory,
    GravixCompletions,
    GravixMan,
}
