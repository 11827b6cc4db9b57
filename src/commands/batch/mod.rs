//! `gravix batch`: many requests, many at a time.

mod run;
mod worker;

use std::fs::File;
use std::path::Path;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use self::run::Run;
use self::worker::Demand;
use crate::api::client::Client;
use crate::batch::feed::Feed;
use crate::batch::gate::Gate;
use crate::batch::ids::Hasher;
use crate::batch::input::{Input, Reading, Shard, Survey};
use crate::batch::merge::{Plan, Source};
use crate::batch::outcome::Format;
use crate::batch::progress::Progress;
use crate::batch::request::{Defaults, Kind};
use crate::batch::results::Results;
use crate::batch::sink::Sink;
use crate::batch::tally::Tally;
use crate::cli::BatchArgs;
use crate::context::Context;
use crate::encoding::Encoding;
use crate::error::{Error, Result};
use crate::fields;
use crate::form::Form;
use crate::json;
use crate::lines::Separator;
use crate::notes::Notes;
use crate::output::{self, Bytes, stdout_error};
use crate::output_file::OutputFile;
use crate::paths::identity;
use crate::prompt;
use crate::settings::{self, Network};

/// How many requests may be under way where the user does not say.
const DEFAULT_JOBS: u16 = 8;

/// Descriptors: a connection, and its other end where the stand-in is asked;
/// and those that are not the jobs'.
const DESCRIPTORS_A_JOB: u64 = 2;
const OTHER_DESCRIPTORS: u64 = 32;

/// So many times the jobs is how far a run in order may be ahead.
const WINDOW: u64 = 16;

pub fn run(args: BatchArgs, context: &Context) -> Result<()> {
    let notes = context.notes.at(&args.volume);
    context.warnings.iter().for_each(|warning| notes.warn(warning));
    if args.merge {
        return merge(args, &notes);
    }
    let form = Form::of_json(&args.schema)?;
    let defaults = defaults(&args, &form, context)?;
    let reading = reading(&args);
    let mut input = Input::open(source(&args, context)?)?;
    let mut network = Network::resolve(&args.network, context.environment)?;
    network.find_key(&args.network, context, &notes)?;
    let bytes = if context.terminal.stdout { Bytes::Harmless } else { Bytes::Exact };
    let (mut results, mut errors) = outputs(&args, &input, bytes)?;
    let format = format(&args);
    if format != Format::Batch && !results.is_empty() {
        let message = "the file of --output holds something, and texts have no ids to go on from; name another file";
        return Err(Error::Usage(message.to_owned()));
    }
    let hasher = Hasher::default();
    let done = results.done(&hasher, &notes)?;
    if let Some(errors) = &mut errors {
        // Its ids failed; a torn line is healed, and another file refused.
        errors.done(&hasher, &notes)?;
    }
    let survey = input.survey(reading, &hasher, &done, &notes)?;
    if let Some(Survey { total, skipped }) = survey {
        let left = total - skipped;
        notes.detail(format_args!("{total} requests, {skipped} of them done before"));
        if left == 0 {
            notes.note(Tally::new(survey).summary());
            return Ok(());
        }
    }

    let jobs = args.jobs.unwrap_or(DEFAULT_JOBS);
    ensure_descriptors(jobs)?;
    let many = notes.for_many();
    let gate = std::sync::Arc::new(Gate::new(args.rate, &many));
    let clients = Client::many(&network, &many, &gate)?.take(jobs.into()).collect();
    // What --verbose tells would tear the bar apart.
    let is_shown = context.terminal.stderr && !notes.is_quiet() && !notes.is_verbose();
    let progress = Progress::new(is_shown, survey.map(|survey| survey.total));
    let window = args.ordered.then(|| WINDOW * u64::from(jobs));
    let sink = Sink::new(results, errors, format, window, progress.clone(), &notes);
    let run = Run {
        gate,
        feed: Feed::new(input, reading, defaults, hasher, done).into(),
        sink,
        tally: Tally::new(survey).into(),
        demand: Demand { form, repairs: args.schema.repair.unwrap_or(0) },
        max_failures: args.max_failures.map(u64::from),
        progress,
        notes,
    };
    run.conduct(clients)
}

/// Makes sure that each job can have its connection.
///
/// # Errors
/// [`Error::Config`].
fn ensure_descriptors(jobs: u16) -> Result<()> {
    let needed = DESCRIPTORS_A_JOB * u64::from(jobs) + OTHER_DESCRIPTORS;
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return Ok(());
    };
    if soft >= needed || setrlimit(Resource::RLIMIT_NOFILE, needed.min(hard), hard).is_ok() {
        let most = soft.max(needed.min(hard));
        if most >= needed {
            return Ok(());
        }
    }
    Err(Error::Config(format!(
        "{jobs} jobs need {needed} open files, and this machine allows {hard}; --jobs takes fewer"
    )))
}

