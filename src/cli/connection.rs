//! Options of every command that talks to a server.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueHint;

use crate::cli::prose::BASE_URL_HELP;
use crate::cli::values::{Header, count, header, seconds};

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
    /// everything: waits, tries, and the whole reply. In a batch it is that of
    /// each request, from when it is first sent.
    #[arg(long, value_name = "S", value_parser = seconds, hide_short_help = true, value_hint = ValueHint::Other)]
    pub deadline: Option<Duration>,

    /// Try again up to N times (default 2)
    ///
    /// Connections that fail or close before an answer, and the statuses 408,
    /// 409, 425, 429, 500, 502, 503, 504 and 529, are tried again: after a
    /// random wait of at most 0.5 s, then 1 s, 2 s and so on up to 8 s, or as
    /// long as the server asks for, up to 120 s. A timeout after the request
    /// was sent is final: the request may be billed.
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true, hide_short_help = true, value_hint = ValueHint::Other)]
    pub retries: Option<u32>,

    /// Trust the issuers in FILE (PEM) and no others [env: SSL_CERT_FILE]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, hide_short_help = true)]
    pub ca_cert: Option<PathBuf>,

    /// Send the key over plain http too, where anyone can read it
    #[arg(long, hide_short_help = true)]
    pub allow_http: bool,

    /// Send this header too (repeatable)
    ///
    /// Authorization is refused: it is made of the key. So are the headers
    /// that frame the message.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = header, hide_short_help = true, value_hint = ValueHint::Other)]
    pub headers: Vec<Header>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub struct VerbosityArgs {
    /// Drop notes and warnings, not errors
    #[arg(short, long)]
    pub quiet: bool,

    /// Tell connections, headers and times on stderr
    #[arg(short, long, conflicts_with = "quiet")]
    pub verbose: bool,
}

/// Which settings a run begins with.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Model")]
pub struct SettingsArgs {
    /// Take the settings of a profile [env: GRAVIX_PROFILE]
    ///
    /// A profile is a table [profiles.NAME] of the configuration file, or one
    /// of those that are built in: gravix, ollama and mock.
    #[arg(short, long, value_name = "NAME", value_hint = ValueHint::Other)]
    pub profile: Option<String>,

    /// Read the settings from FILE [env: GRAVIX_CONFIG]
    ///
    /// The default is $XDG_CONFIG_HOME/gravix/config.toml, or else
    /// ~/.config/gravix/config.toml.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, hide_short_help = true)]
    pub config: Option<PathBuf>,
}
