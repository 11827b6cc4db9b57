//! The part of a batch that sends: from the first request to the last result.

use std::sync::Arc;
use std::time::Duration;

use crate::batch::earlier::Earlier;
use crate::batch::open_files;
use crate::batch::progress::{Progress, ProgressStyle};
use crate::batch::rate::gate::Gate;
use crate::batch::rate::gate_state::GateOptions;
use crate::batch::rate::throttle::Rates;
use crate::batch::run::Run;
use crate::batch::tally::Tally;
use crate::batch::worker::ReplyPolicies;
use crate::cli::BatchArgs;
use crate::cli::values::ProgressInterval;
use crate::commands::batch::attempts::AttemptRecords;
use crate::commands::batch::input::BatchInput;
use crate::commands::batch::outputs::Outputs;
use crate::commands::batch::policy::{Reporters, request_policy, schema_reporter};
use crate::commands::hints::Hints;
use crate::commands::log::RequestLog;
use crate::commands::observers::NetworkLog;
use crate::error::Result;
use crate::net::base_url::BaseUrl;
use crate::net::client::Client;
use crate::net::endpoint::Endpoint;
use crate::output::notes::Notes;
use crate::settings::context::Context;

/// How many requests are sent concurrently without `--jobs`.
pub const DEFAULT_JOBS: u16 = 8;

/// How long to wait for a success in an outage without `--patience`.
pub const DEFAULT_PATIENCE: Duration = Duration::from_secs(120);

/// The time between lines of progress without `--progress`.
pub const PROGRESS_INTERVAL: Duration = Duration::from_secs(60);

/// With `--ordered`, a request is started at most this many times `--jobs`
/// ahead of the oldest one without a written result.
const WINDOW_PER_JOB: u64 = 16;

/// What stays the same during a run.
pub struct SendOptions<'a> {
    pub args: &'a BatchArgs,
    pub context: &'a Context<'a>,
    pub hints: &'a Hints,
    pub notes: &'a Notes,
    pub replies: Arc<ReplyPolicies>,
    /// The input had a preflight.
    pub is_checked: bool,
}

/// What a run uses up.
pub struct SendParts {
    pub endpoint: Endpoint,
    pub outputs: Outputs,
    pub log: Option<RequestLog>,
    pub input: BatchInput,
    pub earlier: Earlier,
    pub tally: Tally,
}

impl SendOptions<'_> {
    /// Sends what is to be sent, and writes the results.
    ///
    /// # Errors
    /// [`Error::Config`](crate::error::Error::Config) if the system allows too few open
    /// files, an error of opening what the run writes, and how the run ended, as
    /// [`Run::run`] tells it.
    pub fn send(self, parts: SendParts) -> Result<()> {
        let Self { args, context, hints, notes, replies, is_checked } = self;
        let SendParts { endpoint, outputs, log, input, earlier, tally } = parts;
        input.overridden.tell(notes);
        let jobs = args.jobs.unwrap_or(DEFAULT_JOBS);
        open_files::raise_limit(jobs, endpoint.base_url == BaseUrl::Mock)?;
        let request_notes = notes.for_batch();
        let patience = args.patience.unwrap_or(DEFAULT_PATIENCE);
        let rates = Rates { requests: args.rate, tokens: args.budget.token_rate };
        let gate_options = GateOptions { jobs, rates, retries: endpoint.retries, patience };
        let gate = Arc::new(Gate::new(gate_options, &request_notes));
        let observer = Arc::new(NetworkLog { notes: request_notes });
        let clients = Client::many(&endpoint, observer, &gate)?.take(jobs.into()).collect();
        let progress = Progress::new(progress_style(args, context, notes), notes);
        let records = AttemptRecords::new(log, args.usage, progress.clone(), notes);
        let reporters = Reporters {
            schema: schema_reporter(progress.clone(), notes),
            attempt: records.reporter(),
        };
        // A table has the order of the input anyway.
        let is_ordered = args.ordered && input.plan.table().is_none();
        let window = is_ordered.then(|| WINDOW_PER_JOB * u64::from(jobs));
        let copies = input.copy_writer(&outputs)?;
        let (queue, format) = input.queue(earlier, is_checked)?;
        let run = Run {
            is_file: input.records.is_rereadable(),
            gate,
            jobs: queue.into(),
            sink: outputs.into_sink(format, window, progress.clone(), notes)?,
            tally: tally.into(),
            policy: request_policy(replies, input.plan.has_one_choice(), hints, reporters),
            copies,
            max_failures: args.max_failures.map(u64::from),
            patience,
            progress,
            notes: notes.clone(),
        };
        let ended = run.run(clients);
        input.overridden.tell(notes);
        records.finish(ended)
    }
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
