//! The JSONL file of a conversation: lock, check, stream, append. A line is
//! one message object; lines go into the request byte for byte.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memchr::memchr;
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use crate::error::{Error, Result};
use crate::signals::Hold;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A conversation's file, locked from before it is read until it is dropped.
#[derive(Debug)]
pub struct History {
    path: PathBuf,
    file: Arc<File>,
    /// Where the next line goes: the length in bytes.
    end: u64,
    /// The range of the message lines, from the first one's first byte to
    /// the last one's last; empty when there are none.
    messages: (u64, u64),
    /// Where the messages begin that follow the file's own system message.
    after_system: Option<u64>,
    lacks_newline: bool,
}

impl History {
    /// Opens `path`, creating it with mode 0600, waits for its lock, and
    /// checks every line.
    ///
    /// # Errors
    /// [`Error::Unwritable`] when it is no regular file that can be written,
    /// [`Error::HistoryLine`] for the first line that is no message.
    pub fn open(path: &Path) -> Result<Self> {
        let unwritable = |source| Error::Unwritable { path: path.to_owned(), source };
        if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(unwritable(io::Error::other("not a regular file")));
        }
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)
            .map_err(unwritable)?;
        file.lock().map_err(unwritable)?;
        let mut history = Self {
            path: path.to_owned(),
            file: Arc::new(file),
            end: 0,
            messages: (0, 0),
            after_system: None,
            lacks_newline: false,
        };
        history.check()?;
        Ok(history)
    }

    /// Whether the turn to come is the file's first.
    pub fn is_empty(&self) -> bool {
        self.messages.0 == self.messages.1
    }

    /// The messages, with the file's own system message at their head unless
    /// `without_system`.
    pub fn messages(&self, without_system: bool) -> Messages {
        let (start, end) = self.messages;
        let start = self.after_system.filter(|_| without_system).unwrap_or(start);
        Messages { file: Arc::clone(&self.file), start, end: end.max(start) }
    }

    /// Appends whole lines in one write, and waits until they are on disk.
    /// When that fails the file is as it was.
    ///
    /// # Errors
    /// [`Error::NotSaved`].
    pub fn append(&mut self, mut lines: Vec<u8>) -> Result<()> {
        if self.lacks_newline {
            lines.insert(0, b'\n');
        }
        let _hold = Hold::new();
        let written = (&*self.file).write_all(&lines).and_then(|()| self.file.sync_data());
        written.map_err(|source| {
            // The first fault is the one to report.
            let _ = self.file.set_len(self.end);
            Error::NotSaved { path: self.path.clone(), source }
        })
    }

    /// Whether others than the owner may read the file.
    pub fn is_exposed(&self) -> bool {
        self.file.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o044 != 0)
    }

    fn check(&mut self) -> Result<()> {
        let unreadable = |path: &Path, source| Error::Unreadable { path: path.to_owned(), source };
        let mut reader = BufReader::with_capacity(128 << 10, &*self.file);
        let mut line = Vec::new();
        for number in 1_u64.. {
            line.clear();
            let read = reader
                .read_until(b'\n', &mut line)
                .map_err(|source| unreadable(&self.path, source))?;
            if read == 0 {
                break;
            }
            let begin = self.end;
            self.end += read as u64;
            self.lacks_newline = !line.ends_with(b"\n");
            let mark = if number == 1 && line.starts_with(BYTE_ORDER_MARK) { 3 } else { 0 };
            let text = trim(&line[mark..]);
            if text.is_empty() {
                continue;
            }
            let role = role_of(text).map_err(|reason| Error::HistoryLine {
                path: self.path.clone(),
                line: number,
                reason,
            })?;
            if self.is_empty() {
                self.messages.0 = begin + mark as u64;
                self.after_system = (role == "system").then_some(self.end);
            }
            self.messages.1 = begin + trim_end(&line).len() as u64;
        }
        Ok(())
    }
}

/// `line` without the white space of JSON (RFC 8259 2) around it.
fn trim(line: &[u8]) -> &[u8] {
    let line = trim_end(line);
    let begin = line.iter().position(|byte| !is_blank(*byte));
    &line[begin.unwrap_or(line.len())..]
}

fn trim_end(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|byte| !is_blank(*byte)).map_or(0, |last| last + 1);
    &line[..end]
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// The role of the message that `line` holds, or why it holds none.
fn role_of(line: &[u8]) -> Result<String, String> {
    let text = std::str::from_utf8(line)
        .map_err(|error| format!("not UTF-8 at byte offset {} of the line", error.valid_up_to()))?;
    match serde_json::from_str::<MessageLine>(text) {
        Ok(message) => Ok(message.role),
        // The position that serde_json appends counts lines of its own.
        Err(error) => {
            let reason = error.to_string();
            let reason =
                reason.rsplit_once(" at line ").map_or(reason.as_str(), |(reason, _)| reason);
            Err(format!("not a message: {reason} at column {}", error.column()))
        }
    }
}

struct MessageLine {
    role: String,
}

impl<'de> Deserialize<'de> for MessageLine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LineVisitor;
        impl<'de> Visitor<'de> for LineVisitor {
            type Value = MessageLine;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object with a role")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<MessageLine, A::Error> {
                let mut role = None;
                let mut has_content = false;
                while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
                    match key.as_ref() {
                        "role" if role.is_some() => return Err(A::Error::duplicate_field("role")),
                        "role" => role = Some(map.next_value()?),
                        "content" if has_content => {
                            return Err(A::Error::duplicate_field("content"));
                        }
                        name => {
                            has_content |= name == "content";
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                let role = role.ok_or_else(|| A::Error::missing_field("role"))?;
                Ok(MessageLine { role })
            }
        }
        deserializer.deserialize_map(LineVisitor)
    }
}

/// Checked message lines of a file, as elements of a JSON array: the newlines
/// between messages read as commas, and everything else as it stands.
#[derive(Debug, Clone)]
pub struct Messages {
    file: Arc<File>,
    start: u64,
    end: u64,
}

impl Messages {
    /// The length in bytes, without brackets.
    pub fn len(&self) -> u64 {
        self.end - self.start
    }

    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    pub fn reader(&self) -> impl Read + use<> {
        MessagesReader { messages: self.clone(), is_blank: true }
    }
}

struct MessagesReader {
    /// What is left to read.
    messages: Messages,
    /// The line under way has only white space so far.
    is_blank: bool,
}

impl Read for MessagesReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.messages.len()).unwrap_or(usize::MAX);
        let room = left.min(buffer.len());
        let read = self.messages.file.read_at(&mut buffer[..room], self.messages.start)?;
        if read == 0 && room > 0 {
            return Err(io::Error::other("the history was cut short while it was being sent"));
        }
        self.messages.start += read as u64;
        let mut rest = &mut buffer[..read];
        while let Some(newline) = memchr(b'\n', rest) {
            let is_blank = self.is_blank && trim(&rest[..newline]).is_empty();
            if !is_blank {
                rest[newline] = b',';
            }
            self.is_blank = true;
            rest = &mut rest[newline + 1..];
        }
        self.is_blank &= trim(rest).is_empty();
        Ok(read)
    }
}
