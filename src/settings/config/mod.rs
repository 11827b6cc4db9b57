//! The configuration file and the profiles: what stands in for options that
//! are not given. Options are known by what clap says of them.

mod layers;
mod reader;
mod toml_file;

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use anyhow::anyhow;
use clap::{Arg, Command};

use crate::cli::{OVERRIDES, SettingsArgs};
use crate::error::{Error, Result};
use crate::secret::is_secret_header;
use crate::settings::config::reader::{SettingsReader, suggestion};
use crate::settings::config::toml_file::SettingsFile;
use crate::settings::environment::Environment;
use crate::settings::key::KeySource;
use crate::settings::network::{DEFAULT_BASE_URL, DEFAULT_MODEL};

/// What a new file says.
pub const TEMPLATE: &str = include_str!("template.toml");

/// Profiles that are there without a file: their base URLs and models.
const BUILT_IN: &[(&str, &[(&str, &str)])] = &[
    ("gravix", &[("base_url", DEFAULT_BASE_URL), ("model", DEFAULT_MODEL)]),
    ("ollama", &[("base_url", "http://localhost:11434/v1"), ("model", DEFAULT_MODEL)]),
    ("mock", &[("base_url", "mock:")]),
];

/// Options that no file can set.
const EXCLUDED: &[&str] = &["help", "config", "profile"];

/// Options whose values are gathered from everywhere, the later ones winning.
const GATHERED: &[&str] = &["param", "header"];

/// The settings that stand in for options, strongest first.
#[derive(Debug)]
pub struct Config {
    layers: Vec<Layer>,
    /// The profile that was typed, which the environment may overrule.
    typed_profile: Option<String>,
}

/// One table, and what it says.
#[derive(Debug)]
struct Layer {
    origin: String,
    settings: Vec<Setting>,
    key: Option<KeySource>,
}

/// Where a setting is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Variable(&'static str),
    /// A table of a file, or a profile.
    Table(String),
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => f.write_str(name),
            Self::Table(name) => f.write_str(name),
            Self::Default => f.write_str("default"),
        }
    }
}

/// What stands in for an option.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The option's long name, with `_` for `-`.
    pub name: String,
    /// As they would be typed; `true` or `false` for an option without value,
    /// and none for an option that is turned off.
    pub values: Vec<String>,
    pub origin: Origin,
}

/// What is in force beside the options that were given.
#[derive(Debug, Default)]
pub struct EffectiveSettings {
    pub settings: Vec<Setting>,
    pub key: KeySource,
    /// Which table the key's place is from.
    pub key_origin: Option<String>,
    pub warnings: Vec<String>,
}

/// Where the file is that the user means, and whether it must be there.
pub fn path(args: &SettingsArgs, environment: &Environment) -> Option<(PathBuf, bool)> {
    if let Some(path) = &args.config {
        return Some((path.clone(), true));
    }
    if let Some(path) = environment.get("GRAVIX_CONFIG") {
        return Some((path.into(), true));
    }
    // A relative path is to be ignored (XDG Base Directory Specification).
    let base = environment.get("XDG_CONFIG_HOME").map(PathBuf::from).filter(|p| p.is_absolute());
    let home = || Some(PathBuf::from(environment.get("HOME")?).join(".config"));
    Some((base.or_else(home)?.join("gravix/config.toml"), false))
}

/// The file's path and text, where there is a file.
fn read(args: &SettingsArgs, environment: &Environment) -> Result<Option<(PathBuf, String)>> {
    let Some((path, is_named)) = path(args, environment) else {
        return Ok(None);
    };
    match fs::read(&path) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Some((path, text))),
            Err(_) => Err(Error::Config(anyhow!("{}: not UTF-8", path.display()))),
        },
        // A home that is not there, or another one's, has no settings.
        Err(error) if !is_named => match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::PermissionDenied => {
                Ok(None)
            }
            _ => Err(Error::Unreadable { path, source: error }),
        },
        Err(source) => Err(Error::Unreadable { path, source }),
    }
}

