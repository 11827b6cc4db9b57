//! Every way a run can fail: what is said of it, and its exit status.
//! Knows nothing of how the fault came about, and prints nothing.

mod network_error;
mod server_error;

use std::fmt;
use std::io;
use std::path::PathBuf;

use signal_hook::consts::SIGPIPE;

pub use network_error::NetworkError;
use server_error::ErrorClass;
pub use server_error::ServerError;

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
    Format(String),
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
    InvalidLines(u64),
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
    BatchFailed(u8),
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

impl Error {
    pub fn status(&self) -> Status {
        Status::Exit(match self {
            Error::Usage(_) => 2,
            Error::EndedEarly(_) => 3,
            Error::Partial(_) => 4,
            Error::No => return Status::Quiet(1),
            Error::Input(_)
            | Error::Format(_)
            | Error::NotUtf8 { .. }
            | Error::Line { .. }
            | Error::InvalidLines(_) => 65,
            Error::Unreadable { .. } => 66,
            Error::Unwritable { .. } | Error::NotSaved { .. } | Error::NotLogged { .. } => 73,
            Error::Stdout(_) => 74,
            Error::StdoutClosed => return Status::Signal(SIGPIPE),
            Error::Interrupted(signal) => return Status::Signal(*signal),
            Error::BatchFailed(status) => return Status::Quiet(*status),
            Error::Locked(_) | Error::Busy(_) | Error::Network(_) | Error::Stopped => 75,
            Error::Protocol(_) => 76,
            Error::Config(_) => 78,
            Error::Server(server) => match server.refusal() {
                ErrorClass::Request => 69,
                ErrorClass::Temporary => 75,
                ErrorClass::Key => 77,
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
            Error::Format(reason) => write!(f, "the reply is not what was asked for: {reason}"),
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
            Error::InvalidLines(1) => {
                f.write_str("1 line is no message; gravix history repair FILE moves it")
            }
            Error::InvalidLines(count) => {
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
            Error::BatchFailed(_) => f.write_str("requests failed"),
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

/// An I/O error in the system's words, without Rust's `(os error 2)`, and
/// beginning in lower case as the words around it do.
pub struct Reason<'a>(pub &'a io::Error);

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
