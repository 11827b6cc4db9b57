//! The files that a run writes, checked for options that name the same file.

use std::fs::{self, File, Metadata};
use std::path::{Path, PathBuf};

use crate::batch::earlier::Earlier;
use crate::batch::progress::Progress;
use crate::batch::results::result_file::ResultFile;
use crate::batch::results::result_line::ResultFormat;
use crate::batch::results::sink::{Sink, SinkOptions};
use crate::batch::results::stored_reply::ResultJudge;
use crate::batch::source::records::Records;
use crate::cli::BatchArgs;
use crate::commands::batch::output_plan::OutputPlan;
use crate::error::{Error, Result};
use crate::files::paths::identity;
use crate::output::notes::Notes;

pub struct Outputs {
    /// The table that is written at the end.
    table: Option<PathBuf>,
    results: ResultFile,
    /// If set, failures are written there instead.
    errors: Option<ResultFile>,
}

impl Outputs {
    /// Opens the files of `--output` and `--errors`.
    ///
    /// # Errors
    /// [`Error::Usage`] if two options name the same file, or if there is an output that
    /// would be lost: one of `--text`, which cannot be resumed, or a table without its
    /// results; [`Error::Unwritable`]; [`Error::Busy`] if another run is writing a file;
    /// and [`Error::Stdout`].
    pub fn open(args: &BatchArgs, plan: &OutputPlan, input: &Records) -> Result<Self> {
        let path = plan.results(args);
        if let (Some(table), Some(results)) = (plan.table(), &path) {
            ensure_replaceable(table, results, input)?;
        }
        let results = match &path {
            Some(path) => open("--output", path, input)?,
            None => ResultFile::stdout()?,
        };
        let errors = args.errors.as_deref().map(|path| match open("--errors", path, input) {
            // This run itself has the file locked.
            Err(Error::Busy(path)) if results.is_at(&path) => {
                Err(Error::Usage("--output and --errors name the same file".to_owned()))
            }
            opened => opened,
        });
        if matches!(plan, OutputPlan::Text(_)) && !results.is_empty() {
            let message = "the --output file is not empty, and a run with --text cannot be resumed, as texts have no ids; name another file";
            return Err(Error::Usage(message.to_owned()));
        }
        let table = plan.table().map(Path::to_owned);
        Ok(Self { table, results, errors: errors.transpose()? })
    }

    /// # Errors
    /// [`Error::Usage`] if the log, of which this is the metadata, is the input or
    /// the file of an option.
    pub fn ensure_not_log(&self, log: Option<Metadata>, input: &Records) -> Result<()> {
        let Some(log) = log.as_ref().and_then(identity) else {
            return Ok(());
        };
        let of = |file: &File| file.metadata().ok();
        let files = [
            ("FILE", of(input.file())),
            ("--output", of(self.results.file())),
            ("--output", self.table.as_ref().and_then(|table| fs::metadata(table).ok())),
            ("--errors", self.errors.as_ref().map(ResultFile::file).and_then(of)),
        ];
        for (name, metadata) in files {
            if metadata.as_ref().and_then(identity) == Some(log) {
                return Err(Error::Usage(format!("{name} and --log name the same file")));
            }
        }
        Ok(())
    }

    /// Repairs both files, and adds the results of earlier runs to `earlier`. Failures in
    /// the file of `--errors` count only if the successes are there too.
    ///
    /// # Errors
    /// [`Error::Line`] for a line that is not a result, before anything is changed,
    /// [`Error::Unreadable`], [`Error::Unwritable`], [`Error::SideFile`] and
    /// [`Error::NotSaved`].
    pub fn resume(
        &mut self,
        judge: &ResultJudge,
        earlier: &mut Earlier,
        notes: &Notes,
    ) -> Result<()> {
        let is_resumable = self.results.is_regular();
        let flaws = self.results.read(judge, |result| earlier.add(result))?;
        let errors = match &self.errors {
            None => None,
            Some(errors) => Some(errors.read(judge, |result| {
                if is_resumable && !result.standing.is_done() {
                    earlier.add(result);
                }
            })?),
        };
        earlier.sort();
        self.results.move_torn(&flaws, notes)?;
        // Before the file is replaced: the spool belongs to the old one.
        self.results.recover(judge, earlier)?;
        self.results.move_bad(&flaws, notes)?;
        if let (Some(file), Some(flaws)) = (&mut self.errors, errors) {
            file.move_torn(&flaws, notes)?;
            file.move_bad(&flaws, notes)?;
        }
        Ok(())
    }

    /// Ends a run that has nothing to send. Files that it created stay.
    pub fn keep_if_empty(mut self) {
        self.keep_results();
        if let Some(errors) = &mut self.errors {
            errors.keep_if_empty();
        }
    }

    /// Results stay even if there are none: a table without them would be taken for
    /// another one's.
    pub fn keep_results(&mut self) {
        self.results.keep_if_empty();
    }

    /// The file of results. It stays locked while it is open.
    ///
    /// # Errors
    /// [`Error::Limit`] if there are too many open files.
    pub fn results(&self) -> Result<File> {
        self.results
            .file()
            .try_clone()
            .map_err(|source| Error::Limit { action: "open the results again".to_owned(), source })
    }

    /// `window` is [`SinkOptions::window`].
    ///
    /// # Errors
    /// [`Error::Unwritable`] if a file for ordered results cannot be created, and those
    /// of writing a header.
    pub fn into_sink(
        self,
        format: ResultFormat,
        window: Option<u64>,
        progress: Progress,
        notes: &Notes,
    ) -> Result<Sink> {
        let Self { results, errors, .. } = self;
        Sink::new(SinkOptions { results, errors, format, window }, progress, notes)
    }
}

/// Checks that the table at `path` can be written again from its results.
fn ensure_replaceable(path: &Path, results: &Path, input: &Records) -> Result<()> {
    let Ok(metadata) = fs::metadata(path) else {
        return Ok(());
    };
    let input = input.file().metadata().ok();
    if identity(&metadata).is_some() && identity(&metadata) == input.as_ref().and_then(identity) {
        return Err(Error::Usage("FILE and --output name the same file".to_owned()));
    }
    if metadata.len() > 0 && !results.exists() {
        let (path, results) = (path.display(), results.display());
        return Err(Error::Usage(format!(
            "{path} exists, but not its results, {results}: it is not a table of this batch and would be lost; name another file"
        )));
    }
    Ok(())
}

fn open(option: &str, path: &Path, input: &Records) -> Result<ResultFile> {
    let results = ResultFile::open(path)?;
    let identity = |file: &File| identity(&file.metadata().ok()?);
    let own = identity(results.file());
    if own.is_some() && own == identity(input.file()) {
        return Err(Error::Usage(format!("FILE and {option} name the same file")));
    }
    Ok(results)
}
