//! `gravix config`: the settings in force, and where each comes from.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use anyhow::anyhow;
use clap::{Arg, ArgAction, Command, CommandFactory};
use serde_json::{Number, Value};

use crate::cli::{Args, ConfigArgs};
use crate::error::{Error, Result};
use crate::files::paths::directory_of;
use crate::net::base_url::BaseUrl;
use crate::output::stdout::{self, Bytes};
use crate::secret::KEY_VARIABLE;
use crate::settings::ask_command;
use crate::settings::config::effective::EffectiveSettings;
use crate::settings::config::setting::{Origin, Setting, find_option, is_secret};
use crate::settings::config::{self, Config, TEMPLATE};
use crate::settings::context::Context;
use crate::settings::environment::Environment;
use crate::settings::key::KeySource;
use crate::settings::network::{
    DEFAULT_BASE_URL, DEFAULT_CONNECT_TIMEOUT, DEFAULT_IDLE_TIMEOUT, DEFAULT_MODEL, DEFAULT_RETRIES,
};

pub fn run(args: ConfigArgs, context: &Context) -> Result<()> {
    let Context { environment, terminal, .. } = *context;
    let bytes = if terminal.stdout { Bytes::Sanitized } else { Bytes::Exact };
    if args.init {
        let Some((path, _)) = config::path(&args.settings, environment) else {
            let message = "there is no place for the file: set HOME, or name it with --config";
            return Err(Error::Config(anyhow!(message)));
        };
        init(&path).map_err(|source| Error::Unwritable { path: path.clone(), source })?;
        return stdout::print(&path.display().to_string(), bytes);
    }
    let command = Args::command();
    let ask = ask_command(&command);
    let config = Config::load(&args.settings, environment, ask)?;
    let nothing = ask.clone().get_matches_from(["ask"]);
    let in_force = config.resolve(ask, &nothing, environment);
    stdout::print(&listing(in_force, ask, environment)?, bytes)
}

/// Writes the file to begin with; never over one that is there.
fn init(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory_of(path))?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(
        |error| match error.kind() {
            ErrorKind::AlreadyExists => io::Error::other("it is there already"),
            _ => error,
        },
    )?;
    file.write_all(TEMPLATE.as_bytes())
}

/// One line a setting, as TOML, with where it is from behind it.
fn listing(
    in_force: EffectiveSettings,
    ask: &Command,
    environment: &Environment,
) -> Result<String> {
    let EffectiveSettings { mut settings, key, key_origin, .. } = in_force;
    for (name, value) in [
        ("base_url", DEFAULT_BASE_URL.to_owned()),
        ("model", DEFAULT_MODEL.to_owned()),
        ("connect_timeout", DEFAULT_CONNECT_TIMEOUT.as_secs().to_string()),
        ("idle_timeout", DEFAULT_IDLE_TIMEOUT.as_secs().to_string()),
        ("retries", DEFAULT_RETRIES.to_string()),
    ] {
        if !settings.iter().any(|setting| setting.name == name) {
            let origin = Origin::Default;
            settings.push(Setting { name: name.to_owned(), values: vec![value], origin });
        }
    }
    let mut lines = Vec::new();
    for name in ask.get_arguments().filter_map(Arg::get_long).map(|long| long.replace('-', "_")) {
        let named: Vec<&Setting> = settings
            .iter()
            .filter(|setting| setting.name == name && !setting.values.is_empty())
            .collect();
        if named.is_empty() {
            continue;
        }
        let origins: Vec<String> = named.iter().map(|setting| setting.origin.to_string()).collect();
        let values: Vec<&String> = named.iter().flat_map(|setting| &setting.values).collect();
        // What is no base URL may hold a password, which no message shows.
        if name == "base_url" {
            BaseUrl::parse(values[0])?;
        }
        lines.push((format!("{name} = {}", shown(&name, &values, ask)), origins.join(", ")));
    }
    lines.push(match (key, key_origin) {
        (KeySource::Default, _) if environment.get(KEY_VARIABLE).is_none() => {
            ("# no key".to_owned(), format!("{KEY_VARIABLE} is not set"))
        }
        (KeySource::Default, _) => ("api_key = \"(redacted)\"".to_owned(), KEY_VARIABLE.to_owned()),
        (key, origin) => {
            let origin = origin.unwrap_or_default();
            ("api_key = \"(redacted)\"".to_owned(), format!("{key}, {origin}"))
        }
    });
    let width = lines.iter().map(|(line, _)| line.chars().count()).max().unwrap_or(0);
    let lines = lines.iter().map(|(line, origin)| format!("{line:width$}  # {origin}"));
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

/// The values as they would stand in the file.
fn shown(name: &str, values: &[&String], ask: &Command) -> String {
    let arg = find_option(ask, name);
    let is_flag = arg.is_some_and(|arg| matches!(arg.get_action(), ArgAction::SetTrue));
    let is_list = arg.is_some_and(|arg| matches!(arg.get_action(), ArgAction::Append));
    // A number of JSON is one of TOML.
    let is_bare = |value: &str| is_flag || serde_json::from_str::<Number>(value).is_ok();
    let one = |value: &&String| match value.split_once(':') {
        Some((header, _)) if name == "header" && is_secret(value) => {
            Value::from(format!("{header}: (redacted)")).to_string()
        }
        _ if !is_list && is_bare(value) => (*value).clone(),
        _ => Value::from(value.as_str()).to_string().replace('\u{7f}', "\\u007f"),
    };
    match values {
        [value] if !is_list => one(value),
        values => format!("[{}]", values.iter().map(one).collect::<Vec<_>>().join(", ")),
    }
}
