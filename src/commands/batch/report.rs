//! `gravix batch --report`: what became of the requests in result files. A run may be
//! writing them.

use std::collections::HashSet;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::batch::price::Price;
use crate::batch::report::{Counter, Report};
use crate::batch::results::judged_line::JudgedLine;
use crate::batch::results::reader::Flaws;
use crate::batch::results::stored_result::ResultParts;
use crate::batch::results::{reader, spool};
use crate::chat::turn::ReplyPolicy;
use crate::cli::BatchArgs;
use crate::commands::batch::output_plan::RESULTS_SUFFIX;
use crate::commands::batch::policy::reply_policies;
use crate::commands::batch::report_text;
use crate::error::{Error, Result};
use crate::files::lines::{Lines, Separator};
use crate::files::paths::with_suffix;
use crate::input::reply_policy;
use crate::output::notes::Notes;
use crate::output::sanitize::escape_controls;
use crate::output::stdout;
use crate::settings::context::Context;

/// The columns of a line that does not go to a terminal.
const WIDTH: usize = 80;

/// The report and its cost, as JSON.
#[derive(Serialize)]
struct PricedReport<'a> {
    #[serde(flatten)]
    report: &'a Report,
    /// `None` without a price.
    cost: Option<f64>,
}

pub fn run(args: &BatchArgs, context: &Context, notes: &Notes) -> Result<()> {
    let format = reply_policy::format(&args.json, &args.words)?;
    let policy = reply_policies(format, args).default;
    let mut counter = Counter::default();
    for path in &args.files {
        let path = if path.as_os_str() == "-" { Path::new("/dev/stdin") } else { path };
        ResultSource::find(path, notes)?.count(&policy, &mut counter, notes)?;
    }
    let report = counter.finish();
    let price = context.price.map(Price::from);
    let cost = price.map(|price| price.cost(report.tokens.prompt, report.tokens.completion));
    let text = if args.report.json {
        let priced = PricedReport { report: &report, cost };
        escape_controls(&serde_json::to_string(&priced).expect("a report has only string keys"))
    } else {
        let width = context.terminal.size().map_or(WIDTH, |size| size.width);
        report_text::text(&report, cost, width)
    };
    stdout::print(&text, context.terminal.text_mode())
}

/// A file of results.
struct ResultSource {
    path: PathBuf,
    file: File,
    /// Why the results of a table were not read instead.
    missing_table_log: Option<PathBuf>,
}

impl ResultSource {
    /// The file at `path`, or that with the results of the table at `path`.
    fn find(path: &Path, notes: &Notes) -> Result<Self> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::Unreadable { path, source }
        };
        let log = with_suffix(path, RESULTS_SUFFIX);
        let opened = File::open(path);
        let is_results = match &opened {
            Ok(file) => begins_with_result(file).map_err(unreadable(path))?,
            Err(error) => error.kind() != ErrorKind::NotFound,
        };
        if is_results {
            let file = opened.map_err(unreadable(path))?;
            return Ok(Self { path: path.to_owned(), file, missing_table_log: None });
        }
        match File::open(&log) {
            Ok(file) => {
                let (path, shown) = (path.display(), log.display());
                notes.detail(format_args!("* the results of the table {path} are in {shown}"));
                Ok(Self { path: log, file, missing_table_log: None })
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let file = opened.map_err(unreadable(path))?;
                Ok(Self { path: path.to_owned(), file, missing_table_log: Some(log) })
            }
            Err(error) => Err(unreadable(&log)(error)),
        }
    }

    /// Adds the lines of the file, and those that wait for their turn beside it.
    fn count(&self, policy: &ReplyPolicy, counter: &mut Counter, notes: &Notes) -> Result<()> {
        let Self { path, file, .. } = self;
        let is_regular = file.metadata().is_ok_and(|metadata| metadata.is_file());
        // Before the file: what a run moves from there to the file is seen at least once.
        let leftover = if is_regular { spool::read_leftover(path, file)? } else { None };
        let spooled = leftover.map_or(Vec::new(), |(_, lines)| lines);
        let mut waiting: HashSet<&[u8]> = spooled.split(|byte| *byte == b'\n').collect();
        let unreadable = |source| Error::Unreadable { path: path.clone(), source };
        let lines = match is_regular {
            true => Lines::from_file(file).map_err(unreadable)?,
            false => Lines::new(file, Separator::Newline),
        };
        let add = |counter: &mut Counter, text: &[u8]| {
            let (id, line) = JudgedLine::parse(text, policy)?;
            counter.add(&id, line);
            Ok(())
        };
        let flaws = reader::read_lines(lines, path, |text, _| {
            if !waiting.is_empty() {
                waiting.remove(text);
            }
            add(counter, text)
        });
        note_flaws(&flaws.map_err(|error| self.without_table_log(error))?, path, notes);
        let spool = spool::path_for(path);
        let lines = Lines::new(spooled.as_slice(), Separator::Newline);
        let flaws = reader::read_lines(lines, &spool, |text, _| match waiting.contains(text) {
            true => add(counter, text),
            false => Ok(()),
        })?;
        note_flaws(&flaws, &spool, notes);
        Ok(())
    }

    /// The error of a file that is neither results nor a table with results.
    fn without_table_log(&self, error: Error) -> Error {
        match (error, &self.missing_table_log) {
            (Error::Line { path, line, reason, format }, Some(log)) => {
                let log = log.display();
                let reason =
                    format!("{reason}, and there is no {log}, where those of a table would be");
                Error::Line { path, line, reason, format }
            }
            (error, _) => error,
        }
    }
}

/// Whether the file may be one of results. A pipe can be read only once, so it has to be.
fn begins_with_result(file: &File) -> std::io::Result<bool> {
    if !file.metadata()?.is_file() {
        return Ok(true);
    }
    let mut lines = Lines::from_file(file)?;
    while let Some(line) = lines.next_line()? {
        let text = line.content().trim_ascii();
        if text.starts_with(spool::HEADER_START) {
            return Ok(true);
        }
        if !text.is_empty() {
            let parts = ResultParts::parse(text);
            return Ok(parts.is_ok_and(|parts| !is_row(&parts)));
        }
    }
    Ok(false)
}

/// Whether a line is a row of a table, which may have a custom_id, and whose error is a
/// text.
fn is_row(parts: &ResultParts) -> bool {
    let has_error = parts.error.is_some_and(|error| error.get().starts_with('{'));
    parts.response.is_none() && !has_error
}

fn note_flaws(flaws: &Flaws, path: &Path, notes: &Notes) {
    if !flaws.bad.is_empty() {
        notes.warn(format_args!("{}; they are left out", flaws.bad.told(path)));
    }
    if flaws.torn.is_some() {
        let path = path.display();
        notes.note(format_args!("the last line of {path} is not whole, and left out"));
    }
}
