//! The command line as it is meant: what was typed, and the settings that
//! stand in for what was not.

pub mod clap_error;
pub mod config;
pub mod context;
pub mod environment;
pub mod key;
pub mod network;
pub mod proxy;

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{ArgMatches, Command as ClapCommand, CommandFactory, FromArgMatches};

use crate::cli::{Args, Command, REQUIRES, SettingsArgs, VerbosityArgs};
use crate::error::Result;
use crate::output::notes::Verbosity;
use crate::settings::config::Config;
use crate::settings::config::effective::EffectiveSettings;
use crate::settings::environment::Environment;
use crate::settings::key::KeySource;

/// What is to be done, and where the key for it is.
pub struct Arguments {
    pub command: Command,
    pub key: KeySource,
    /// The names of the settings that the configuration brought.
    pub configured: Vec<String>,
    /// How many of the parameters it brought.
    pub configured_params: usize,
    /// What the user should know of how the settings came about.
    pub warnings: Vec<String>,
}

/// How much the user wants to be told.
pub fn verbosity(args: &VerbosityArgs) -> Verbosity {
    match (args.quiet, args.verbose) {
        (true, _) => Verbosity::Quiet,
        (false, false) => Verbosity::Normal,
        (false, true) => Verbosity::Verbose,
    }
}

/// # Errors
/// Those of the configuration. What clap refuses, or answers itself, is the
/// inner error.
pub fn parse(
    mut line: Vec<OsString>,
    environment: &Environment,
) -> Result<Result<Arguments, clap::Error>> {
    let mut command = Args::command();
    let typed = match command.try_get_matches_from_mut(&line) {
        Ok(matches) => matches,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let Some((name @ ("ask" | "batch" | "models"), given)) = typed.subcommand() else {
        return Ok(meant(&typed, EffectiveSettings::default()));
    };
    let settings = match SettingsArgs::from_arg_matches(given) {
        Ok(settings) => settings,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let ask = ask(&command);
    let config = Config::load(&settings, environment, ask)?;
    if config.is_empty() {
        return Ok(meant(&typed, EffectiveSettings::default()));
    }
    let in_force = match command.find_subcommand(name) {
        Some(other) if name != "ask" => config.in_force(&shared(ask, other), given, environment),
        _ => config.in_force(ask, given, environment),
    };
    // The command's name is the first word: gravix itself has no options.
    line.splice(2..2, in_force.first_options());
    let command = Args::command().mut_subcommand(name, |command| in_force.apply(command));
    Ok(command.try_get_matches_from(line).and_then(|matches| meant(&matches, in_force)))
}

/// Options that another command has too, with another meaning.
const NOT_SHARED: &[&str] = &["json", "output"];

/// The options that `command` and `ask` have in common: these can be set.
fn shared(ask: &ClapCommand, command: &ClapCommand) -> ClapCommand {
    let is_shared = |arg: &&clap::Arg| {
        let id = arg.get_id().as_str();
        !NOT_SHARED.contains(&id) && ask.get_arguments().any(|known| known.get_id() == id)
    };
    ClapCommand::new("shared").args(command.get_arguments().filter(is_shared))
}

/// The command whose options can be set.
pub fn ask(command: &ClapCommand) -> &ClapCommand {
    command.find_subcommand("ask").expect("a command of cli::Command")
}

fn meant(matches: &ArgMatches, in_force: EffectiveSettings) -> Result<Arguments, clap::Error> {
    ensure_companions(matches)?;
    let command = Args::from_arg_matches(matches)?.command;
    let configured = in_force.configured();
    let configured_params = in_force.params();
    let EffectiveSettings { key, warnings, .. } = in_force;
    Ok(Arguments { command, key, configured, configured_params, warnings })
}

/// clap's own `requires` does not see what the configuration sets.
fn ensure_companions(matches: &ArgMatches) -> Result<(), clap::Error> {
    let Some(("ask", matches)) = matches.subcommand() else {
        return Ok(());
    };
    let long = |id: &str| {
        let command = Args::command();
        let mut arguments = ask(&command).get_arguments();
        let arg = arguments.find(|arg| arg.get_id().as_str() == id);
        arg.and_then(|arg| arg.get_long()).unwrap_or(id).to_owned()
    };
    for (option, companion) in REQUIRES {
        let is_typed = matches.value_source(option) == Some(clap::parser::ValueSource::CommandLine);
        if is_typed && !matches.contains_id(companion) {
            let message = format!("--{} needs --{}\n", long(option), long(companion));
            return Err(clap::Error::raw(ErrorKind::MissingRequiredArgument, message));
        }
    }
    Ok(())
}
