//! The messages of errors, and what the user can do about them. Only the commands
//! know which options they have, so errors themselves carry no hints.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::Command;
use crate::commands::base_url_hint::base_url_hint;
use crate::commands::target_options::target_options;
use crate::commands::{limit_hints, text_hints, tls_hints};
use crate::error::{EarlyEnd, Error, NetworkError, ServerError, is_machine_full, is_out_of_files};
use crate::files::paths::is_descriptor;
use crate::files::shell;
use crate::secret::{KEY_VARIABLE, Secrets};
use crate::settings::chats;
use crate::settings::config::built_in::{BUILT_IN, BuiltIn};
use crate::settings::environment::Environment;
use crate::wire::markup;

/// The commands whose hints differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandKind {
    Ask,
    Batch,
    Other,
}

impl CommandKind {
    pub fn of(command: &Command) -> Self {
        match command {
            Command::Ask(_) => Self::Ask,
            Command::Batch(_) => Self::Batch,
            _ => Self::Other,
        }
    }
}

/// What hints and messages need to know of the command line and the environment.
#[derive(Debug, Clone)]
pub struct Hints {
    command: CommandKind,
    /// The typed options that say where requests go, to repeat in commands.
    /// Each has a blank in front.
    target_options: String,
    /// The default directory of histories; `None` without a home directory.
    chats: Option<PathBuf>,
    /// A built-in profile whose key is set, if gravix's own key is not.
    other_profile: Option<&'static BuiltIn>,
    secrets: Secrets,
}

impl Hints {
    /// For errors that come before the command is known.
    pub fn new(environment: &Environment, secrets: &Secrets) -> Self {
        let has_key = environment.get(KEY_VARIABLE).is_some();
        let is_set = |profile: &&BuiltIn| {
            profile.key_variable.is_some_and(|variable| environment.get(variable).is_some())
        };
        Self {
            command: CommandKind::Other,
            target_options: String::new(),
            chats: chats::directory(environment),
            other_profile: BUILT_IN.iter().find(is_set).filter(|_| !has_key),
            secrets: secrets.clone(),
        }
    }

    /// From now on, for `command`. The configuration sets the options in
    /// `config_options`; the others were typed.
    pub fn set_command(&mut self, command: &Command, config_options: &[String]) {
        let is_typed = |name: &str| !config_options.iter().any(|option| option == name);
        self.command = CommandKind::of(command);
        self.target_options = match command {
            Command::Ask(args) => target_options(&args.settings, &args.network, is_typed),
            Command::Batch(args) => target_options(&args.settings, &args.network, is_typed),
            Command::Models(args) => target_options(&args.settings, &args.network, is_typed),
            Command::Doctor(args) => target_options(&args.settings, &args.network, is_typed),
            _ => String::new(),
        };
    }

    /// The message of `error`, followed by a hint if there is one. Secrets in
    /// the words of a server or a model are masked.
    pub fn message(&self, error: &Error) -> String {
        match self.text_and_hint(error) {
            (text, Some(hint)) => format!("{text}; {hint}"),
            (text, None) => text,
        }
    }

    /// The two parts of a message.
    pub fn text_and_hint(&self, error: &Error) -> (String, Option<String>) {
        (self.masked_text(error), self.hint(error))
    }

    /// The typed options that say where requests go, to repeat in commands. Each has
    /// a blank in front.
    pub fn target_options(&self) -> &str {
        &self.target_options
    }

    /// The text of `error`. What servers report was masked when it was received,
    /// but what a model said was kept as it came.
    fn masked_text(&self, error: &Error) -> String {
        let mask = |text: &String| self.secrets.mask(text.clone());
        match error {
            Error::Partial(cause) => {
                let cause = Error::Protocol(self.masked_text(cause));
                Error::Partial(Box::new(cause)).to_string()
            }
            Error::EndedEarly(EarlyEnd::Refusal(text)) => EarlyEnd::Refusal(mask(text)).to_string(),
            Error::Format { reason, early_end } => {
                let early_end = early_end.clone();
                Error::Format { reason: mask(reason), early_end }.to_string()
            }
            other => other.to_string(),
        }
    }

