//! The log of requests: one line of JSON each, appended under a lock.

use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::{self, IsTerminal};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::chat::event::Usage;
use crate::chat::message::Message;
use crate::cli::shared_args::LogArgs;
use crate::commands::hints::Hints;
use crate::error::{Error, Result};
use crate::exchange::Attempt;
use crate::files::append::append_lines;
use crate::files::interrupted::uninterrupted;
use crate::json;
use crate::output::closed;
use crate::output::notes::Notes;
use crate::output::sanitize::escape_controls;
use crate::output::stdout;
use crate::signals::DeferSignals;
use crate::time_limit::TimeLimit;

/// How long to wait for the lock. Others hold it for one write.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

const LOCK_POLL_INTERVAL: Duration = Duration::from_millis(5);

/// The end of the year 9999 as time since 1970, the last that humantime writes.
const LAST_WRITABLE_TIME: Duration = Duration::from_secs(253_402_300_799);

pub struct LogPlan {
    pub path: PathBuf,
    /// Whether the messages and the reply are logged too.
    pub has_content: bool,
}

impl LogPlan {
    /// `None` if nothing is to be logged.
    pub fn from_args(args: &LogArgs) -> Option<Self> {
        Some(Self { path: args.log.clone()?, has_content: args.log_content })
    }
}

/// The open log.
#[derive(Debug)]
pub struct RequestLog {
    path: PathBuf,
    file: File,
    base_url: String,
    pub has_content: bool,
    hints: Hints,
}

/// What a line is about.
pub struct LoggedRequest<'a> {
    /// In a batch, the id of the request.
    pub custom_id: Option<&'a str>,
    pub model: Value,
    /// What was sent, if the log has it.
    pub messages: Option<Value>,
    pub attempt: &'a Attempt<'a>,
}

/// One line of the log.
#[derive(Debug, Serialize)]
struct LogEntry<'a> {
    /// When the request began.
    #[serde(serialize_with = "as_rfc_3339")]
    time: SystemTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_id: Option<&'a str>,
    model: Value,
    base_url: &'a str,
    /// The HTTP status of the last try, if there was one.
    status: Option<u16>,
    tries: u32,
    seconds: Seconds,
    usage: Option<Usage>,
    finish_reason: Option<&'a str>,
    request_id: Option<&'a str>,
    /// Why the request failed; `None` for a whole reply.
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<Value>,
    /// The assistant's message, or the part of it that arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    reply: Option<Value>,
}

/// Seconds since the request began, retries included.
#[derive(Debug, Serialize)]
struct Seconds {
    /// When the first text or tool call arrived.
    first: Option<f64>,
    total: f64,
}

impl RequestLog {
    /// Opens a log to append to. A new file is readable only by its owner.
    ///
    /// # Errors
    /// [`Error::Unwritable`] if it cannot be opened, and [`Error::Usage`] for
    /// standard output, which is for the reply.
    pub fn open(plan: &LogPlan, base_url: &str, hints: &Hints) -> Result<Self> {
        let path = &plan.path;
        if stdout::is_named(path) {
            let message = "the log cannot be standard output; for a file named '-', use ./-";
            return Err(Error::Usage(message.to_owned()));
        }
        let unwritable = |source| Error::Unwritable { path: path.clone(), source };
        closed::ensure_open_at(path).map_err(unwritable)?;
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)
            .map_err(unwritable)?;
        Ok(Self {
            path: path.clone(),
            file,
            base_url: base_url.to_owned(),
            has_content: plan.has_content,
            hints: hints.clone(),
        })
    }

    /// The metadata of the log's file, if it can be read.
    pub fn metadata(&self) -> Option<Metadata> {
        self.file.metadata().ok()
    }

    /// The line about a request, to be given to [`Self::append`].
    pub fn line(&self, logged: LoggedRequest<'_>, notes: &Notes) -> Vec<u8> {
        let mask = |text: String| notes.secrets().mask(text);
        let masked = |value: Value| json::map_strings(value, &mask);
        let LoggedRequest { custom_id, model, messages, attempt } = logged;
        let Attempt { reply, trace, .. } = attempt;
        let message = || {
            let calls = reply.calls.finish(None).unwrap_or_default();
            let line = Message::assistant(&reply.received_text(), &calls).json();
            str::from_utf8(&line).ok().and_then(json::parse_leniently)
        };
        let entry = LogEntry {
            time: attempt.started,
            custom_id,
            model,
            base_url: &self.base_url,
            status: trace.status,
            tries: trace.tries,
            seconds: Seconds {
                first: reply.time_to_first_token().map(|first| first.as_secs_f64()),
                total: reply.elapsed().as_secs_f64(),
            },
            usage: reply.usage,
            finish_reason: reply.finish.as_ref().map(|finish| finish.word.as_str()),
            request_id: trace.request_id.as_deref(),
            error: attempt.error.map(|error| self.hints.message(error)),
            messages: messages.map(masked),
            reply: self.has_content.then(message).flatten().map(masked),
        };
        let mut line = serde_json::to_vec(&entry).expect("an entry has only string keys");
        line.push(b'\n');
        line
    }

    /// Appends lines to the file.
    ///
    /// # Errors
    /// [`Error::NotLogged`] if the file cannot be locked or written.
    pub fn append(&self, lines: Vec<u8>) -> Result<()> {
        if self.lock() {
            return self.append_locked(lines);
        }
        let source = io::Error::other("another process holds its lock");
        Err(Error::NotLogged { path: self.path.clone(), source })
    }

    /// Appends the lines that `take` returns, unless another process holds the lock.
    ///
    /// # Errors
    /// [`Error::NotLogged`] if the file cannot be written.
    pub fn append_if_free(&self, take: impl FnOnce() -> Vec<u8>) -> Result<()> {
        if self.try_lock() { self.append_locked(take()) } else { Ok(()) }
    }

    fn append_locked(&self, lines: Vec<u8>) -> Result<()> {
        let _deferred = DeferSignals::until_drop();
        let lines = match self.file.is_terminal() {
            true => escape_controls(&String::from_utf8_lossy(&lines)).into_bytes(),
            false => lines,
        };
        let appended = append_lines(&self.file, lines, |_| Ok(()));
        // A file system without locks has none to give back.
        let _ = self.file.unlock();
        appended.map(drop).map_err(|source| Error::NotLogged { path: self.path.clone(), source })
    }

    /// Waits for the lock. Returns false if that took too long.
    fn lock(&self) -> bool {
        let locked = TimeLimit::new(LOCK_TIMEOUT).wait(|slice| {
            let locked = self.try_lock().then_some(());
            if locked.is_none() {
                thread::sleep(slice.min(LOCK_POLL_INTERVAL));
            }
            locked
        });
        locked.is_some()
    }

    /// Returns false if another process holds the lock.
    fn try_lock(&self) -> bool {
        // A file system without locks is accepted.
        !matches!(uninterrupted(|| self.file.try_lock()), Err(TryLockError::WouldBlock))
    }
}

fn as_rfc_3339<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    // A clock that is not set may be before 1970, which cannot be written so.
    let time = (*time).clamp(UNIX_EPOCH, UNIX_EPOCH + LAST_WRITABLE_TIME);
    serializer.collect_str(&humantime::format_rfc3339_millis(time))
}
