//! What the user can do about an error. Only the commands know which options
//! they have, so errors themselves carry no hints.

use std::fmt;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use crate::cli::Command;
use crate::error::{EarlyEnd, Error, NetworkError, ServerError};
use crate::files::shell;
use crate::secret::KEY_VARIABLE;

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

/// The error that ended a command, displayed with a hint.
#[derive(Debug)]
pub struct Failure {
    pub error: Error,
    pub command: CommandKind,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&with_hint(&self.error, self.command))
    }
}

/// The message of `error`, followed by a hint if there is one.
pub fn with_hint(error: &Error, command: CommandKind) -> String {
    match hint(error, command) {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    }
}

fn hint(error: &Error, command: CommandKind) -> Option<String> {
    let is_ask = command == CommandKind::Ask;
    let text = match error {
        Error::Partial(cause) => return hint(cause, command),
        Error::Server(server) => return server_hint(server, command),
        Error::Network(error) => network_hint(error)?,
        Error::NotUtf8 { .. } if is_ask => "use --lossy to replace bad bytes with U+FFFD",
        Error::Format { early_end: Some(EarlyEnd::Length(_)), .. }
        | Error::EndedEarly(EarlyEnd::Length(_)) => "raise --max-tokens",
        Error::InvalidLines { path: Some(path), .. } => return Some(repair(path)),
        Error::InvalidLines { .. } => "move them aside with gravix history repair FILE",
        Error::Line { path, .. } if is_ask => return Some(repair(path)),
        Error::ReadOnlyHistory { .. } if is_ask => "use --no-save to only read it",
        Error::NestedTooDeeply if is_ask => "use --events to print the stream as it arrives",
        Error::Locked(_) => "try again later",
        Error::Busy(_) => "try again when it ends",
        Error::Certificate { is_unknown_issuer: true, .. } => {
            "name a PEM file of trusted certificate authorities with --ca-cert or SSL_CERT_FILE"
        }
        _ => return None,
    };
    Some(text.to_owned())
}

fn repair(path: &Path) -> String {
    let path = shell::path_word(path);
    format!("move bad lines aside with gravix history repair {path}")
}

fn network_hint(error: &NetworkError) -> Option<&'static str> {
    Some(match error {
        NetworkError::Resolve { .. } => "check the base URL",
        NetworkError::Connect { is_proxied: true, .. } => "check the proxy variables",
        NetworkError::Connect { source, .. } if source.kind() == ErrorKind::ConnectionRefused => {
            "is the server running? check the base URL"
        }
        NetworkError::Connect { .. } => "check the base URL",
        NetworkError::ConnectTimeout(_) => "raise --connect-timeout",
        NetworkError::Silence(_) => "raise --idle-timeout",
        _ => return None,
    })
}

fn server_hint(error: &ServerError, command: CommandKind) -> Option<String> {
    let message = error.message.to_lowercase();
    let is_too_long = error.code.as_deref() == Some("context_length_exceeded")
        || ["context length", "context size", "context window", "maximum context"]
            .iter()
            .any(|words| message.contains(words));
    let shorten = match command {
        CommandKind::Ask => "shorten the prompt, or lower --turns",
        CommandKind::Batch | CommandKind::Other => "shorten the prompt",
    };
    Some(match error.status() {
        _ if is_too_long => shorten.to_owned(),
        _ if error.is_quota() => return None,
        _ if ["response_format", "json_schema"].iter().any(|name| message.contains(name)) => {
            "try --json-object if the server does not support schemas".to_owned()
        }
        Some(401 | 403) => match &error.key_origin {
            Some(origin) => format!("check the key in {origin}"),
            None => format!("set {KEY_VARIABLE} to your key"),
        },
        Some(404) if message.contains("model") => {
            let base_url = shell::word(&error.base_url);
            format!("list the models with gravix models --base-url {base_url}")
        }
        Some(404) => format!("check the base URL {}", error.base_url),
        Some(413) => shorten.to_owned(),
        status => match error.retry_after {
            Some(Duration::MAX) => "try again later".to_owned(),
            Some(wait) => format!("try again in {} s", wait.as_secs_f64().ceil()),
            None if status == Some(429) => "try again later".to_owned(),
            None => return None,
        },
    })
}
