//! What a command meets when it begins.

use crate::output::notes::Notes;
use crate::output::terminal::Terminal;
use crate::settings::environment::Environment;
use crate::settings::key::KeySource;

#[derive(Debug)]
pub struct Context<'a> {
    pub environment: &'a Environment,
    pub terminal: Terminal,
    pub notes: &'a Notes,
    /// Where the configuration says that the key is.
    pub key: KeySource,
    /// The names of the settings that the configuration brought, as it has
    /// them.
    pub configured: Vec<String>,
    /// How many of the parameters the configuration brought: the first ones.
    pub configured_params: usize,
    /// What the user should know of how the settings came about.
    pub warnings: Vec<String>,
}

impl Context<'_> {
    /// Whether an option, if there is one, was typed.
    pub fn is_typed(&self, name: &str) -> bool {
        !self.configured.iter().any(|configured| configured == name)
    }
}
