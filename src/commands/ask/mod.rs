//! `gravix ask`: send one question, print one reply.

pub mod answer;
pub mod ask_observer;
pub mod ask_turn;
pub mod curl;
pub mod delivery;
pub mod display;
pub mod dry_run;
pub mod history_plan;
pub mod log;
pub mod message_source;
pub mod plan;
pub mod question;

use std::sync::Arc;

use crate::cli::AskArgs;
use crate::commands::ask::answer::Asker;
use crate::commands::ask::ask_turn::Turn;
use crate::commands::ask::delivery::TurnFiles;
use crate::commands::ask::plan::{Action, AskPlan, RequestFormat};
use crate::commands::ask::question::AskQuestion;
use crate::commands::hints::Hints;
use crate::commands::observers::NetworkLog;
use crate::commands::schema_notes;
use crate::error::Result;
use crate::net::client::Client;
use crate::output::notes::Notes;
use crate::settings::context::Context;
use crate::settings::{network, verbosity};

pub fn run(args: AskArgs, context: &Context, hints: &Hints) -> Result<()> {
    let notes = context.notes.with_verbosity(verbosity(&args.verbosity));
    let plan = AskPlan::from_args(args, context)?;
    follow(plan, context, hints, &notes)
}

/// Does what `plan` says.
///
/// # Errors
/// The error that ended the command.
pub fn follow(plan: AskPlan, context: &Context, hints: &Hints, notes: &Notes) -> Result<()> {
    match plan.action {
        Action::Send => send(plan, context, hints, notes),
        Action::Print(format) => print_request(&plan, format, context, notes),
    }
}

fn send(mut plan: AskPlan, context: &Context, hints: &Hints, notes: &Notes) -> Result<()> {
    let files = TurnFiles::prepare(&plan, hints)?;
    network::load_key(&mut plan.endpoint, plan.allow_http, context, notes)?;
    let prompt = plan.messages.read_prompt(notes)?;
    let client = Client::new(&plan.endpoint, Arc::new(NetworkLog { notes: notes.clone() }))?;
    let turn = Turn::open(&plan, prompt, client.time_left(), notes)?;
    schema_notes::before_asking(&plan.policy.format, notes);
    let asker = Asker { plan: &plan, client: &client, notes };
    let checked = asker.ask(&turn, files)?.delivered()?;
    answer::conclude(&checked, plan.is_yes_no, notes)
}

fn print_request(
    plan: &AskPlan,
    format: RequestFormat,
    context: &Context,
    notes: &Notes,
) -> Result<()> {
    network::ensure_key_is_encrypted(&plan.endpoint, plan.allow_http, context)?;
    let prompt = plan.messages.read_prompt(notes)?;
    let turn = Turn::open(plan, prompt, plan.endpoint.timeouts.deadline, notes)?;
    let question = AskQuestion::new(plan, &turn)?;
    let key = network::sends_key(&plan.endpoint, context).then_some(&context.key);
    let curl = match format {
        RequestFormat::Curl => Some(curl::head(plan, key, context.environment)?),
        RequestFormat::Body => None,
    };
    dry_run::print(plan, curl, &question, notes)
}