/// What lines leave out.
fn defaults(args: &BatchArgs, form: &Form, context: &Context) -> Result<Defaults> {
    let named = fields::named(&args.model, context.configured_params)?;
    if named.contains_key("messages") {
        let message = "--body has messages, which each line of a batch has of its own";
        return Err(Error::Usage(message.to_owned()));
    }
    let model = settings::model(&args.model, context.environment)?;
    let mut fields = fields::of_model(&args.model, &model, form);
    json::merge(&mut fields, named);
    let system = match &args.system_file {
        Some(path) => Some(prompt::read_file(path, Encoding::Strict)?),
        None => args.system.clone(),
    };
    Ok(Defaults::new(&fields, system.as_deref()))
}

fn reading(args: &BatchArgs) -> Reading {
    let (kind, separator) = match (args.null, args.lines) {
        (true, _) => (Kind::Text, Separator::Nul),
        (false, true) => (Kind::Text, Separator::Newline),
        (false, false) => (Kind::Json, Separator::Newline),
    };
    let shard = args.shard.map_or(Shard::ALL, |(number, count)| Shard { number, count });
    Reading { kind, separator, shard, skips_bad: args.skip_bad }
}

fn format(args: &BatchArgs) -> Format {
    match (args.text, args.null) {
        (false, _) => Format::Batch,
        (true, false) => Format::Text(Separator::Newline),
        (true, true) => Format::Text(Separator::Nul),
    }
}

/// The file of requests; `None` is standard input.
fn source<'a>(args: &'a BatchArgs, context: &Context) -> Result<Option<&'a Path>> {
    let named = match args.files.as_slice() {
        [] => None,
        [file] => Some(file.as_path()).filter(|file| file.as_os_str() != "-"),
        _ => {
            let message = "batch takes one FILE of requests; --merge joins outputs";
            return Err(Error::Usage(message.to_owned()));
        }
    };
    if named.is_none() && context.terminal.stdin {
        let message = "no requests: name a file of them, as in gravix batch requests.jsonl, or give them on standard input";
        return Err(Error::Usage(message.to_owned()));
    }
    Ok(named)
}

/// Opens the files of `--output` and `--errors`.
fn outputs(args: &BatchArgs, input: &Input, bytes: Bytes) -> Result<(Results, Option<Results>)> {
    let same = |other: &File| {
        let identity = |file: &File| identity(&file.metadata().ok()?);
        identity(other).is_some() && identity(other) == identity(input.file())
    };
    let open = |option: &str, path: &Path| {
        let results = Results::open(path)?;
        match same(results.file()) {
            true => Err(Error::Usage(format!("FILE and {option} name the same file"))),
            false => Ok(results),
        }
    };
    let results = match OutputFile::named(args.output.as_deref()) {
        Some(path) => open("--output", path)?,
        None => Results::stdout(bytes)?,
    };
    let errors = args.errors.as_deref().map(|path| match open("--errors", path) {
        // This run is the one that writes it.
        Err(Error::Busy(path)) if results.is_at(&path) => {
            Err(Error::Usage("--output and --errors name the same file".to_owned()))
        }
        opened => opened,
    });
    Ok((results, errors.transpose()?))
}

/// Joins outputs.
fn merge(args: BatchArgs, notes: &Notes) -> Result<()> {
    let output = OutputFile::named(args.output.as_deref()).map(OutputFile::prepare).transpose()?;
    let sources: Vec<Source> = args.files.into_iter().map(Source::open).collect::<Result<_>>()?;
    // A run that writes the output would lose it.
    let target = args.output.filter(|path| path.is_file()).map(Source::open).transpose()?;
    let plan = Plan::new(&sources, notes)?;
    let Some(file) = output else {
        let mut stdout = std::io::BufWriter::new(output::stdout_file()?);
        plan.write(&sources, &mut stdout, stdout_error)?;
        return std::io::Write::flush(&mut stdout).map_err(stdout_error);
    };
    file.commit_with(|out| {
        let mut out = std::io::BufWriter::new(out);
        plan.write(&sources, &mut out, |source| file.not_saved(source))?;
        std::io::Write::flush(&mut out).map_err(|source| file.not_saved(source))
    })?;
    drop(target);
    Ok(())
}
