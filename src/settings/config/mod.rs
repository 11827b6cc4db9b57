//! The configuration file and the profiles: what stands in for options that
//! are not given. Options are known by what clap says of them.

pub mod effective;
pub mod reader;
pub mod setting;
pub mod toml_file;

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use anyhow::anyhow;
use clap::Command;

use crate::cli::SettingsArgs;
use crate::error::{Error, Result};
use crate::settings::config::reader::{SettingsReader, suggestion};
use crate::settings::config::setting::{Layer, Origin, Setting};
use crate::settings::config::toml_file::SettingsFile;
use crate::settings::environment::Environment;
use crate::settings::network::{DEFAULT_BASE_URL, DEFAULT_MODEL};

/// What a new file says.
pub const TEMPLATE: &str = include_str!("template.toml");

/// Profiles that are there without a file: their base URLs and models.
const BUILT_IN: &[(&str, &[(&str, &str)])] = &[
    ("gravix", &[("base_url", DEFAULT_BASE_URL), ("model", DEFAULT_MODEL)]),
    ("ollama", &[("base_url", "http://localhost:11434/v1"), ("model", DEFAULT_MODEL)]),
    ("mock", &[("base_url", "mock:")]),
];

/// The settings that stand in for options, strongest first.
#[derive(Debug)]
pub struct Config {
    layers: Vec<Layer>,
    /// The profile that was typed, which the environment may overrule.
    typed_profile: Option<String>,
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
