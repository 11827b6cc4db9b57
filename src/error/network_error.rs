//! Every way in which no answer comes, or only the beginning of one.

use std::io;
use std::time::Duration;

use thiserror::Error as ThisError;

use crate::error::reason::Reason;

#[derive(Debug, ThisError)]
pub enum NetworkError {
    /// The host's name has no address, or cannot be resolved right now.
    #[error("cannot find the host {host} ({reason})")]
    Resolve { host: String, reason: String, is_temporary: bool },
    /// The connection was not established.
    #[error("cannot connect to {target}: {}", Reason(source))]
    Connect { target: String, is_proxied: bool, source: io::Error },
    /// The proxy did not connect; `is_final` if trying again is no use.
    #[error("the proxy made no connection: {reason}")]
    Proxy { reason: String, is_final: bool },
    /// The TLS handshake failed, but not because of the certificate.
    #[error("no TLS with {host}: {reason}")]
    Tls { host: String, reason: String },
    /// The connection took longer than this.
    #[error("no connection within {} s", .0.as_secs_f64())]
    ConnectTimeout(Duration),
    /// The connection ended before the server answered.
    #[error("the server closed the connection without an answer")]
    Unanswered,
    /// The server sent nothing that counts for this long.
    #[error("the server was silent for {} s", .0.as_secs_f64())]
    Silence(Duration),
    /// The user's deadline for everything has passed.
    #[error("the deadline of {} s has passed", .0.as_secs_f64())]
    Deadline(Duration),
    /// The connection ended before the reply did.
    #[error("{0} before the reply was complete")]
    Cut(String),
}
