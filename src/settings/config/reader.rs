//! Entries of a configuration file made into settings, each checked as it
//! would be when typed.

use std::cell::RefCell;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Command, ValueHint};

use crate::error::{Error, Result};
use crate::input::attachment::is_url;
use crate::input::{fields, file_or_json};
use crate::net::base_url::BaseUrl;
use crate::settings::clap_error;
use crate::settings::config::setting::{
    EXCLUDED, Layer, Origin, Setting, exclude, find, is_secret, option, underscored,
};
use crate::settings::config::toml_file::{SettingEntry, SettingTable, SettingValue};
use crate::settings::environment::Environment;
use crate::settings::key::KeySource;
use crate::settings::network::MAX_STOPS;

/// More alike than this, and a name is taken for a misspelt one.
const LIKENESS: f64 = 0.75;

/// What stands in a table beside options.
const OTHER_NAMES: &[&str] = &["api_key_env", "api_key_file", "api_key_command", "profiles"];

/// What makes settings of the entries of one file.
pub struct SettingsReader<'a> {
    path: &'a Path,
    ask: &'a Command,
    /// The same, to try values on.
    trial: RefCell<Command>,
    environment: &'a Environment,
}

impl<'a> SettingsReader<'a> {
    pub fn new(path: &'a Path, ask: &'a Command, environment: &'a Environment) -> Self {
        Self { path, ask, trial: RefCell::new(ask.clone()), environment }
    }

    /// # Errors
    /// [`Error::Config`] with the place of the first fault.
    pub fn layer(&self, origin: String, table: &SettingTable) -> Result<Layer> {
        let mut layer = Layer { origin, settings: Vec::new(), key: None };
        let mut read: Vec<&Arg> = Vec::new();
        for entry in table {
            if let Some(key) = self.key(entry)? {
                if layer.key.replace(key).is_some() {
                    return Err(entry.place.fault("the key can be in one place alone"));
                }
                continue;
            }
            let Some(arg) = find(self.ask, &entry.name) else {
                return Err(self.unknown(entry));
            };
            let is_on = entry.given != SettingValue::Flag(false);
            if let Some(other) = read.iter().find(|other| is_on && exclude(self.ask, other, arg)) {
                let other = underscored(other.get_long().unwrap_or_default());
                let name = &entry.name;
                return Err(entry.place.fault(format_args!("{name} does not go with {other}")));
            }
            if is_on {
                read.push(arg);
            }
            let values = self.values(entry, arg)?;
            let origin = Origin::Table(layer.origin.clone());
            if entry.name == "body" {
                // Its fields are parameters, weaker than those of the table.
                let values = self.params_of(entry, &values)?;
                layer.settings.insert(0, Setting { name: "param".to_owned(), values, origin });
                continue;
            }
            layer.settings.push(Setting { name: entry.name.clone(), values, origin });
        }
        Ok(layer)
    }

    fn key(&self, entry: &SettingEntry) -> Result<Option<KeySource>> {
        let refused =
            |reason: &str| Err(entry.place.fault(format_args!("{} {reason}", entry.name)));
        let text = match (entry.name.as_str(), &entry.given) {
            ("api_key", _) => {
                let reason = "a key does not belong in this file; api_key_env, api_key_file and api_key_command say where it is";
                return Err(entry.place.fault(reason));
            }
            ("api_key_env" | "api_key_file" | "api_key_command", SettingValue::Text(text)) => text,
            ("api_key_env" | "api_key_file" | "api_key_command", _) => {
                return refused("is a string");
            }
            _ => return Ok(None),
        };
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        match entry.name.as_str() {
            // It may be the key itself, which no message shows.
            "api_key_env"
                if !text.chars().all(is_name)
                    || !text.starts_with(|c: char| !c.is_ascii_digit()) =>
            {
                refused("is the name of a variable: letters, digits and _")
            }
            "api_key_env" => Ok(Some(KeySource::Variable(text.clone()))),
            "api_key_file" => Ok(Some(KeySource::File(self.absolute(text).into()))),
            _ => Ok(Some(KeySource::Command(text.clone()))),
        }
    }

