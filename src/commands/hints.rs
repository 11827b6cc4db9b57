//! The messages of errors, and what the user can do about them. Only the commands
//! know which options they have, so errors themselves carry no hints.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::cli::Command;
use crate::commands::target::Target;
use crate::commands::{file_hints, limit_hints, server_hints, text_hints, tls_hints};
use crate::error::{EarlyEnd, Error, NetworkError, is_machine_full, is_out_of_files};
use crate::files::paths::is_descriptor;
use crate::files::shell;
use crate::secret::{KEY_VARIABLE, Secrets};
use crate::settings::chats;
use crate::settings::config::built_in::{BUILT_IN, BuiltIn};
use crate::settings::environment::Environment;

/// The commands whose hints differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandKind {
    Ask,
    Chat,
    Batch,
    Other,
}

impl CommandKind {
    pub fn of(command: &Command) -> Self {
        match command {
            Command::Ask(_) => Self::Ask,
            Command::Chat(_) => Self::Chat,
            Command::Batch(_) => Self::Batch,
            _ => Self::Other,
        }
    }
}

/// What hints and messages need to know of the command line and the environment.
#[derive(Debug, Clone)]
pub struct Hints {
    command: CommandKind,
    target: Target,
    /// The default directory of histories; `None` without a home directory.
    chats: Option<PathBuf>,
    /// A built-in profile whose key is set, if gravix's own key is not.
    other_profile: Option<&'static BuiltIn>,
    /// A variable that is set, and that may have been meant to hold gravix's key.
    misnamed_key: Option<&'static str>,
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
            target: Target::default(),
            chats: chats::directory(environment),
            other_profile: BUILT_IN.iter().find(is_set).filter(|_| !has_key),
            misnamed_key: LIKELY_KEYS.iter().find(|name| environment.get(name).is_some()).copied(),
            secrets: secrets.clone(),
        }
    }

    /// From now on, for `command`, which asks `target`.
    pub fn set_command(&mut self, command: &Command, target: Target) {
        self.command = CommandKind::of(command);
        self.target = target;
    }

    /// The message of `error`, followed by a hint if there is one. Secrets in
    /// the words of a server or a model are masked.
    pub fn message(&self, error: &Error) -> String {
        match self.text_and_hint(error) {
            (text, Some(hint)) => format!("{}; {hint}", text.strip_suffix('.').unwrap_or(&text)),
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
        &self.target.options
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
        let is_chat = self.command == CommandKind::Chat;
        let text = match error {
            Error::Partial(cause) => return self.hint(cause),
            Error::Server(server) => {
                let shorten = match self.command {
                    CommandKind::Ask => "shorten the prompt, or lower --turns",
                    _ => "shorten the prompt",
                };
                return server_hints::for_server(server, &self.target, shorten);
            }
            Error::UnansweredPrompt { path, error } => {
                return self.hint(error).or_else(|| Some(text_hints::for_unanswered(path)));
            }
            Error::NoKey { .. } => return Some(self.key_hint()),
            Error::Limit { source, .. } => return Some(self.limit_hint(source)),
            Error::Unreadable { .. }
            | Error::Unwritable { .. }
            | Error::SideFile { .. }
            | Error::NotSaved { .. }
            | Error::NotLogged { .. } => return self.file_hint(error),
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
            | Error::EndedEarly(EarlyEnd::Length(_)) => limit_hints::for_length(is_chat),
            Error::InvalidLines { .. } | Error::Line { .. } => return self.line_hint(error),
            Error::ReadOnlyHistory { .. } if is_ask => "use --no-save to only read it",
            Error::ReplyTooLong { limit } => return Some(limit_hints::for_reply(*limit)),
            Error::CannotJoin if is_ask => "use --events to print the stream as it arrives",
            Error::Locked(_) => "try again later",
            Error::NoHistory { .. } => {
                return Some(file_hints::for_no_history(&self.target.options, is_chat));
            }
            Error::Busy(_) => "try again when it ends",
            _ => return self.connection_hint(error),
        };
        Some(text.to_owned())
    }

    /// What to do about a server that cannot be reached, or does not answer.
    fn connection_hint(&self, error: &Error) -> Option<String> {
        let text = match error {
            Error::Network(error) => self.network_hint(error)?,
            Error::NoReply { .. } => "check the base URL",
            Error::WrongScheme(_) => {
                let url = self.target.other_scheme()?;
                return Some(format!("try --base-url {}", shell::word(&url)));
            }
            Error::ProxyLogin { variable, is_refused: true, .. } => {
                return Some(format!("check the user and password in {variable}"));
            }
            Error::ProxyLogin { scheme, host, variable, .. } => {
                return Some(format!("set {variable} to {scheme}://USER:PASSWORD@{host}"));
            }
            Error::Certificate { host, address, ca_file, flaw } => {
                let (address, ca_file) = (address.as_deref(), ca_file.as_deref());
                return tls_hints::for_certificate(host, address, ca_file, flaw);
            }
            Error::TlsMismatch { mismatch, .. } => tls_hints::for_mismatch(mismatch),
            _ => return None,
        };
        Some(text.to_owned())
    }

    /// What to do about a file that cannot be read or written.
    fn file_hint(&self, error: &Error) -> Option<String> {
        let text = match error {
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
            Error::Unwritable { path, source } => return file_hints::for_unwritable(path, source),
            Error::Unreadable { path, source } if self.command == CommandKind::Batch => {
                let options = &self.target.options;
                return file_hints::for_missing_requests(path, source, options);
            }
            // It is there, but not as a file of the user's own.
            Error::SideFile { source, .. } if source.raw_os_error().is_none() => {
                "remove or rename it"
            }
            _ => return None,
        };
        Some(text.to_owned())
    }

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

    /// What to do when the process can have no more of something.
    fn limit_hint(&self, source: &io::Error) -> String {
        let limits = limit_hints::for_system(source);
        match self.command {
            CommandKind::Batch => format!("lower --jobs, or {limits}"),
            _ => limits.to_owned(),
        }
    }

    /// What to do without a key for the default base URL.
    fn key_hint(&self) -> String {
        if let Some(name) = self.misnamed_key {
            return format!("{name} is set; run export {KEY_VARIABLE}=\"${name}\" first");
        }
        let set = format!("run export {KEY_VARIABLE}=YOUR_KEY first");
        match self.other_profile {
            Some(BuiltIn { name, key_variable: Some(variable), .. }) => {
                format!("{set}, or use -p {name}, which reads {variable}")
            }
            _ => format!("{set}, or try --base-url mock:"),
        }
    }

    fn network_hint(&self, error: &NetworkError) -> Option<&'static str> {
        let is_ollama = || self.target.base_url.as_ref().is_some_and(|url| url.contains(":11434"));
        Some(match error {
            NetworkError::Resolve { .. } => "check the base URL",
            NetworkError::Connect { is_proxied: true, .. } => "check the proxy variables",
            NetworkError::Connect { source, .. }
                if source.kind() == ErrorKind::ConnectionRefused =>
            {
                match is_ollama() {
                    true => "start the server with ollama serve, or check the base URL",
                    false => "is the server running? check the base URL",
                }
            }
            NetworkError::Connect { source, .. } if is_machine_full(source) => return None,
            NetworkError::Connect { .. } => "check the base URL",
            NetworkError::ConnectTimeout(_) => "raise --connect-timeout",
            NetworkError::Silence(_) => "raise --idle-timeout",
            _ => return None,
        })
    }
}

/// Names under which a key for Gravix Layer is likely to be found.
const LIKELY_KEYS: [&str; 5] = [
    "GRAVIX_API_KEY",
    "GRAVIXLAYER_KEY",
    "GRAVIX_LAYER_API_KEY",
    "GRAVIX_KEY",
    "GRAVIXLAYER_TOKEN",
];

/// `None` for a pipe, such as that of a process substitution.
fn repair(path: &Path) -> Option<String> {
    let file = Some(path).filter(|path| !is_descriptor(path))?;
    Some(format!("move bad lines aside with gravix history repair {}", shell::path_word(file)))
}
