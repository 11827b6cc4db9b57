//! `gravix ask`: one question, one reply.

pub mod curl;
pub mod delivery;
pub mod display;
pub mod dry_run;
pub mod exchange;
pub mod log;
pub mod question;

use std::io;
use std::time::Duration;

use serde_json::Value;

use crate::chat::event::FinishReason;
use crate::chat::format::ReplyFormat;
use crate::chat::message::{Content, Message};
use crate::cli::AskArgs;
use crate::cli::prompt_part::PromptPart;
use crate::commands::ask::delivery::{Destinations, PrintMode};
use crate::commands::ask::exchange::{CheckedReply, Exchange};
use crate::commands::ask::question::Question;
use crate::error::{EarlyEnd, Error, Result};
use crate::files::text::Encoding;
use crate::history::{Access, History, LockWait, Window};
use crate::input::prompt::Stdin;
use crate::input::{fields, prompt};
use crate::json::Object;
use crate::net::client::Client;
use crate::output::notes::Notes;
use crate::output::stdout;
use crate::output::terminal::Terminal;
use crate::settings::context::Context;
use crate::settings::network;
use crate::settings::network::Network;

const NO_CALL: &str = "the reply ends with finish reason tool_calls, and calls no tool";

pub fn run(args: AskArgs, context: &Context) -> Result<()> {
    let Context { environment, terminal, .. } = *context;
    let notes = context.notes.at(&args.volume);
    context.warnings.iter().for_each(|warning| notes.warn(warning));
    let form = ReplyFormat::demanded(&args.form)?;
    let Request { fields, own, printed } = Request::wanted(&args, &form, context)?;
    let stdin = stdin_of(&args, terminal);
    let has_prompt = own.is_empty() && !args.history.continues;
    if has_prompt {
        prompt::ensure_possible(&args.message.pieces, stdin)?;
    }
    let mut network = Network::resolve(&args.network, environment)?;
    let is_sketch = is_sketch(&args);
    let ends = (!is_sketch).then(|| Destinations::prepare(&args)).transpose()?;
    match is_sketch {
        true => network.ensure_key_may_go(&args.network, context)?,
        false => network.find_key(&args.network, context, &notes)?,
    }
    let prompt = has_prompt
        .then(|| {
            prompt::assemble(&args.message.pieces, stdin, io::stdin(), encoding(&args), &notes)
        })
        .transpose()?;
    let client = (!is_sketch).then(|| Client::new(&network, &notes)).transpose()?;
    let left = client.as_ref().map_or(network.limits.deadline, Client::time_left);
    let history = if own.is_empty() { open_history(&args, left, &notes)? } else { None };
    if args.history.continues {
        ensure_open_ended(history.as_ref())?;
    }
    let system = system_prompt(&args, history.as_ref(), !own.is_empty(), context)?;
    let question =
        Question::new(fields, system.as_deref(), history.as_ref(), prompt.as_ref(), own, &form)?;
    let bytes = delivery::stdout_bytes(&args, terminal);
    let (Some(client), Some(ends)) = (client, ends) else {
        let key = network.wants_key(context).then_some(&context.key);
        return dry_run::print(&args, &network, key, &question, printed.streams, bytes);
    };
    ends.ensure_apart(history.as_ref())?;

    let mut stdout = stdout::stdout(bytes)?;
    let mut exchange = Exchange::new(&client, &network, &args, &printed, &notes);
    let received = exchange.converse(question, &form, printed.live(&mut stdout));
    let turn = Turn { history, system, prompt };
    let delivered = received.and_then(|mut outcome| {
        let saved = turn.save(&outcome, &form, args.history.no_save);
        let delivered = ends.delivery.deliver(&printed, &outcome, &mut stdout, &notes);
        let printed = outcome.printed.take().map_or(Ok(()), Err);
        saved.and(printed).and(delivered).map(|()| outcome)
    });
    let logged = ends.log.map_or(Ok(()), |log| log.append(exchange.log));
    if let (Err(_), Err(fault)) = (&delivered, &logged) {
        notes.warn(fault);
    }
    let outcome = delivered?;
    logged?;
    conclude(outcome, &args, &notes)
}

/// What is asked of the server, but for the messages that are to be made.
struct Request {
    fields: Object,
    /// The user's own messages, in place of all others.
    own: Vec<Value>,
    printed: PrintMode,
}

impl Request {
    fn wanted(args: &AskArgs, form: &ReplyFormat, context: &Context) -> Result<Self> {
        let mut named = fields::named(&args.model, context.configured_params)?;
        let own = own_messages(&mut named, args, context)?;
        let model = network::model(&args.model, context.environment)?;
        let mut printed = PrintMode::choose(args, form, &named, context.terminal);
        let fields = fields::assemble(args, &model, form, printed.streams, named)?;
        printed.streams = fields.get("stream") == Some(&Value::Bool(true));
        Ok(Self { fields, own, printed })
    }
}

/// What there is to save of a turn beside its reply.
struct Turn {
    history: Option<History>,
    system: Option<String>,
    prompt: Option<Content>,
}

