//! How the input of a batch is read, as the options say: which records it has, and what
//! is asked about each.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::batch::source::read_options::ReadOptions;
use crate::batch::source::record::RecordKind;
use crate::batch::source::selection::{Selection, Shard};
use crate::batch::table::question::Question;
use crate::cli::BatchArgs;
use crate::error::{Error, Result};
use crate::files::lines::Separator;
use crate::files::shell;
use crate::settings::context::Context;
use crate::template::Template;

/// The file of requests; `None` for standard input.
pub fn path<'a>(args: &'a BatchArgs, context: &Context) -> Result<Option<&'a Path>> {
    let is_question = |file: &&PathBuf| file.to_string_lossy().contains("{{") && !file.exists();
    if let Some(question) = args.files.iter().find(is_question) {
        let word = shell::quoted(&question.to_string_lossy());
        return Err(Error::Usage(format!("a question about rows is not a FILE: use -T {word}")));
    }
    let named = match args.files.as_slice() {
        [] => None,
        [file] => Some(file.as_path()).filter(|file| file.as_os_str() != "-"),
        _ => {
            let message = "batch reads one FILE of requests; --merge merges result files";
            return Err(Error::Usage(message.to_owned()));
        }
    };
    if named.is_none() && context.terminal.stdin {
        let message = "no requests: name a file, as in gravix batch requests.jsonl, or pipe them to standard input";
        return Err(Error::Usage(message.to_owned()));
    }
    Ok(named)
}

/// How the input at `path` is read. `system` is the system prompt.
///
/// # Errors
/// [`Error::Usage`] if options do not go together, or if a typed template is not valid, and
/// [`Error::Input`] if that of a file is not.
pub fn read_options(
    args: &BatchArgs,
    path: Option<&Path>,
    system: Option<&str>,
    context: &Context,
) -> Result<ReadOptions> {
    let kind = record_kind(args, path)?;
    let shard = args.shard.map_or(Shard::ALL, |(number, count)| Shard { number, count });
    Ok(ReadOptions {
        question: question(args, kind, system, context)?.map(Arc::new),
        selection: Selection::new(shard, args.selection.limit),
        skips_bad: args.skip_bad,
        skips_empty: args.table.skip_empty,
        ..ReadOptions::new(kind)
    })
}

fn record_kind(args: &BatchArgs, path: Option<&Path>) -> Result<RecordKind> {
    let table = &args.table;
    let is_lines = args.null || args.lines;
    let ending = path.and_then(Path::extension).and_then(OsStr::to_str).filter(|_| !is_lines);
    let ending = ending.unwrap_or_default().to_ascii_lowercase();
    let default = match ending.as_str() {
        _ if table.csv => Some(b','),
        _ if table.tsv => Some(b'\t'),
        "csv" => Some(b','),
        "tsv" | "tab" => Some(b'\t'),
        _ => None,
    };
    match (default, table.delimiter) {
        (Some(default), delimiter) => {
            Ok(RecordKind::Table { delimiter: delimiter.unwrap_or(default) })
        }
        (None, Some(_)) => Err(Error::Usage("--delimiter is for tables; add --csv".to_owned())),
        (None, None) if args.null => Ok(RecordKind::Text(Separator::Nul)),
        (None, None) if args.lines => Ok(RecordKind::Text(Separator::Newline)),
        (None, None) => Ok(RecordKind::Json { has_one_choice: false }),
    }
}

fn question(
    args: &BatchArgs,
    kind: RecordKind,
    system: Option<&str>,
    context: &Context,
) -> Result<Option<Question>> {
    let Some(template) = &context.template else {
        return match kind {
            RecordKind::Table { .. } => {
                let message = "a table needs a question for its rows: add -T 'Is this positive? {{text}}', with the name of a column in place of text";
                Err(Error::Usage(message.to_owned()))
            }
            _ => Ok(None),
        };
    };
    let prompt = template.parse()?;
    if prompt.variables().next().is_none() {
        let message = "the template has no {{COLUMN}}, so that every row would ask the same";
        return Err(Error::Usage(message.to_owned()));
    }
    let system = system.filter(|system| system.contains("{{")).map(Template::parse).transpose();
    let system = system
        .map_err(|flaw| Error::Usage(format!("the system prompt, line {}: {flaw}", flaw.line)))?;
    Ok(Some(Question { prompt, system, id: args.table.id.clone() }))
}
