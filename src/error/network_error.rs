//! Errors that leave a request without a complete response.

use std::io;
use std::time::Duration;

use thiserror::Error as ThisError;

use crate::error::reason::Reason;

/// Why no response came, or an incomplete one.
#[derive(Debug, ThisError)]
pub enum NetworkError {
    /// The host name cannot be resolved. `is_temporary` if a retry may succeed.
    #[error("cannot find the host {host} ({reason})")]
    Resolve { host: String, reason: String, is_temporary: bool },
    /// No connection could be made to `target`, a `host:port` and its proxy.
    #[error("cannot connect to {target}: {}", Reason(source))]
    Connect { target: String, is_proxied: bool, source: io::Error },
    /// The proxy did not connect to the server. `is_final` if a retry would
    /// fail too.
    #[error("cannot connect through the proxy: {reason}")]
    Proxy { reason: String, is_final: bool },
    /// TLS failed for a reason that may pass.
    #[error("cannot set up TLS with {host}: {reason}")]
    Tls { host: String, reason: String },
    /// No connection was established within the connect timeout.
    #[error("cannot connect within {} s", .0.as_secs_f64())]
    ConnectTimeout(Duration),
    /// The connection ended before the status line of the response.
    #[error("the server closed the connection without a response")]
    Unanswered,
    /// The server sent nothing for the idle timeout. Keep-alive comments do not
    /// count.
    #[error("the server sent no data for {} s", .0.as_secs_f64())]
    Silence(Duration),
    /// The deadline for the request and all its retries has passed.
    #[error("the deadline of {} s has passed", .0.as_secs_f64())]
    Deadline(Duration),
    /// The response is a success without a single character.
    #[error("the server answered with an empty body")]
    EmptyBody,
    /// The connection ended before the reply was complete. The text says how.
    #[error("{0} before the reply was complete")]
    Cut(String),
    /// The server gave up in the middle of the reply, with this finish reason.
    #[error("the server gave up before the reply was complete (finish_reason {0})")]
    GaveUp(String),
}
