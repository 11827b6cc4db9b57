//! `gravix config`: print the settings in force, each with its origin, list the
//! profiles, or create the configuration file.

pub mod profiles;

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use anyhow::anyhow;
use clap::{Arg, ArgAction, Command};
use serde_json::Value;

use crate::cli::ConfigArgs;
use crate::commands::batch::send::{DEFAULT_JOBS, DEFAULT_PATIENCE, PROGRESS_INTERVAL};
use crate::error::{Error, Result};
use crate::files::paths::directory_of;
use crate::json;
use crate::net::base_url::BaseUrl;
use crate::output::stdout;
use crate::secret::spelling::REDACTED;
use crate::settings::config::effective::EffectiveSettings;
use crate::settings::config::setting::{Origin, Setting, find_option, is_secret};
use crate::settings::config::{self, Config, TEMPLATE, options};
use crate::settings::context::Context;
use crate::settings::environment::Environment;
use crate::settings::key::{self, KeyPresence, KeySource};
use crate::settings::model::DEFAULT_MODEL;
use crate::settings::network::{
    DEFAULT_BASE_URL, DEFAULT_CONNECT_TIMEOUT, DEFAULT_IDLE_TIMEOUT, DEFAULT_RETRIES,
};

pub fn run(args: ConfigArgs, context: &Context) -> Result<()> {
    let Context { environment, terminal, .. } = *context;
    stdout::ensure_open()?;
    let text = if args.init {
        init(&args, environment)?
    } else if args.profiles {
        profiles::listing(&args.settings, environment)?
    } else {
        let command = options::all();
        let config = Config::load(&args.settings, environment)?;
        let no_options = command.clone().get_matches_from(["gravix"]);
        listing(config.resolve(&command, &no_options, environment), &command, environment)?
    };
    stdout::print(&text, terminal.text_mode())
}

/// Creates the configuration file. Returns its path.
fn init(args: &ConfigArgs, environment: &Environment) -> Result<String> {
    let Some((path, _)) = config::path(&args.settings, environment) else {
        let message =
            "no directory for the configuration file: set HOME, or name the file with --config";
        return Err(Error::Config(anyhow!(message)));
    };
    create(&path).map_err(|source| Error::Unwritable { path: path.clone(), source })?;
    Ok(path.display().to_string())
}

/// Writes the template to a new file; an existing one is an error.
fn create(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory_of(path))?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(
        |error| match error.kind() {
            ErrorKind::AlreadyExists => io::Error::other("it already exists"),
            _ => error,
        },
    )?;
    file.write_all(TEMPLATE.as_bytes())
}

/// The settings as lines of TOML, each with its origin as a comment.
fn listing(
    in_force: EffectiveSettings,
    command: &Command,
    environment: &Environment,
) -> Result<String> {
    let EffectiveSettings { mut settings, price, key, key_origin, .. } = in_force;
    add_defaults(&mut settings);
    let mut lines = Vec::new();
    for name in command.get_arguments().filter_map(Arg::get_long).map(|long| long.replace('-', "_"))
    {
        let same_name: Vec<&Setting> = settings
            .iter()
            .filter(|setting| setting.name == name && !setting.values.is_empty())
            .collect();
        if same_name.is_empty() {
            continue;
        }
        let origins: Vec<String> =
            same_name.iter().map(|setting| setting.origin.to_string()).collect();
        let values: Vec<&String> = same_name.iter().flat_map(|setting| &setting.values).collect();
        // An invalid base URL is not printed: it may hold a password.
        if name == "base_url" {
            BaseUrl::parse(values[0])?;
        }
        lines.push((
            format!("{name} = {}", toml_value(&name, &values, command)),
            origins.join(", "),
        ));
    }
    lines.extend(price.map(|price| {
        let values = price.values.join(", ");
        (format!("{} = [{values}]", price.name), price.origin.to_string())
    }));
    lines.push(key_line(&key, key_origin, environment));
    let width = lines.iter().map(|(line, _)| line.chars().count()).max().unwrap_or(0);
    let lines = lines.iter().map(|(line, origin)| format!("{line:width$}  # {origin}"));
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

fn add_defaults(settings: &mut Vec<Setting>) {
    for (name, value) in [
        ("base_url", DEFAULT_BASE_URL.to_owned()),
        ("model", DEFAULT_MODEL.to_owned()),
        ("connect_timeout", DEFAULT_CONNECT_TIMEOUT.as_secs().to_string()),
        ("idle_timeout", DEFAULT_IDLE_TIMEOUT.as_secs().to_string()),
        ("retries", DEFAULT_RETRIES.to_string()),
        ("jobs", DEFAULT_JOBS.to_string()),
        ("patience", DEFAULT_PATIENCE.as_secs().to_string()),
        ("progress", PROGRESS_INTERVAL.as_secs().to_string()),
    ] {
        if !settings.iter().any(|setting| setting.name == name) {
            let origin = Origin::Default;
            settings.push(Setting { name: name.to_owned(), values: vec![value], origin });
        }
    }
}

/// The line for the key, and where the key comes from.
fn key_line(
    key: &KeySource,
    origin: Option<String>,
    environment: &Environment,
) -> (String, String) {
    let (line, place) = match key::presence(key, environment) {
        KeyPresence::Missing(reason) => ("# no key".to_owned(), reason),
        KeyPresence::Present => (format!("api_key = \"{REDACTED}\""), key.to_string()),
        KeyPresence::Unknown => (format!("api_key = \"{REDACTED}\""), format!("{key} (not run)")),
    };
    (line, [Some(place), origin].into_iter().flatten().collect::<Vec<_>>().join(", "))
}

/// The values of a setting as they are written in the configuration file.
fn toml_value(name: &str, values: &[&String], command: &Command) -> String {
    let arg = find_option(command, name);
    let is_flag = arg.is_some_and(|arg| matches!(arg.get_action(), ArgAction::SetTrue));
    let is_list = arg.is_some_and(|arg| matches!(arg.get_action(), ArgAction::Append));
    // A JSON number is a TOML number too.
    let is_bare = |value: &str| is_flag || json::parse(value).is_ok_and(|value| value.is_number());
    let one = |value: &&String| match value.split_once(':') {
        Some((header, _)) if name == "header" && is_secret(value) => {
            Value::from(format!("{header}: {REDACTED}")).to_string()
        }
        _ if !is_list && is_bare(value) => (*value).clone(),
        // TOML forbids a bare DEL in a string, JSON allows it.
        _ => Value::from(value.as_str()).to_string().replace('\u{7f}', "\\u007f"),
    };
    match values {
        [value] if !is_list => one(value),
        values => format!("[{}]", values.iter().map(one).collect::<Vec<_>>().join(", ")),
    }
}
