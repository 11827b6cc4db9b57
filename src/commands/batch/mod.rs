//! `gravix batch`: sends the requests of a file, many at a time.

pub mod attempts;
pub mod budget;
pub mod defaults;
pub mod dry_run;
pub mod earlier;
pub mod input;
pub mod merge;
pub mod output_plan;
pub mod outputs;
pub mod policy;
pub mod read_plan;
pub mod report;
pub mod report_text;
pub mod send;
pub mod table_file;

use std::sync::Arc;

use crate::batch::source::preflight::Preflight;
use crate::batch::tally::Tally;
use crate::cli::BatchArgs;
use crate::cli::values::ReasoningTarget;
use crate::commands::batch::dry_run::DryRun;
use crate::commands::batch::input::BatchInput;
use crate::commands::batch::outputs::Outputs;
use crate::commands::batch::policy::reply_policies;
use crate::commands::batch::send::{SendOptions, SendParts};
use crate::commands::hints::Hints;
use crate::commands::log::{LogPlan, RequestLog};
use crate::commands::schema_notes;
use crate::error::{Error, Result};
use crate::input::reply_policy;
use crate::net::endpoint::Endpoint;
use crate::settings::context::Context;
use crate::settings::{network, verbosity};

pub fn run(args: BatchArgs, context: &Context, hints: &Hints) -> Result<()> {
    let notes = context.notes.with_verbosity(verbosity(&args.verbosity));
    if args.merge {
        return merge::run(args, &notes);
    }
    if args.report.report {
        return report::run(&args, context, &notes);
    }
    ensure_reasoning_is_not_printed(&args, context)?;
    let budget = budget::budget(&args, context)?;
    let format = reply_policy::format(&args.json, &args.words)?;
    schema_notes::warn_of_unchecked(&format, &notes);
    schema_notes::not_strict(&format).iter().for_each(|reason| notes.note(reason));
    let mut input = BatchInput::open(&args, &format, context)?;
    let policies = Arc::new(reply_policies(format, &args));
    let judge = policies.judge();
    if args.selection.dry_run {
        return DryRun { args: &args, context, judge: &judge, notes: &notes }.run(input);
    }
    let mut endpoint =
        network::resolve(&args.network, context.environment, context.notes.secrets())?;
    network::load_key(&mut endpoint, args.network.allow_http, context, &notes)?;
    let mut outputs = Outputs::open(&args, &input.plan, &input.records)?;
    let log = open_log(&args, &endpoint, hints)?;
    outputs.ensure_not_log(log.as_ref().and_then(RequestLog::metadata), &input.records)?;
    input.prepare(&args)?;
    let mut earlier = earlier::earlier(&args);
    outputs.resume(&judge, &mut earlier, &notes)?;
    earlier::note_known_by_id(&earlier, &notes);
    let preflight = input.preflight(&mut earlier, &notes)?;
    let table = input.table(&outputs, earlier.changed())?;
    if table.is_some() {
        outputs.keep_results();
    }
    let tally = Tally::new(preflight, budget);
    let ended = match preflight {
        Some(Preflight { total, skipped, left_alone }) if total == skipped + left_alone => {
            outputs.keep_if_empty();
            notes.note(tally.summary());
            tally.status().map_or(Ok(()), |status| Err(Error::BatchFailed(status)))
        }
        _ => {
            let (args, notes, replies) = (&args, &notes, Arc::clone(&policies));
            let is_checked = preflight.is_some();
            let options = SendOptions { args, context, hints, notes, replies, is_checked };
            options.send(SendParts { endpoint, outputs, log, input, earlier, tally })
        }
    };
    match table {
        Some(table) => table.finish(&judge, ended, &notes),
        None => ended,
    }
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
