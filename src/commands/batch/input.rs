//! The input of a batch, and all that is done with its records.

use std::path::PathBuf;
use std::sync::Arc;

use crate::batch::copies::{CopyWriter, EqualRequests};
use crate::batch::earlier::{ChangedRequests, Earlier};
use crate::batch::ids::Marks;
use crate::batch::results::result_line::ResultFormat;
use crate::batch::source::batch_request::Defaults;
use crate::batch::source::job_queue::{IdFilter, JobQueue};
use crate::batch::source::preflight::{Check, Preflight};
use crate::batch::source::read_options::ReadOptions;
use crate::batch::source::records::Records;
use crate::batch::source::selection::SampleSize;
use crate::batch::table::columns::{ColumnNames, KeptColumns};
use crate::batch::table::row_format::{RowFormat, TableFormat};
use crate::batch::table::view::TableView;
use crate::chat::format::ReplyFormat;
use crate::cli::BatchArgs;
use crate::cli::table_args::SelectionArgs;
use crate::commands::batch::defaults::{self, OverriddenOptions};
use crate::commands::batch::output_plan::{OutputPlan, RowPlan};
use crate::commands::batch::outputs::Outputs;
use crate::commands::batch::read_plan::{path, read_options};
use crate::commands::batch::table_file::TableFile;
use crate::error::{Error, Result};
use crate::output::file::OutputFile;
use crate::output::notes::Notes;
use crate::settings::context::Context;

/// The input, and all that is done with its records.
pub struct BatchInput {
    pub records: Records,
    pub options: ReadOptions,
    pub defaults: Arc<Defaults>,
    pub overridden: OverriddenOptions,
    pub plan: OutputPlan,
    /// Equal requests are sent once.
    gives_copies: bool,
    /// The file of results, for messages.
    results_path: PathBuf,
    /// How rows are written, once their columns are known.
    rows: Option<Arc<RowFormat>>,
    /// The numbers of the records that get copies of other results, and how many they are.
    copies: Arc<Marks>,
    pub copy_count: u64,
}

impl BatchInput {
    /// Opens the input. `format` is that of the replies.
    ///
    /// # Errors
    /// [`Error::Usage`] if options do not go together; [`Error::Unreadable`];
    /// [`Error::Input`] for a template or a parameter that is not valid.
    pub fn open(args: &BatchArgs, format: &ReplyFormat, context: &Context) -> Result<Self> {
        let system = defaults::system(args)?;
        let path = path(args, context)?;
        let options = read_options(args, path, system.as_deref(), context)?;
        let plan = OutputPlan::from_args(args, &options, format)?;
        let options = options.with_one_choice(plan.has_one_choice());
        // A system prompt with variables is a part of the question.
        let is_asked = options.question.as_ref().is_some_and(|question| question.system.is_some());
        let system = system.filter(|_| !is_asked);
        let (defaults, overridden) = defaults::defaults(args, format, system.as_deref(), context)?;
        if plan.has_one_choice() && defaults.asks_for_several() {
            let message = "n is more than 1, but only one reply to each request is written; --format batch writes them all";
            return Err(Error::Usage(message.to_owned()));
        }
        let (records, defaults) = (Records::open(path)?, defaults.into());
        let results_path = plan.results(args).unwrap_or_default();
        Ok(Self {
            records,
            options,
            defaults,
            overridden,
            plan,
            gives_copies: args.selection.dedupe,
            results_path,
            rows: None,
            copies: Arc::default(),
            copy_count: 0,
        })
    }

    /// Makes sure that the input can be read as often as needed, and picks a sample.
    ///
    /// # Errors
    /// [`Error::Unreadable`], [`Error::Unwritable`] if a pipe cannot be copied, and
    /// [`Error::Input`] for a table that cannot be read.
    pub fn prepare(&mut self, args: &BatchArgs) -> Result<()> {
        let SelectionArgs { sample, dry_run, dedupe, .. } = args.selection;
        if self.plan.table().is_none() && sample.is_none() && !dry_run && !dedupe {
            return Ok(());
        }
        self.records = self.records.clone().rereadable()?;
        if let Some((size, seed)) = sample {
            let sampler = self.records.sampler(&self.options, SampleSize { size, seed })?;
            self.options.selection = self.options.selection.with_sample(&sampler);
        }
        Ok(())
    }

