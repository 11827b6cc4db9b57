//! Equal requests: one of them is sent, and at the end of the run the others get copies
//! of its result.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::batch::fingerprint::Fingerprint;
use crate::batch::ids::{IdHasher, Marks};
use crate::batch::results::best_lines::{BestLines, LAST_PLACE};
use crate::batch::results::judged_line::{JudgedLine, Outcome};
use crate::batch::results::line_file::LineFile;
use crate::batch::results::reader::read_results;
use crate::batch::results::stored_reply::{ResultJudge, Standing};
use crate::batch::source::batch_request::Defaults;
use crate::batch::source::json_fields::JsonFields;
use crate::batch::source::read_options::ReadOptions;
use crate::batch::source::records::Records;
use crate::batch::source::request_line;
use crate::chat::turn::ReplyPolicy;
use crate::error::{Error, Result};

/// The requests of an input, of which some are equal.
#[derive(Default)]
pub struct EqualRequests {
    hasher: IdHasher,
    /// Their places are turned round, so that the first one stands for them all.
    requests: BestLines,
}

impl EqualRequests {
    /// Adds the request of a record. `has_result` says that it has one that stays, so that
    /// it is not sent again.
    pub fn add(&mut self, fingerprint: Fingerprint, number: u64, has_result: bool) {
        let hash = self.hasher.hash(&fingerprint.to_string());
        self.requests.add(hash, has_result, LAST_PLACE - number);
    }

    /// The numbers of the records that are not sent because another one is, or has a
    /// result; and how many they are.
    pub fn into_copies(mut self) -> (Marks, u64) {
        let (mut copies, mut count) = (Marks::default(), 0);
        self.requests.sort_out(|place, has_result| {
            if !has_result {
                copies.add((LAST_PLACE - place) as usize);
                count += 1;
            }
        });
        (copies, count)
    }
}

/// Writes the results of requests that were not sent because they equal another one.
pub struct CopyWriter {
    pub input: Records,
    pub options: ReadOptions,
    pub defaults: Arc<Defaults>,
    /// The numbers of their records.
    pub copies: Arc<Marks>,
    pub results: File,
    pub results_path: PathBuf,
    /// The length of the file when the run began: a failure before that is copied only if
    /// it is final, and only to requests without a result.
    pub length: u64,
}

/// A result that was copied.
pub struct CopiedResult {
    pub line: Vec<u8>,
    /// The class in which a failure is counted; `None` for a success.
    pub failure: Option<String>,
}

impl CopyWriter {
    /// Calls `write` with the copied result of each of the requests whose equal has one.
    ///
    /// # Errors
    /// [`Error::Unreadable`], and those of `write`.
    pub fn write(
        &self,
        judge: &ResultJudge,
        mut write: impl FnMut(CopiedResult) -> Result<()>,
    ) -> Result<()> {
        let unreadable = |source| Error::Unreadable { path: self.results_path.clone(), source };
        let (hasher, mut lines) = (IdHasher::default(), BestLines::default());
        // The requests that have failed.
        let mut failed = BestLines::default();
        read_results(&self.results, &self.results_path, judge, |result, line| {
            let is_done = result.standing.is_done();
            let is_settled = is_done || result.standing == Standing::Refused;
            let Some(fingerprint) = result.fingerprint else {
                return;
            };
            if !is_done {
                let request = hasher.hash(&format!("{fingerprint} {}", result.id));
                failed.add(request, false, line.start);
            }
            if is_settled || line.start >= self.length {
                lines.add(hasher.hash(&fingerprint.to_string()), is_done, line.start);
            }
        })?;
        lines.sort();
        failed.sort();
        let mut stored = LineFile::new(&self.results);
        self.input.for_each(&self.options, |record, request| {
            let number = record.place.number;
            let id = request_line::id(request, number);
            let Some(line) = request.as_ref().ok().filter(|_| self.copies.has(number as usize))
            else {
                return Ok(());
            };
            let fingerprint = self.defaults.fingerprint(line).to_string();
            let Some(offset) = lines.find(hasher.hash(&fingerprint)) else {
                return Ok(());
            };
            let request = hasher.hash(&format!("{fingerprint} {id}"));
            let original = stored.line(offset).map_err(unreadable)?;
            let policy = judge.policy(self.defaults.has_default_format(line));
            let is_news = |copy: &CopiedResult| {
                let is_new = copy.failure.is_none() || offset >= self.length;
                is_new || failed.find(request).is_none()
            };
            copied(original, &id, policy).filter(is_news).map_or(Ok(()), &mut write)
        })?;
        Ok(())
    }
}

/// A result line for another request, without the usage, which is that of the first.
fn copied(original: &[u8], id: &str, policy: &ReplyPolicy) -> Option<CopiedResult> {
    #[derive(Serialize)]
    struct Copy<'a> {
        id: &'a RawValue,
        custom_id: &'a str,
        response: Option<CopiedResponse<'a>>,
        error: Option<&'a RawValue>,
        /// So that a report does not take it for a reply that was sent.
        copied: bool,
    }
    #[derive(Serialize)]
    struct CopiedResponse<'a> {
        status_code: &'a RawValue,
        request_id: Option<&'a RawValue>,
        body: Box<RawValue>,
    }
    let (_, judged) = JudgedLine::parse(original, policy).ok()?;
    let failure = match judged.outcome {
        Outcome::Done(_) => None,
        Outcome::Failed { reason, .. } => Some(reason),
    };
    let fields = serde_json::from_slice::<JsonFields>(original).ok()?;
    let present = |name| fields.get(name).filter(|value| value.get() != "null");
    let response = present("response").and_then(|response| {
        let response = serde_json::from_str::<JsonFields>(response.get()).ok()?;
        let body = response.get("body")?;
        Some(CopiedResponse {
            status_code: response.get("status_code")?,
            request_id: response.get("request_id"),
            body: without_usage(body),
        })
    });
    let (line_id, error) = (fields.get("id")?, present("error"));
    let copy = Copy { id: line_id, custom_id: id, response, error, copied: true };
    let mut line = serde_json::to_vec(&copy).ok()?;
    line.push(b'\n');
    Some(CopiedResult { line, failure })
}

fn without_usage(body: &RawValue) -> Box<RawValue> {
    let without = serde_json::from_str::<JsonFields>(body.get()).ok().and_then(|mut fields| {
        fields.remove("usage")?;
        RawValue::from_string(fields.to_json()).ok()
    });
    without.unwrap_or_else(|| body.to_owned())
}
