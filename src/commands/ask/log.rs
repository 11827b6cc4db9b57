//! The log of requests: one line of JSON each, in one locked write.

use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::chat::event::Usage;
use crate::error::{Error, Result};
use crate::files::append::append_lines;
use crate::signals::DeferSignals;

/// How long another process may keep the log to itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often the lock is tried.
const POLL: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: File,
}

/// What is known of one request when it is over.
#[derive(Debug, Serialize)]
pub struct LogEntry<'a> {
    /// When it was begun.
    #[serde(serialize_with = "as_rfc_3339")]
    pub time: SystemTime,
    pub model: Value,
    pub base_url: String,
    /// The HTTP status of the last try, where there was one.
    pub status: Option<u16>,
    pub tries: u32,
    pub seconds: Seconds,
    pub usage: Option<Usage>,
    pub finish_reason: Option<&'static str>,
    pub request_id: Option<&'a str>,
    /// Why it failed; `None` where the reply is whole.
    pub error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages: Option<Value>,
    /// The assistant's message, as far as it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply: Option<Value>,
}

/// Counted from the request's beginning, retries included.
#[derive(Debug, Serialize)]
pub struct Seconds {
    /// Until the first text or call.
    pub first: Option<f64>,
    pub total: f64,
}

impl Log {
    /// Opens a log to append to; a new one is the owner's alone.
    ///
    /// # Errors
    /// [`Error::Unwritable`], and [`Error::Usage`] for standard output, which
    /// is the reply's.
    pub fn open(path: &Path) -> Result<Self> {
        if ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"]
            .iter()
            .any(|name| path == Path::new(name))
        {
            let message = "a log cannot be standard output; a file of that name is ./-";
            return Err(Error::Usage(message.to_owned()));
        }
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)
            .map_err(|source| Error::Unwritable { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), file })
    }

    pub fn metadata(&self) -> Option<Metadata> {
        self.file.metadata().ok()
    }

    /// Appends whole lines.
    ///
    /// # Errors
    /// [`Error::NotLogged`].
    pub fn append(&self, lines: Vec<u8>) -> Result<()> {
        let written = self.lock().and_then(|()| {
            let _hold = DeferSignals::begin();
            append_lines(&self.file, lines, |_| Ok(()))
        });
        match written {
            Ok(_) => Ok(()),
            Err(source) => Err(Error::NotLogged { path: self.path.clone(), source }),
        }
    }

    /// Waits for the lock, which others hold for one write alone. It is given
    /// back when the file is closed.
    fn lock(&self) -> io::Result<()> {
        let begun = Instant::now();
        while let Err(TryLockError::WouldBlock) = self.file.try_lock() {
            if begun.elapsed() > PATIENCE {
                return Err(io::Error::other("another process keeps it locked"));
            }
            thread::sleep(POLL);
        }
        // A file system without locks is done without.
        Ok(())
    }
}

/// An entry as a line, with its newline.
pub fn line(entry: &LogEntry) -> String {
    serde_json::to_string(entry).expect("a value without maps") + "\n"
}

fn as_rfc_3339<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_rfc3339_millis(*time))
}
