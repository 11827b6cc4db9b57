//! Completion of command lines: `gravix completions` prints or installs the scripts
//! for shells, and `gravix __complete` answers them.

mod answer;
mod file_words;
mod install;
pub mod models;
mod models_cache;
mod shell_line;
mod slot;
mod values;

use std::ffi::OsString;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use clap::{CommandFactory, ValueEnum};

use crate::cli::{Args, CompletionsArgs, Shell};
use crate::commands::completions::shell_line::ShellLine;
use crate::commands::completions::slot::Place;
use crate::commands::completions::values::Completer;
use crate::commands::documents::document;
use crate::error::Result;
use crate::output::notes::{Notes, Verbosity};
use crate::output::stdout::{self, TextMode};
use crate::settings::context::Context;
use crate::settings::environment::Environment;

/// The name of the hidden command that the scripts run:
/// `gravix __complete SHELL -- LINE [WORD]`. LINE is the command line up to the
/// cursor, and WORD what bash takes for the word at the cursor.
pub const ANSWER_COMMAND: &str = "__complete";

/// How long an answer may take, whatever it needs to read: somebody waits for it.
const LIMIT: Duration = Duration::from_millis(1200);

/// Prints the completion script for a shell, or installs it and prints its path.
pub fn run(args: &CompletionsArgs, context: &Context) -> Result<()> {
    stdout::ensure_open()?;
    let shell = match args.shell {
        Some(shell) => shell,
        None => install::users_shell(context.environment)?,
    };
    if !args.install {
        return stdout::print(&script(shell), TextMode::Exact);
    }
    let installed = install::install(shell, &script(shell), context.environment)?;
    if let Some(step) = installed.next_step {
        context.notes.note(step);
    }
    stdout::print(&installed.path.display().to_string(), context.terminal.text_mode())
}

fn script(shell: Shell) -> String {
    let name = match shell {
        Shell::Bash => "gravix.bash",
        Shell::Zsh => "_gravix",
        Shell::Fish => "gravix.fish",
        Shell::Powershell => "_gravix.ps1",
        Shell::Elvish => "gravix.elv",
    };
    document(&format!("completions/{name}"))
}

/// Prints the answer for a completion script. `words` are those behind the name of the
/// command. Without an answer within the limit, prints nothing: no failure is worth
/// more than the line that is being typed.
pub fn answer(words: &[OsString], environment: &Environment, notes: &Notes) {
    let words: Option<Vec<&str>> = words.iter().map(|word| word.to_str()).collect();
    let (shell, line, break_word) = match words.as_deref() {
        Some([shell, "--", line]) => (*shell, *line, ""),
        Some([shell, "--", line, break_word]) => (*shell, *line, *break_word),
        _ => return,
    };
    let Ok(shell) = Shell::from_str(shell, false) else {
        return;
    };
    let (environment, notes) = (environment.clone(), notes.with_verbosity(Verbosity::Quiet));
    let (line, break_word) = (line.to_owned(), break_word.to_owned());
    let (done, finished) = mpsc::channel();
    let work = move || {
        let line = ShellLine::parse(&line, shell, &environment);
        // After the limit nobody receives it any more.
        let _ = done.send(answer_line(&line, shell, &break_word, &environment, &notes));
    };
    // Without a thread to be had, nothing is received.
    drop(thread::Builder::new().spawn(work));
    if let Ok(text) = finished.recv_timeout(LIMIT) {
        // The shell may have gone.
        let _ = stdout::print(&text, TextMode::Exact);
    }
}

fn answer_line(
    line: &ShellLine,
    shell: Shell,
    break_word: &str,
    environment: &Environment,
    notes: &Notes,
) -> String {
    let mut root = Args::command();
    root.build();
    let place = Place::find(&root, line);
    let completer = Completer { root: &root, place, text: &line.current.text, environment, notes };
    completer.answer().text(shell, &line.current, break_word)
}
