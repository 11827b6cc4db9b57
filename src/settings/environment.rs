//! The environment variables, read once. An empty variable counts as unset.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};

use anyhow::anyhow;

use crate::error::{Error, Result};

#[derive(Debug, Default)]
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
