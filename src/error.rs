//! Every way a run can fail: what is said of it, and its exit status.
//! Knows nothing of how the fault came about, and prints nothing.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use signal_hook::consts::SIGPIPE;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// `exit(n)`.
    Exit(u8),
    /// The same, and there is nothing to report.
    Quiet(u8),
    /// Death by this signal, which a shell reports as 128 and its number.
    Signal(i32),
}

#[derive(Debug)]
pub enum Error {
    /// The command line cannot be obeyed.
    Usage(String),
    /// An input is not what it must be: its name and why.
    Input(String),
    /// The whole reply came, and is not what was asked for.
    Form(String),
    /// The model's answer is no: an answer like any other, but for its status.
    No,
    /// The whole reply came, but the server cut it short.
    EndedEarly(EarlyEnd),
    /// Part of the reply was printed before this happened.
    Partial(Box<Error>),
    /// Text that must be UTF-8 is not; `offset` is that of the first bad byte.
    NotUtf8 { what: String, offset: usize },
    /// A line of a file is not what it must be; `line` counts from 1.
    Line { path: PathBuf, line: u64, reason: String },
    /// So many lines of histories are no messages; each was told.
    Faults(u64),
    /// An input cannot be read.
    Unreadable { path: PathBuf, source: io::Error },
    /// A file to be written cannot be; found before anything was sent.
    Unwritable { path: PathBuf, source: io::Error },
    /// Another process works on this history.
    Locked(PathBuf),
    /// A run writes this file.
    Busy(PathBuf),
    /// The reply came and was printed, but could not be written to a file.
    NotSaved { path: PathBuf, source: io::Error },
    /// The request was made, but could not be logged.
    NotLogged { path: PathBuf, source: io::Error },
    /// Standard output cannot be written.
    Stdout(io::Error),
    /// The reader of standard output went away.
    StdoutClosed,
    /// The server answered with an error.
    Server(Box<ServerError>),
    /// No answer, or only the beginning of one.
    Network(NetworkError),
    /// What came is not a chat-completions reply.
    Protocol(String),
    /// The settings cannot work.
    Config(String),
    /// The run was ended before this was sent.
    Stopped,
    /// Requests of a batch failed, which was told; this is its exit status.
    Failed(u8),
    /// The user ended the run by this signal.
    Interrupted(i32),
}

/// Why a whole reply is shorter than the model meant it to be.
#[derive(Debug)]
pub enum EarlyEnd {
    /// `finish_reason: length`.
    Length,
    /// `finish_reason: content_filter`.
    ContentFilter,
    /// The model refused, in these words.
    Refusal(String),
    /// A reply without text.
    NoText,
}

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
    /// What the user can do, where that is known.
    pub way_out: Option<String>,
}

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

/// What a server's error means for the caller.
enum Refusal {
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

    fn refusal(&self) -> Refusal {
        if self.is_quota() {
            return Refusal::Request;
        }
        match (self.status(), self.kind.as_deref()) {
            (Some(401 | 403), _) | (None, Some("authentication_error")) => Refusal::Key,
            (Some(408 | 409 | 425 | 429), _) => Refusal::Temporary,
            (Some(300..=499), _) | (None, Some("invalid_request_error")) => Refusal::Request,
            _ => Refusal::Temporary,
        }
    }
}

impl Error {
    pub fn status(&self) -> Status {
        Status::Exit(match self {
            Error::Usage(_) => 2,
            Error::EndedEarly(_) => 3,
            Error::Partial(_) => 4,
            Error::No => return Status::Quiet(1),
            Error::Input(_)
            | Error::Form(_)
            | Error::NotUtf8 { .. }
            | Error::Line { .. }
            | Error::Faults(_) => 65,
            Error::Unreadable { .. } => 66,
            Error::Unwritable { .. } | Error::NotSaved { .. } | Error::NotLogged { .. } => 73,
            Error::Stdout(_) => 74,
            Error::StdoutClosed => return Status::Signal(SIGPIPE),
            Error::Interrupted(signal) => return Status::Signal(*signal),
            Error::Failed(status) => return Status::Quiet(*status),
            Error::Locked(_) | Error::Busy(_) | Error::Network(_) | Error::Stopped => 75,
            Error::Protocol(_) => 76,
            Error::Config(_) => 78,
            Error::Server(server) => match server.refusal() {
                Refusal::Request => 69,
                Refusal::Temporary => 75,
                Refusal::Key => 77,
            },
        })
    }
}