    /// Checks the records, and finds the columns of the rows that are written.
    ///
    /// # Errors
    /// [`Error::Input`] for records that are no requests, or repeat an id, or have changed
    /// since they were done, and if the columns of the output do not fit;
    /// [`Error::NotText`], [`Error::Unreadable`], and [`Error::Usage`] if the columns of a
    /// pipe are not known.
    pub fn preflight(&mut self, earlier: &mut Earlier, notes: &Notes) -> Result<Option<Preflight>> {
        let mut equals = self.gives_copies.then(EqualRequests::default);
        let check = Check { defaults: &self.defaults, earlier, equals: equals.as_mut() };
        let preflight = self.records.preflight(&self.options, check, notes)?;
        if let Some(equals) = equals {
            let (copies, count) = equals.into_copies();
            (self.copies, self.copy_count) = (copies.into(), count);
        }
        if let OutputPlan::Rows(plan) = &self.plan
            && preflight.is_some()
        {
            let columns = self.records.columns(&self.options)?;
            self.rows = Some(self.row_format(plan, Some(columns))?);
        }
        self.overridden.watch_file(&self.records, &self.options)?;
        Ok(preflight)
    }

    /// The table that is written at the end of the run, if there is one.
    ///
    /// # Errors
    /// [`Error::Unwritable`], and [`Error::Limit`] if there are too many open files.
    pub fn table(&self, outputs: &Outputs, changed: ChangedRequests) -> Result<Option<TableFile>> {
        let Some((path, format)) = self.plan.table().zip(self.rows.clone()) else {
            return Ok(None);
        };
        let view = TableView {
            input: self.records.clone(),
            options: self.options.clone(),
            defaults: Arc::clone(&self.defaults),
            changed,
            format,
            results: outputs.results()?,
            results_path: self.results_path.clone(),
        };
        Ok(Some(TableFile { view, output: OutputFile::prepare(path)? }))
    }

    /// What writes the results of requests that equal another one; `None` if there are
    /// none.
    ///
    /// # Errors
    /// [`Error::Limit`] if there are too many open files.
    pub fn copy_writer(&self, outputs: &Outputs) -> Result<Option<CopyWriter>> {
        if self.copy_count == 0 {
            return Ok(None);
        }
        let results = outputs.results()?;
        Ok(Some(CopyWriter {
            input: self.records.clone(),
            options: self.options.clone(),
            defaults: Arc::clone(&self.defaults),
            copies: Arc::clone(&self.copies),
            length: results.metadata().map_or(0, |metadata| metadata.len()),
            results,
            results_path: self.results_path.clone(),
        }))
    }

    /// The requests, and how their results are written.
    ///
    /// # Errors
    /// The same as [`preflight`](Self::preflight), for an input that cannot be read twice.
    pub fn queue(&self, earlier: Earlier, is_checked: bool) -> Result<(JobQueue, ResultFormat)> {
        let Self { records, options, defaults, copies, .. } = self;
        let ids = IdFilter::new(earlier, is_checked, Arc::clone(copies));
        let mut queue = JobQueue::new(records.clone(), options.clone(), Arc::clone(defaults), ids)?;
        if let Some(fields) = self.overridden.watched(records) {
            queue.watch(fields);
        }
        let format = match &self.plan {
            OutputPlan::Text(separator) => ResultFormat::Text(*separator),
            OutputPlan::Rows(plan @ RowPlan { table: None, .. }) => {
                let rows = match &self.rows {
                    Some(rows) => Arc::clone(rows),
                    None => self.row_format(plan, queue.columns())?,
                };
                queue.write_rows(Arc::clone(&rows));
                ResultFormat::Row(rows)
            }
            // The table is made from these lines.
            OutputPlan::Batch | OutputPlan::Rows(_) => ResultFormat::Batch,
        };
        Ok((queue, format))
    }

    /// How rows are written. `columns` are those of the input, if they are known.
    fn row_format(&self, plan: &RowPlan, columns: Option<ColumnNames>) -> Result<Arc<RowFormat>> {
        let kept = match (columns, &plan.columns.kept, plan.format) {
            (Some(columns), ..) => plan.columns.resolve(&columns).map_err(|reason| {
                Error::Input(format!("{}: {reason}", self.records.path().display()))
            })?,
            (None, _, TableFormat::Json) => Vec::new(),
            (None, KeptColumns::Only(names), _) => names.clone(),
            (None, KeptColumns::AllBut(_), _) => {
                let message = "the columns of JSON lines from a pipe are not known before they are read: name those to write with --keep, or read a file";
                return Err(Error::Usage(message.to_owned()));
            }
        };
        let RowPlan { format, columns, has_json, .. } = plan;
        Ok(RowFormat::new(*format, columns.clone(), kept, *has_json).into())
    }
}