    fn hint(&self, error: &Error) -> Option<String> {
        let is_ask = self.command == CommandKind::Ask;
        let text = match error {
            Error::Partial(cause) => return self.hint(cause),
            Error::Server(server) => return self.server_hint(server),
            Error::UnansweredPrompt { path, error } => {
                return self.hint(error).or_else(|| Some(text_hints::for_unanswered(path)));
            }
            Error::Network(error) => network_hint(error)?,
            Error::ProxyLogin { variable, is_refused: true, .. } => {
                return Some(format!("check the user and password in {variable}"));
            }
            Error::ProxyLogin { scheme, host, variable, .. } => {
                return Some(format!("set {variable} to {scheme}://USER:PASSWORD@{host}"));
            }
            Error::NoKey { .. } => return Some(self.key_hint()),
            Error::Limit { source, .. } => return Some(self.limit_hint(source)),
            Error::Unreadable { path, source }
                if source.kind() == ErrorKind::NotFound
                    && path.parent() == self.chats.as_deref() =>
            {
                "see gravix history list"
            }
            Error::Unreadable { source, .. }
            | Error::Unwritable { source, .. }
            | Error::SideFile { source, .. }
            | Error::NotSaved { source, .. }
            | Error::NotLogged { source, .. }
                if is_out_of_files(source) =>
            {
                limit_hints::MORE_FILES
            }
            // It is there, but not as a file of the user's own.
            Error::SideFile { source, .. } if source.raw_os_error().is_none() => {
                "remove or rename it"
            }
            Error::Config(error) => {
                let cause = error.chain().find_map(|cause| cause.downcast_ref());
                return match cause {
                    Some(cause) => self.hint(cause),
                    None => {
                        error.downcast_ref().and_then(|text| text_hints::for_not_text(text, is_ask))
                    }
                };
            }
            Error::NotText(not_text) => return text_hints::for_not_text(not_text, is_ask),
            Error::Format { early_end: Some(EarlyEnd::Length(_)), .. }
            | Error::EndedEarly(EarlyEnd::Length(_)) => "raise --max-tokens",
            Error::InvalidLines { .. } | Error::Line { .. } => return self.line_hint(error),
            Error::ReadOnlyHistory { .. } if is_ask => "use --no-save to only read it",
            Error::ReplyTooLong { limit } => return Some(limit_hints::for_reply(*limit)),
            Error::CannotJoin if is_ask => "use --events to print the stream as it arrives",
            Error::Locked(_) => "try again later",
            Error::NoHistory { .. } => {
                let options = &self.target_options;
                return Some(format!("start one with gravix ask{options} --history @chat \"…\""));
            }
            Error::Busy(_) => "try again when it ends",
            Error::NoReply { .. } => "check the base URL",
            Error::Certificate { host, address, ca_file, flaw } => {
                return tls_hints::for_certificate(
                    host,
                    address.as_deref(),
                    ca_file.as_deref(),
                    flaw,
                );
            }
            Error::TlsMismatch { mismatch, .. } => tls_hints::for_mismatch(mismatch),
            _ => return None,
        };
        Some(text.to_owned())
    }

    /// What to do when the process can have no more of something.
    /// What to do about lines that are not valid.
    fn line_hint(&self, error: &Error) -> Option<String> {
        match error {
            Error::InvalidLines { is_known_format: true, .. } => None,
            Error::InvalidLines { path: Some(path), .. } => repair(path),
            Error::InvalidLines { .. } => {
                Some("move them aside with gravix history repair FILE".to_owned())
            }
            Error::Line { path, format: Some(format), .. } => {
                text_hints::for_history(*format, path)
            }
            // The lines of a batch are no history.
            Error::Line { path, .. } if self.command != CommandKind::Batch => repair(path),
            _ => None,
        }
    }

