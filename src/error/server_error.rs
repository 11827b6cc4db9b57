//! What a server says of a request that it did not answer as it was asked.

use std::fmt;
use std::time::Duration;

/// An error as the server told it.
#[derive(Debug, Default)]
pub struct ServerError {
    /// The HTTP status, where it was not a success.
    pub http_status: Option<u16>,
    /// The server's own message; empty if it sent none.
    pub message: String,
    /// Its `code`, as text.
    pub code: Option<String>,
    /// Its `type`.
    pub kind: Option<String>,
    pub request_id: Option<String>,
    /// A list of limits that were exceeded came with it.
    pub is_exceeded: bool,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
    /// Whether the server wants to be asked again, where it says so.
    pub should_retry: Option<bool>,
    /// What it sent, as it came; empty where that cannot be read.
    pub body: String,
    /// The base URL that was asked.
    pub base_url: String,
    /// Where the key that was sent is kept, if one was sent.
    pub key_origin: Option<String>,
}

/// What a server's error means for the caller.
pub enum ErrorClass {
    Temporary,
    Request,
    Key,
}

impl ServerError {
    /// The status that decides: HTTP's own, or a `code` that is one.
    pub fn status(&self) -> Option<u16> {
        let code = || self.code.as_deref()?.parse().ok();
        self.http_status.or_else(code).filter(|status| (300..600).contains(status))
    }

    /// No money or allowance left: waiting does not help.
    pub fn is_quota(&self) -> bool {
        self.is_exceeded
            || [&self.code, &self.kind]
                .into_iter()
                .any(|field| field.as_deref() == Some("insufficient_quota"))
    }

    pub fn class(&self) -> ErrorClass {
        if self.is_quota() {
            return ErrorClass::Request;
        }
        match (self.status(), self.kind.as_deref()) {
            (Some(401 | 403), _) | (None, Some("authentication_error")) => ErrorClass::Key,
            (Some(408 | 409 | 425 | 429), _) => ErrorClass::Temporary,
            (Some(300..=499), _) | (None, Some("invalid_request_error")) => ErrorClass::Request,
            _ => ErrorClass::Temporary,
        }
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
