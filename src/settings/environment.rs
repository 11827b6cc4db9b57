//! The environment variables, read once. An empty variable counts as unset.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use anyhow::anyhow;

use crate::error::{Error, Result};
use crate::secret::MIN_MASKED_LENGTH;

#[derive(Debug, Clone, Default)]
pub struct Environment {
    variables: HashMap<OsString, OsString>,
}

impl Environment {
    pub fn read() -> Self {
        std::env::vars_os().collect()
    }

    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// Whether the terminal, by the variable `TERM`, knows no escape sequences.
    pub fn has_dumb_terminal(&self) -> bool {
        self.get("TERM").is_none_or(|term| term == "dumb")
    }

    /// The directory that a variable of the XDG Base Directory Specification names, or
    /// else `fallback` in the home directory. `None` if there is no home directory.
    pub fn base_directory(&self, name: &str, fallback: &str) -> Option<PathBuf> {
        // The specification says to ignore a relative path.
        let base = self.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
        base.or_else(|| Some(PathBuf::from(self.get("HOME")?).join(fallback)))
    }

    /// A variable that holds this secret: the first by name of those that a shell
    /// can name. Short values may be in a variable by chance.
    pub fn variable_with(&self, secret: &str) -> Option<&str> {
        if secret.len() < MIN_MASKED_LENGTH {
            return None;
        }
        let is_name = |name: &&str| {
            name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
                && !name.starts_with(|c: char| c.is_ascii_digit())
        };
        let holders = self.variables.iter().filter(|(_, value)| *value == secret);
        holders.filter_map(|(name, _)| name.to_str()).filter(is_name).min()
    }

    /// The variable as text.
    ///
    /// # Errors
    /// [`Error::Config`] if the variable is not UTF-8.
    pub fn text(&self, name: &str) -> Result<Option<&str>> {
        self.get(name)
            .map(|value| {
                value.to_str().ok_or_else(|| Error::Config(anyhow!("{name} is not UTF-8")))
            })
            .transpose()
    }
}

impl FromIterator<(OsString, OsString)> for Environment {
    fn from_iter<I: IntoIterator<Item = (OsString, OsString)>>(variables: I) -> Self {
        let variables = variables.into_iter().filter(|(_, value)| !value.is_empty());
        Self { variables: variables.collect() }
    }
}