    fn limit_hint(&self, source: &io::Error) -> String {
        let limits = limit_hints::for_system(source);
        match self.command {
            CommandKind::Batch => format!("lower --jobs, or {limits}"),
            CommandKind::Ask | CommandKind::Other => limits.to_owned(),
        }
    }

    /// What to do without a key for the default base URL.
    fn key_hint(&self) -> String {
        match self.other_profile {
            Some(BuiltIn { name, key_variable: Some(variable), .. }) => {
                format!("set {KEY_VARIABLE}, or use -p {name}, which reads {variable}")
            }
            _ => format!("set {KEY_VARIABLE}, or try --base-url mock:"),
        }
    }

    fn server_hint(&self, error: &ServerError) -> Option<String> {
        let message = error.message.to_lowercase();
        let is_named = |names: &[&str]| {
            let mut words = [&error.code, &error.kind].into_iter().flatten();
            words.any(|word| names.contains(&word.as_str()))
        };
        let is_too_long = is_named(&["context_length_exceeded", "exceed_context_size_error"])
            || TOO_LONG.iter().any(|words| message.contains(words));
        let shorten = match self.command {
            CommandKind::Ask => "shorten the prompt, or lower --turns",
            CommandKind::Batch | CommandKind::Other => "shorten the prompt",
        };
        Some(match error.status() {
            _ if is_too_long => shorten.to_owned(),
            _ if error.is_quota() => return None,
            _ if error.is_firewall => {
                "try another network, or ask the server's operator".to_owned()
            }
            _ if ["response_format", "json_schema"].iter().any(|name| message.contains(name)) => {
                "try --json-object if the server does not support schemas".to_owned()
            }
            _ if error.is_key_refused() => refused_key_hint(error),
            _ if error.is_unexpected_endpoint() => base_url_hint(&error.base_url),
            _ if error.is_unknown_model() => {
                format!("list the models with gravix models{}", self.target_options)
            }
            Some(400 | 404 | 405) if markup::is_html(&error.body) => {
                format!("it sent HTML, as a website does; {}", base_url_hint(&error.base_url))
            }
            Some(404 | 405) => base_url_hint(&error.base_url),
            Some(413) => shorten.to_owned(),
            status => match error.retry_after {
                Some(Duration::MAX) => "try again later".to_owned(),
                Some(wait) => format!("try again in {} s", wait.as_secs_f64().ceil()),
                None if status == Some(429) => "try again later".to_owned(),
                None => return None,
            },
        })
    }
}

/// What servers say about a prompt that is too long.
const TOO_LONG: [&str; 6] = [
    "context length",
    "context size",
    "context window",
    "maximum context",
    "prompt is too long",
    "input is too long",
];

fn refused_key_hint(error: &ServerError) -> String {
    let own_key = BUILT_IN.iter().find(|profile| profile.base_url == error.base_url);
    match (&error.key_origin, own_key) {
        (Some(origin), _) => format!("check the key in {origin}"),
        (None, Some(BuiltIn { name, key_variable: Some(variable), .. })) => {
            format!("set {variable} to your key and use -p {name}")
        }
        (None, _) => format!("set {KEY_VARIABLE} to your key"),
    }
}

/// `None` for a pipe, such as that of a process substitution.
fn repair(path: &Path) -> Option<String> {
    let file = Some(path).filter(|path| !is_descriptor(path))?;
    Some(format!("move bad lines aside with gravix history repair {}", shell::path_word(file)))
}

fn network_hint(error: &NetworkError) -> Option<&'static str> {
    Some(match error {
        NetworkError::Resolve { .. } => "check the base URL",
        NetworkError::Connect { is_proxied: true, .. } => "check the proxy variables",
        NetworkError::Connect { source, .. } if source.kind() == ErrorKind::ConnectionRefused => {
            "is the server running? check the base URL"
        }
        NetworkError::Connect { source, .. } if is_machine_full(source) => return None,
        NetworkError::Connect { .. } => "check the base URL",
        NetworkError::ConnectTimeout(_) => "raise --connect-timeout",
        NetworkError::Silence(_) => "raise --idle-timeout",
        _ => return None,
    })
}
