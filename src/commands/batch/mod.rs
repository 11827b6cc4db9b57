//! `gravix batch`: sends the requests of a file, many at a time.

pub mod attempts;
pub mod budget;
pub mod defaults;
pub mod earlier;
pub mod merge;
pub mod outputs;
pub mod policy;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::batch::open_files;
use crate::batch::progress::{Progress, ProgressStyle};
use crate::batch::rate::gate::Gate;
use crate::batch::rate::gate_state::GateOptions;
use crate::batch::results::stored_reply::ResultJudge;
use crate::batch::run::Run;
use crate::batch::source::job_queue::{IdFilter, JobQueue};
use crate::batch::source::preflight::Preflight;
use crate::batch::source::records::{ReadOptions, Records, Shard};
use crate::batch::source::request_line::LineKind;
use crate::batch::tally::Tally;
use crate::cli::BatchArgs;
use crate::cli::values::{ProgressInterval, ReasoningTarget};
use crate::commands::batch::attempts::AttemptRecords;
use crate::commands::batch::defaults::defaults;
use crate::commands::batch::outputs::Outputs;
use crate::commands::batch::policy::{Reporters, reply_policies, request_policy, schema_reporter};
use crate::commands::hints::Hints;
use crate::commands::log::{LogPlan, RequestLog};
use crate::commands::observers::NetworkLog;
use crate::commands::schema_notes;
use crate::error::{Error, Result};
use crate::files::lines::Separator;
use crate::input::reply_policy;
use crate::net::base_url::BaseUrl;
use crate::net::client::Client;
use crate::net::endpoint::Endpoint;
use crate::output::notes::Notes;
use crate::settings::context::Context;
use crate::settings::{network, verbosity};

/// How many requests are sent concurrently without `--jobs`.
pub const DEFAULT_JOBS: u16 = 8;

/// How long to wait for a success in an outage without `--patience`.
pub const DEFAULT_PATIENCE: Duration = Duration::from_secs(120);

/// The time between lines of progress without `--progress`.
pub const PROGRESS_INTERVAL: Duration = Duration::from_secs(60);

/// With `--ordered`, a request is started at most this many times `--jobs`
/// ahead of the oldest one without a written result.
const WINDOW_PER_JOB: u64 = 16;

pub fn run(args: BatchArgs, context: &Context, hints: &Hints) -> Result<()> {
    let notes = context.notes.with_verbosity(verbosity(&args.verbosity));
    if args.merge {
        return merge::run(args, &notes);
    }
    ensure_reasoning_is_not_printed(&args, context)?;
    let budget = budget::budget(&args, context)?;
    let format = reply_policy::format(&args.json, &args.words)?;
    schema_notes::warn_of_unchecked(&format, &notes);
    schema_notes::not_strict(&format).iter().for_each(|reason| notes.note(reason));
    let (mut defaults, overridden) = defaults(&args, &format, context)?;
    let options = read_options(&args);
    let mut input = Records::open(input_path(&args, context)?)?;
    let mut endpoint =
        network::resolve(&args.network, context.environment, context.notes.secrets())?;
    network::load_key(&mut endpoint, args.network.allow_http, context, &notes)?;
    let mut outputs = Outputs::open(&args, &input)?;
    let log = open_log(&args, &endpoint, hints)?;
    outputs.ensure_not_log(log.as_ref().and_then(RequestLog::metadata), &input)?;
    let policies = reply_policies(format, &args);
    let mut earlier = earlier::earlier(&args);
    let judge = ResultJudge { default: &policies.default, own_format: &policies.own_format };
    outputs.resume(&judge, &mut earlier, &notes)?;
    earlier::note_known_by_id(&earlier, &notes);
    let preflight = input.preflight(options, &defaults, &mut earlier, &notes)?;
    if preflight
        .is_some_and(|Preflight { total, skipped, left_alone }| total == skipped + left_alone)
    {
        outputs.keep_if_empty();
        let tally = Tally::new(preflight, budget);
        notes.note(tally.summary());
        return tally.status().map_or(Ok(()), |status| Err(Error::BatchFailed(status)));
    }
    overridden.watch(&input, options, &mut defaults)?;
    overridden.tell(&notes);
    let jobs = args.jobs.unwrap_or(DEFAULT_JOBS);
    open_files::raise_limit(jobs, endpoint.base_url == BaseUrl::Mock)?;
    let request_notes = notes.for_batch();
    let patience = args.patience.unwrap_or(DEFAULT_PATIENCE);
    let gate_options = GateOptions { jobs, rate: args.rate, retries: endpoint.retries, patience };
    let gate = Arc::new(Gate::new(gate_options, &request_notes));
    let observer = Arc::new(NetworkLog { notes: request_notes });
    let clients = Client::many(&endpoint, observer, &gate)?.take(jobs.into()).collect();
    let progress = Progress::new(progress_style(&args, context, &notes), &notes);
    let records = AttemptRecords::new(log, args.usage, progress.clone(), &notes);
    let reporters = Reporters {
        schema: schema_reporter(progress.clone(), &notes),
        attempt: records.reporter(),
    };
    let window = args.ordered.then(|| WINDOW_PER_JOB * u64::from(jobs));
    let run = Run {
        is_file: input.is_rereadable(),
        gate,
        jobs: JobQueue::new(input, options, defaults, IdFilter::new(earlier, preflight.is_some()))
            .into(),
        sink: outputs.into_sink(window, progress.clone(), &notes)?,
        tally: Tally::new(preflight, budget).into(),
        policy: request_policy(policies, args.text, hints, reporters),
        max_failures: args.max_failures.map(u64::from),
        patience,
        progress,
        notes: notes.clone(),
    };
    let ended = run.run(clients);
    overridden.tell(&notes);
    records.finish(ended)
}