    fn unknown(&self, entry: &SettingEntry) -> Error {
        if entry.name == "profile" {
            let reason = "a profile is chosen by --profile or GRAVIX_PROFILE, not here";
            return entry.place.fault(reason);
        }
        let options = self.ask.get_arguments().filter_map(Arg::get_long);
        let options: Vec<String> = options
            .map(underscored)
            .filter(|name| !EXCLUDED.contains(&name.as_str()))
            .chain(OTHER_NAMES.iter().map(|name| (*name).to_owned()))
            .collect();
        let known = options.iter().map(String::as_str).filter(|known| *known != entry.name);
        let hint = suggestion(&entry.name, known);
        entry.place.fault(format_args!("there is no setting {}{hint}", entry.name))
    }

    /// The values of an entry, checked as they would be when typed.
    fn values(&self, entry: &SettingEntry, arg: &Arg) -> Result<Vec<String>> {
        let is_flag = matches!(arg.get_action(), ArgAction::SetTrue);
        let is_list = matches!(arg.get_action(), ArgAction::Append);
        let is_optional = arg.get_num_args().is_some_and(|range| range.min_values() == 0);
        let refused = |what: &str| Err(entry.place.fault(format_args!("{} {what}", entry.name)));
        let values = match &entry.given {
            SettingValue::Flag(flag) if is_flag => return Ok(vec![flag.to_string()]),
            SettingValue::Flag(false) if is_optional => return Ok(Vec::new()),
            SettingValue::Flag(true) if is_optional => vec![String::new()],
            SettingValue::Flag(_) => return refused("takes a value, not a boolean"),
            _ if is_flag => return refused("is true or false"),
            SettingValue::Text(text) => vec![text.clone()],
            SettingValue::List(list) if is_list => list.clone(),
            SettingValue::List(_) => return refused("takes one value, not an array"),
            SettingValue::Table(table) if entry.name == "param" => {
                table.iter().map(|(name, value)| format!("{name}={value}")).collect()
            }
            SettingValue::Table(_) => return refused("is no table"),
        };
        let is_path = arg.get_value_hint() == ValueHint::FilePath;
        let values: Vec<String> = match is_path {
            true => values.iter().map(|text| self.absolute(text)).collect(),
            false => values,
        };
        self.ensure_good(entry, &values)?;
        Ok(values)
    }

    /// The fields of a body, as parameters.
    fn params_of(&self, entry: &SettingEntry, values: &[String]) -> Result<Vec<String>> {
        let mut params = Vec::new();
        for value in values {
            let fields = file_or_json::object("body", value).map_err(|error| match error {
                Error::Input(reason) => entry.place.fault(reason),
                other => other,
            })?;
            for (name, value) in fields {
                if name.contains(['.', '=']) || name.is_empty() {
                    let reason = "body: a name with a dot or an equals sign";
                    return Err(entry.place.fault(reason));
                }
                params.push(format!("{name}={value}"));
            }
        }
        Ok(params)
    }

    /// What clap would refuse, and what is found when options are used.
    fn ensure_good(&self, entry: &SettingEntry, values: &[String]) -> Result<()> {
        let name = &entry.name;
        let refused = |reason: String| Err(entry.place.fault(format_args!("{name}: {reason}")));
        let typed = values.iter().map(|value| option(name, value));
        let line = [OsString::from("ask")].into_iter().chain(typed);
        if let Err(refusal) = self.trial.borrow_mut().try_get_matches_from_mut(line) {
            return refused(clap_error::reason(&refusal));
        }
        if name == "stop" && values.len() > MAX_STOPS {
            return refused(format!("{MAX_STOPS} at most"));
        }
        for value in values {
            let found = match name.as_str() {
                "base_url" => BaseUrl::parse(value).map(drop),
                "param" => fields::parameter(value).map(drop),
                _ => Ok(()),
            };
            if let Err(error) = found {
                return refused(error.to_string());
            }
            if name == "header" && is_secret(value) && self.is_exposed() {
                return refused("a key, in a file that others can read; chmod 600 it".to_owned());
            }
        }
        Ok(())
    }

    fn is_exposed(&self) -> bool {
        fs::metadata(self.path).is_ok_and(|metadata| metadata.permissions().mode() & 0o044 != 0)
    }

    /// A path of the file: from the home directory on, or from the file's own.
    /// What is no path stays as it is: JSON, a URL, `-`.
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

/// Which of the names that are `known` was meant, if any.
pub fn suggestion<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    known
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(likeness, _)| *likeness > LIKENESS)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map_or(String::new(), |(_, known)| format!("; did you mean {known}?"))
}
