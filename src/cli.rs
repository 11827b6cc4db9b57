//! The command line as typed: options, help, and the prose that help and the
//! man pages share. Knows nothing of what the options do.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum, ValueHint};

/// Examples first: they say more than a synopsis does.
const TEMPLATE: &str = "\
{about-with-newline}
{before-help}{usage-heading} {usage}

{all-args}{after-help}";

pub const EXAMPLES: &str = "\
Examples:
  gravix ask \"What is a tarpit?\"
  git diff --staged | gravix ask \"Write the commit message\"
  gravix ask --history chat.jsonl \"And in Rust?\"
  gravix ask --base-url mock: hello        # try it: no key, no network";

const ASK_EXAMPLES: &str = "\
Examples:
  echo \"What is 2+2?\" | gravix ask
  git diff --staged | gravix ask \"Write the commit message\"
  gravix ask \"Compare this:\" - \"with RFC 9110\" < draft.txt
  gravix ask --stream --history chat.jsonl \"And in Rust?\"";

const MODELS_EXAMPLES: &str = "\
Examples:
  gravix models | grep llama
  gravix models --base-url http://localhost:11434/v1";

const HISTORY_EXAMPLES: &str = "\
Examples:
  gravix history show --last 3 chat.jsonl
  gravix history check *.jsonl
  gravix history undo chat.jsonl | jq -r 'select(.role==\"user\").content'";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  gravix completions bash > ~/.local/share/bash-completion/completions/gravix
  gravix completions zsh > ~/.zfunc/_gravix
  gravix completions fish > ~/.config/fish/completions/gravix.fish";

const MAN_EXAMPLES: &str = "\
Examples:
  gravix man | man -l -
  gravix man gravix-ask > ~/.local/share/man/man1/gravix-ask.1";

const BASE_URL_HELP: &str = "\
The API's base URL, or 'mock:' [env: GRAVIX_BASE_URL]

The default is https://api.gravixlayer.com/v1/inference. 'mock:' is a \
stand-in inside gravix that answers with the prompt: it needs no key and no \
network.";

/// What each exit status of `ask` means, in ascending order.
pub const EXIT_STATUS: Entries = &[
    ("0", "the whole reply was printed and, if asked, saved"),
    ("2", "usage: a bad option, no prompt, or nothing to continue"),
    ("3", "the reply was ended early (length, filter, refusal, no text)"),
    ("4", "part of the reply was printed, then it failed; nothing was saved"),
    ("65", "bad input: a history line, or a prompt that is not UTF-8"),
    ("66", "an input cannot be read"),
    ("69", "the server refused the request (400, 404, 413, 422, quota)"),
    ("70", "a bug in gravix"),
    ("73", "the history or the output file cannot be written"),
    ("74", "standard output cannot be written"),
    ("75", "failed for now, nothing printed: try again later"),
    ("76", "the reply is not the protocol (HTML, bad JSON, redirect)"),
    ("77", "the key was refused (401, 403)"),
    ("78", "configuration: no key, a bad base URL, TLS trust"),
    ("130 141 143", "died of SIGINT, SIGPIPE, SIGTERM, by the signal itself"),
];

pub const MODELS_STATUS: Entries = &[
    ("0", "the list was printed"),
    ("2", "usage: a bad option"),
    ("66", "the file of --ca-cert cannot be read"),
    ("69", "the server refused the request (404, quota)"),
    ("74", "standard output cannot be written"),
    ("75", "failed for now: try again later"),
    ("76", "the answer is no list of models"),
    ("77", "the key was refused (401, 403)"),
    ("78", "configuration: no key, a bad base URL, TLS trust"),
];

pub const HISTORY_STATUS: Entries = &[
    ("0", "done; for check: every line is a message"),
    ("2", "usage: a bad option, or no turn to undo"),
    ("65", "a line is no message"),
    ("66", "a history cannot be read"),
    ("73", "a history cannot be written"),
    ("74", "standard output cannot be written"),
    ("78", "configuration: the pager cannot be run"),
];

pub const PRINT_STATUS: Entries = &[
    ("0", "it was printed"),
    ("2", "usage: no such thing to print"),
    ("74", "standard output cannot be written"),
];

/// The variables that gravix reads; an empty one counts as unset.
pub const ENVIRONMENT: Entries = &[
    ("GRAVIXLAYER_API_KEY", "the key, sent to the base URL's host alone"),
    ("GRAVIX_BASE_URL", "the base URL, where --base-url is not given"),
    ("GRAVIX_MODEL", "the model, where --model is not given"),
    ("SSL_CERT_FILE", "issuers to trust, where --ca-cert is not given"),
    ("https_proxy, http_proxy", "the proxy for https:// and http:// base URLs"),
    ("all_proxy", "the proxy for both, where neither is set"),
    ("no_proxy", "hosts that are reached directly, separated by commas"),
    ("PAGER", "shows what history show prints; less -FR by default"),
    ("NO_COLOR", "when set, nothing has colour"),
];

pub const FILES: Entries = &[
    ("FILE", "a history: the messages array, one JSON object a line; edit it freely"),
    ("FILE.torn", "a last line of FILE that was cut while it was written"),
    ("FILE.bad", "lines of FILE that history repair moved there"),
];

/// Terms and what they mean.
type Entries = &'static [(&'static str, &'static str)];

/// `title` and its entries, as help shows them.
fn section(title: &str, entries: Entries) -> String {
    let width = entries.iter().map(|(term, _)| term.len()).max().unwrap_or(0);
    let mut text = format!("{title}:");
    for (term, meaning) in entries {
        text += &format!("\n  {term:width$}  {meaning}");
    }
    text
}

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

/// Parses a number between `LOW` and `HIGH`, both included. NaN is refused.
fn within<const LOW: i8, const HIGH: i8>(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (f64::from(LOW)..=f64::from(HIGH)).contains(&number) {
        Ok(number)
    } else {
        Err(format!("not between {LOW} and {HIGH}"))
    }
}

/// Parses a positive number of seconds, with decimals if need be, up to a
/// year: more than that overflows clocks.
fn seconds(text: &str) -> Result<Duration, String> {
    const YEAR: f64 = 365.0 * 24.0 * 3600.0;
    let number: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    match Duration::try_from_secs_f64(number.min(YEAR)) {
        Ok(duration) if !duration.is_zero() && number.is_finite() => Ok(duration),
        _ => Err("not a positive number of seconds".to_owned()),
    }
}

/// Parses `Name: value` (RFC 9110 5.1, 5.5).
fn header(text: &str) -> Result<Header, String> {
    let (name, value) = text.split_once(':').ok_or("not of the form 'Name: value'")?;
    let value = value.trim();
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(format!("{name:?} is not a header's name"));
    }
    if value.chars().any(char::is_control) {
        return Err("the value contains a control character".to_owned());
    }
    match name.to_ascii_lowercase().as_str() {
        "authorization" => {
            Err("Authorization is made from GRAVIXLAYER_API_KEY; set that instead".to_owned())
        }
        "accept-encoding" | "connection" | "content-length" | "expect" | "host"
        | "transfer-encoding" => Err(format!("{name} is for gravix to set")),
        _ => Ok((name.to_owned(), value.to_owned())),
    }
}

/// Parses a count.
fn count(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| "not a whole number of 0 or more".to_owned())
}

/// Parses a count of at least one.
fn positive(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(number @ 1..) => Ok(number),
        _ => Err("not a whole number of 1 or more".to_owned()),
    }
}
