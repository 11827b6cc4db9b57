//! `gravix ask`: one question, one reply.

use std::fs::File;
use std::io;
use std::time::Duration;

use crate::api::client::Client;
use crate::api::events::{Event, FinishReason};
use crate::api::request::{self, Body, Conversation};
use crate::cli::AskArgs;
use crate::environment::Environment;
use crate::error::{EarlyEnd, Error, Result};
use crate::history::{Access, History, Patience, Window};
use crate::notes::Notes;
use crate::output::{self, Bytes, Output, stdout_error};
use crate::output_file::OutputFile;
use crate::prompt::{self, Encoding, Stdin};
use crate::reply::Reply;
use crate::settings::{self, Network};
use crate::terminal::Terminal;

pub fn run(args: AskArgs, environment: &Environment, terminal: Terminal) -> Result<()> {
    let notes = Notes::new(&args.volume, environment);
    let stdin = stdin_of(&args, terminal);
    if !args.continues {
        prompt::ensure_possible(&args.words, stdin)?;
    }
    let network = Network::resolve(&args.network, environment)?;
    let model = settings::model(&args.model, environment)?;
    let delivery = Delivery::choose(&args, terminal)?;
    let system = system_prompt(&args)?;
    let prompt = match args.continues {
        true => None,
        false => Some(prompt::assemble(&args.words, stdin, io::stdin(), encoding(&args), &notes)?),
    };
    let client = Client::new(&network, &notes)?;
    let mut history = open_history(&args, client.time_left(), &notes)?;
    if args.continues {
        ensure_open_ended(history.as_ref())?;
    }

    let conversation = Conversation {
        system: system.as_deref(),
        history: history.as_ref().map(|history| history.messages(system.is_some())),
        prompt: prompt.as_deref(),
    };
    let streams = args.stream || delivery == Delivery::Live;
    let body = Body::new(&model, &args.model, streams, conversation);
    let bytes = if terminal.stdout { terminal_bytes(&args) } else { Bytes::Exact };
    let mut stdout = output::stdout(bytes)?;
    let mut reply = Reply::expected();
    let received = client
        .chat(&body, if streams { "text/event-stream" } else { "application/json" })
        .and_then(|events| {
            let live = (delivery == Delivery::Live).then_some(&mut stdout);
            receive(events, &mut reply, live)
        });
    notes.detail(reply.summary());
    received?;

    let saved = match &mut history {
        Some(history) if !args.no_save => {
            save_turn(history, system.as_deref(), prompt.as_deref(), &reply.text)
        }
        _ => Ok(()),
    };
    let delivered = deliver(&delivery, &reply.text, terminal_bytes(&args), &mut stdout);
    saved?;
    delivered?;
    ended_early(reply, &notes)
}

/// When and where the reply's text appears.
#[derive(Debug, PartialEq)]
enum Delivery {
    /// On standard output, as it comes.
    Live,
    /// On standard output, once it is complete.
    Whole,
    File(OutputFile),
}

impl Delivery {
    fn choose(args: &AskArgs, terminal: Terminal) -> Result<Self> {
        match &args.output {
            // As with curl.
            Some(path) if path.as_os_str() != "-" && path.as_os_str() != "/dev/stdout" => {
                OutputFile::prepare(path).map(Self::File)
            }
            _ if args.stream || (terminal.stdout && !args.no_stream) => Ok(Self::Live),
            _ => Ok(Self::Whole),
        }
    }
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

/// What a terminal gets to see.
fn terminal_bytes(args: &AskArgs) -> Bytes {
    if args.raw { Bytes::Exact } else { Bytes::Harmless }
}

fn system_prompt(args: &AskArgs) -> Result<Option<String>> {
    match &args.system_file {
        Some(path) => prompt::read_file(path, encoding(args)).map(Some),
        None => Ok(args.system.clone()),
    }
}

fn open_history(args: &AskArgs, left: Option<Duration>, notes: &Notes) -> Result<Option<History>> {
    let Some(path) = &args.history else {
        return Ok(None);
    };
    let access = if args.no_save { Access::Read } else { Access::Append };
    let window = args.turns.map_or(Window::All, Window::Turns);
    let patience = match (args.no_wait, left, args.network.deadline) {
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

/// Pulls the reply to its end, printing it to `live` as it comes.
fn receive(
    events: impl Iterator<Item = Result<Event>>,
    reply: &mut Reply,
    mut live: Option<&mut Output<File>>,
) -> Result<()> {
    for event in events {
        match (event, &mut live) {
            (Ok(event), live) => {
                reply.add(&event);
                match (event, live) {
                    (Event::Text(text), Some(output)) => output.write(&text),
                    (Event::Waiting, Some(output)) => output.flush(),
                    _ => Ok(()),
                }
                .map_err(stdout_error)?;
            }
            (Err(error), Some(output)) if !output.is_empty() => {
                output.finish().map_err(stdout_error)?;
                return Err(Error::Partial(Box::new(error)));
            }
            (Err(error), _) => return Err(error),
        }
    }
    live.map_or(Ok(()), Output::flush).map_err(stdout_error)
}

/// Appends the turn; the system prompt goes first when it is the first turn.
/// A reply without text makes no turn.
fn save_turn(
    history: &mut History,
    system: Option<&str>,
    prompt: Option<&str>,
    text: &str,
) -> Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let system = system.filter(|_| history.is_empty());
    let mut lines = system.map(|text| request::line("system", text)).unwrap_or_default();
    lines.extend(prompt.into_iter().flat_map(|prompt| request::line("user", prompt)));
    lines.extend(request::line("assistant", text));
    history.append(lines)
}

fn deliver(delivery: &Delivery, text: &str, bytes: Bytes, stdout: &mut Output<File>) -> Result<()> {
    let mut print = || stdout.write(text).and_then(|()| stdout.finish()).map_err(stdout_error);
    match delivery {
        Delivery::Live => stdout.finish().map_err(stdout_error),
        Delivery::Whole => print(),
        // Nothing is no reason to replace a file.
        Delivery::File(_) if text.is_empty() => Ok(()),
        Delivery::File(file) => file.commit(text, bytes).inspect_err(|_| {
            // A reply that was paid for is not lost with its file.
            let _ = print();
        }),
    }
}

/// The error that stands for a whole reply that the server cut short.
fn ended_early(reply: Reply, notes: &Notes) -> Result<()> {
    let has_text = !reply.text.is_empty();
    Err(Error::EndedEarly(match reply.finish {
        _ if !reply.refusal.is_empty() => EarlyEnd::Refusal(reply.refusal),
        Some(FinishReason::Length) => EarlyEnd::Length,
        Some(FinishReason::ContentFilter) => EarlyEnd::ContentFilter,
        Some(FinishReason::ToolCalls) if has_text => {
            notes.warn("the model also called a tool, which was not offered");
            return Ok(());
        }
        Some(FinishReason::ToolCalls) => {
            let message = "the model called a tool, which was not offered".to_owned();
            return Err(Error::Protocol(message));
        }
        Some(FinishReason::Stop) | None if has_text => return Ok(()),
        Some(FinishReason::Stop) | None => EarlyEnd::NoText,
    }))
}
