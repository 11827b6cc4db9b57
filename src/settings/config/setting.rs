//! A setting, and the option of `ask` that it stands for. Options are known by
//! what clap says of them.

use std::ffi::OsString;
use std::fmt;

use clap::{Arg, Command};

use crate::cli::OVERRIDES;
use crate::secret::is_secret_header;
use crate::settings::key::KeySource;

/// Options that no file can set.
pub const EXCLUDED: &[&str] = &["help", "config", "profile"];

/// Options whose values are gathered from everywhere, the later ones winning.
const GATHERED: &[&str] = &["param", "header"];

/// One table, and what it says.
#[derive(Debug)]
pub struct Layer {
    pub origin: String,
    pub settings: Vec<Setting>,
    pub key: Option<KeySource>,
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

impl Setting {
    pub fn is_gathered(&self) -> bool {
        GATHERED.contains(&self.name.as_str())
    }

    /// It is not a flag that is turned off.
    pub fn is_on(&self) -> bool {
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

pub fn underscored(long: &str) -> String {
    long.replace('-', "_")
}

pub fn option(name: &str, value: &str) -> OsString {
    format!("--{}={value}", name.replace('_', "-")).into()
}

/// Whether two options cannot stand together, or are the same.
pub fn exclude(command: &Command, one: &Arg, other: &Arg) -> bool {
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
