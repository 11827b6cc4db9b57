//! How the results of a batch are written, as the options say.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::batch::source::read_options::ReadOptions;
use crate::batch::source::record::RecordKind;
use crate::batch::table::columns::{ColumnPlan, KeptColumns, ReplyColumns};
use crate::batch::table::row_format::TableFormat;
use crate::chat::format::ReplyFormat;
use crate::cli::BatchArgs;
use crate::cli::table_values::OutputFormat;
use crate::error::{Error, Result};
use crate::files::lines::Separator;
use crate::files::paths::with_suffix;
use crate::output::file::OutputFile;

/// The results of a table are in a file of its name and this.
pub const RESULTS_SUFFIX: &str = ".jsonl";

/// The column of the reply without `--column`.
const REPLY: &str = "reply";

#[derive(Debug)]
pub enum OutputPlan {
    /// Lines of the Batch API.
    Batch,
    Text(Separator),
    Rows(RowPlan),
}

/// How rows are written.
#[derive(Debug)]
pub struct RowPlan {
    pub format: TableFormat,
    pub columns: ColumnPlan,
    /// The replies are JSON.
    pub has_json: bool,
    /// The file that has all rows at the end of a run. Without one, each row is written
    /// when it is done.
    pub table: Option<PathBuf>,
}

impl OutputPlan {
    /// # Errors
    /// [`Error::Usage`] if options do not go together.
    pub fn from_args(args: &BatchArgs, options: &ReadOptions, reply: &ReplyFormat) -> Result<Self> {
        let named = OutputFile::named(args.output.as_deref());
        if args.selection.dedupe {
            ensure_copies_fit(args, named)?;
        }
        let format = match (args.view.format, args.text) {
            (Some(OutputFormat::Jsonl), _) if !has_rows(options) => OutputFormat::Batch,
            (Some(format), _) => format,
            (None, true) => OutputFormat::Text,
            (None, false) => default_format(named, options),
        };
        let rows = match format {
            OutputFormat::Batch | OutputFormat::Text => {
                ensure_no_columns(args)?;
                return Ok(match (format, args.null) {
                    (OutputFormat::Text, true) => Self::Text(Separator::Nul),
                    (OutputFormat::Text, false) => Self::Text(Separator::Newline),
                    _ => Self::Batch,
                });
            }
            OutputFormat::Csv => TableFormat::Delimited(b','),
            OutputFormat::Tsv => TableFormat::Delimited(b'\t'),
            OutputFormat::Jsonl => TableFormat::Json,
        };
        if args.errors.is_some() {
            let message = "a table has its failures in the column error; leave out --errors, or write --format batch";
            return Err(Error::Usage(message.to_owned()));
        }
        let columns = columns(args, reply)?;
        Ok(Self::Rows(RowPlan {
            format: rows,
            columns,
            has_json: matches!(reply, ReplyFormat::Schema(_) | ReplyFormat::JsonObject),
            table: named.filter(|path| is_file(path)).map(Path::to_owned),
        }))
    }

    /// Whether only one reply to each request is written.
    pub fn has_one_choice(&self) -> bool {
        !matches!(self, Self::Batch)
    }

    /// The table that is written at the end of each run, if there is one.
    pub fn table(&self) -> Option<&Path> {
        match self {
            Self::Rows(RowPlan { table, .. }) => table.as_deref(),
            Self::Batch | Self::Text(_) => None,
        }
    }

    /// The file to which results are appended; `None` for standard output.
    pub fn results(&self, args: &BatchArgs) -> Option<PathBuf> {
        match self.table() {
            Some(table) => Some(with_suffix(table, RESULTS_SUFFIX)),
            None => OutputFile::named(args.output.as_deref()).map(Path::to_owned),
        }
    }
}

/// Whether the records are rows, and not requests themselves.
fn has_rows(options: &ReadOptions) -> bool {
    matches!(options.kind, RecordKind::Table { .. }) || options.question.is_some()
}

/// The format by the ending of the output, or that of the input.
fn default_format(output: Option<&Path>, options: &ReadOptions) -> OutputFormat {
    let ending = output.and_then(Path::extension).and_then(OsStr::to_str).unwrap_or_default();
    match (ending.to_ascii_lowercase().as_str(), options.kind) {
        ("csv", _) => OutputFormat::Csv,
        ("tsv" | "tab", _) => OutputFormat::Tsv,
        _ if !has_rows(options) => OutputFormat::Batch,
        ("jsonl" | "ndjson", _) => OutputFormat::Jsonl,
        (_, RecordKind::Table { delimiter: b'\t' }) => OutputFormat::Tsv,
        (_, RecordKind::Table { .. }) => OutputFormat::Csv,
        _ => OutputFormat::Jsonl,
    }
}

fn columns(args: &BatchArgs, reply: &ReplyFormat) -> Result<ColumnPlan> {
    let view = &args.view;
    let kept = match view.keep.is_empty() {
        true => KeptColumns::AllBut(view.drop.clone()),
        false => KeptColumns::Only(view.keep.clone()),
    };
    let properties = match reply {
        ReplyFormat::Schema(schema) => schema.properties(),
        _ => Vec::new(),
    };
    let reply = match &view.column {
        Some(name) => ReplyColumns::One(name.clone()),
        None if !view.columns.is_empty() => {
            if !matches!(reply, ReplyFormat::Schema(_) | ReplyFormat::JsonObject) {
                let message = "--columns names fields of a reply in JSON; add --schema or --json-object, or name the one column with --column";
                return Err(Error::Usage(message.to_owned()));
            }
            let is_unknown = |name: &&String| !properties.is_empty() && !properties.contains(name);
            if let Some(name) = view.columns.iter().find(is_unknown) {
                let known = properties.join(", ");
                return Err(Error::Usage(format!(
                    "--columns {name}: the schema has no such property; it has {known}"
                )));
            }
            ReplyColumns::Fields(view.columns.clone())
        }
        None if !properties.is_empty() => ReplyColumns::Fields(properties),
        None => ReplyColumns::One(REPLY.to_owned()),
    };
    let plan = ColumnPlan { kept, reply };
    plan.ensure_unlike().map_err(Error::Usage)?;
    Ok(plan)
}

/// Whether results can be kept there, and not only written, as to a device.
fn is_file(path: &Path) -> bool {
    !path.exists() || path.is_file()
}

/// Copies are made from the results in a file, at the end of a run.
fn ensure_copies_fit(args: &BatchArgs, output: Option<&Path>) -> Result<()> {
    let is_text = args.text || args.view.format == Some(OutputFormat::Text);
    Err(Error::Usage(match () {
        () if !output.is_some_and(is_file) || is_text => "--dedupe needs the results in a file: add -o results.jsonl".to_owned(),
        () if args.ordered => "--dedupe writes copies last, so the results are not --ordered; a table of -o FILE.csv always is".to_owned(),
        () if args.errors.is_some() => "--dedupe needs all results in one file; leave out --errors".to_owned(),
        () => return Ok(()),
    }))
}

/// Options for columns need rows to write.
fn ensure_no_columns(args: &BatchArgs) -> Result<()> {
    let view = &args.view;
    let typed = [
        ("--column", view.column.is_some()),
        ("--columns", !view.columns.is_empty()),
        ("--keep", !view.keep.is_empty()),
        ("--drop", !view.drop.is_empty()),
    ];
    match typed.iter().find(|(_, is_typed)| *is_typed) {
        Some((option, _)) => {
            Err(Error::Usage(format!("{option} is for tables; add --format csv, tsv or jsonl")))
        }
        None => Ok(()),
    }
}
