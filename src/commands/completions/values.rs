//! The candidates for what may stand at the cursor.

use std::path::Path;

use clap::builder::StyledStr;
use clap::{Arg, Command, ValueHint};

use crate::cli::SettingsArgs;
use crate::commands::completions::answer::{Answer, Candidate, Files};
use crate::commands::completions::slot::{Place, Slot};
use crate::commands::completions::{file_words, models};
use crate::commands::config::profiles;
use crate::output::notes::Notes;
use crate::settings::chats;
use crate::settings::config::built_in::{BUILT_IN, BuiltIn};
use crate::settings::environment::Environment;

/// Names that models give the languages of their code blocks.
const LANGUAGES: &[&str] = &[
    "awk",
    "bash",
    "c",
    "cpp",
    "csharp",
    "css",
    "csv",
    "diff",
    "dockerfile",
    "go",
    "graphql",
    "html",
    "ini",
    "java",
    "javascript",
    "json",
    "jsonl",
    "julia",
    "kotlin",
    "lua",
    "makefile",
    "markdown",
    "nix",
    "perl",
    "php",
    "powershell",
    "proto",
    "python",
    "r",
    "ruby",
    "rust",
    "scala",
    "sh",
    "sql",
    "svg",
    "swift",
    "text",
    "toml",
    "tsx",
    "typescript",
    "xml",
    "yaml",
    "zig",
];

/// Finds the candidates for one command line.
pub struct Completer<'a> {
    pub root: &'a Command,
    pub place: Place<'a>,
    /// What is typed of the word at the cursor, without its quotes.
    pub text: &'a str,
    pub environment: &'a Environment,
    pub notes: &'a Notes,
}

