//! The errors of all modules: their texts, which state facts, and their exit
//! statuses. Hints about what to do are added by the commands, which know the
//! options.

mod certificate_flaw;
mod error_class;
mod line_format;
mod network_error;
mod not_text;
mod reason;
mod server_error;
mod shortage;
mod tls_mismatch;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use signal_hook::consts::SIGPIPE;
use thiserror::Error as ThisError;

pub use crate::error::certificate_flaw::CertificateFlaw;
pub use crate::error::error_class::ErrorClass;
pub use crate::error::line_format::LineFormat;
pub use crate::error::network_error::NetworkError;
pub use crate::error::not_text::{Likeness, NotText, TextFlaw, TextOrigin, WideEncoding};
pub use crate::error::reason::Reason;
pub use crate::error::server_error::ServerError;
pub use crate::error::shortage::{is_machine_full, is_out_of_files, is_out_of_processes};
pub use crate::error::tls_mismatch::TlsMismatch;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Print the error and exit with this status.
    Exit(u8),
    /// Exit with this status and print nothing.
    Quiet(u8),
    /// Die by this signal; a shell reports 128 plus its number.
    Signal(i32),
}

/// Why a command failed. [`Error::status`] gives the exit status.
#[derive(Debug, ThisError)]
pub enum Error {
    /// The command line is not valid.
    #[error("{0}")]
    Usage(String),
    /// The contents of an input are not valid. The text names the input and the
    /// reason.
    #[error("{0}")]
    Input(String),
    /// The reply is complete but not in the requested format.
    #[error("the reply is not what was asked for: {reason}")]
    Format {
        reason: String,
        /// Set if the server ended the reply early, which may be the reason.
        early_end: Option<EarlyEnd>,
    },
    /// The model answered no to a yes-or-no question. The answer was printed;
    /// this only sets the exit status.
    #[error("the answer is no")]
    No,
    /// The server ended the reply early. What it sent was printed.
    #[error("{0}")]
    EndedEarly(EarlyEnd),
    /// This error came after part of the reply was printed.
    #[error("the reply broke off: {0}")]
    Partial(Box<Error>),
    /// Bytes that were given as text are not.
    #[error("{0}")]
    NotText(#[from] Box<NotText>),
    /// A line of a file is not valid. `line` counts from 1.
    #[error("{}:{line}: {reason}", path.display())]
    Line {
        path: PathBuf,
        line: u64,
        reason: String,
        /// What the line is instead, if that is known.
        format: Option<LineFormat>,
    },
    /// This many lines of histories are not messages. Each was reported.
    #[error("{}", match count { 1 => "1 line is not a message".to_owned(), count => format!("{count} lines are not messages") })]
    InvalidLines {
        count: u64,
        /// The history, if all of them are in one.
        path: Option<PathBuf>,
        /// One of them is in a known other format: it is not damaged.
        is_known_format: bool,
    },
    /// An input cannot be read.
    #[error("cannot read {}: {}", path.display(), Reason(source))]
    Unreadable { path: PathBuf, source: io::Error },
    /// The default directory of histories has none.
    #[error("no conversation in {}", directory.display())]
    NoHistory { directory: PathBuf },
    /// An output file cannot be written. No reply is lost by that.
    #[error("cannot write {}: {}", path.display(), Reason(source))]
    Unwritable { path: PathBuf, source: io::Error },
    /// A file beside one that the user named cannot be used. The task ends before
    /// its path. Nothing was sent.
    #[error("cannot {task} {}: {}", path.display(), Reason(source))]
    SideFile { task: String, path: PathBuf, source: io::Error },
    /// A history can be read but not written. Nothing was sent.
    #[error("cannot write {}: {}", path.display(), Reason(source))]
    ReadOnlyHistory { path: PathBuf, source: io::Error },
    /// Another process holds the lock of this history.
    #[error("{} is locked by another process", .0.display())]
    Locked(PathBuf),
    /// A batch run is writing this result file.
    #[error("another run is writing {}", .0.display())]
    Busy(PathBuf),
    /// The reply was received, but could not be written to a file.
    #[error("the reply was not saved to {}: {}", path.display(), Reason(source))]
    NotSaved { path: PathBuf, source: io::Error },
    /// The request was sent, but could not be logged.
    #[error("the request was not logged to {}: {}", path.display(), Reason(source))]
    NotLogged { path: PathBuf, source: io::Error },
    /// Standard output cannot be written.
    #[error("cannot write standard output: {}", Reason(.0))]
    Stdout(#[source] io::Error),
    /// The reader of standard output closed the pipe.
    #[error("standard output was closed by its reader")]
    StdoutClosed,
    /// The server reported an error.
    #[error("{0}")]
    Server(Box<ServerError>),
    /// The server refused a request in which a prompt of this history has no
    /// answer, so that two prompts follow each other.
    #[error("{error}")]
    UnansweredPrompt { path: PathBuf, error: Box<Error> },
    /// No response came, or an incomplete one.
    #[error("{0}")]
    Network(#[from] NetworkError),
    /// The response does not follow the chat-completions protocol.
    #[error("{0}")]
    Protocol(String),
    /// The answer did not come from a chat-completions API, but perhaps from a website.
    #[error("{0}")]
    NotApi(String),
    /// The server does not speak the protocol that the base URL's scheme names.
    #[error("{0}")]
    WrongScheme(String),
    /// The response has a status that promises no reply. `flaw` says what is odd.
    #[error("the server answered {status}, {flaw}")]
    NoReply { status: String, flaw: &'static str },
    /// A chunk of the stream has too many levels or fields to be joined with the
    /// others.
    #[error("a chunk of the stream has too many levels or fields to be joined")]
    CannotJoin,
    /// The reply has to be held in memory and takes more bytes than allowed.
    #[error("the reply takes more than {} of memory", size(*limit))]
    ReplyTooLong { limit: usize },
    /// The configuration is not valid. Printed with its chain of causes.
    #[error("{0:#}")]
    Config(anyhow::Error),
    /// The proxy asks for a user and a password, or refuses those of its
    /// `variable`. `status` is its answer, unless it speaks SOCKS.
    #[error(
        "the proxy {host} {} user and password{}",
        if *is_refused { "refused the" } else { "asks for a" },
        status.map(|status| format!(" ({status})")).unwrap_or_default()
    )]
    ProxyLogin {
        scheme: String,
        host: String,
        variable: String,
        is_refused: bool,
        status: Option<u16>,
    },
    /// This process can have no more files, threads or memory.
    #[error("cannot {action}: {}", Reason(source))]
    Limit { action: String, source: io::Error },
    /// The server needs a key, and there is none.
    #[error("no API key for {host}")]
    NoKey { host: String },
    /// The server's certificate is not trusted.
    #[error("the certificate of {host} is not trusted: {flaw}")]
    Certificate {
        host: String,
        /// `host:port`, unless a proxy tunnels there.
        address: Option<String>,
        /// The file of the only certificates that are trusted, if there is one.
        ca_file: Option<PathBuf>,
        flaw: CertificateFlaw,
    },
    /// The server and gravix cannot agree on TLS.
    #[error("cannot set up TLS with {host}: {mismatch}")]
    TlsMismatch { host: String, mismatch: TlsMismatch },
    /// The batch run ended before this request was sent.
    #[error("the run ended before this request was sent")]
    Stopped,
    /// Requests of a batch failed and were reported, with this exit status.
    #[error("requests failed")]
    BatchFailed(u8),
    /// The fault that was found was printed. The number is its exit status.
    #[error("a fault was found")]
    Diagnosed(u8),
    /// A batch run stopped with requests left. The text says why, and how many.
    #[error("stopped {reason}")]
    BatchStopped { status: u8, reason: String },
    /// The user interrupted the run with this signal.
    #[error("interrupted by signal {0}")]
    Interrupted(i32),
}

/// Why the server ended a reply early.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub enum EarlyEnd {
    /// With the server's own finish reason.
    #[error("the reply was cut off at the length limit (finish_reason {0})")]
    Length(String),
    /// With the server's own finish reason.
    #[error("the server's content filter ended the reply (finish_reason {0})")]
    ContentFilter(String),
    /// The model refused, with this text.
    #[error("the model refused: {0}")]
    Refusal(String),
    #[error("the reply has no text")]
    NoText,
    /// All of its text was thoughts, which were taken off.
    #[error("the reply has no text after its thoughts")]
    OnlyThoughts,
}

impl Error {
    pub fn status(&self) -> Status {
        Status::Exit(match self {
            Error::Usage(_) => 2,
            Error::UnansweredPrompt { error, .. } => return error.status(),
            Error::EndedEarly(_) => 3,
            Error::Partial(_) => 4,
            Error::No => return Status::Quiet(1),
            Error::Input(_)
            | Error::Format { .. }
            | Error::NotText(_)
            | Error::Line { .. }
            | Error::InvalidLines { .. } => 65,
            Error::Unreadable { .. } | Error::NoHistory { .. } => 66,
            Error::Unwritable { .. }
            | Error::SideFile { .. }
            | Error::ReadOnlyHistory { .. }
            | Error::NotSaved { .. }
            | Error::NotLogged { .. } => 73,
            Error::Stdout(_) => 74,
            Error::StdoutClosed => return Status::Signal(SIGPIPE),
            Error::Interrupted(signal) => return Status::Signal(*signal),
            Error::BatchFailed(status) | Error::Diagnosed(status) => return Status::Quiet(*status),
            Error::BatchStopped { status, .. } => *status,
            Error::Locked(_) | Error::Busy(_) | Error::Network(_) | Error::Stopped => 75,
            Error::Protocol(_)
            | Error::NotApi(_)
            | Error::WrongScheme(_)
            | Error::NoReply { .. }
            | Error::CannotJoin
            | Error::ReplyTooLong { .. } => 76,
            Error::Config(_)
            | Error::Limit { .. }
            | Error::NoKey { .. }
            | Error::ProxyLogin { .. }
            | Error::Certificate { .. }
            | Error::TlsMismatch { .. } => 78,
            Error::Server(server) => match server.class() {
                ErrorClass::Request | ErrorClass::Quota => 69,
                ErrorClass::Temporary => 75,
                ErrorClass::Protocol => 76,
                ErrorClass::Key => 77,
            },
        })
    }

    /// How long the server asks to wait before the next try.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Error::Server(server) => server.retry_after,
            _ => None,
        }
    }

    /// The error of a thread that cannot be started.
    pub fn no_thread(source: io::Error) -> Self {
        Error::Limit { action: "start a thread".to_owned(), source }
    }
}

/// A number of bytes in the largest unit that divides it.
fn size(bytes: usize) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let unit = units.iter().find(|(shift, _)| bytes.is_multiple_of(1 << shift));
    unit.map_or(format!("{bytes} bytes"), |(shift, unit)| format!("{} {unit}", bytes >> shift))
}

impl From<ServerError> for Error {
    fn from(error: ServerError) -> Self {
        Error::Server(Box::new(error))
    }
}
