//! Options that `ask`, `batch` and `models` share.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueHint;

use crate::cli::help_text::BASE_URL_HELP;
use crate::cli::values::{Header, bytes, count, header, seconds};

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Network")]
pub struct NetworkArgs {
    /// Use the API at URL, or 'mock:' [env: GRAVIX_BASE_URL]
    #[arg(long, value_name = "URL", long_help = BASE_URL_HELP, value_hint = ValueHint::Url)]
    pub base_url: Option<String>,

    /// Give up connecting after S seconds (default 10)
    ///
    /// The limit covers name resolution, TCP, the proxy and TLS together. Time
    /// while gravix is stopped, as by Ctrl-Z, does not count.
    #[arg(long, value_name = "S", value_parser = seconds, hide_short_help = true, value_hint = ValueHint::Other)]
    pub connect_timeout: Option<Duration>,

    /// Give up after S seconds without data (default 300)
    ///
    /// Comments, blank lines and partial events do not count as data. In a
    /// reply that is not streamed, only each full 64 KiB counts. Time while
    /// gravix is stopped, as by Ctrl-Z, does not count.
    #[arg(long, value_name = "S", value_parser = seconds, hide_short_help = true, value_hint = ValueHint::Other)]
    pub idle_timeout: Option<Duration>,

    /// Give up after S seconds in total
    ///
    /// The clock starts once the prompt has been read. The limit covers
    /// everything: waits, retries and the whole reply. In a batch it applies
    /// to each request, from when it is first sent, and the time that it waits for
    /// the server to come back does not count. Time while gravix is
    /// stopped counts too.
    #[arg(long, value_name = "S", value_parser = seconds, hide_short_help = true, value_hint = ValueHint::Other)]
    pub deadline: Option<Duration>,

    /// Retry a failed request up to N times (default 2)
    ///
    /// gravix retries if the connection fails or closes before a response, and
    /// for the statuses 408, 409, 425, 429, 500, 502, 503, 504, 521, 522, 523
    /// and 529, but not if the quota is used up. It waits as long as the server
    /// asks for, but gives up if that is more than 120 s. If the server does not
    /// ask, it waits for a random time of up to 0.5 s; that limit doubles with
    /// each retry, up to 8 s. It never retries after a timeout once the request
    /// was sent, because it may already have been billed.
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true, hide_short_help = true, value_hint = ValueHint::Other)]
    pub retries: Option<u32>,

    /// Trust only the certificate authorities in FILE (PEM) [env: SSL_CERT_FILE]
    ///
    /// A server's own self-signed certificate in FILE is trusted for the names
    /// in it.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, hide_short_help = true)]
    pub ca_cert: Option<PathBuf>,

    /// Send the key even over plain http, where anyone can read it
    #[arg(long, hide_short_help = true)]
    pub allow_http: bool,

    /// Send this request header too (repeatable)
    ///
    /// Authorization is refused, because gravix sets it from the key. Headers
    /// that gravix itself must set, such as Content-Length, are refused too.
    /// The value of a secret header, such as X-Api-Key, is masked wherever the
    /// key is, but ps shows it while gravix runs: put it in the configuration
    /// file.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = header, hide_short_help = true, value_hint = ValueHint::Other)]
    pub headers: Vec<Header>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Network")]
pub struct ReplyLimitArgs {
    /// Hold at most N bytes of a reply in memory (default 256M)
    ///
    /// A reply is held in memory unless it is printed as it arrives and needed for
    /// nothing else, such as a history, a log or --reasoning. N may end in K, M or G
    /// (powers of 1024). A longer reply is an error: exit status 76, or a failed
    /// request in a batch.
    #[arg(long, value_name = "N", value_parser = bytes, hide_short_help = true, value_hint = ValueHint::Other)]
    pub max_reply_bytes: Option<usize>,
}

#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Output")]
pub struct LogArgs {
    /// Append a line of JSON about each request to FILE
    ///
    /// The line contains the time, the model, the base URL, the HTTP status, the
    /// number of tries, the seconds to the first token and in total, the usage,
    /// the finish reason, the request id, and the error if there was one. In batch,
    /// it also contains the custom_id.
    #[arg(long, value_name = "FILE", hide_short_help = true, value_hint = ValueHint::FilePath)]
    pub log: Option<PathBuf>,

    /// Include the messages and the reply in the log
    ///
    /// Needs --log.
    #[arg(long, hide_short_help = true)]
    pub log_content: bool,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub struct VerbosityArgs {
    /// Suppress notes and warnings, but not errors
    ///
    /// In batch, this also turns off the progress and the summary.
    #[arg(short, long)]
    pub quiet: bool,

    /// Log connections, headers and timings to stderr
    #[arg(short, long, conflicts_with = "quiet")]
    pub verbose: bool,
}

// The system prompt as a file, beside `--system`.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Input")]
pub struct SystemFileArgs {
    /// Read the system prompt from FILE
    ///
    /// One newline at the end of the file is removed.
    #[arg(
        id = "system_file",
        long = "system-file",
        value_name = "FILE",
        conflicts_with = "system",
        hide_short_help = true,
        value_hint = ValueHint::FilePath
    )]
    pub path: Option<PathBuf>,
}

// Where the settings come from.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Model")]
pub struct SettingsArgs {
    /// Use the settings of a profile [env: GRAVIX_PROFILE]
    ///
    /// A profile is a table [profiles.NAME] in the configuration file, or one
    /// of the built-in profiles gravix, openai, openrouter, ollama and mock.
    #[arg(short, long, value_name = "NAME", value_hint = ValueHint::Other)]
    pub profile: Option<String>,

    /// Read the settings from FILE [env: GRAVIX_CONFIG]
    ///
    /// The default is $XDG_CONFIG_HOME/gravix/config.toml, or
    /// ~/.config/gravix/config.toml if XDG_CONFIG_HOME is not set.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, hide_short_help = true)]
    pub config: Option<PathBuf>,
}