impl std::error::Error for Error {}

impl From<NetworkError> for Error {
    fn from(error: NetworkError) -> Self {
        Error::Network(error)
    }
}

impl From<ServerError> for Error {
    fn from(error: ServerError) -> Self {
        Error::Server(Box::new(error))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Usage(message)
            | Error::Input(message)
            | Error::Protocol(message)
            | Error::Config(message) => f.write_str(message),
            Error::Form(reason) => write!(f, "the reply is not what was asked for: {reason}"),
            Error::No => f.write_str("the answer is no"),
            Error::EndedEarly(why) => why.fmt(f),
            Error::Partial(cause) => write!(f, "the reply broke off: {cause}"),
            Error::NotUtf8 { what, offset } => {
                write!(
                    f,
                    "{what} is not UTF-8 at byte offset {offset}; --lossy replaces bad bytes by U+FFFD"
                )
            }
            Error::Line { path, line, reason } => {
                write!(f, "{}:{line}: {reason}", path.display())
            }
            Error::Faults(1) => {
                f.write_str("1 line is no message; gravix history repair FILE moves it")
            }
            Error::Faults(count) => {
                write!(f, "{count} lines are no messages; gravix history repair FILE moves them")
            }
            Error::Unreadable { path, source } => {
                write!(f, "cannot read {}: {}", path.display(), Reason(source))
            }
            Error::Unwritable { path, source } => {
                write!(f, "cannot write {}: {}", path.display(), Reason(source))
            }
            Error::Locked(path) => {
                write!(f, "another turn of {} is under way; try again later", path.display())
            }
            Error::Busy(path) => {
                write!(f, "a run is writing {}; try again when it has ended", path.display())
            }
            Error::NotSaved { path, source } => {
                write!(f, "the reply was not saved to {}: {}", path.display(), Reason(source))
            }
            Error::NotLogged { path, source } => {
                write!(f, "the request was not logged in {}: {}", path.display(), Reason(source))
            }
            Error::Stdout(source) => {
                write!(f, "cannot write standard output: {}", Reason(source))
            }
            Error::Failed(_) => f.write_str("requests failed"),
            Error::Interrupted(signal) => write!(f, "interrupted by signal {signal}"),
            Error::Stopped => f.write_str("the run was ended before this was sent"),
            Error::StdoutClosed => f.write_str("the reader of standard output went away"),
            Error::Server(server) => server.fmt(f),
            Error::Network(network) => network.fmt(f),
        }
    }
}

impl fmt::Display for EarlyEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EarlyEnd::Length => f.write_str(
                "the reply was cut at its length limit (finish_reason length); raise --max-tokens",
            ),
            EarlyEnd::ContentFilter => f.write_str(
                "the server's content filter ended the reply (finish_reason content_filter)",
            ),
            EarlyEnd::Refusal(words) => write!(f, "the model refused: {words}"),
            EarlyEnd::NoText => f.write_str("the reply has no text"),
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
        match &self.way_out {
            Some(way_out) => write!(f, "; {way_out}"),
            None => Ok(()),
        }
    }
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

/// An I/O error in the system's words, without Rust's `(os error 2)`, and
/// beginning in lower case as the words around it do.
struct Reason<'a>(&'a io::Error);

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        let (text, rest) = text.split_once(" (os error ").unwrap_or((&text, ""));
        let rest = rest.split_once(')').map_or("", |parts| parts.1);
        let mut letters = text.chars();
        match letters.next() {
            Some(first) => write!(f, "{}{}{rest}", first.to_lowercase(), letters.as_str()),
            None => f.write_str("unknown error"),
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
