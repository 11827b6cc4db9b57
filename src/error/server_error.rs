//! Errors that the server reports, and what they mean.

use std::fmt;
use std::time::Duration;

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

/// What a server's error means for the user.
pub enum ErrorClass {
    /// The same request may succeed later.
    Temporary,
    /// The server refuses this request, or the account has no quota left.
    Request,
    /// The server refuses the key.
    Key,
}

impl ServerError {
    /// The HTTP status, or else a `code` that is an HTTP status.
    pub fn status(&self) -> Option<u16> {
        let code = || self.code.as_deref()?.parse().ok();
        self.http_status.or_else(code).filter(|status| (300..600).contains(status))
    }

    /// Whether the account has no quota left, so that waiting does not help.
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
