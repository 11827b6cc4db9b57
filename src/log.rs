//! The log of requests: one line of JSON each, in one locked write.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::api::events::Usage;
use crate::append::append_lines;
use crate::error::{Error, Result};
use crate::signals::Hold;

#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: File,
}

/// What is known of one request when it is over.
#[derive(Debug, Serialize)]
pub struct Entry<'a> {
    /// When it was begun.
    #[serde(serialize_with = "as_rfc_3339")]
    pub time: SystemTime,
    pub model: &'a Value,
    pub base_url: &'a str,
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
    pub messages: Option<Box<RawValue>>,
    /// The assistant's message, as far as it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply: Option<Box<RawValue>>,
}

/// Counted from the request's beginning, retries included.
#[derive(Debug, Serialize)]
pub struct Seconds {
    /// Until the first text.
    pub first: Option<f64>,
    pub total: f64,
}

impl Log {
    /// Opens a log to append to; a new one is the owner's alone.
    ///
    /// # Errors
    /// [`Error::Unwritable`].
    pub fn open(path: &Path) -> Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)
            .map_err(|source| Error::Unwritable { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Appends a line.
    ///
    /// # Errors
    /// [`Error::NotLogged`].
    pub fn append(&self, entry: &Entry) -> Result<()> {
        let _hold = Hold::new();
        self.write(entry).map_err(|source| Error::NotLogged { path: self.path.clone(), source })
    }

    fn write(&self, entry: &Entry) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        // A file system without locks is done without.
        let _ = self.file.lock();
        let appended = append_lines(&self.file, line, |_| Ok(()));
        let _ = self.file.unlock();
        appended.map(drop)
    }
}

fn as_rfc_3339<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_rfc3339_millis(*time))
}
