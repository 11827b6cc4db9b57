//! `gravix ask`: one question, one reply.

mod delivery;
mod exchange;
mod sketch;

use std::io;
use std::time::Duration;

use serde_json::Value;

use self::delivery::{Delivery, Printed};
use self::exchange::{Exchange, Question};
use crate::api::call::Call;
use crate::api::client::Client;
use crate::api::events::FinishReason;
use crate::api::request::{Content, Message};
use crate::cli::AskArgs;
use crate::context::Context;
use crate::encoding::Encoding;
use crate::error::{EarlyEnd, Error, Result};
use crate::fields;
use crate::form::Form;
use crate::history::{Access, History, Patience, Window};
use crate::json::Object;
use crate::log::Log;
use crate::notes::Notes;
use crate::output;
use crate::prompt::{self, Stdin};
use crate::reply::Reply;
use crate::settings::{self, Network};
use crate::terminal::Terminal;

pub fn run(args: AskArgs, context: &Context) -> Result<()> {
    let Context { environment, terminal, .. } = *context;
    let notes = context.notes.at(&args.volume);
    let stdin = stdin_of(&args, terminal);
    let mut named = fields::named(&args.model)?;
    let own = own_messages(&mut named, &args)?;
    let has_prompt = own.is_empty() && !args.history.continues;
    if has_prompt {
        prompt::ensure_possible(&args.message.pieces, stdin)?;
    }
    let form = Form::demanded(&args.form)?;
    let mut network = Network::resolve(&args.network, environment)?;
    let model = settings::model(&args.model, environment)?;
    let printed = Printed::choose(&args, &form, terminal);
    let fields = fields::assemble(&args, &model, &form, printed.streams, named)?;
    let is_sketch = args.output.dry_run || args.output.curl;
    let (delivery, log) = if is_sketch {
        (Delivery::Stdout, None)
    } else {
        network.find_key(&args.network, context, &notes)?;
        (Delivery::prepare(&args)?, args.output.log.as_deref().map(Log::open).transpose()?)
    };
    let system = system_prompt(&args)?;
    let prompt = has_prompt
        .then(|| {
            prompt::assemble(&args.message.pieces, stdin, io::stdin(), encoding(&args), &notes)
        })
        .transpose()?;
    let client = (!is_sketch).then(|| Client::new(&network, &notes)).transpose()?;
    let left = client.as_ref().map_or(network.limits.deadline, Client::time_left);
    let mut history = open_history(&args, left, &notes)?;
    if args.history.continues {
        ensure_open_ended(history.as_ref())?;
    }

    let question =
        Question::new(fields, system.as_deref(), history.as_ref(), prompt.as_ref(), own, &form)?;
    let bytes = delivery::stdout_bytes(&args, terminal);
    let Some(client) = client else {
        let key = network.wants_key(context).then_some(&context.key);
        return sketch::print(&args, &network, key, &question, printed.streams, bytes);
    };
    let mut stdout = output::stdout(bytes)?;
    let mut exchange = Exchange::new(&client, &network, &args, &printed, log, &notes);
    let outcome = exchange.converse(question, &form, printed.live(&mut stdout))?;

    // What has not the form that was asked for is no part of a conversation.
    let saved_text = match (&form, &outcome.text) {
        (Form::Text, _) => Some(outcome.reply.text.as_str()),
        (_, Ok(text)) => Some(text.as_str()),
        (_, Err(_)) => None,
    };
    let saved = match (&mut history, saved_text) {
        (Some(history), Some(text)) if !args.history.no_save => {
            save_turn(history, system.as_deref(), prompt.as_ref(), text, &outcome.calls)
        }
        _ => Ok(()),
    };
    let delivered = delivery.deliver(&printed, &outcome, &mut stdout, &notes);
    saved?;
    delivered?;
    exchange.logged?;
    let is_no = args.form.yes_no && outcome.text.as_deref() == Ok("no");
    ended_early(outcome.reply, &outcome.calls)?;
    if is_no { Err(Error::No) } else { Ok(()) }
}

