//! The subcommands, one file or folder each.

pub mod ask;
pub mod batch;
pub mod config;
pub mod documents;
pub mod hints;
pub mod history;
pub mod models;
pub mod observers;

use std::ffi::OsString;

use crate::cli::Command;
use crate::commands::hints::{CommandKind, Failure};
use crate::error::Result;
use crate::output::notes::Notes;
use crate::output::terminal::Terminal;
use crate::settings::context::Context;
use crate::settings::environment::Environment;
use crate::settings::{self, Arguments, clap_error};

/// Runs a command line, whose first word is the name of the program.
///
/// # Errors
/// The error that ended the command. Printing it adds a hint.
pub fn run(line: Vec<OsString>, environment: &Environment, notes: &Notes) -> Result<(), Failure> {
    let failure = |command| move |error| Failure { error, command };
    let parsed = settings::parse_command_line(line, environment);
    let Arguments { command, key, config_options, config_param_count, warnings } =
        match parsed.map_err(failure(CommandKind::Other))? {
            Ok(arguments) => arguments,
            Err(error) => return clap_error::handle(&error).map_err(failure(CommandKind::Other)),
        };
    let terminal = Terminal::detect();
    let context =
        Context { environment, terminal, notes, key, config_options, config_param_count, warnings };
    let kind = CommandKind::of(&command);
    match command {
        Command::Ask(args) => ask::run(*args, &context),
        Command::Batch(args) => batch::run(*args, &context),
        Command::Models(args) => models::run(args, &context),
        Command::History(args) => history::run(args.command, &context),
        Command::Config(args) => config::run(args, &context),
        Command::Completions(args) => documents::completions(args.shell),
        Command::Man(args) => documents::man(args.page),
    }
    .map_err(failure(kind))
}
