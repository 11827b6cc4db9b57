//! `gravix chat`: a conversation at the terminal, a turn of `ask --history` for each
//! message.

pub mod actions;
pub mod command;
pub mod completer;
pub mod paths;
pub mod session;
pub mod text_editor;

use std::fs;
use std::path::PathBuf;

use signal_hook::consts::{SIGHUP, SIGTERM};

use crate::cli::ChatArgs;
use crate::commands::chat::command::{ChatCommand, Input};
use crate::commands::chat::completer::ChatCompleter;
use crate::commands::chat::session::Session;
use crate::commands::hints::Hints;
use crate::error::{Error, Result};
use crate::input::line_editor::{Keys, LineEditor, Typed, uses_vi_keys};
use crate::interrupt;
use crate::output::notes::Notes;
use crate::output::stdout::{self, TextMode};
use crate::output::terminal::{self, Terminal};
use crate::secret::header::is_secret_name;
use crate::settings::context::Context;
use crate::settings::environment::Environment;
use crate::settings::{chats, verbosity};
use crate::signals;

const PROMPT: &str = "> ";

/// What comes after a line that was obeyed.
enum Next {
    /// A new line, with this text in it.
    Line(String),
    End,
}

pub fn run(args: ChatArgs, context: &Context, hints: &Hints) -> Result<()> {
    ensure_terminal(context.terminal, hints)?;
    let notes = context.notes.with_verbosity(verbosity(&args.verbosity));
    catch_signals()?;
    let mut session = Session::open(args, context, hints, &notes)?;
    let completer = ChatCompleter {
        endpoint: session.plan.endpoint.clone(),
        environment: context.environment,
        notes: &notes,
    };
    let inputs = inputs_file(context.environment, &notes);
    let mut editor = LineEditor::open(keys(context.environment), &completer, inputs)?;
    let ended = converse(&mut session, &mut editor);
    if session.turns > 0 {
        let (path, command) = (session.path().display(), session.command_to_go_on());
        notes.note(format_args!("the conversation is in {path}; go on with {command}"));
    }
    ended
}

fn converse(session: &mut Session, editor: &mut LineEditor) -> Result<()> {
    let mut draft = String::new();
    loop {
        let typed = editor.read(PROMPT, &draft)?;
        // Ctrl-C that came too late for the last turn.
        interrupt::take();
        let next = match typed {
            Typed::End => return Ok(()),
            Typed::Interrupted => Next::Line(String::new()),
            Typed::NotText => {
                session.notes.print("what was typed or pasted is not UTF-8, and was dropped");
                Next::Line(String::new())
            }
            Typed::Edit(text) => Next::Line(edit(session, text)),
            Typed::Line { text, .. } if text.trim().is_empty() => Next::Line(String::new()),
            Typed::Line { text, is_pasted } => {
                let line = if is_pasted { Input::typed(&text) } else { text };
                if !has_secret(&line, session.notes) {
                    editor.remember(&line).unwrap_or_else(|error| session.notes.warn(error));
                }
                take(session, line)?
            }
        };
        match next {
            Next::Line(text) => draft = text,
            Next::End => return Ok(()),
        }
    }
}

/// Sends or obeys what was typed.
///
/// # Errors
/// Only what ends the conversation: the screen cannot be written.
fn take(session: &mut Session, line: String) -> Result<Next> {
    let obeyed = match Input::parse(&line) {
        Err(why) => {
            session.notes.print(why);
            return Ok(Next::Line(line));
        }
        Ok(Input::Message(text)) => {
            let ended = session.ask(&text);
            return report_turn(session, ended, Input::typed(&text));
        }
        Ok(Input::Command(command)) => obey(session, command),
    };
    match obeyed {
        Err(error) if !ends_conversation(&error) => {
            report(session, &error);
            Ok(Next::Line(String::new()))
        }
        obeyed => obeyed,
    }
}

