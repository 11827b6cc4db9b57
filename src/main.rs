//! The `gravix` binary: runs the command, reports an error and sets the exit
//! status.

use std::panic;
use std::process::{self, ExitCode};

use gravix::commands::{self, Failure};
use gravix::error::Status;
use gravix::output::notes::{self, Notes};
use gravix::output::terminal;
use gravix::settings::environment::Environment;
use gravix::settings::key;
use gravix::signals;

fn main() -> ExitCode {
    panic::set_hook(Box::new(|info| {
        let location = info.location().map(ToString::to_string);
        let location = location.unwrap_or_else(|| "an unknown location".to_owned());
        terminal::restore_mode();
        notes::print_line(format_args!("this is a bug in gravix, at {location}; please report it"));
        // Released programs do not unwind: without the code for it they are a tenth
        // smaller.
        process::exit(70);
    }));
    signals::survive_file_size_limit();
    let environment = Environment::read();
    let notes = Notes::new(key::known_secrets(&environment));
    match commands::run(std::env::args_os().collect(), &environment, &notes) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => report(&failure, &notes),
    }
}

fn report(failure: &Failure, notes: &Notes) -> ExitCode {
    match failure.error.status() {
        Status::Exit(status) => {
            notes.print(&failure.message);
            ExitCode::from(status)
        }
        Status::Quiet(status) => ExitCode::from(status),
        Status::Signal(signal) => {
            signals::die_by(signal);
            // Still running, as PID 1: exit as a shell would report the signal.
            ExitCode::from(u8::try_from(128 + signal).unwrap_or(u8::MAX))
        }
    }
}
