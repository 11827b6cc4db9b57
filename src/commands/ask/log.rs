//! The log of requests: one line of JSON each, appended under a lock.

use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::{self, IsTerminal, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::chat::event::Usage;
use crate::chat::message::Message;
use crate::commands::ask::plan::LogPlan;
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
use crate::wire::body::RequestBody;

/// How long to wait for the lock. Others hold it for one write.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

const LOCK_POLL_INTERVAL: Duration = Duration::from_millis(5);

/// The end of the year 9999 as time since 1970, the last that humantime writes.
const LAST_WRITABLE_TIME: Duration = Duration::from_secs(253_402_300_799);

/// The open log, and the lines to append to it.
#[derive(Debug)]
pub struct RequestLog {
    path: PathBuf,
    file: File,
    lines: Vec<u8>,
    model: Value,
    base_url: String,
    has_content: bool,
    hints: Hints,
}

/// One line of the log.
#[derive(Debug, Serialize)]
struct LogEntry<'a> {
    /// When the request began.
    #[serde(serialize_with = "as_rfc_3339")]
    time: SystemTime,
    model: &'a Value,
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
    pub fn open(plan: &LogPlan, model: &Value, base_url: &str, hints: &Hints) -> Result<Self> {
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
            lines: Vec::new(),
            model: model.clone(),
            base_url: base_url.to_owned(),
            has_content: plan.has_content,
            hints: hints.clone(),
        })
    }

    /// The metadata of the log's file, if it can be read.
    pub fn metadata(&self) -> Option<Metadata> {
        self.file.metadata().ok()
    }

    /// Adds a line for a request. It is written by [`Self::append`].
    pub fn record(&mut self, attempt: &Attempt<'_>, notes: &Notes) {
        let mask = |text: String| notes.secrets().mask(text);
        let masked = |value: Value| json::map_strings(value, &mask);
        let Attempt { reply, trace, .. } = attempt;
        let (mut messages, mut message) = (None, None);
        if self.has_content {
            let sent = messages_of(attempt.body);
            messages = sent
                .map_err(|why| notes.warn(format_args!("the messages were not logged: {why}")))
                .ok();
            let calls = reply.calls.finish(None).unwrap_or_default();
            let text = reply.received_text();
            let line = Message::assistant(&text, &calls).json();
            message = str::from_utf8(&line).ok().and_then(json::parse_leniently);
        }
        let entry = LogEntry {
            time: attempt.started,
            model: &self.model,
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
            reply: message.map(masked),
        };
        self.lines.extend(serde_json::to_vec(&entry).expect("an entry has only string keys"));
        self.lines.push(b'\n');
    }

    /// Appends the lines to the file.
    ///
    /// # Errors
    /// [`Error::NotLogged`] if the file cannot be locked or written.
    pub fn append(self) -> Result<()> {
        let written = self.lock().and_then(|()| {
            let _deferred = DeferSignals::until_drop();
            let lines = match self.file.is_terminal() {
                true => escape_controls(&String::from_utf8_lossy(&self.lines)).into_bytes(),
                false => self.lines,
            };
            append_lines(&self.file, lines, |_| Ok(()))
        });
        match written {
            Ok(_) => Ok(()),
            Err(source) => Err(Error::NotLogged { path: self.path, source }),
        }
    }

    /// Waits for the lock. Closing the file releases it.
    fn lock(&self) -> io::Result<()> {
        let locked = TimeLimit::new(LOCK_TIMEOUT).wait(|slice| {
            match uninterrupted(|| self.file.try_lock()) {
                Err(TryLockError::WouldBlock) => {
                    thread::sleep(slice.min(LOCK_POLL_INTERVAL));
                    None
                }
                // A file system without locks is accepted.
                _ => Some(()),
            }
        });
        locked.ok_or_else(|| io::Error::other("another process holds its lock"))
    }
}

/// The messages of a request as one JSON array.
fn messages_of(body: &RequestBody) -> Result<Value> {
    let mut messages = b"[".to_vec();
    let read = body.messages().read_to_end(&mut messages);
    messages.push(b']');
    // An error of reading the history carries our own error.
    let to_error =
        |error: io::Error| error.downcast().unwrap_or_else(|other| Error::Input(other.to_string()));
    read.map_err(to_error)?;
    json::parse_leniently(&String::from_utf8_lossy(&messages))
        .ok_or_else(|| Error::Input("they are nested too deeply".to_owned()))
}

fn as_rfc_3339<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    // A clock that is not set may be before 1970, which cannot be written so.
    let time = (*time).clamp(UNIX_EPOCH, UNIX_EPOCH + LAST_WRITABLE_TIME);
    serializer.collect_str(&humantime::format_rfc3339_millis(time))
}
