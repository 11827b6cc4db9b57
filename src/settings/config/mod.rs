//! The configuration: settings from the file and from profiles, which replace
//! options that were not typed.

pub mod built_in;
pub mod effective;
pub mod options;
pub mod reader;
pub mod setting;
pub mod toml_file;

use std::io::ErrorKind;
use std::path::PathBuf;

use anyhow::anyhow;

use crate::cli::SettingsArgs;
use crate::error::{Error, Result, TextOrigin};
use crate::files::{input, text};
use crate::settings::config::built_in::BUILT_IN;
use crate::settings::config::reader::{SettingsReader, suggestion};
use crate::settings::config::setting::Layer;
use crate::settings::config::toml_file::SettingsFile;
use crate::settings::environment::Environment;

/// The contents of a new file.
pub const TEMPLATE: &str = include_str!("template.toml");

/// All layers of settings.
#[derive(Debug)]
pub struct Config {
    /// By precedence, highest first.
    layers: Vec<Layer>,
    /// How many layers, from the first, are of the profile named by `--profile`.
    typed_layers: usize,
}

/// The path of the configuration file, and whether the user named it, so that it
/// must exist. `None` if there is no home directory.
pub fn path(args: &SettingsArgs, environment: &Environment) -> Option<(PathBuf, bool)> {
    if let Some(path) = &args.config {
        return Some((path.clone(), true));
    }
    if let Some(path) = environment.get("GRAVIX_CONFIG") {
        return Some((path.into(), true));
    }
    // The XDG Base Directory Specification says to ignore a relative path.
    let base = environment.get("XDG_CONFIG_HOME").map(PathBuf::from).filter(|p| p.is_absolute());
    let home = || Some(PathBuf::from(environment.get("HOME")?).join(".config"));
    Some((base.or_else(home)?.join("gravix/config.toml"), false))
}

/// Reads the configuration file. Returns its path and text, or `None` if there is
/// no file.
fn read(args: &SettingsArgs, environment: &Environment) -> Result<Option<(PathBuf, String)>> {
    let Some((path, is_named)) = path(args, environment) else {
        return Ok(None);
    };
    match input::read(&path) {
        Ok(bytes) => match text::decode(bytes, TextOrigin::File(path.clone())) {
            Ok(text) => Ok(Some((path, text))),
            Err(not_text) => Err(Error::Config((*not_text).into())),
        },
        // The default file is optional: the home directory can be missing or
        // belong to another user.
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
    /// Loads the configuration file, if any, and the chosen profile.
    ///
    /// # Errors
    /// [`Error::Unreadable`] if the file cannot be read, [`Error::Config`] with
    /// the location of an invalid setting, or if the profile does not exist.
    pub fn load(args: &SettingsArgs, environment: &Environment) -> Result<Self> {
        let mut layers = Vec::new();
        let chosen = match &args.profile {
            Some(name) => Some(name.as_str()),
            None => environment.text("GRAVIX_PROFILE")?,
        };
        let mut names: Vec<String> =
            BUILT_IN.iter().map(|profile| profile.name.to_owned()).collect();
        let mut base = None;
        if let Some((path, text)) = read(args, environment)? {
            let file = SettingsFile::parse(&text, &path)?;
            let reader = SettingsReader::new(&path, environment);
            // Profiles that are not chosen are checked too.
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
            layers.extend(built_in::layer(name));
            if layers.is_empty() {
                let hint = suggestion(name, names.iter().map(String::as_str));
                let names = names.join(", ");
                return Err(Error::Config(anyhow!("no profile '{name}' (have: {names}){hint}")));
            }
        }
        let typed_layers = if args.profile.is_some() { layers.len() } else { 0 };
        layers.extend(base);
        Ok(Self { layers, typed_layers })
    }

    pub fn is_empty(&self) -> bool {
        self.layers.iter().all(|layer| layer.settings.is_empty() && layer.key.is_none())
    }
}
