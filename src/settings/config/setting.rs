//! A setting and the option that it sets.

use std::ffi::OsString;
use std::fmt;

use clap::{Arg, Command};

use crate::cli::OVERRIDES;
use crate::secret::header::is_secret_header;
use crate::settings::key::KeySource;

/// Options that the configuration cannot set.
pub const EXCLUDED: &[&str] = &["help", "config", "profile", "template", "var"];

/// Options whose values are merged across layers instead of replaced.
const MERGED: &[&str] = &["param", "header"];

/// The settings of one table of the file, or of one profile.
#[derive(Debug)]
pub struct Layer {
    /// Where the settings are from, for messages and listings.
    pub origin: String,
    pub settings: Vec<Setting>,
    pub key: Option<KeySource>,
}

/// Where a setting comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// An environment variable.
    Variable(&'static str),
    /// A table of the file, or a profile.
    Table(String),
    /// A template that was typed.
    Template(String),
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => f.write_str(name),
            Self::Table(name) | Self::Template(name) => f.write_str(name),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A value for an option that was not typed.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The option's long name, with `_` for `-`.
    pub name: String,
    /// As they would be typed; `true` or `false` for a flag, and empty for an
    /// option with an optional value that is turned off.
    pub values: Vec<String>,
    pub origin: Origin,
}

impl Setting {
    /// Whether its values are merged with those of other layers.
    pub fn is_merged(&self) -> bool {
        MERGED.contains(&self.name.as_str())
    }

    /// False for an option that is turned off.
    pub fn is_on(&self) -> bool {
        self.values.first().is_some_and(|value| value != "false")
    }
}

/// The option of `command` that this setting sets.
pub fn find_option<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    let has_name = |arg: &&Arg| arg.get_long().is_some_and(|long| setting_name(long) == name);
    command.get_arguments().find(has_name).filter(|_| !EXCLUDED.contains(&name))
}

/// Whether a header, given as `Name: value`, holds a secret.
pub fn is_secret(header: &str) -> bool {
    header.split_once(':').is_some_and(|(name, value)| is_secret_header(name, value.trim()))
}

/// The name of the setting for the option with this long name.
pub fn setting_name(long: &str) -> String {
    long.replace('-', "_")
}

/// The setting as a command-line argument.
pub fn argument(name: &str, value: &str) -> OsString {
    format!("--{}={value}", name.replace('_', "-")).into()
}

/// Whether two options are the same or cannot be used together.
pub fn conflict(command: &Command, one: &Arg, other: &Arg) -> bool {
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
