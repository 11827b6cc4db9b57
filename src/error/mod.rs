//! Every way a run can fail: what happened, in words, and the exit status.
//! What the user can do about it is said by the commands, which know their
//! options.

mod network_error;
mod reason;
mod server_error;

use std::io;
use std::path::PathBuf;

use signal_hook::consts::SIGPIPE;
use thiserror::Error as ThisError;

pub use crate::error::network_error::NetworkError;
pub use crate::error::reason::Reason;
use crate::error::server_error::ErrorClass;
pub use crate::error::server_error::ServerError;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// `exit(n)`, after the error is reported.
    Exit(u8),
    /// `exit(n)`; there is nothing to report.
    Quiet(u8),
    /// Death by this signal, which a shell reports as 128 plus its number.
    Signal(i32),
}

#[derive(Debug, ThisError)]
pub enum Error {
    /// The command line makes no sense.
    #[error("{0}")]
    Usage(String),
    /// An input has the wrong contents: its name and why.
    #[error("{0}")]
    Input(String),
    /// The whole reply came, and is not what was asked for.
    #[error("the reply is not what was asked for: {reason}")]
    Format {
        reason: String,
        /// Set if the server cut the reply short, which may be why.
        early_end: Option<EarlyEnd>,
    },
    /// The model's answer is no. Only its exit status differs from a yes.
    #[error("the answer is no")]
    No,
    /// The whole reply came, but the server cut it short.
    #[error("{0}")]
    EndedEarly(EarlyEnd),
    /// Part of the reply was printed before this happened.
    #[error("the reply broke off: {0}")]
    Partial(Box<Error>),
    /// Text that must be UTF-8 is not; `offset` is that of the first bad byte.
    #[error("{what} is not UTF-8 at byte offset {offset}")]
    NotUtf8 { what: String, offset: usize },
    /// A line of a file is invalid; `line` counts from 1.
    #[error("{}:{line}: {reason}", path.display())]
    Line { path: PathBuf, line: u64, reason: String },
    /// This many lines of histories are not messages. Each was reported.
    #[error("{}", match .0 { 1 => "1 line is not a message".to_owned(), count => format!("{count} lines are not messages") })]
    InvalidLines(u64),
    /// An input cannot be read.
    #[error("cannot read {}: {}", path.display(), Reason(source))]
    Unreadable { path: PathBuf, source: io::Error },
    /// An output file cannot be written; found before anything was sent.
    #[error("cannot write {}: {}", path.display(), Reason(source))]
    Unwritable { path: PathBuf, source: io::Error },
    /// A history may be read but not written; found before anything was sent.
    #[error("cannot write {}: {}", path.display(), Reason(source))]
    ReadOnlyHistory { path: PathBuf, source: io::Error },
    /// Another process has this history locked.
    #[error("another turn of {} is under way", .0.display())]
    Locked(PathBuf),
    /// A run is writing this file.
    #[error("a run is writing {}", .0.display())]
    Busy(PathBuf),
    /// The reply was received, but could not be written to a file.
    #[error("the reply was not saved to {}: {}", path.display(), Reason(source))]
    NotSaved { path: PathBuf, source: io::Error },
    /// The request was sent, but could not be logged.
    #[error("the request was not logged in {}: {}", path.display(), Reason(source))]
    NotLogged { path: PathBuf, source: io::Error },
    /// Standard output cannot be written.
    #[error("cannot write standard output: {}", Reason(.0))]
    Stdout(#[source] io::Error),
    /// The reader of standard output went away.
    #[error("the reader of standard output went away")]
    StdoutClosed,
    /// The server answered with an error.
    #[error("{0}")]
    Server(Box<ServerError>),
    /// No answer came, or only the beginning of one.
    #[error("{0}")]
    Network(#[from] NetworkError),
    /// The reply is not the chat-completions protocol.
    #[error("{0}")]
    Protocol(String),
    /// A chunk of a stream is nested too deeply to be joined with the others.
    #[error("a chunk of the stream is nested too deeply to be joined")]
    NestedTooDeeply,
    /// The settings cannot work; printed with its chain of causes.
    #[error("{0:#}")]
    Config(anyhow::Error),
    /// The server's certificate is not trusted.
    #[error("the certificate of {host} is not trusted: {reason}")]
    Certificate { host: String, reason: String, is_unknown_issuer: bool },
    /// The run was ended before this request was sent.
    #[error("the run was ended before this was sent")]
    Stopped,
    /// Requests of a batch failed. Each was reported; this is the exit status.
    #[error("requests failed")]
    BatchFailed(u8),
    /// The user ended the run by this signal.
    #[error("interrupted by signal {0}")]
    Interrupted(i32),
}

/// Why a whole reply is shorter than the model meant it to be.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub enum EarlyEnd {
    #[error("the reply was cut at its length limit (finish_reason length)")]
    Length,
    #[error("the server's content filter ended the reply (finish_reason content_filter)")]
    ContentFilter,
    /// The model refused, in these words.
    #[error("the model refused: {0}")]
    Refusal(String),
    #[error("the reply has no text")]
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
            | Error::Format { .. }
            | Error::NotUtf8 { .. }
            | Error::Line { .. }
            | Error::InvalidLines(_) => 65,
            Error::Unreadable { .. } => 66,
            Error::Unwritable { .. }
            | Error::ReadOnlyHistory { .. }
            | Error::NotSaved { .. }
            | Error::NotLogged { .. } => 73,
            Error::Stdout(_) => 74,
            Error::StdoutClosed => return Status::Signal(SIGPIPE),
            Error::Interrupted(signal) => return Status::Signal(*signal),
            Error::BatchFailed(status) => return Status::Quiet(*status),
            Error::Locked(_) | Error::Busy(_) | Error::Network(_) | Error::Stopped => 75,
            Error::Protocol(_) | Error::NestedTooDeeply => 76,
            Error::Config(_) | Error::Certificate { .. } => 78,
            Error::Server(server) => match server.class() {
                ErrorClass::Request => 69,
                ErrorClass::Temporary => 75,
                ErrorClass::Key => 77,
            },
        })
    }
}

impl From<ServerError> for Error {
    fn from(error: ServerError) -> Self {
        Error::Server(Box::new(error))
    }
}
