//! Converting the entries of a configuration file into settings, with the same
//! checks as for typed options.

use std::cell::RefCell;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Command, ValueHint};

use crate::error::{Error, Result};
use crate::files::paths::is_readable_by_others;
use crate::files::shell;
use crate::input::attachment::is_url;
use crate::input::{fields, file_or_json};
use crate::net::base_url::BaseUrl;
use crate::settings::chats;
use crate::settings::clap_error;
use crate::settings::clap_error::near::nearest;
use crate::settings::config::options;
use crate::settings::config::price::{self, PRICE};
use crate::settings::config::setting::{
    EXCLUDED, Layer, Origin, Setting, argument, conflict, find_option, is_secret, setting_name,
};
use crate::settings::config::toml_file::{SettingEntry, SettingTable, SettingValue};
use crate::settings::environment::Environment;
use crate::settings::key::KeySource;
use crate::settings::model::MAX_STOPS;

/// The entries of a table that are not options.
const OTHER_NAMES: &[&str] = &["api_key_env", "api_key_file", "api_key_command", "profiles", PRICE];

/// Converts the entries of one file.
pub struct SettingsReader<'a> {
    path: &'a Path,
    /// All options that can be set.
    options: Command,
    /// A copy of `options`, to parse values with.
    trial: RefCell<Command>,
    environment: &'a Environment,
}

impl<'a> SettingsReader<'a> {
    pub fn new(path: &'a Path, environment: &'a Environment) -> Self {
        let options = options::all();
        Self { path, trial: options.clone().into(), options, environment }
    }

    /// Whether an option with this name can be set.
    pub fn has_option(&self, name: &str) -> bool {
        find_option(&self.options, name).is_some()
    }

    /// Converts and checks one table.
    ///
    /// # Errors
    /// [`Error::Config`] with the location of the first invalid entry,
    /// [`Error::Unreadable`] if the file that `body` names cannot be read.
    pub fn layer(&self, origin: String, table: &SettingTable) -> Result<Layer> {
        let mut layer = Layer { origin, settings: Vec::new(), key: None };
        let mut read: Vec<&Arg> = Vec::new();
        for entry in table {
            if let Some(key) = self.key(entry)? {
                if layer.key.replace(key).is_some() {
                    return Err(entry.location.error(
                        "only one of api_key_env, api_key_file and api_key_command can be set",
                    ));
                }
                continue;
            }
            if entry.name == PRICE {
                layer.settings.push(price::setting(entry, &layer.origin)?);
                continue;
            }
            let Some(arg) = find_option(&self.options, &entry.name) else {
                return Err(self.unknown(entry));
            };
            let is_on = entry.value != SettingValue::Flag(false);
            if let Some(other) =
                read.iter().find(|other| is_on && conflict(&self.options, other, arg))
            {
                let other = setting_name(other.get_long().unwrap_or_default());
                let name = &entry.name;
                return Err(entry
                    .location
                    .error(format_args!("{name} cannot be used with {other}")));
            }
            if is_on {
                read.push(arg);
            }
            let values = self.values(entry, arg)?;
            let origin = Origin::Table(layer.origin.clone());
            if entry.name == "body" {
                // Its fields become parameters, which the table's `param` overrides.
                let values = self.params_of(entry, &values)?;
                layer.settings.insert(0, Setting { name: "param".to_owned(), values, origin });
                continue;
            }
            layer.settings.push(Setting { name: entry.name.clone(), values, origin });
        }
        Ok(layer)
    }

    /// Where the key is, if this entry says so.
    fn key(&self, entry: &SettingEntry) -> Result<Option<KeySource>> {
        let invalid =
            |reason: &str| Err(entry.location.error(format_args!("{} {reason}", entry.name)));
        let text = match (entry.name.as_str(), &entry.value) {
            ("api_key", _) => {
                let reason = "a key does not belong in this file; use api_key_env, api_key_file or api_key_command";
                return Err(entry.location.error(reason));
            }
            ("api_key_env" | "api_key_file" | "api_key_command", SettingValue::Text(text)) => text,
            ("api_key_env" | "api_key_file" | "api_key_command", _) => {
                return invalid("must be a string");
            }
            _ => return Ok(None),
        };
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        match entry.name.as_str() {
            // The message does not show the text: it can be the key itself.
            "api_key_env"
                if !text.chars().all(is_name)
                    || !text.starts_with(|c: char| !c.is_ascii_digit()) =>
            {
                invalid("must be the name of a variable: letters, digits and _")
            }
            "api_key_env" => Ok(Some(KeySource::Variable(text.clone()))),
            "api_key_file" => Ok(Some(KeySource::File(self.absolute(text).into()))),
            _ => Ok(Some(KeySource::Command(text.clone()))),
        }
    }

    /// The error for a name that is not a setting.
    fn unknown(&self, entry: &SettingEntry) -> Error {
        if let ("profile", SettingValue::Table(profiles)) = (entry.name.as_str(), &entry.value) {
            let name = profiles.first().map_or("NAME", |(name, _)| name.as_str());
            let reason = format!("write [profiles.{name}], not [profile.{name}]");
            return entry.location.error(reason);
        }
        if entry.name == "profile" {
            let reason = "choose a profile with --profile or GRAVIX_PROFILE, not in this file";
            return entry.location.error(reason);
        }
        let options = self.options.get_arguments().filter_map(Arg::get_long);
        let options: Vec<String> = options
            .map(setting_name)
            .filter(|name| !EXCLUDED.contains(&name.as_str()))
            .chain(OTHER_NAMES.iter().map(|name| (*name).to_owned()))
            .collect();
        let known = options.iter().map(String::as_str).filter(|known| *known != entry.name);
        let hint = match &entry.value {
            SettingValue::Table(_) => format!("; a profile is a table [profiles.{}]", entry.name),
            _ => suggestion(&entry.name, known),
        };
        entry.location.error(format_args!("unknown setting {}{hint}", entry.name))
    }

