//! The files that a run writes: opened, told from one another, and made into
//! a sink.

use std::fs::File;
use std::path::Path;

use crate::batch::ids::{IdHasher, SortedIds};
use crate::batch::progress::Progress;
use crate::batch::results::result_file::ResultFile;
use crate::batch::results::result_line::ResultFormat;
use crate::batch::results::sink::Sink;
use crate::batch::source::records::Records;
use crate::cli::BatchArgs;
use crate::error::{Error, Result};
use crate::files::lines::Separator;
use crate::files::paths::identity;
use crate::output::file::OutputFile;
use crate::output::notes::Notes;

pub struct Outputs {
    results: ResultFile,
    /// Failed requests go there, where they go apart.
    errors: Option<ResultFile>,
    format: ResultFormat,
}

impl Outputs {
    /// Opens the files of `--output` and `--errors`.
    ///
    /// # Errors
    /// Those of [`ResultFile::open`], and [`Error::Usage`] where two files are
    /// one, or there are texts already, which have no ids to go on from.
    pub fn open(args: &BatchArgs, input: &Records) -> Result<Self> {
        let results = match OutputFile::named(args.output.as_deref()) {
            Some(path) => open("--output", path, input)?,
            None => ResultFile::stdout()?,
        };
        let errors = args.errors.as_deref().map(|path| match open("--errors", path, input) {
            // This run is the one that writes it.
            Err(Error::Busy(path)) if results.is_at(&path) => {
                Err(Error::Usage("--output and --errors name the same file".to_owned()))
            }
            opened => opened,
        });
        let format = match (args.text, args.null) {
            (false, _) => ResultFormat::Batch,
            (true, false) => ResultFormat::Text(Separator::Newline),
            (true, true) => ResultFormat::Text(Separator::Nul),
        };
        if format != ResultFormat::Batch && !results.is_empty() {
            let message = "the file of --output holds something, and texts have no ids to go on from; name another file";
            return Err(Error::Usage(message.to_owned()));
        }
        Ok(Self { results, errors: errors.transpose()?, format })
    }

    /// The ids that have a good response. Both files are healed.
    ///
    /// # Errors
    /// Those of [`ResultFile::done`].
    pub fn done(&mut self, hasher: &IdHasher, notes: &Notes) -> Result<SortedIds> {
        if let Some(errors) = &mut self.errors {
            // Its ids failed.
            errors.done(hasher, notes)?;
        }
        self.results.done(hasher, notes)
    }

    /// There is nothing to do: the files stay as they are.
    pub fn keep(mut self) {
        self.results.keep();
        if let Some(errors) = &mut self.errors {
            errors.keep();
        }
    }

    /// A `window` keeps the order of the input.
    ///
    /// # Errors
    /// Those of [`Sink::new`].
    pub fn into_sink(self, window: Option<u64>, progress: Progress, notes: &Notes) -> Result<Sink> {
        let Self { results, errors, format } = self;
        Sink::new(results, errors, format, window, progress, notes)
    }
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
