//! `gravix batch --merge`: merges result files into one, with one line per id.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};

use crate::batch::results::merge_plan::{MergePlan, MergeSource};
use crate::batch::results::stored_reply::ResultJudge;
use crate::chat::format::ReplyFormat;
use crate::chat::thoughts::ThoughtsPolicy;
use crate::chat::turn::{Pick, ReplyPolicy};
use crate::cli::BatchArgs;
use crate::commands::batch::output_plan::RESULTS_SUFFIX;
use crate::error::{Error, Result};
use crate::files::paths::with_suffix;
use crate::input::reply_policy;
use crate::output::file::OutputFile;
use crate::output::notes::Notes;
use crate::output::sanitize::Sanitizer;
use crate::output::stdout::{self, stdout_error};

pub fn run(args: BatchArgs, notes: &Notes) -> Result<()> {
    let output = OutputFile::named(args.output.as_deref()).map(OutputFile::prepare).transpose()?;
    let mut sources = Vec::new();
    for path in args.files {
        let source = MergeSource::open(path)?;
        let spooled = source.spooled()?;
        sources.push(source);
        sources.extend(spooled);
    }
    // Locks the old file: a run that is writing it would lose its results.
    let _guard = args.output.filter(|path| path.is_file()).map(MergeSource::open).transpose()?;
    // Any whole reply is good: which format was asked for is not known.
    let policy = ReplyPolicy {
        format: ReplyFormat::Text,
        pick: Pick::Whole,
        thoughts: ThoughtsPolicy::Keep,
        must_call: false,
        repairs: 0,
        max_bytes: reply_policy::max_bytes(&args.limits),
    };
    let judge = ResultJudge { default: &policy, own_format: &policy };
    let plan = MergePlan::new(&sources, &judge, notes).map_err(with_table_log)?;
    match output {
        None => write(plan, &sources, &stdout::stdout_file()?, stdout_error),
        Some(file) => {
            file.commit_with(|out| write(plan, &sources, out, |source| file.not_saved(source)))
        }
    }
}

/// The error of a file that is no results but a table which has its results beside it.
fn with_table_log(error: Error) -> Error {
    match error {
        Error::Line { path, line, mut reason, format } => {
            let log = with_suffix(&path, RESULTS_SUFFIX);
            if log.exists() {
                reason = format!("{reason}; the results of the table are in {}", log.display());
            }
            Error::Line { path, line, reason, format }
        }
        error => error,
    }
}

/// Writes the lines that the plan keeps. `classify` turns a failed write into
/// the error to report.
fn write(
    plan: MergePlan,
    sources: &[MergeSource],
    file: &File,
    classify: impl Fn(io::Error) -> Error,
) -> Result<()> {
    let buffered = BufWriter::new(file);
    let mut out: Box<dyn Write> = match file.is_terminal() {
        true => Box::new(Sanitizer(buffered)),
        false => Box::new(buffered),
    };
    plan.write(sources, &mut *out, &classify)?;
    out.flush().map_err(classify)
}
