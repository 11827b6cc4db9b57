//! The arguments of a command: options as typed, completed by settings from the
//! environment and the configuration.

pub mod chats;
pub mod clap_error;
mod companions;
pub mod config;
pub mod context;
pub mod environment;
pub mod key;
pub mod model;
pub mod network;
pub mod proxy;
pub mod rendering;
pub mod templates;

use std::ffi::OsString;

use clap::{ArgMatches, CommandFactory, FromArgMatches};

use crate::cli::{Args, Command, SettingsArgs, VerbosityArgs, with_options};
use crate::error::Result;
use crate::input::template_text::TemplateText;
use crate::output::notes::{Notes, Verbosity};
use crate::output::terminal::Terminal;
use crate::settings::config::Config;
use crate::settings::config::effective::{EffectiveSettings, WithheldKey};
use crate::settings::config::{options, price};
use crate::settings::context::Context;
use crate::settings::environment::Environment;
use crate::settings::key::KeySource;

/// The command to run, with its options, and what the configuration says.
pub struct Arguments {
    pub command: Command,
    /// Where the configuration says the key is.
    pub key: KeySource,
    /// The names of the options that the configuration sets, with `_` for `-`.
    pub config_options: Vec<String>,
    /// How many `--param` values the configuration sets. They come first.
    pub config_param_count: usize,
    /// The price of a million tokens of prompts, and of replies.
    pub price: Option<[f64; 2]>,
    /// The template that was typed.
    pub template: Option<TemplateText>,
    /// A key that the configuration names, but not for this server.
    pub withheld_key: Option<WithheldKey>,
}

impl Arguments {
    /// The arguments in `matches`, into which `settings` were merged.
    fn new(
        matches: &ArgMatches,
        settings: EffectiveSettings,
        template: Option<TemplateText>,
    ) -> Result<Self, clap::Error> {
        companions::ensure(matches)?;
        let command = Args::from_arg_matches(matches)?.command;
        let config_options = settings.config_options();
        let config_param_count = settings.config_param_count();
        let price = settings.price.as_ref().and_then(price::numbers);
        let EffectiveSettings { key, withheld_key, .. } = settings;
        Ok(Self { command, key, config_options, config_param_count, price, template, withheld_key })
    }

    /// The command, and the state that every command shares.
    pub fn into_command<'a>(
        self,
        environment: &'a Environment,
        notes: &'a Notes,
    ) -> (Command, Context<'a>) {
        let Self { command, key, config_options, config_param_count, price, template, .. } = self;
        let terminal = Terminal::detect();
        let context = Context {
            environment,
            terminal,
            notes,
            key,
            config_options,
            config_param_count,
            price,
            template,
        };
        (command, context)
    }
}

/// The verbosity for `--quiet` and `--verbose`.
pub fn verbosity(args: &VerbosityArgs) -> Verbosity {
    match (args.quiet, args.verbose) {
        (true, _) => Verbosity::Quiet,
        (false, false) => Verbosity::Normal,
        (false, true) => Verbosity::Verbose,
    }
}

/// Parses a command line and merges the settings into it: first to find the
/// options as typed, then again with the settings as defaults.
///
/// # Errors
/// [`Error::Unreadable`](crate::error::Error::Unreadable) if the configuration
/// file or the template cannot be read, [`Error::Config`](crate::error::Error::Config) if it is
/// invalid or the profile does not exist. The inner error is clap's: invalid
/// arguments, or help and version.
pub fn parse_command_line(
    mut line: Vec<OsString>,
    environment: &Environment,
) -> Result<Result<Arguments, clap::Error>> {
    let mut command = Args::command();
    let typed = match command.try_get_matches_from_mut(&line) {
        Ok(matches) => matches,
        Err(error) => return Ok(Err(error)),
    };
    let Some((name @ ("ask" | "chat" | "suggest" | "batch" | "models" | "doctor"), typed_options)) =
        typed.subcommand()
    else {
        return Ok(Arguments::new(&typed, EffectiveSettings::default(), None));
    };
    let settings_args = match SettingsArgs::from_arg_matches(typed_options) {
        Ok(args) => args,
        Err(error) => return Ok(Err(error)),
    };
    let mut config = Config::load(&settings_args, environment)?;
    let template = match typed_options.try_get_one::<String>("template") {
        Ok(Some(name)) => Some(templates::find(name, &settings_args, environment)?),
        _ => None,
    };
    if let Some(template) = &template {
        templates::layer(template, environment)?
            .into_iter()
            .for_each(|layer| config.add_template(layer));
    }
    if config.is_empty() {
        return Ok(Arguments::new(&typed, EffectiveSettings::default(), template));
    }
    let command = Args::command();
    let settings = config.resolve(&options::of(&command, name), typed_options, environment);
    // The command's name is the first argument: gravix itself has no options.
    line.splice(2..2, settings.merged_options());
    let command =
        command.mut_subcommand(name, |command| settings.set_defaults(with_options(command)));
    let matches = command.try_get_matches_from(line);
    Ok(matches.and_then(|matches| Arguments::new(&matches, settings, template)))
}
