//! `gravix batch`: many requests, many at a time.

pub mod merge;
pub mod outputs;

use std::path::Path;
use std::sync::Arc;

use crate::batch::ids::IdHasher;
use crate::batch::open_files;
use crate::batch::progress::Progress;
use crate::batch::rate::gate::Gate;
use crate::batch::run::Run;
use crate::batch::source::feed::{Feed, IdFilter};
use crate::batch::source::records::{Preflight, ReadOptions, Records, Shard};
use crate::batch::source::request_line::{Defaults, LineKind};
use crate::batch::tally::Tally;
use crate::batch::worker::RequestPolicy;
use crate::chat::format::ReplyFormat;
use crate::chat::turn::{Pick, ReplyPolicy};
use crate::cli::BatchArgs;
use crate::commands::batch::outputs::Outputs;
use crate::commands::hints::{CommandKind, with_hint};
use crate::commands::observers::NetworkLog;
use crate::error::{Error, Result};
use crate::files::lines::Separator;
use crate::files::text::Encoding;
use crate::input::{fields, prompt, reply_policy};
use crate::json;
use crate::net::base_url::BaseUrl;
use crate::net::client::Client;
use crate::output::notes::Notes;
use crate::settings::context::Context;
use crate::settings::{network, verbosity};

/// How many requests may be under way where the user does not say.
const DEFAULT_JOBS: u16 = 8;

/// So many times the jobs is how far a run in order may be ahead.
const WINDOW: u64 = 16;

pub fn run(args: BatchArgs, context: &Context) -> Result<()> {
    let notes = context.notes.with_verbosity(verbosity(&args.verbosity));
    context.warnings.iter().for_each(|warning| notes.warn(warning));
    if args.merge {
        return merge::run(args, &notes);
    }
    let format = reply_policy::json_format(&args.json)?;
    let defaults = defaults(&args, &format, context)?;
    let reading = reading(&args);
    let mut input = Records::open(source(&args, context)?)?;
    let mut endpoint =
        network::resolve(&args.network, context.environment, context.notes.secrets())?;
    network::load_key(&mut endpoint, args.network.allow_http, context, &notes)?;
    let mut outputs = Outputs::open(&args, &input)?;
    let hasher = IdHasher::default();
    let done = outputs.done(&hasher, &notes)?;
    let survey = input.survey(reading, &hasher, &done, &notes)?;
    if survey.is_some_and(|Preflight { total, skipped }| total == skipped) {
        outputs.keep();
        notes.note(Tally::new(survey).summary());
        return Ok(());
    }
    let jobs = args.jobs.unwrap_or(DEFAULT_JOBS);
    open_files::ensure_for(jobs, endpoint.base_url == BaseUrl::Mock)?;
    let many = notes.for_batch();
    let gate = Arc::new(Gate::new(args.rate, &many));
    let observer = Arc::new(NetworkLog { notes: many });
    let clients = Client::many(&endpoint, observer, &gate)?.take(jobs.into()).collect();
    let progress = Progress::new(is_shown(context, &notes), survey.map(|survey| survey.total));
    let window = args.ordered.then(|| WINDOW * u64::from(jobs));
    let run = Run {
        gate,
        feed: Feed::new(input, reading, defaults, IdFilter::new(hasher, done)).into(),
        sink: outputs.into_sink(window, progress.clone(), &notes)?,
        tally: Tally::new(survey).into(),
        policy: request_policy(format, args.json.repair.unwrap_or(0)),
        max_failures: args.max_failures.map(u64::from),
        progress,
        notes,
    };
    run.run(clients)
}

fn request_policy(format: ReplyFormat, repairs: u32) -> RequestPolicy {
    let policy = |format| ReplyPolicy { format, pick: Pick::Whole, must_call: false, repairs };
    RequestPolicy {
        reply: policy(format),
        own_format: policy(ReplyFormat::Text),
        describe: |error| with_hint(error, CommandKind::Batch),
    }
}

/// Whether a bar is shown: what --verbose tells would tear it apart.
fn is_shown(context: &Context, notes: &Notes) -> bool {
    context.terminal.stderr && !notes.is_quiet() && !notes.is_verbose()
}

/// What lines leave out.
fn defaults(args: &BatchArgs, format: &ReplyFormat, context: &Context) -> Result<Defaults> {
    let named = fields::from_user(&args.model, context.config_param_count)?;
    if named.contains_key("messages") {
        let message = "--body has messages, which each line of a batch has of its own";
        return Err(Error::Usage(message.to_owned()));
    }
    let model = network::model(&args.model, context.environment)?;
    let mut fields = fields::from_options(&args.model, &model, format);
    json::merge(&mut fields, named);
    let system = match &args.system_file {
        Some(path) => Some(prompt::read_file(path, Encoding::Strict)?),
        None => args.system.clone(),
    };
    Ok(Defaults::new(&fields, system.as_deref()))
}

fn reading(args: &BatchArgs) -> ReadOptions {
    let (kind, separator) = match (args.null, args.lines) {
        (true, _) => (LineKind::Text, Separator::Nul),
        (false, true) => (LineKind::Text, Separator::Newline),
        (false, false) => (LineKind::Json, Separator::Newline),
    };
    let shard = args.shard.map_or(Shard::ALL, |(number, count)| Shard { number, count });
    ReadOptions { kind, separator, shard, skips_bad: args.skip_bad }
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
