//! `gravix batch --merge`: outputs joined, with one line an id.

use std::io::{BufWriter, Write};

use crate::batch::results::merge_plan::{MergePlan, MergeSource};
use crate::cli::BatchArgs;
use crate::error::Result;
use crate::output::file::OutputFile;
use crate::output::notes::Notes;
use crate::output::stdout::{self, stdout_error};

pub fn run(args: BatchArgs, notes: &Notes) -> Result<()> {
    let output = OutputFile::named(args.output.as_deref()).map(OutputFile::prepare).transpose()?;
    let mut sources = Vec::new();
    for path in args.files {
        let source = MergeSource::open(path)?;
        let waiting = source.waiting()?;
        sources.push(source);
        sources.extend(waiting);
    }
    // A run that writes the file would lose what is in it.
    let _guard = args.output.filter(|path| path.is_file()).map(MergeSource::open).transpose()?;
    let plan = MergePlan::new(&sources, notes)?;
    let Some(file) = output else {
        let mut stdout = BufWriter::new(stdout::stdout_file()?);
        plan.write(&sources, &mut stdout, stdout_error)?;
        return stdout.flush().map_err(stdout_error);
    };
    file.commit_with(|out| {
        let mut out = BufWriter::new(out);
        plan.write(&sources, &mut out, |source| file.not_saved(source))?;
        out.flush().map_err(|source| file.not_saved(source))
    })
}
