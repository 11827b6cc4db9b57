//! The requests of a question, logged together when it is answered.

use std::fs::Metadata;
use std::io::{self, Read};

use serde_json::Value;

use crate::commands::hints::Hints;
use crate::commands::log::{LogPlan, LoggedRequest, RequestLog};
use crate::error::{Error, Result};
use crate::exchange::Attempt;
use crate::json;
use crate::output::notes::Notes;
use crate::wire::body::RequestBody;

/// The open log, and the lines to append to it.
#[derive(Debug)]
pub struct QuestionLog {
    log: RequestLog,
    model: Value,
    lines: Vec<u8>,
}

impl QuestionLog {
    /// # Errors
    /// [`Error::Unwritable`] if the log cannot be
    /// opened, and [`Error::Usage`] for standard output.
    pub fn open(plan: &LogPlan, model: &Value, base_url: &str, hints: &Hints) -> Result<Self> {
        let log = RequestLog::open(plan, base_url, hints)?;
        Ok(Self { log, model: model.clone(), lines: Vec::new() })
    }

    /// The metadata of the log's file, if it can be read.
    pub fn metadata(&self) -> Option<Metadata> {
        self.log.metadata()
    }

    /// Adds a line for a request. It is written by [`Self::append`].
    pub fn record(&mut self, attempt: &Attempt<'_>, notes: &Notes) {
        let messages = self.log.has_content.then(|| messages_of(attempt.body));
        let messages = messages.and_then(|sent| {
            sent.map_err(|why| notes.warn(format_args!("the messages were not logged: {why}"))).ok()
        });
        let model = self.model.clone();
        let logged = LoggedRequest { custom_id: None, model, messages, attempt };
        self.lines.extend(self.log.line(logged, notes));
    }

    /// Appends the lines to the file.
    ///
    /// # Errors
    /// [`Error::NotLogged`] if the file cannot be locked or written.
    pub fn append(self) -> Result<()> {
        self.log.append(self.lines)
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
