//! Errors that the server reports.

use std::fmt;
use std::time::Duration;

use crate::error::error_class::ErrorClass;

/// An error as reported by the server.
#[derive(Debug, Default)]
pub struct ServerError {
    /// The HTTP status; `None` if the error came inside a 2xx response.
    pub http_status: Option<u16>,
    /// The server's own message; empty if it sent none.
    pub message: String,
    /// The error's `code`, as text.
    pub code: Option<String>,
    /// The error's `type`.
    pub kind: Option<String>,
    pub request_id: Option<String>,
    /// Whether the body lists limits that were exceeded.
    pub is_exceeded: bool,
    /// Whether a web firewall answered in the server's place.
    pub is_firewall: bool,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
    /// The `x-should-retry` header, if the server sent one.
    pub should_retry: Option<bool>,
    /// The body of the error response, up to 64 KiB; empty if the error came
    /// inside a 2xx response.
    pub body: String,
    /// The base URL of the request.
    pub base_url: String,
    /// Where the key came from; `None` if the request had no key.
    pub key_origin: Option<String>,
}

impl ServerError {
    /// The HTTP status, or else a `code` that is an HTTP status.
    pub fn status(&self) -> Option<u16> {
        let code = || self.code.as_deref()?.parse().ok();
        self.http_status.or_else(code).filter(|status| (300..600).contains(status))
    }

    /// Whether the account has no quota or money left, so that waiting does not
    /// help.
    pub fn is_quota(&self) -> bool {
        self.is_exceeded
            || self.status() == Some(402)
            || self.word_classes().any(|word| word == ErrorClass::Quota)
    }

    /// Whether the server refused the key, or asked for one. Some do so with
    /// status 400, and some use 403 for requests that no key allows.
    pub fn is_key_refused(&self) -> bool {
        let code = || ErrorClass::of_word(self.code.as_deref()?);
        match self.status() {
            Some(400) => self.word_classes().any(|word| word == ErrorClass::Key),
            Some(403) if code() == Some(ErrorClass::Request) => false,
            _ => self.class() == ErrorClass::Key,
        }
    }

    /// Whether the server has no such model, as far as it says so.
    pub fn is_unknown_model(&self) -> bool {
        const WORDS: [&str; 4] =
            ["model_not_found", "model_not_exist", "unknown_model", "invalid_model"];
        let is_named = |word: &String| WORDS.contains(&word.as_str());
        [&self.code, &self.kind].into_iter().flatten().any(is_named)
            || match self.status() {
                Some(404) => self.message.to_lowercase().contains("model"),
                // LiteLLM's proxy.
                Some(400) => self.message.contains("Invalid model name"),
                _ => false,
            }
    }

    /// Whether no such path exists on the server, as far as it says so.
    pub fn is_unexpected_endpoint(&self) -> bool {
        self.word_classes().any(|word| word == ErrorClass::Protocol)
    }

    /// The class of the HTTP status, or else of the code and the type.
    pub fn class(&self) -> ErrorClass {
        if self.is_quota() {
            return ErrorClass::Quota;
        }
        let class = match (self.http_status, self.status()) {
            (Some(status), _) => ErrorClass::of_status(status),
            (None, Some(code)) => ErrorClass::of_status(code),
            (None, None) => self.word_classes().next().unwrap_or(ErrorClass::Temporary),
        };
        match class {
            ErrorClass::Key | ErrorClass::Request if self.is_firewall => ErrorClass::Protocol,
            class => class,
        }
    }

    /// The classes of the code and the type, where they are known.
    fn word_classes(&self) -> impl Iterator<Item = ErrorClass> {
        [&self.code, &self.kind].into_iter().flatten().filter_map(|word| ErrorClass::of_word(word))
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.http_status {
            Some(status) => write!(f, "the server answered {status}")?,
            None => f.write_str("the server reported an error")?,
        }
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        let status = self.http_status.map(|status| status.to_string());
        let code = self.code.as_deref().filter(|&code| Some(code) != status.as_deref());
        let details: Vec<String> = [
            code.map(|code| format!("code {code}")),
            self.request_id.as_ref().map(|id| format!("request {id}")),
        ]
        .into_iter()
        .flatten()
        .collect();
        if !details.is_empty() {
            write!(f, " ({})", details.join(", "))?;
        }
        Ok(())
    }
}