fn obey(session: &mut Session, command: ChatCommand) -> Result<Next> {
    match command {
        ChatCommand::Quit => return Ok(Next::End),
        ChatCommand::Edit => return Ok(Next::Line(edit(session, String::new()))),
        ChatCommand::Retry => {
            let ended = session.retry();
            let question = session.unanswered.clone().unwrap_or_default();
            return report_turn(session, ended, Input::typed(&question));
        }
        ChatCommand::Help => session.help()?,
        ChatCommand::Undo => session.undo()?,
        ChatCommand::File(path) => session.attach_file(&path)?,
        ChatCommand::Image(source) => session.attach_image(&source)?,
        ChatCommand::System(text) => session.set_system(&text),
        ChatCommand::Model(name) => session.set_model(&name),
        ChatCommand::Set(param) => session.set_field(&param)?,
        ChatCommand::Save(path) => session.save(&path)?,
        ChatCommand::Fork(path) => session.fork(&path)?,
        ChatCommand::Copy(block) => session.copy(block)?,
        ChatCommand::Tokens => session.tokens(),
        ChatCommand::Show => session.show()?,
        ChatCommand::Markdown(is_on) => session.set_markdown(is_on),
    }
    Ok(Next::Line(String::new()))
}

/// Whether the screen cannot be written any more.
fn ends_conversation(error: &Error) -> bool {
    matches!(error, Error::Stdout(_) | Error::StdoutClosed)
}

/// Reports how a turn ended. A question that has no answer comes back to be edited.
fn report_turn(session: &Session, ended: Result<Option<Error>>, question: String) -> Result<Next> {
    let was_interrupted = interrupt::take();
    match ended {
        Err(error) if ends_conversation(&error) => Err(error),
        Err(error) if was_interrupted => {
            // The terminal shows ^C. What was printed of a reply is ended already.
            if !matches!(error, Error::Partial(_)) {
                stdout::print("\n", TextMode::Exact)?;
            }
            session.notes.note("the turn was dropped; nothing was saved");
            Ok(Next::Line(question))
        }
        Err(error) => {
            report(session, &error);
            Ok(Next::Line(question))
        }
        Ok(early_end) => {
            early_end.iter().for_each(|error| report(session, error));
            // A blank line sets the reply apart from the next question.
            stdout::print("\n", TextMode::Exact)?;
            Ok(Next::Line(String::new()))
        }
    }
}

fn report(session: &Session, error: &Error) {
    session.notes.print(session.hints.message(error));
}

/// The text after it was edited, or as it was if that failed. Without a text, the last
/// question.
fn edit(session: &Session, text: String) -> String {
    let edited = match text.is_empty() {
        true => session.last_question().map(|question| Input::typed(&question)),
        false => Ok(text.clone()),
    }
    .and_then(|text| text_editor::edit(&text, session.context.environment));
    // Ctrl-C in the editor was meant for the editor.
    interrupt::take();
    edited.unwrap_or_else(|error| {
        report(session, &error);
        text
    })
}

fn ensure_terminal(terminal: Terminal, hints: &Hints) -> Result<()> {
    if terminal.stdin && terminal.stdout {
        return Ok(());
    }
    let options = hints.target_options();
    Err(Error::Usage(format!(
        "chat needs a terminal; in a pipeline, use gravix ask{options} --history FILE for each turn"
    )))
}

/// SIGINT ends the turn under way. Signals that end the process restore the terminal.
fn catch_signals() -> Result<()> {
    terminal::remember_mode();
    let caught = interrupt::catch().and_then(|()| {
        signals::on_first_signal(&[SIGTERM, SIGHUP], |signal| {
            terminal::restore_mode();
            signals::die_by(signal);
        })
    });
    caught.map(drop).map_err(Error::no_thread)
}

/// The keys that `~/.inputrc`, or the file in `$INPUTRC`, asks for.
fn keys(environment: &Environment) -> Keys {
    let of_home = || Some(PathBuf::from(environment.get("HOME")?).join(".inputrc"));
    let path = environment.get("INPUTRC").map(PathBuf::from).or_else(of_home);
    let inputrc = path.and_then(|path| fs::read(path).ok()).unwrap_or_default();
    match uses_vi_keys(&String::from_utf8_lossy(&inputrc)) {
        true => Keys::Vi,
        false => Keys::Emacs,
    }
}

/// The file of inputs; `None` if there can be none.
fn inputs_file(environment: &Environment, notes: &Notes) -> Option<PathBuf> {
    let path = chats::inputs_file(environment)?;
    let created = path.parent().map_or(Ok(()), chats::create);
    created.map_err(|error| notes.warn(error)).ok().map(|()| path)
}

/// Whether a line has a secret in it, and is not to be remembered.
fn has_secret(line: &str, notes: &Notes) -> bool {
    let is_masked = notes.secrets().mask(line.to_owned()) != line;
    let field = line.strip_prefix("/set ").and_then(|field| field.split('=').next());
    is_masked || field.is_some_and(|field| field.split('.').any(|name| is_secret_name(name.trim())))
}