fn stdin_of(args: &AskArgs, terminal: Terminal) -> Stdin {
    match (args.no_stdin, terminal.stdin) {
        (true, _) => Stdin::Refused,
        (false, true) => Stdin::Terminal,
        (false, false) => Stdin::Redirected,
    }
}

fn encoding(args: &AskArgs) -> Encoding {
    if args.lossy { Encoding::Lossy } else { Encoding::Strict }
}

fn system_prompt(args: &AskArgs) -> Result<Option<String>> {
    match &args.system_file {
        Some(path) => prompt::read_file(path, encoding(args)).map(Some),
        None => Ok(args.system.clone()),
    }
}

/// Takes the messages out of what the user named. They stand for the whole
/// conversation, so that nothing else may be part of it.
fn own_messages(named: &mut Object, args: &AskArgs) -> Result<Vec<Value>> {
    let messages = match named.shift_remove("messages") {
        None => return Ok(Vec::new()),
        Some(Value::Array(messages)) if !messages.is_empty() => messages,
        Some(_) => {
            return Err(Error::Input("the messages of --body are no array of messages".to_owned()));
        }
    };
    let is_alone = args.message.pieces.is_empty()
        && args.system.is_none()
        && args.system_file.is_none()
        && args.history.file.is_none();
    if is_alone {
        return Ok(messages);
    }
    let message = "the messages of --body are the whole conversation: leave out the prompt, --system and --history";
    Err(Error::Usage(message.to_owned()))
}

fn open_history(args: &AskArgs, left: Option<Duration>, notes: &Notes) -> Result<Option<History>> {
    let Some(path) = &args.history.file else {
        return Ok(None);
    };
    let access = if args.history.no_save { Access::Read } else { Access::Append };
    let window = args.history.turns.map_or(Window::All, Window::Turns);
    let patience = match (args.history.no_wait, left, args.network.deadline) {
        (true, ..) => Patience::None,
        (false, Some(left), Some(of)) => Patience::Until { left, of },
        (false, ..) => Patience::Endless,
    };
    let history = History::open(path, access, window, patience, notes)?;
    history.warn_if_exposed(notes);
    Ok(Some(history))
}

/// A history can be carried on when it is the model's turn.
fn ensure_open_ended(history: Option<&History>) -> Result<()> {
    let why = match history.map(History::last_role) {
        Some(Some("assistant")) => "the history ends with an assistant message",
        Some(Some(_)) if history.is_some_and(|history| !history.messages(false).is_empty()) => {
            return Ok(());
        }
        _ => "there is no message to send",
    };
    Err(Error::Usage(format!("nothing to continue: {why}; give a prompt instead of --continue")))
}

/// Appends the turn; the system prompt goes first when it is the first turn.
/// A reply without text or calls makes no turn.
fn save_turn(
    history: &mut History,
    system: Option<&str>,
    prompt: Option<&Content>,
    text: &str,
    calls: &[Call],
) -> Result<()> {
    if text.is_empty() && calls.is_empty() {
        return Ok(());
    }
    let system = system.filter(|_| history.is_empty()).map(Message::system);
    let turn = [system, prompt.map(Message::user), Some(Message::assistant(text, calls))];
    history.append(turn.iter().flatten().flat_map(Message::line).collect())
}

/// The error that stands for a whole reply that the server cut short.
fn ended_early(reply: Reply, calls: &[Call]) -> Result<()> {
    let is_empty = reply.text.is_empty() && calls.is_empty();
    Err(Error::EndedEarly(match reply.finish {
        _ if !reply.refusal.is_empty() => EarlyEnd::Refusal(reply.refusal),
        Some(FinishReason::Length) => EarlyEnd::Length,
        Some(FinishReason::ContentFilter) => EarlyEnd::ContentFilter,
        Some(FinishReason::ToolCalls) if calls.is_empty() => {
            let message = "the reply ends with finish reason tool_calls, and calls no tool";
            return Err(Error::Protocol(message.to_owned()));
        }
        _ if is_empty => EarlyEnd::NoText,
        _ => return Ok(()),
    }))
}
