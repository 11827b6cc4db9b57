//! What is kept of each request that a run sends: a line of the log, and what was
//! used.

use std::io::Read;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::batch::progress::Progress;
use crate::batch::worker::AttemptReporter;
use crate::commands::log::{LoggedRequest, RequestLog};
use crate::error::{Error, Result};
use crate::exchange::Attempt;
use crate::exchange::total_usage::TotalUsage;
use crate::json;
use crate::output::notes::Notes;

/// How much may wait while another process holds the log's lock: 1 MiB.
const MAX_WAITING: usize = 1 << 20;

/// Shared by the workers of a run.
pub struct AttemptRecords {
    log: Option<BatchLog>,
    /// Kept if it is to be reported.
    usage: Option<Mutex<RunUsage>>,
    progress: Progress,
    notes: Notes,
}

struct BatchLog {
    log: RequestLog,
    /// Lines that are not written yet.
    waiting: Mutex<Vec<u8>>,
    /// Held while the file is written, with the first error of doing so.
    first_error: Mutex<Option<Error>>,
}

#[derive(Default)]
struct RunUsage {
    total: TotalUsage,
    /// The requests for which the server reported no usage.
    unreported: u64,
}

impl AttemptRecords {
    pub fn new(
        log: Option<RequestLog>,
        reports_usage: bool,
        progress: Progress,
        notes: &Notes,
    ) -> Arc<Self> {
        let log = log.map(|log| BatchLog {
            log,
            waiting: Mutex::default(),
            first_error: Mutex::default(),
        });
        let usage = reports_usage.then(Mutex::default);
        Arc::new(Self { log, usage, progress, notes: notes.clone() })
    }

    pub fn reporter(self: &Arc<Self>) -> AttemptReporter {
        let records = Arc::clone(self);
        Box::new(move |id, attempt| records.add(id, attempt))
    }

    fn add(&self, id: &str, attempt: &Attempt<'_>) {
        if let Some(usage) = self.usage.as_ref().filter(|_| attempt.error.is_none()) {
            let mut usage = lock(usage);
            usage.total.add(TotalUsage::of(attempt.reply, attempt.body.content_length()));
            usage.unreported += u64::from(attempt.reply.usage.is_none());
        }
        if let Some(log) = &self.log
            && let Some(error) = log.add(id, attempt, &self.notes)
        {
            self.progress.suspend(|| self.notes.warn(error));
        }
    }

    /// Writes what is left of the log, and reports what was used. `ended` is how the
    /// run ended. If the log could not be written too, that is only a warning.
    ///
    /// # Errors
    /// The error in `ended`, or [`Error::NotLogged`].
    pub fn finish(&self, ended: Result<()>) -> Result<()> {
        if let Some(usage) = &self.usage {
            self.notes.print(lock(usage).summary());
        }
        let logged = self.log.as_ref().map_or(Ok(()), BatchLog::finish);
        self.notes.first_error(ended, logged)
    }
}

impl BatchLog {
    /// Adds a line and writes it, unless another process holds the lock. Returns the
    /// error of the first write that failed, once.
    fn add(&self, id: &str, attempt: &Attempt<'_>, notes: &Notes) -> Option<String> {
        let logged = logged_request(id, attempt, self.log.has_content);
        let line = self.log.line(logged, notes);
        let waiting = {
            let mut waiting = lock(&self.waiting);
            waiting.extend(line);
            waiting.len()
        };
        let mut first_error = lock(&self.first_error);
        let appended = match waiting > MAX_WAITING {
            true => self.log.append(self.take_waiting()),
            false => self.log.append_if_free(|| self.take_waiting()),
        };
        let error = appended.err().filter(|_| first_error.is_none())?;
        Some(first_error.insert(error).to_string())
    }

    fn take_waiting(&self) -> Vec<u8> {
        std::mem::take(&mut *lock(&self.waiting))
    }

    fn finish(&self) -> Result<()> {
        let mut first_error = lock(&self.first_error);
        let lines = self.take_waiting();
        let appended = if lines.is_empty() { Ok(()) } else { self.log.append(lines) };
        first_error.take().map_or(appended, Err)
    }
}

impl RunUsage {
    fn summary(&self) -> String {
        let TotalUsage { requests, prompt_tokens, completion_tokens, total_tokens, .. } =
            self.total;
        let plural = if requests == 1 { "" } else { "s" };
        if self.unreported == u64::from(requests) {
            return format!("the server reported no usage in {requests} request{plural}");
        }
        let mut summary = format!(
            "{prompt_tokens} prompt + {completion_tokens} completion = {total_tokens} tokens in {requests} request{plural}"
        );
        if self.unreported > 0 {
            summary += &format!("; {} of them without a report of usage", self.unreported);
        }
        summary
    }
}

/// The model and the messages are those of the body, where the line says them.
fn logged_request<'a>(
    id: &'a str,
    attempt: &'a Attempt<'a>,
    has_content: bool,
) -> LoggedRequest<'a> {
    let mut body = String::new();
    // The body is in memory, and it is JSON.
    let _ = attempt.body.reader().read_to_string(&mut body);
    let [model, messages] = json::fields(&body, ["model", "messages"]);
    let parse = |field: &serde_json::value::RawValue| json::parse_leniently(field.get());
    LoggedRequest {
        custom_id: Some(id),
        model: model.and_then(parse).unwrap_or(Value::Null),
        messages: messages.filter(|_| has_content).and_then(parse),
        attempt,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic cannot leave a line or a count half added.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
