//! Options that need another one.

use clap::error::ErrorKind;
use clap::{ArgMatches, Command as ClapCommand, CommandFactory};

use crate::cli::{Args, REQUIRES, with_options};

/// Checks that an option which needs one of others has it. clap's `requires` does
/// not accept an option that the configuration sets.
pub fn ensure(matches: &ArgMatches) -> Result<(), clap::Error> {
    let Some((name @ ("ask" | "chat" | "suggest" | "batch"), matches)) = matches.subcommand()
    else {
        return Ok(());
    };
    let long = |id: &str| {
        let command = Args::command().find_subcommand(name).cloned().map(with_options);
        let mut arguments = command.iter().flat_map(ClapCommand::get_arguments);
        let arg = arguments.find(|arg| arg.get_id().as_str() == id);
        arg.and_then(|arg| arg.get_long()).unwrap_or(id).to_owned()
    };
    // A flag that is not set has a value too.
    let is_set = |id: &&str| match matches.try_get_one::<bool>(id) {
        Ok(flag) => flag == Some(&true),
        Err(_) => matches.contains_id(id),
    };
    for (option, companions) in REQUIRES {
        // Other commands than `ask` have only some of them.
        let is_known = |id: &&str| matches.try_contains_id(id).is_ok();
        if !is_known(option) || !companions.iter().all(is_known) {
            continue;
        }
        let is_typed = matches.value_source(option) == Some(clap::parser::ValueSource::CommandLine);
        if is_typed && !companions.iter().any(is_set) {
            let names: Vec<_> = companions.iter().map(|id| format!("--{}", long(id))).collect();
            let message = format!("--{} needs {}\n", long(option), names.join(" or "));
            return Err(clap::Error::raw(ErrorKind::MissingRequiredArgument, message));
        }
    }
    Ok(())
}