impl Turn {
    /// Appends the turn; the system prompt goes first when it is the first
    /// turn. A reply without text or calls makes no turn, one that nobody
    /// wants to read any more is interrupted, and what has not the form that
    /// was asked for is no part of a conversation.
    fn save(mut self, outcome: &CheckedReply, form: &ReplyFormat, is_unwanted: bool) -> Result<()> {
        let text = match (form, outcome.text()) {
            (_, Err(_)) => return Ok(()),
            (ReplyFormat::Text, Ok(_)) => &outcome.reply.text,
            (_, Ok(text)) => text,
        };
        let calls = outcome.calls();
        let is_none = outcome.calls.is_err()
            || (text.is_empty() && calls.is_empty())
            || matches!(outcome.printed, Some(Error::StdoutClosed));
        let Some(history) = self.history.as_mut().filter(|_| !is_none && !is_unwanted) else {
            return Ok(());
        };
        let system = self.system.as_deref().filter(|_| history.is_empty()).map(Message::system);
        let user = self.prompt.as_ref().map(Message::user);
        let turn = [system, user, Some(Message::assistant(text, calls))];
        history.append(turn.iter().flatten().flat_map(Message::line).collect())
    }
}

/// The request is only shown, and not sent.
fn is_sketch(args: &AskArgs) -> bool {
    args.output.dry_run || args.output.curl
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

/// The system prompt. One of the configuration gives way to a history's own,
/// and to messages that are the whole conversation.
fn system_prompt(
    args: &AskArgs,
    history: Option<&History>,
    is_complete: bool,
    context: &Context,
) -> Result<Option<String>> {
    let is_typed = context.is_typed("system") && context.is_typed("system_file");
    if !is_typed && (is_complete || history.is_some_and(History::has_system)) {
        return Ok(None);
    }
    match &args.system_file {
        Some(path) => prompt::read_file(path, encoding(args)).map(Some),
        None => Ok(args.system.clone()),
    }
}

/// Takes the messages out of what the user named. They stand for the whole
/// conversation, so that nothing else may be part of it.
fn own_messages(named: &mut Object, args: &AskArgs, context: &Context) -> Result<Vec<Value>> {
    let messages = match named.shift_remove("messages") {
        None => return Ok(Vec::new()),
        Some(Value::Array(messages)) if !messages.is_empty() => messages,
        Some(_) => {
            let message = "the messages of --body or --param are no array of messages";
            return Err(Error::Input(message.to_owned()));
        }
    };
    // What the configuration brought gives way.
    let is_typed = |piece: &PromptPart| match piece {
        PromptPart::Word(_) => true,
        PromptPart::File(_) => context.is_typed("file"),
        PromptPart::Attachment { .. } => context.is_typed("attach"),
    };
    let has_more = (args.system.is_some() && context.is_typed("system"))
        || (args.system_file.is_some() && context.is_typed("system_file"))
        || (args.history.file.is_some() && context.is_typed("history"))
        || args.message.pieces.iter().any(is_typed);
    if !has_more {
        return Ok(messages);
    }
    let message = "the messages of --body are the whole conversation: leave out the prompt, --system and --history";
    Err(Error::Usage(message.to_owned()))
}

fn open_history(args: &AskArgs, left: Option<Duration>, notes: &Notes) -> Result<Option<History>> {
    let Some(path) = &args.history.file else {
        return Ok(None);
    };
    let is_sketch = is_sketch(args);
    // What is only shown leaves no trace, not even of a history to be.
    if is_sketch && !path.exists() {
        return Ok(None);
    }
    let access = if is_sketch || args.history.no_save { Access::Read } else { Access::Append };
    let window = args.history.turns.map_or(Window::All, Window::Turns);
    let patience = match (args.history.no_wait, left, args.network.deadline) {
        (true, ..) => LockWait::Never,
        (false, Some(left), Some(of)) => LockWait::Until { left, of },
        (false, ..) => LockWait::Forever,
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
    Err(Error::Usage(format!(
        "nothing to continue: {why}; append a message, as a tool's result, or give a prompt"
    )))
}

/// What the run comes to: the answer, or the error that stands for a whole
/// reply that the server cut short.
fn conclude(outcome: CheckedReply, args: &AskArgs, notes: &Notes) -> Result<()> {
    // ToolCalls that are none were told, or printed with the response.
    let has_calls = !outcome.calls.as_ref().is_ok_and(Vec::is_empty);
    let is_no = args.form.yes_no && outcome.text() == Ok("no");
    let reply = outcome.reply;
    let is_empty = !reply.has_text && !has_calls;
    if let Some(end) = reply.early_end() {
        return Err(Error::EndedEarly(end));
    }
    Err(match reply.finish {
        _ if is_no => Error::No,
        Some(FinishReason::ToolCalls) if is_empty => Error::Protocol(NO_CALL.to_owned()),
        Some(FinishReason::ToolCalls) if !has_calls => {
            notes.warn(NO_CALL);
            return Ok(());
        }
        _ if is_empty => Error::EndedEarly(EarlyEnd::NoText),
        _ => return Ok(()),
    })
}
