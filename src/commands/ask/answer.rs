//! Asking the question of one turn: the reply is received, saved, printed and
//! logged.

use std::path::{Path, PathBuf};

use crate::chat::turn::CheckedReply;
use crate::commands::ask::ask_observer::AskObserver;
use crate::commands::ask::ask_turn::Turn;
use crate::commands::ask::delivery::{TurnFiles, show_rejected};
use crate::commands::ask::display::Display;
use crate::commands::ask::log::QuestionLog;
use crate::commands::ask::plan::AskPlan;
use crate::commands::ask::question::AskQuestion;
use crate::error::{Error, Result};
use crate::exchange::total_usage::TotalUsage;
use crate::exchange::{Answer, Asking, Exchange};
use crate::net::client::Client;
use crate::output::notes::Notes;
use crate::output::stdout;

/// A reply that came.
pub struct Answered {
    pub checked: CheckedReply,
    /// The usage of all requests of the turn.
    pub spent: TotalUsage,
    /// What [`Turn::save`] returned.
    pub saved: Result<Option<u64>>,
    /// Whether it was as asked for and printed, and logged if it was to be.
    pub printed: Result<()>,
}

impl Answered {
    /// The reply, if nothing failed.
    ///
    /// # Errors
    /// The first error of saving, printing and logging it.
    pub fn delivered(self) -> Result<CheckedReply> {
        self.saved.and(self.printed).map(|()| self.checked)
    }
}

/// How to ask.
pub struct Asker<'a> {
    pub plan: &'a AskPlan,
    pub client: &'a Client,
    pub notes: &'a Notes,
}

impl Asker<'_> {
    /// Asks the question of `turn`.
    ///
    /// # Errors
    /// Why no reply came.
    pub fn ask(&self, turn: &Turn, mut files: TurnFiles) -> Result<Answered> {
        let Self { plan, client, notes } = *self;
        let mut question = AskQuestion::new(plan, turn)?;
        files.ensure_distinct(turn.history.as_ref())?;
        let mut stdout = stdout::unchecked_writer(plan.output.stdout_mode)?;

        let display = Display::new(plan, &mut stdout, notes);
        let mut observer = AskObserver::new(display, files.log.as_mut(), notes);
        let mut asking = Asking::default();
        let answer =
            exchange(client, plan).ask_until_valid(&mut question, &mut asking, &mut observer);
        let AskObserver { streamed, .. } = observer;
        let unanswered = turn.unanswered_history().map(Path::to_owned);

        let answered = checked_reply(answer, &asking, plan.reports_usage, notes).map(|checked| {
            let thoughts = checked.reply.unopened_thoughts().filter(|_| plan.reasoning.is_some());
            thoughts.iter().for_each(|thoughts| notes.show(thoughts));
            // Save before printing.
            let saved = turn.save(&checked, plan, &streamed);
            let printed = files.destination.deliver(plan.print, &checked, &mut stdout, notes);
            Answered { checked, spent: asking.spent, saved, printed: streamed.and(printed) }
        });
        let answered = answered.map_err(|error| with_unanswered(error, unanswered));
        append_log(files.log, answered, notes)
    }
}

fn exchange<'a>(client: &'a Client, plan: &'a AskPlan) -> Exchange<'a> {
    Exchange {
        client,
        policy: &plan.policy,
        streams: plan.streams(),
        with_payloads: plan.needs_payloads(),
        retention: plan.retention(),
    }
}

/// The reply, after its usage is reported. If asking again failed, the rejected
/// reply is printed on stderr.
fn checked_reply(
    answer: Result<Answer>,
    asking: &Asking,
    reports_usage: bool,
    notes: &Notes,
) -> Result<CheckedReply> {
    let answer = answer.inspect_err(|_| {
        if let Some(rejected) = &asking.rejected {
            show_rejected(&rejected.checked.reply, notes);
        }
    })?;
    if reports_usage {
        let parts = [answer.checked.reply.usage_summary().to_string(), asking.spent.to_string()];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        notes.print(parts.join("; "));
    }
    Ok(answer.checked)
}

/// `error`, together with the history whose last prompt has no answer if that can
/// be why the server refused the request.
fn with_unanswered(error: Error, history: Option<PathBuf>) -> Error {
    match (&error, history) {
        (Error::Server(server), Some(path)) if matches!(server.status(), Some(400 | 422)) => {
            Error::UnansweredPrompt { path, error: Box::new(error) }
        }
        _ => error,
    }
}

/// Writes the log, also after an error. If the reply and the log both failed,
/// the log's error is only a warning.
fn append_log(
    log: Option<QuestionLog>,
    answered: Result<Answered>,
    notes: &Notes,
) -> Result<Answered> {
    let logged = log.map_or(Ok(()), QuestionLog::append);
    match answered {
        Ok(answered @ Answered { saved: Ok(_), printed: Ok(()), .. }) => {
            Ok(Answered { printed: logged, ..answered })
        }
        answered => {
            if let Err(log_error) = logged {
                notes.warn(log_error);
            }
            answered
        }
    }
}

/// Fails if a whole reply was cut short or is invalid, or if its answer is no.
///
/// # Errors
/// [`Error::EndedEarly`], [`Error::Format`] or [`Error::Protocol`], and [`Error::No`].
pub fn conclude(checked: &CheckedReply, is_yes_no: bool, notes: &Notes) -> Result<()> {
    if let Some(error) = checked.failure() {
        return Err(error);
    }
    checked.warning().into_iter().for_each(|warning| notes.warn(warning));
    if is_yes_no && checked.text() == "no" { Err(Error::No) } else { Ok(()) }
}
