//! State that every command shares.

use crate::input::template_text::TemplateText;
use crate::output::notes::Notes;
use crate::output::terminal::Terminal;
use crate::settings::environment::Environment;
use crate::settings::key::KeySource;

#[derive(Debug)]
pub struct Context<'a> {
    pub environment: &'a Environment,
    pub terminal: Terminal,
    pub notes: &'a Notes,
    /// Where the configuration says the key is.
    pub key: KeySource,
    /// The names of the options that the configuration sets, with `_` for `-`.
    pub config_options: Vec<String>,
    /// How many `--param` values the configuration sets. They come first.
    pub config_param_count: usize,
    /// The price of a million tokens of prompts, and of a million of replies, if the
    /// configuration sets it.
    pub price: Option<[f64; 2]>,
    /// The template of the prompt.
    pub template: Option<TemplateText>,
}

impl Context<'_> {
    /// Returns false if the configuration sets this option; true if it was
    /// typed or is not set at all.
    pub fn is_typed(&self, name: &str) -> bool {
        !self.config_options.iter().any(|option| option == name)
    }

    /// Whether stderr is a terminal that understands escape sequences.
    pub fn can_erase(&self) -> bool {
        self.terminal.stderr && !self.environment.has_dumb_terminal()
    }
}
