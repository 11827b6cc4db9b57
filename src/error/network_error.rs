//! Every way in which no answer comes, or the beginning of one alone.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::error::Reason;

#[derive(Debug)]
pub enum NetworkError {
    /// The host's name has no address.
    Lookup { host: String, reason: String },
    /// No connection came about.
    Connect { target: String, is_proxied: bool, source: io::Error },
    /// The proxy made none; asking again may be no use.
    Proxy { reason: String, is_final: bool },
    /// TLS did not come about, for no fault of a certificate.
    Tls { host: String, reason: String },
    /// No connection came about in this time.
    ConnectTimeout(Duration),
    /// The connection ended before the server answered.
    Unanswered,
    /// The server sent nothing that counts for this long.
    Silence(Duration),
    /// The time that the user allowed for everything is over.
    Deadline(Duration),
    /// The connection ended before the reply did.
    Cut(String),
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NetworkError::Lookup { host, reason } => {
                write!(f, "cannot find the host {host} ({reason}); check the base URL")
            }
            NetworkError::Connect { target, is_proxied, source } => {
                write!(f, "cannot connect to {target}: {}", Reason(source))?;
                f.write_str(match source.kind() {
                    _ if *is_proxied => "; check the proxy variables",
                    io::ErrorKind::ConnectionRefused => {
                        "; is the server running? check the base URL"
                    }
                    _ => "; check the base URL",
                })
            }
            NetworkError::Proxy { reason, .. } => {
                write!(f, "the proxy made no connection: {reason}")
            }
            NetworkError::Tls { host, reason } => write!(f, "no TLS with {host}: {reason}"),
            NetworkError::ConnectTimeout(after) => {
                let after = after.as_secs_f64();
                write!(f, "no connection within {after} s; --connect-timeout sets the limit")
            }
            NetworkError::Unanswered => {
                f.write_str("the server closed the connection without an answer")
            }
            NetworkError::Silence(after) => {
                let after = after.as_secs_f64();
                write!(f, "the server was silent for {after} s; --idle-timeout sets the limit")
            }
            NetworkError::Deadline(after) => {
                write!(f, "the deadline of {} s has passed", after.as_secs_f64())
            }
            NetworkError::Cut(how) => write!(f, "{how} before the reply was complete"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_connection_says_what_to_check_whatever_the_host_is_called() {
        for (is_proxied, check) in [(false, "check the base URL"), (true, "check the proxy")] {
            let source = io::Error::from(io::ErrorKind::ConnectionRefused);
            let target = "proxy.example.com:80".to_owned();
            let error = NetworkError::Connect { target, is_proxied, source };
            assert!(error.to_string().contains(check), "{error}");
        }
    }
}
