//! gravix asks a chat-completions API one question at a time, from the shell.
//!
//! This file parses, dispatches, reports once, and exits.

mod api;
mod append;
mod arguments;
mod attachment;
mod base_url;
mod batch;
mod cli;
mod code_block;
mod commands;
mod config;
mod context;
mod curl;
mod encoding;
mod environment;
mod error;
mod fields;
mod form;
mod history;
mod json;
mod key;
mod lines;
mod log;
mod notes;
mod output;
mod output_file;
mod pager;
mod paths;
mod prompt;
mod proxy;
mod reply;
mod schema;
mod secret;
mod settings;
mod signals;
mod terminal;
mod transcript;
mod usage;

use std::ffi::OsString;
use std::panic;
use std::process::ExitCode;

use arguments::Arguments;
use cli::Command;
use context::Context;
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
    let notes = Notes::new(&environment);
    match panic::catch_unwind(|| run(std::env::args_os().collect(), &environment, &notes)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => report(&error, &notes),
        Err(_) => ExitCode::from(70),
    }
}

fn run(line: Vec<OsString>, environment: &Environment, notes: &Notes) -> Result<()> {
    let Arguments { command, key, configured, configured_params, warnings } =
        match arguments::parse(line, environment)? {
            Ok(arguments) => arguments,
            Err(refusal) => return usage::answer(&refusal),
        };
    let terminal = Terminal::detect();
    let context =
        Context { environment, terminal, notes, key, configured, configured_params, warnings };
    match command {
        Command::Ask(args) => commands::ask::run(*args, &context),
        Command::Batch(args) => commands::batch::run(*args, &context),
        Command::Models(args) => commands::models::run(args, &context),
        Command::History(args) => commands::history::run(args.command, &context),
        Command::Config(args) => commands::config::run(args, &context),
        Command::Completions(args) => commands::documents::completions(args.shell),
        Command::Man(args) => commands::documents::man(args.page),
    }
}

fn report(error: &Error, notes: &Notes) -> ExitCode {
    match error.status() {
        Status::Exit(status) => {
            notes.error(error);
            ExitCode::from(status)
        }
        Status::Quiet(status) => ExitCode::from(status),
        Status::Signal(signal) => {
            signals::die_of(signal);
            // A shell's number for it.
            ExitCode::from(u8::try_from(128 + signal).unwrap_or(u8::MAX))
        }
    }
}
