//! gravix asks a chat-completions API one question at a time, from the shell.
//!
//! This file parses, dispatches, reports once, and exits.

mod api;
mod base_url;
mod cli;
mod commands;
mod environment;
mod error;
mod history;
mod notes;
mod output;
mod output_file;
mod pager;
mod paths;
mod prompt;
mod proxy;
mod reply;
mod secret;
mod settings;
mod signals;
mod terminal;
mod transcript;
mod usage;

use std::ffi::OsString;
use std::panic;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use cli::{Args, Command};
use environment::Environment;
use error::{Error, Result, Status};
use notes::Notes;
use terminal::Terminal;

fn main() -> ExitCode {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string);
        let place = place.unwrap_or_else(|| "an unknown place".to_owned());
        notes::say(format_args!("this is a bug in gravix, at {place}; please report it"));
    }));
    signals::survive_file_size_limit();
    let environment = Environment::read();
    match panic::catch_unwind(|| run(std::env::args_os(), &environment)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => report(&error, &environment),
        Err(_) => ExitCode::from(70),
    }
}

fn run(arguments: impl Iterator<Item = OsString>, environment: &Environment) -> Result<()> {
    let args = match parse(arguments) {
        Ok(args) => args,
        Err(refusal) => return usage::answer(&refusal),
    };
    let terminal = Terminal::detect();
    match args.command {
        Command::Ask(args) => commands::ask::run(*args, environment, terminal),
        Command::Models(args) => commands::models::run(args, environment, terminal),
        Command::History(args) => commands::history::run(args.command, environment, terminal),
        Command::Completions(args) => commands::documents::completions(args.shell),
        Command::Man(args) => commands::documents::man(args.page),
    }
}

fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Args, clap::Error> {
    Args::from_arg_matches(&Args::command().try_get_matches_from(arguments)?)
}

fn report(error: &Error, environment: &Environment) -> ExitCode {
    match error.status() {
        Status::Exit(status) => {
            Notes::quiet(environment).error(error);
            ExitCode::from(status)
        }
        Status::BrokenPipe => {
            signals::die_of_broken_pipe();
            ExitCode::from(141)
        }
    }
}