    /// The values of an entry, with the same checks as for typed ones.
    fn values(&self, entry: &SettingEntry, arg: &Arg) -> Result<Vec<String>> {
        let is_flag = matches!(arg.get_action(), ArgAction::SetTrue);
        let is_list = matches!(arg.get_action(), ArgAction::Append);
        let is_optional = arg.get_num_args().is_some_and(|range| range.min_values() == 0);
        let invalid =
            |reason: &str| Err(entry.location.error(format_args!("{} {reason}", entry.name)));
        let values = match &entry.value {
            SettingValue::Flag(flag) if is_flag => return Ok(vec![flag.to_string()]),
            SettingValue::Flag(false) if is_optional => return Ok(Vec::new()),
            SettingValue::Flag(true) if is_optional => vec![String::new()],
            SettingValue::Flag(_) => return invalid("takes a value, not a boolean"),
            _ if is_flag => return invalid("must be true or false"),
            SettingValue::Text(text) => vec![text.clone()],
            SettingValue::List(list) if is_list => list.clone(),
            SettingValue::List(_) => return invalid("takes one value, not an array"),
            SettingValue::Table(table) if entry.name == "param" => {
                if table.iter().any(|(name, _)| name.contains('=')) {
                    return invalid("has a name with an equals sign");
                }
                table.iter().map(|(name, value)| format!("{name}={value}")).collect()
            }
            SettingValue::Table(_) => return invalid("takes a value, not a table"),
        };
        let is_path = arg.get_value_hint() == ValueHint::FilePath;
        // `@NAME` is a history in the default directory.
        let is_name = |text: &str| entry.name == "history" && text.starts_with('@');
        let resolve = |text: String| match is_path && !is_name(&text) {
            true => self.absolute(&text),
            false => text,
        };
        let values: Vec<String> = values.into_iter().map(resolve).collect();
        self.ensure_valid(entry, &values)?;
        Ok(values)
    }

    /// Converts the fields of a body to `NAME=VALUE` parameters.
    fn params_of(&self, entry: &SettingEntry, values: &[String]) -> Result<Vec<String>> {
        let mut params = Vec::new();
        for value in values {
            let fields = file_or_json::object("body", value).map_err(|error| match error {
                Error::Input(reason) => entry.location.error(reason),
                other => other,
            })?;
            for (name, value) in fields {
                if name.contains(['.', '=']) || name.is_empty() {
                    let reason = "body: a name is empty or contains a dot or an equals sign";
                    return Err(entry.location.error(reason));
                }
                params.push(format!("{name}={value}"));
            }
        }
        Ok(params)
    }

    /// Checks values with clap, and with the checks that follow when options are
    /// used.
    fn ensure_valid(&self, entry: &SettingEntry, values: &[String]) -> Result<()> {
        let name = &entry.name;
        let invalid = |reason: String| Err(entry.location.error(format_args!("{name}: {reason}")));
        let typed = values.iter().map(|value| argument(name, value));
        let line = [OsString::from("ask")].into_iter().chain(typed);
        if let Err(error) = self.trial.borrow_mut().try_get_matches_from_mut(line) {
            return invalid(clap_error::reason(&error));
        }
        if name == "stop" && values.len() > MAX_STOPS {
            return invalid(format!("at most {MAX_STOPS}"));
        }
        if name == "attach_type" && values.len() > 1 {
            return invalid("at most 1".to_owned());
        }
        for value in values {
            let checked = match name.as_str() {
                "base_url" => BaseUrl::parse(value).map(drop),
                "param" => fields::parse_param("--param", value).map(drop),
                "history" => chats::check_name(Path::new(value)).map_err(Error::Usage),
                _ => Ok(()),
            };
            if let Err(error) = checked {
                return invalid(error.to_string());
            }
            if name == "header" && is_secret(value) && self.is_exposed() {
                return invalid(format!(
                    "others can read the secret in this file; run chmod 600 {}",
                    shell::path_word(self.path)
                ));
            }
        }
        Ok(())
    }

    /// Whether users other than the owner can read the file.
    fn is_exposed(&self) -> bool {
        fs::metadata(self.path).is_ok_and(|metadata| is_readable_by_others(&metadata))
    }

    /// Resolves a path relative to the file's directory, or `~/` to the home
    /// directory. JSON, URLs and `-` are not paths and stay unchanged.
    fn absolute(&self, text: &str) -> String {
        let home = self.environment.get("HOME").map(PathBuf::from);
        let path = match (text.strip_prefix("~/"), home) {
            _ if file_or_json::is_json(text) || is_url(text) || text == "-" => {
                return text.to_owned();
            }
            (Some(rest), Some(home)) => home.join(rest),
            _ => self.path.parent().unwrap_or(Path::new("")).join(text),
        };
        path.to_string_lossy().into_owned()
    }
}

/// A hint that names the nearest of the `known` names; empty if none is near.
pub fn suggestion<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    nearest(name, known).map_or(String::new(), |known| format!("; did you mean {known}?"))
}