impl Config {
    /// Reads the file, if there is one, and finds the profile that is chosen.
    /// `ask` is the command whose options can be set.
    ///
    /// # Errors
    /// [`Error::Unreadable`], and [`Error::Config`] for what is wrong in the
    /// file, with its place, or for a profile that does not exist.
    pub fn load(args: &SettingsArgs, environment: &Environment, ask: &Command) -> Result<Self> {
        let mut layers = Vec::new();
        let typed_profile = args.profile.clone();
        let chosen = match &typed_profile {
            Some(name) => Some(name.as_str()),
            None => environment.text("GRAVIX_PROFILE")?,
        };
        let mut names: Vec<String> = BUILT_IN.iter().map(|(name, _)| (*name).to_owned()).collect();
        let mut base = None;
        if let Some((path, text)) = read(args, environment)? {
            let file = SettingsFile::parse(&text, &path)?;
            let reader = SettingsReader::new(&path, ask, environment);
            // Each is read, so that faults are found before they are needed.
            for (name, table) in &file.profiles {
                let layer = reader.layer(format!("profile {name}"), table)?;
                names.push(name.clone());
                if chosen == Some(name) {
                    layers.push(layer);
                }
            }
            base = Some(reader.layer(path.display().to_string(), &file.settings)?);
        }
        if let Some(name) = chosen {
            layers.extend(built_in(name));
            if layers.is_empty() {
                let hint = suggestion(name, names.iter().map(String::as_str));
                let hint = if hint.is_empty() {
                    format!("; there are {}", names.join(", "))
                } else {
                    hint
                };
                return Err(Error::Config(anyhow!("there is no profile '{name}'{hint}")));
            }
        }
        layers.extend(base);
        Ok(Self { layers, typed_profile })
    }

    pub fn is_empty(&self) -> bool {
        self.layers.iter().all(|layer| layer.settings.is_empty() && layer.key.is_none())
    }
}

impl EffectiveSettings {
    /// `command` with these settings as its defaults.
    pub fn apply(&self, command: Command) -> Command {
        let is_default = |setting: &&Setting| {
            matches!(setting.origin, Origin::Table(_))
                && !setting.is_gathered()
                && !setting.values.is_empty()
        };
        self.settings.iter().filter(is_default).fold(command, |command, setting| {
            match find(&command, &setting.name).map(|arg| arg.get_id().clone()) {
                Some(id) => command.mut_arg(id, |arg| arg.default_values(setting.values.clone())),
                None => command,
            }
        })
    }

    /// Options that are to stand before those that were given.
    pub fn first_options(&self) -> Vec<OsString> {
        let mut options = Vec::new();
        for setting in self.settings.iter().filter(|setting| setting.is_gathered()) {
            options.extend(setting.values.iter().map(|value| option(&setting.name, value)));
        }
        options
    }

    /// How many parameters tables set.
    pub fn params(&self) -> usize {
        let params = self.settings.iter().filter(|setting| setting.name == "param");
        params.map(|setting| setting.values.len()).sum()
    }

    /// The names of what tables set.
    pub fn configured(&self) -> Vec<String> {
        let is_set = |setting: &&Setting| matches!(setting.origin, Origin::Table(_));
        self.settings.iter().filter(is_set).map(|setting| setting.name.clone()).collect()
    }
}

impl Setting {
    fn is_gathered(&self) -> bool {
        GATHERED.contains(&self.name.as_str())
    }

    /// It is not a flag that is turned off.
    fn is_on(&self) -> bool {
        self.values.first().is_some_and(|value| value != "false")
    }
}

/// The argument of `command` with this long name.
pub fn find<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    let is_it = |arg: &&Arg| arg.get_long().is_some_and(|long| underscored(long) == name);
    command.get_arguments().find(is_it).filter(|_| !EXCLUDED.contains(&name))
}

/// Whether a header, as `Name: value`, is a key.
pub fn is_secret(header: &str) -> bool {
    header.split_once(':').is_some_and(|(name, _)| is_secret_header(name))
}

fn underscored(long: &str) -> String {
    long.replace('-', "_")
}

fn option(name: &str, value: &str) -> OsString {
    format!("--{}={value}", name.replace('_', "-")).into()
}

/// Whether two options cannot stand together, or are the same.
fn exclude(command: &Command, one: &Arg, other: &Arg) -> bool {
    let conflicts = |one: &Arg, other: &Arg| {
        command.get_arg_conflicts_with(one).iter().any(|arg| arg.get_id() == other.get_id())
    };
    let ids = (one.get_id().as_str(), other.get_id().as_str());
    ids.0 == ids.1
        || ids == OVERRIDES
        || (ids.1, ids.0) == OVERRIDES
        || conflicts(one, other)
        || conflicts(other, one)
}

fn built_in(name: &str) -> Option<Layer> {
    let (name, settings) = BUILT_IN.iter().find(|(built_in, _)| *built_in == name)?;
    let origin = format!("built-in profile {name}");
    let setting = |&(name, value): &(&str, &str)| Setting {
        name: name.to_owned(),
        values: vec![value.to_owned()],
        origin: Origin::Table(origin.clone()),
    };
    let settings = settings.iter().map(setting).collect();
    Some(Layer { origin, settings, key: None })
}
