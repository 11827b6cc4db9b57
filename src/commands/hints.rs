//! What the user can do about an error. The core says what happened; only here
//! is it known which options a command has.

use std::fmt;
use std::io::ErrorKind;
use std::time::Duration;

use crate::error::{EarlyEnd, Error, NetworkError, ServerError};
use crate::secret::KEY_VARIABLE;

/// A command, as far as hints differ between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advised {
    Ask,
    Batch,
    Other,
}

/// An error with its hint, as the user sees it.
#[derive(Debug)]
pub struct Failure {
    pub error: Error,
    pub advised: Advised,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&with_hint(&self.error, self.advised))
    }
}

/// An error in words, and what can be done about it.
pub fn with_hint(error: &Error, command: Advised) -> String {
    match hint(error, command) {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    }
}

fn hint(error: &Error, command: Advised) -> Option<String> {
    let is_ask = command == Advised::Ask;
    let text = match error {
        Error::Partial(cause) => return hint(cause, command),
        Error::Server(server) => return server_hint(server, command),
        Error::Network(error) => network_hint(error)?,
        Error::NotUtf8 { .. } if is_ask => "--lossy replaces bad bytes by U+FFFD",
        Error::Format { early_end: Some(EarlyEnd::Length), .. }
        | Error::EndedEarly(EarlyEnd::Length) => "raise --max-tokens",
        Error::InvalidLines(1) => "gravix history repair FILE moves it",
        Error::InvalidLines(_) => "gravix history repair FILE moves them",
        Error::ReadOnlyHistory { .. } if is_ask => "--no-save only reads it",
        Error::NestedTooDeeply if is_ask => "--events prints the stream as it comes",
        Error::Locked(_) => "try again later",
        Error::Busy(_) => "try again when it has ended",
        Error::Certificate { is_unknown_issuer: true, .. } => {
            "SSL_CERT_FILE or --ca-cert names a file of issuers to trust"
        }
        _ => return None,
    };
    Some(text.to_owned())
}

fn network_hint(error: &NetworkError) -> Option<&'static str> {
    Some(match error {
        NetworkError::Resolve { .. } => "check the base URL",
        NetworkError::Connect { is_proxied: true, .. } => "check the proxy variables",
        NetworkError::Connect { source, .. } if source.kind() == ErrorKind::ConnectionRefused => {
            "is the server running? check the base URL"
        }
        NetworkError::Connect { .. } => "check the base URL",
        NetworkError::ConnectTimeout(_) => "--connect-timeout sets the limit",
        NetworkError::Silence(_) => "--idle-timeout sets the limit",
        _ => return None,
    })
}

fn server_hint(error: &ServerError, command: Advised) -> Option<String> {
    let message = error.message.to_lowercase();
    let is_too_long = error.code.as_deref() == Some("context_length_exceeded")
        || ["context length", "context size", "context window", "maximum context"]
            .iter()
            .any(|words| message.contains(words));
    let shorten = match command {
        Advised::Ask => "shorten the prompt, or send fewer --turns",
        Advised::Batch | Advised::Other => "shorten the prompt",
    };
    Some(match error.status() {
        _ if is_too_long => shorten.to_owned(),
        _ if error.is_quota() => return None,
        _ if ["response_format", "json_schema"].iter().any(|name| message.contains(name)) => {
            "a server that takes no schema may take --json-object".to_owned()
        }
        Some(401 | 403) => match &error.key_origin {
            Some(origin) => format!("check the key in {origin}"),
            None => format!("set {KEY_VARIABLE} to your key"),
        },
        Some(404) if message.contains("model") => "gravix models lists the models".to_owned(),
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
