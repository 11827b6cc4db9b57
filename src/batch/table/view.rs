//! The table of all rows of the input with their replies, written from the input and
//! the result file.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;

use crate::batch::earlier::ChangedRequests;
use crate::batch::fingerprint::Fingerprint;
use crate::batch::ids::{IdHash, IdHasher};
use crate::batch::results::best_lines::BestLines;
use crate::batch::results::judged_line::{JudgedLine, Outcome};
use crate::batch::results::line_file::LineFile;
use crate::batch::results::reader::read_results;
use crate::batch::results::stored_reply::ResultJudge;
use crate::batch::source::batch_request::Defaults;
use crate::batch::source::read_options::ReadOptions;
use crate::batch::source::records::Records;
use crate::batch::source::request_line::{self, RequestLine};
use crate::batch::table::row_format::RowFormat;
use crate::chat::turn::ReplyPolicy;
use crate::error::{Error, Result};

/// What is said of a row that has no result yet.
const NOT_SENT: &str = "not sent";

/// What is said of a row that is left out because its prompt is empty.
const LEFT_OUT: &str = "not sent: its prompt is empty";

pub struct TableView {
    pub input: Records,
    pub options: ReadOptions,
    pub defaults: Arc<Defaults>,
    pub changed: ChangedRequests,
    pub format: Arc<RowFormat>,
    /// The result file, which stays locked while it is open.
    pub results: File,
    pub results_path: PathBuf,
}

/// The results by id and request.
struct ResultIndex {
    hasher: IdHasher,
    lines: BestLines,
    /// The results of requests that have changed since count too.
    keeps_changed: bool,
}

impl ResultIndex {
    fn key(&self, id: &str, fingerprint: Option<Fingerprint>) -> IdHash {
        match fingerprint.filter(|_| !self.keeps_changed) {
            Some(fingerprint) => self.hasher.hash(&format!("{fingerprint} {id}")),
            None => self.hasher.hash(id),
        }
    }

    /// Where the line for this request begins.
    fn find(&self, id: &str, fingerprint: Fingerprint) -> Option<u64> {
        let of_request = self.lines.find(self.key(id, Some(fingerprint)));
        // Another program does not say which request it sent.
        of_request.or_else(|| self.lines.find(self.key(id, None)))
    }
}

impl TableView {
    /// Writes the header and all rows, in the order of the input. `classify` turns a
    /// failed write into the error to report.
    ///
    /// # Errors
    /// [`Error::Unreadable`], [`Error::Input`] if the input can no longer be read as a
    /// table, and those of `classify`.
    pub fn write(
        &self,
        judge: &ResultJudge,
        out: impl Write,
        classify: impl Fn(io::Error) -> Error,
    ) -> Result<()> {
        let index = self.index(judge)?;
        let unreadable = |source| Error::Unreadable { path: self.results_path.clone(), source };
        let mut lines = LineFile::new(&self.results);
        let mut out = BufWriter::new(out);
        out.write_all(&self.format.header()).map_err(&classify)?;
        let mut reader = self.input.reader(&self.options)?;
        while let Some(record) = reader.next_record().map_err(|error| self.input.error(error))? {
            let request = RequestLine::parse(&record, &self.options).transpose();
            let cells = record.cells_to_write(self.options.kind);
            let is_blank = request.is_none() && cells.is_none();
            if is_blank {
                continue;
            }
            let mut row = self.input.row_start(record.place, &self.format, cells.as_ref())?;
            let end = match &request {
                None => Err(LEFT_OUT.to_owned()),
                Some(Err(invalid)) => Err(invalid.reason.clone()),
                Some(request @ Ok(line)) => {
                    let id = request_line::id(request, record.place.number);
                    match index.find(&id, self.defaults.fingerprint(line)) {
                        None => Err(NOT_SENT.to_owned()),
                        Some(offset) => {
                            let policy = judge.policy(self.defaults.has_default_format(line));
                            stored_reply(lines.line(offset).map_err(unreadable)?, policy)
                        }
                    }
                }
            };
            self.format.finish(&mut row, end.as_deref().map_err(String::as_str));
            out.write_all(&row).map_err(&classify)?;
        }
        out.flush().map_err(classify)
    }

    fn index(&self, judge: &ResultJudge) -> Result<ResultIndex> {
        let mut index = ResultIndex {
            hasher: IdHasher::default(),
            lines: BestLines::default(),
            keeps_changed: self.changed == ChangedRequests::Keep,
        };
        read_results(&self.results, &self.results_path, judge, |result, line| {
            let key = index.key(&result.id, result.fingerprint);
            index.lines.add(key, result.standing.is_done(), line.start);
        })?;
        index.lines.sort();
        Ok(index)
    }
}

/// The reply in a result line, or why there is none.
fn stored_reply(line: &[u8], policy: &ReplyPolicy) -> std::result::Result<String, String> {
    let (_, line) = JudgedLine::parse(line, policy).map_err(|error| error.to_string())?;
    match line.outcome {
        Outcome::Done(Some(reply)) => Ok(reply),
        Outcome::Done(None) => Err("the reply calls tools".to_owned()),
        Outcome::Failed { message, .. } => Err(message),
    }
}