impl Completer<'_> {
    pub fn answer(&self) -> Answer {
        let answer =
            |label, files, candidates| Answer { label, prefix: String::new(), files, candidates };
        match &self.place.slot {
            Slot::CommandName => answer("command", Files::No, self.commands()),
            Slot::OptionName => answer("option", Files::No, self.options()),
            Slot::File => answer("file", Files::Any, Vec::new()),
            Slot::Value { arg, prefix } => self.value(arg, prefix),
        }
    }

    fn commands(&self) -> Vec<Candidate> {
        let shown = self.place.command.get_subcommands().filter(|command| !command.is_hide_set());
        shown
            .map(|command| Candidate::new(command.get_name(), about(command.get_about())))
            .collect()
    }

    fn options(&self) -> Vec<Candidate> {
        let is_offered = |arg: &&Arg| !arg.is_hide_set() && !self.place.is_used_up(arg);
        let mut candidates = Vec::new();
        for arg in self.place.command.get_arguments().filter(is_offered) {
            let help = about(arg.get_help());
            let short = arg.get_short().map(|short| format!("-{short}"));
            let long = arg.get_long().map(|long| format!("--{long}"));
            // A letter alone is for those who know it.
            let short = short.filter(|_| !self.text.starts_with("--"));
            let names = long.into_iter().chain(short);
            candidates.extend(names.map(|name| Candidate::new(name, help.clone())));
        }
        candidates
    }

    fn value(&self, arg: &Arg, prefix: &str) -> Answer {
        let typed = self.text.strip_prefix(prefix).unwrap_or_default();
        let (label, candidates) = match arg.get_id().as_str() {
            "model" => ("model", self.models()),
            "profile" => ("profile", self.profiles()),
            "base_url" => ("base URL", self.base_urls()),
            "tool_choice" => ("choice", self.tool_choices()),
            "extract" | "extract_last" => {
                ("language", LANGUAGES.iter().copied().map(Candidate::plain).collect())
            }
            "progress" => ("interval", vec![Candidate::new("never", "report no progress")]),
            "page" => ("page", self.pages()),
            "template" => ("template", self.templates()),
            "vars" => ("variable", self.variables()),
            "reasoning" if self.place.path == ["batch"] => {
                ("value", vec![Candidate::new("drop", "remove thoughts from texts")])
            }
            _ if self.is_history(arg) && (typed.is_empty() || typed.starts_with('@')) => {
                ("history", self.histories())
            }
            _ => ("value", possible_values(arg)),
        };
        let files = match arg.get_value_hint() {
            // Such a name stands for a file of its own.
            _ if self.is_history(arg) && typed.starts_with('@') => Files::No,
            _ if arg.get_id() == "template" && typed.contains('/') => Files::Any,
            ValueHint::FilePath => Files::Any,
            ValueHint::DirPath => Files::Directories,
            _ => Files::No,
        };
        Answer { label, prefix: prefix.to_owned(), files, candidates }
    }

    /// Whether the value names a history, as a file or as `@NAME`.
    fn is_history(&self, arg: &Arg) -> bool {
        let is_argument = arg.is_positional() && arg.get_value_hint() == ValueHint::FilePath;
        let is_of_command = matches!(self.place.path.first(), Some(&"history" | &"chat"));
        arg.get_long() == Some("history") || (is_argument && is_of_command)
    }

    /// The histories in the default directory, newest first.
    fn histories(&self) -> Vec<Candidate> {
        let files = chats::directory(self.environment).map(|directory| chats::files(&directory));
        let files = files.and_then(Result::ok).unwrap_or_default();
        let names = files.iter().filter_map(|file| chats::short_name(&file.path, self.environment));
        names.filter_map(|name| name.into_string().ok()).map(Candidate::plain).collect()
    }

    fn models(&self) -> Vec<Candidate> {
        let names = models::names(self.root, &self.place.options, self.environment, self.notes);
        names.into_iter().map(Candidate::plain).collect()
    }

    fn profiles(&self) -> Vec<Candidate> {
        let profiles = self.base_urls_of_profiles().into_iter();
        profiles.map(|(name, base_url)| Candidate::new(name, base_url)).collect()
    }

    /// The base URLs of the profiles, among which is `mock:`.
    fn base_urls(&self) -> Vec<Candidate> {
        let mut candidates: Vec<Candidate> = Vec::new();
        for (name, url) in self.base_urls_of_profiles() {
            if !candidates.iter().any(|candidate| candidate.value == url) {
                candidates.push(Candidate::new(url, format!("profile {name}")));
            }
        }
        candidates
    }

    /// Without a valid configuration file, of the built-in ones.
    fn base_urls_of_profiles(&self) -> Vec<(String, String)> {
        profiles::base_urls(&self.settings_args(), self.environment).unwrap_or_else(|_| {
            let known = |profile: &BuiltIn| (profile.name.to_owned(), profile.base_url.to_owned());
            BUILT_IN.iter().map(known).collect()
        })
    }

    fn tool_choices(&self) -> Vec<Candidate> {
        let mut candidates = vec![
            Candidate::new("auto", "the model may call tools"),
            Candidate::new("none", "the model calls no tool"),
            Candidate::new("required", "the model must call a tool"),
        ];
        let tools = self.place.value_of("tools").map(Path::new);
        candidates.extend(tools.into_iter().flat_map(file_words::tools).map(Candidate::plain));
        candidates
    }

    fn templates(&self) -> Vec<Candidate> {
        let named = file_words::templates(&self.settings_args(), self.environment).into_iter();
        named.map(|(name, first_line)| Candidate::new(name, first_line)).collect()
    }

    /// The variables of the template on the line that have no value yet.
    fn variables(&self) -> Vec<Candidate> {
        let Some(template) = self.place.value_of("template") else {
            return Vec::new();
        };
        let given = self.place.options.iter().filter(|option| option.arg.get_id() == "vars");
        let given: Vec<&str> =
            given.filter_map(|option| Some(option.value.as_deref()?.split_once('=')?.0)).collect();
        let names = file_words::variables(template, &self.settings_args(), self.environment);
        let missing = names.into_iter().filter(|name| !given.contains(&&**name));
        missing.map(|name| Candidate::plain(format!("{name}="))).collect()
    }

    fn settings_args(&self) -> SettingsArgs {
        SettingsArgs { profile: None, config: self.place.value_of("config").map(Into::into) }
    }

    /// The man pages: gravix, and one for each command.
    fn pages(&self) -> Vec<Candidate> {
        let commands = self
            .root
            .get_subcommands()
            .filter(|command| !command.is_hide_set() && command.get_name() != "help");
        // Both names of a page would be one page twice.
        let prefix = if self.text.starts_with("gravix-") { "gravix-" } else { "" };
        let pages = commands.map(|command| {
            Candidate::new(format!("{prefix}{}", command.get_name()), about(command.get_about()))
        });
        let main = Candidate::new("gravix", about(self.root.get_about()));
        [main].into_iter().chain(pages).collect()
    }
}

fn possible_values(arg: &Arg) -> Vec<Candidate> {
    let values = arg.get_possible_values().into_iter().filter(|value| !value.is_hide_set());
    values.map(|value| Candidate::new(value.get_name(), about(value.get_help()))).collect()
}

/// The first line of a help text.
fn about(text: Option<&StyledStr>) -> String {
    let text = text.map(ToString::to_string).unwrap_or_default();
    text.lines().next().unwrap_or_default().to_owned()
}
