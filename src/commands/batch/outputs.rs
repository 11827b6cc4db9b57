//! The files that a run writes: opened, told from one another, and made into
//! a sink.

use std::fs::File;
use std::path::Path;

use crate::batch::ids::{Gathered, Hasher};
use crate::batch::input::Input;
use crate::batch::outcome::Format;
use crate::batch::progress::Progress;
use crate::batch::results::Results;
use crate::batch::sink::Sink;
use crate::cli::BatchArgs;
use crate::error::{Error, Result};
use crate::lines::Separator;
use crate::notes::Notes;
use crate::output::Bytes;
use crate::output_file::OutputFile;
use crate::paths::identity;

pub struct Outputs {
    results: Results,
    /// Failed requests go there, where they go apart.
    errors: Option<Results>,
    format: Format,
}

impl Outputs {
    /// Opens the files of `--output` and `--errors`; `bytes` may go to
    /// standard output.
    ///
    /// # Errors
    /// Those of [`Results::open`], and [`Error::Usage`] where two files are
    /// one, or there are texts already, which have no ids to go on from.
    pub fn open(args: &BatchArgs, input: &Input, bytes: Bytes) -> Result<Self> {
        let results = match OutputFile::named(args.output.as_deref()) {
            Some(path) => open("--output", path, input)?,
            None => Results::stdout(bytes)?,
        };
        let errors = args.errors.as_deref().map(|path| match open("--errors", path, input) {
            // This run is the one that writes it.
            Err(Error::Busy(path)) if results.is_at(&path) => {
                Err(Error::Usage("--output and --errors name the same file".to_owned()))
            }
            opened => opened,
        });
        let format = match (args.text, args.null) {
            (false, _) => Format::Batch,
            (true, false) => Format::Text(Separator::Newline),
            (true, true) => Format::Text(Separator::Nul),
        };
        if format != Format::Batch && !results.is_empty() {
            let message = "the file of --output holds something, and texts have no ids to go on from; name another file";
            return Err(Error::Usage(message.to_owned()));
        }
        Ok(Self { results, errors: errors.transpose()?, format })
    }

    /// The ids that have a good response. Both files are healed.
    ///
    /// # Errors
    /// Those of [`Results::done`].
    pub fn done(&mut self, hasher: &Hasher, notes: &Notes) -> Result<Gathered> {
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

fn open(option: &str, path: &Path, input: &Input) -> Result<Results> {
    let results = Results::open(path)?;
    let identity = |file: &File| identity(&file.metadata().ok()?);
    let own = identity(results.file());
    if own.is_some() && own == identity(input.file()) {
        return Err(Error::Usage(format!("FILE and {option} name the same file")));
    }
    Ok(results)
}
