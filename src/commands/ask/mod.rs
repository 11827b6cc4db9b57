//! `gravix ask`: one question, one reply.

pub mod curl;
pub mod delivery;
pub mod display;
pub mod dry_run;
pub mod log;
pub mod plan;
pub mod question;
pub mod watch;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::chat::format::ReplyFormat;
use crate::chat::message::{Content, Message};
use crate::chat::turn::CheckedReply;
use crate::cli::AskArgs;
use crate::commands::ask::delivery::{Destinations, show_rejected};
use crate::commands::ask::display::Display;
use crate::commands::ask::plan::{Action, AskPlan, HistoryPlan, MessageSource};
use crate::commands::ask::question::{AskQuestion, TurnMessages};
use crate::commands::ask::watch::Watch;
use crate::commands::observers::{NetworkLog, history_notices};
use crate::error::{Error, Result};
use crate::exchange::{Exchange, ExchangeOutcome};
use crate::history::conversation::History;
use crate::net::client::Client;
use crate::output::notes::Notes;
use crate::output::stdout;
use crate::settings::context::Context;
use crate::settings::{network, verbosity};

pub fn run(args: AskArgs, context: &Context) -> Result<()> {
    let notes = context.notes.at(verbosity(&args.verbosity));
    context.warnings.iter().for_each(|warning| notes.warn(warning));
    let plan = AskPlan::new(args, context)?;
    match plan.action {
        Action::Send => send(plan, context, &notes),
        Action::PrintBody | Action::PrintCurl => print_request(plan, context, &notes),
    }
}

fn send(mut plan: AskPlan, context: &Context, notes: &Notes) -> Result<()> {
    let mut destinations = Destinations::prepare(&plan)?;
    network::load_key(&mut plan.endpoint, plan.allow_http, context, notes)?;
    let prompt = read_prompt(&plan.messages, notes)?;
    let observer = Arc::new(NetworkLog { notes: notes.clone() });
    let client = Client::new(&plan.endpoint, observer)?;
    let turn = Turn::open(&plan, prompt, client.time_left(), notes)?;
    let mut question = turn.question(&plan)?;
    destinations.ensure_apart(turn.history.as_ref())?;

    let mut stdout = stdout::stdout(plan.destination.stdout_bytes)?;
    let display = Display::new(plan.print, &mut stdout);
    let mut watch = Watch { display, log: destinations.log.as_mut(), notes, fault: None };
    let exchange = Exchange {
        client: &client,
        policy: &plan.policy,
        streams: plan.streams,
        with_payloads: plan.print.wants_payloads(),
        retention: plan.retention(),
    };
    let outcome = exchange.ask_until_valid(&mut question, &mut watch);
    let fault = watch.fault.take();

    let delivered = checked(outcome, &plan, notes).and_then(|checked| {
        let saved = turn.save(&checked, &plan, fault.as_ref());
        let delivery = &destinations.delivery;
        let delivered = delivery.deliver(plan.print, &checked, &mut stdout, notes);
        saved.and(fault.map_or(Ok(()), Err)).and(delivered).map(|()| checked)
    });
    let logged = destinations.log.map_or(Ok(()), |log| log.append());
    if let (Err(_), Err(fault)) = (&delivered, &logged) {
        notes.warn(fault);
    }
    let checked = delivered?;
    logged?;
    conclude(checked, plan.is_yes_no, notes)
}

fn print_request(plan: AskPlan, context: &Context, notes: &Notes) -> Result<()> {
    network::ensure_key_is_encrypted(&plan.endpoint, plan.allow_http, context)?;
    let prompt = read_prompt(&plan.messages, notes)?;
    let turn = Turn::open(&plan, prompt, plan.endpoint.timeouts.deadline, notes)?;
    let question = turn.question(&plan)?;
    let key = network::sends_key(&plan.endpoint, context).then_some(&context.key);
    dry_run::print(&plan, &question, key)
}

fn read_prompt(messages: &MessageSource, notes: &Notes) -> Result<Option<Content>> {
    match messages {
        MessageSource::Prompt(source) => source.read(io::stdin(), notes).map(Some),
        MessageSource::HistoryAlone | MessageSource::Own(_) => Ok(None),
    }
}

