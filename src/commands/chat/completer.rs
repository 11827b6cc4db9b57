//! What TAB completes in a conversation: commands, models and files.

use std::fs;
use std::path::PathBuf;

use crate::commands::chat::command;
use crate::commands::chat::paths;
use crate::commands::completions::models;
use crate::input::line_editor::LineCompleter;
use crate::net::endpoint::Endpoint;
use crate::output::notes::{Notes, Verbosity};
use crate::output::sanitize::is_harmful;
use crate::settings::environment::Environment;

pub struct ChatCompleter<'a> {
    /// Its key is loaded.
    pub endpoint: Endpoint,
    pub environment: &'a Environment,
    pub notes: &'a Notes,
}

impl LineCompleter for ChatCompleter<'_> {
    fn complete(&self, line: &str) -> (usize, Vec<String>) {
        let Some(typed) = line.strip_prefix('/') else {
            return (line.len(), Vec::new());
        };
        let Some((name, rest)) = typed.split_once(' ') else {
            let names = command::names().filter(|name| name.starts_with(typed));
            return (1, names.map(|name| format!("{name} ")).collect());
        };
        let argument = rest.trim_start();
        let start = line.len() - argument.len();
        match name {
            "file" | "image" | "save" | "fork" => {
                let directory = argument.rfind('/').map_or(0, |slash| slash + 1);
                (start + directory, self.files(&argument[..directory], &argument[directory..]))
            }
            "model" => (start, starting_with(argument, self.models())),
            "markdown" => (start, starting_with(argument, ["on", "off"].map(str::to_owned))),
            _ => (line.len(), Vec::new()),
        }
    }
}

impl ChatCompleter<'_> {
    fn models(&self) -> Vec<String> {
        let quiet = self.notes.with_verbosity(Verbosity::Quiet);
        models::of_endpoint(self.endpoint.clone(), self.environment, &quiet)
    }

    /// The names in `directory`, as it was typed, that begin with `start`.
    fn files(&self, directory: &str, start: &str) -> Vec<String> {
        let path = match directory {
            "" => PathBuf::from("."),
            directory => paths::typed(directory, self.environment),
        };
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let is_hidden = name.starts_with('.') && !start.starts_with('.');
            let is_directory = fs::metadata(entry.path()).is_ok_and(|entry| entry.is_dir());
            let end = if is_directory { "/" } else { "" };
            (!is_hidden && !name.contains(is_harmful)).then(|| name + end)
        });
        starting_with(start, names)
    }
}

fn starting_with(start: &str, names: impl IntoIterator<Item = String>) -> Vec<String> {
    names.into_iter().filter(|name| name.starts_with(start)).collect()
}
