//! Which options the configuration can set, and for which commands.

use clap::{Arg, Command, CommandFactory};

use crate::cli::{Args, with_options};

/// Options of `batch` alone that belong to one run: what its lines and its results
/// are, and where they go. As clap ids.
const OF_ONE_RUN: &[&str] = &[
    "lines",
    "null",
    "shard",
    "errors",
    "text",
    "merge",
    "override",
    "changed",
    "report",
    "csv",
    "tsv",
    "delimiter",
    "id",
    "skip_empty",
    "limit",
    "sample",
    "dedupe",
    "format",
    "column",
    "columns",
    "keep",
    "drop",
];

/// Options of other commands that share only their name with one of `ask`.
const NOT_SHARED: &[&str] = &["json", "output"];

/// A command with all options that the configuration can set: those of `ask`, and
/// of `batch`.
pub fn all() -> Command {
    let root = Args::command();
    let (ask, batch) = (subcommand(&root, "ask"), subcommand(&root, "batch"));
    let own = batch.get_arguments().filter(|arg| is_batch_setting(arg) && !has(&ask, arg));
    ask.clone().args(own)
}

/// A command with the options of the subcommand `name` of `root` that the
/// configuration can set.
pub fn of(root: &Command, name: &str) -> Command {
    let ask = subcommand(root, "ask");
    if name == "ask" {
        return ask;
    }
    let is_configurable = |arg: &&Arg| match has(&ask, arg) {
        true => !NOT_SHARED.contains(&arg.get_id().as_str()),
        false => name == "batch" && is_batch_setting(arg),
    };
    let command = subcommand(root, name);
    let options = command.get_arguments().filter(is_configurable);
    Command::new("configurable").args(options)
}

fn subcommand(root: &Command, name: &str) -> Command {
    with_options(root.find_subcommand(name).expect("the subcommand exists").clone())
}

fn has(command: &Command, arg: &Arg) -> bool {
    command.get_arguments().any(|known| known.get_id() == arg.get_id())
}

/// Whether this option, which `ask` does not have, can be a setting of `batch`.
fn is_batch_setting(arg: &Arg) -> bool {
    arg.get_long().is_some() && !OF_ONE_RUN.contains(&arg.get_id().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_exist() {
        let root = Args::command();
        let has = |command: &str, id: &str| {
            subcommand(&root, command).get_arguments().any(|arg| arg.get_id().as_str() == id)
        };
        assert!(OF_ONE_RUN.iter().all(|id| has("batch", id) && !has("ask", id)));
        assert!(NOT_SHARED.iter().all(|id| has("ask", id)));
    }
}