/// The reply, after its cost is reported.
fn checked(outcome: ExchangeOutcome, plan: &AskPlan, notes: &Notes) -> Result<CheckedReply> {
    let ExchangeOutcome { answer, rejected, spent } = outcome;
    let answer = answer.inspect_err(|_| {
        if let Some(rejected) = &rejected {
            show_rejected(&rejected.checked.reply, notes);
        }
    })?;
    if plan.reports_usage {
        let parts = [answer.checked.reply.usage_summary().to_string(), spent.to_string()];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        notes.error(parts.join("; "));
    }
    Ok(answer.checked)
}

/// The user's side of a turn, and the history that it is part of.
struct Turn {
    history: Option<History>,
    system: Option<String>,
    prompt: Option<Content>,
}

impl Turn {
    /// `time_left` is what remains until the deadline.
    fn open(
        plan: &AskPlan,
        prompt: Option<Content>,
        time_left: Option<Duration>,
        notes: &Notes,
    ) -> Result<Self> {
        let take_notice = history_notices(notes);
        let open = |history: &HistoryPlan| history.open(time_left, &take_notice);
        let history = plan.history.as_ref().map(open).transpose()?.flatten();
        if let Some(history) = history.as_ref().filter(|history| history.is_exposed()) {
            let path = history.path().display();
            notes.warn(format_args!("others can read {path}; chmod 600 keeps it to you"));
        }
        if matches!(plan.messages, MessageSource::HistoryAlone) {
            ensure_continuable(history.as_ref())?;
        }
        let has_own = matches!(plan.messages, MessageSource::Own(_));
        let system = plan.system.read(history.as_ref(), has_own)?;
        Ok(Self { history, system, prompt })
    }

    fn question<'a>(&'a self, plan: &'a AskPlan) -> Result<AskQuestion<'a>> {
        let own = match &plan.messages {
            MessageSource::Own(messages) => messages.as_slice(),
            MessageSource::Prompt(_) | MessageSource::HistoryAlone => &[],
        };
        let messages = TurnMessages {
            system: self.system.as_deref(),
            history: self.history.as_ref(),
            prompt: self.prompt.as_ref(),
            own,
        };
        AskQuestion::new(plan.fields.clone(), messages, &plan.policy.format)
    }

    /// Appends the turn; the system prompt comes first if it is the first
    /// turn. Nothing is saved of an invalid reply, of one without text and
    /// calls, or of one whose reader went away.
    fn save(mut self, checked: &CheckedReply, plan: &AskPlan, fault: Option<&Error>) -> Result<()> {
        let text = match plan.policy.format {
            ReplyFormat::Text => &checked.reply.text,
            _ => checked.text(),
        };
        let calls = &checked.calls;
        let is_unwanted = checked.problem.is_some()
            || (text.is_empty() && calls.is_empty())
            || matches!(fault, Some(Error::StdoutClosed));
        let saves = plan.history.as_ref().is_some_and(HistoryPlan::saves);
        let Some(history) = self.history.as_mut().filter(|_| saves && !is_unwanted) else {
            return Ok(());
        };
        let system = self.system.as_deref().filter(|_| history.is_empty()).map(Message::system);
        let user = self.prompt.as_ref().map(Message::user);
        let turn = [system, user, Some(Message::assistant(text, calls))];
        history.append(turn.iter().flatten().flat_map(Message::line).collect())
    }
}

/// A history can be continued if it is the model's turn.
fn ensure_continuable(history: Option<&History>) -> Result<()> {
    let why = match history.map(History::last_role) {
        Some(Some("assistant")) => "the history ends with an assistant message",
        Some(Some(_)) if history.is_some_and(|history| !history.messages(false).is_empty()) => {
            return Ok(());
        }
        _ => "there is no message to send",
    };
    Err(Error::Usage(format!(
        "nothing to continue: {why}; append a message, as a tool's result, or give a prompt"
    )))
}

/// What the run comes to: the answer, or the error for a whole reply that is
/// not one.
fn conclude(checked: CheckedReply, is_yes_no: bool, notes: &Notes) -> Result<()> {
    let is_no = is_yes_no && checked.text() == "no";
    let warning = checked.warning();
    checked.conclude()?;
    warning.into_iter().for_each(|warning| notes.warn(warning));
    if is_no { Err(Error::No) } else { Ok(()) }
}