/// Opens the log, so that nothing is paid for that cannot be logged.
fn open_log(args: &BatchArgs, endpoint: &Endpoint, hints: &Hints) -> Result<Option<RequestLog>> {
    let plan = LogPlan::from_args(&args.log);
    plan.map(|plan| RequestLog::open(&plan, &endpoint.base_url.to_string(), hints)).transpose()
}

/// Many replies arrive at the same time, so their reasoning cannot be printed as it
/// arrives. A configuration may still set that for `ask`.
fn ensure_reasoning_is_not_printed(args: &BatchArgs, context: &Context) -> Result<()> {
    if args.reasoning == Some(ReasoningTarget::Stderr) && context.is_typed("reasoning") {
        let message = "a batch prints no reasoning; use --reasoning drop";
        return Err(Error::Usage(message.to_owned()));
    }
    Ok(())
}

/// A bar on a terminal, but not with `--verbose`, whose lines would interrupt it;
/// lines elsewhere and on a terminal that cannot erase.
fn progress_style(args: &BatchArgs, context: &Context, notes: &Notes) -> ProgressStyle {
    let interval = args.progress.unwrap_or(ProgressInterval::Every(PROGRESS_INTERVAL));
    match interval {
        ProgressInterval::Never => ProgressStyle::Hidden,
        _ if notes.is_quiet() => ProgressStyle::Hidden,
        _ if context.can_erase() && notes.is_verbose() => ProgressStyle::Hidden,
        _ if context.can_erase() => ProgressStyle::Bar,
        ProgressInterval::Every(interval) => ProgressStyle::Lines(interval),
    }
}

fn read_options(args: &BatchArgs) -> ReadOptions {
    let (kind, separator) = match (args.null, args.lines) {
        (true, _) => (LineKind::Text, Separator::Nul),
        (false, true) => (LineKind::Text, Separator::Newline),
        (false, false) => (LineKind::Json { has_one_choice: args.text }, Separator::Newline),
    };
    let shard = args.shard.map_or(Shard::ALL, |(number, count)| Shard { number, count });
    ReadOptions { kind, separator, shard, skips_bad: args.skip_bad }
}

/// The file of requests; `None` for standard input.
fn input_path<'a>(args: &'a BatchArgs, context: &Context) -> Result<Option<&'a Path>> {
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
