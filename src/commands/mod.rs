//! The subcommands, one file or folder each.

pub mod ask;
pub mod base_url_hint;
pub mod batch;
pub mod chat;
pub mod completions;
pub mod config;
pub mod doctor;
pub mod documents;
pub mod file_hints;
pub mod hints;
pub mod history;
pub mod install;
pub mod limit_hints;
pub mod log;
pub mod man;
pub mod models;
pub mod observers;
pub mod schema_notes;
pub mod server_hints;
pub mod shell_init;
pub mod suggest;
pub mod target;
pub mod templates;
pub mod text_hints;
pub mod tls_hints;

use std::ffi::OsString;

use crate::cli::Command;
use crate::commands::hints::Hints;
use crate::commands::target::Target;
use crate::error::{Error, Result};
use crate::output::notes::Notes;
use crate::settings::environment::Environment;
use crate::settings::{self, clap_error};

/// The error that ended a command, and its message with a hint.
#[derive(Debug)]
pub struct Failure {
    pub error: Error,
    pub message: String,
}

/// Runs a command line, whose first word is the name of the program.
///
/// # Errors
/// The error that ended the command.
pub fn run(line: Vec<OsString>, environment: &Environment, notes: &Notes) -> Result<(), Failure> {
    if line.get(1).is_some_and(|word| word == completions::ANSWER_COMMAND) {
        completions::answer(&line[2..], environment, notes);
        return Ok(());
    }
    let mut hints = Hints::new(environment, notes.secrets());
    run_line(line, environment, notes, &mut hints)
        .map_err(|error| Failure { message: hints.message(&error), error })
}

/// Runs a command line. `hints` learns the command as soon as it is known.
fn run_line(
    line: Vec<OsString>,
    environment: &Environment,
    notes: &Notes,
    hints: &mut Hints,
) -> Result<()> {
    let arguments = match settings::parse_command_line(line.clone(), environment) {
        Err(error) if doctor::is_typed(&line) => return doctor::report_settings(error, hints),
        parsed => parsed?,
    };
    let arguments = match arguments {
        Ok(arguments) => arguments,
        Err(error) => return clap_error::handle(&error, &line),
    };
    hints.set_command(&arguments.command, Target::new(&arguments, environment));
    let (command, context) = arguments.into_command(environment, notes);
    match command {
        Command::Ask(args) => ask::run(*args, &context, hints),
        Command::Chat(args) => chat::run(*args, &context, hints),
        Command::Batch(args) => batch::run(*args, &context, hints),
        Command::Suggest(args) => suggest::run(*args, &context, hints),
        Command::Models(args) => models::run(args, &context),
        Command::Doctor(args) => doctor::run(&args, &context, hints),
        Command::History(args) => history::run(args.command, &context, hints),
        Command::Config(args) => config::run(args, &context),
        Command::Templates(args) => templates::run(args, &context, hints),
        Command::Completions(args) => completions::run(&args, &context),
        Command::ShellInit(args) => shell_init::run(&args),
        Command::Man(args) => man::run(&args, &context),
    }
}
