//! The configuration: settings from the file and from profiles, which replace
//! options that were not typed.

pub mod built_in;
pub mod effective;
pub mod options;
pub mod price;
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
    /// How many layers, from the first, are of the template and the profile that were
    /// typed.
    typed_layers: usize,
    /// All profiles, those of the file last.
    pub profiles: Vec<ProfileName>,
    /// The profile in force.
    pub chosen: Option<ChosenProfile>,
}

/// A profile that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileName {
    pub name: String,
    pub is_built_in: bool,
    pub is_in_file: bool,
}

/// The profile in force, and what chose it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChosenProfile {
    pub name: String,
    /// `-p`, or the name of a variable.
    pub by: &'static str,
}

impl ChosenProfile {
    /// The profile that was typed, or else that of the environment. It need not exist.
    ///
    /// # Errors
    /// [`Error::Config`] if the variable is not UTF-8.
    pub fn find(args: &SettingsArgs, environment: &Environment) -> Result<Option<Self>> {
        let of = |by: &'static str| move |name: &str| Self { name: name.to_owned(), by };
        Ok(match &args.profile {
            Some(name) => Some(name.as_str()).map(of("-p")),
            None => environment.text("GRAVIX_PROFILE")?.map(of("GRAVIX_PROFILE")),
        })
    }
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
    let base = environment.base_directory("XDG_CONFIG_HOME", ".config")?;
    Some((base.join("gravix/config.toml"), false))
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
        let chosen = ChosenProfile::find(args, environment)?;
        let mut profiles = built_in_names();
        let mut base = None;
        if let Some((path, text)) = read(args, environment)? {
            let file = SettingsFile::parse(&text, &path)?;
            let reader = SettingsReader::new(&path, environment);
            // Profiles that are not chosen are checked too.
            for (name, table) in &file.profiles {
                let layer = reader.layer(format!("profile {name}"), table)?;
                add_of_file(&mut profiles, name);
                if chosen.as_ref().is_some_and(|chosen| chosen.name == *name) {
                    layers.push(layer);
                }
            }
            base = Some(reader.layer(path.display().to_string(), &file.settings)?);
        }
        if let Some(ChosenProfile { name, .. }) = &chosen {
            layers.extend(built_in::layer(name));
            if layers.is_empty() {
                let names: Vec<&str> = profiles.iter().map(|profile| &*profile.name).collect();
                let hint = suggestion(name, names.iter().copied());
                let hint = match hint.is_empty() {
                    true => format!("; there are {}", names.join(", ")),
                    false => hint,
                };
                return Err(Error::Config(anyhow!("no profile '{name}'{hint}")));
            }
        }
        let typed_layers = if args.profile.is_some() { layers.len() } else { 0 };
        layers.extend(base);
        Ok(Self { layers, typed_layers, profiles, chosen })
    }

    /// Puts the settings of a template before all layers.
    pub fn add_template(&mut self, layer: Layer) {
        self.layers.insert(0, layer);
        self.typed_layers += 1;
    }

    pub fn is_empty(&self) -> bool {
        self.layers.iter().all(|layer| layer.settings.is_empty() && layer.key.is_none())
    }
}

fn built_in_names() -> Vec<ProfileName> {
    let name =
        |name: &str| ProfileName { name: name.to_owned(), is_built_in: true, is_in_file: false };
    BUILT_IN.iter().map(|profile| name(profile.name)).collect()
}

/// Adds a profile of the file, which may change a built-in one.
fn add_of_file(profiles: &mut Vec<ProfileName>, name: &str) {
    match profiles.iter_mut().find(|profile| profile.name == name) {
        Some(known) => known.is_in_file = true,
        None => profiles.push(ProfileName {
            name: name.to_owned(),
            is_built_in: false,
            is_in_file: true,
        }),
    }
}
