//! One file or folder a subcommand, each a use case that reads from top to
//! bottom.

pub mod ask;
pub mod batch;
pub mod config;
pub mod documents;
pub mod history;
pub mod models;

use std::ffi::OsString;

use crate::cli::Command;
use crate::error::Result;
use crate::output::notes::Notes;
use crate::output::terminal::Terminal;
use crate::settings::context::Context;
use crate::settings::environment::Environment;
use crate::settings::{self, Arguments, clap_error};

/// Runs the command that the words of `line` name; the first word is the
/// program's.
///
/// # Errors
/// Whatever ended the command early, its exit status with it.
pub fn run(line: Vec<OsString>, environment: &Environment, notes: &Notes) -> Result<()> {
    let Arguments { command, key, configured, configured_params, warnings } =
        match settings::parse(line, environment)? {
            Ok(arguments) => arguments,
            Err(refusal) => return clap_error::answer(&refusal),
        };
    let terminal = Terminal::detect();
    let context =
        Context { environment, terminal, notes, key, configured, configured_params, warnings };
    match command {
        Command::Ask(args) => ask::run(*args, &context),
        Command::Batch(args) => batch::run(*args, &context),
        Command::Models(args) => models::run(args, &context),
        Command::History(args) => history::run(args.command, &context),
        Command::Config(args) => config::run(args, &context),
        Command::Completions(args) => documents::completions(args.shell),
        Command::Man(args) => documents::man(args.page),
    }
}
