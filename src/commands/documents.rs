//! `gravix completions` and `gravix man`: print files built into the program.

use crate::cli::Shell;
use crate::error::{Error, Result};
use crate::output::stdout::{self, TextMode};

pub fn completions(shell: Shell) -> Result<()> {
    let script = match shell {
        Shell::Bash => include_str!("../../completions/gravix.bash"),
        Shell::Zsh => include_str!("../../completions/_gravix"),
        Shell::Fish => include_str!("../../completions/gravix.fish"),
        Shell::Powershell => include_str!("../../completions/_gravix.ps1"),
        Shell::Elvish => include_str!("../../completions/gravix.elv"),
    };
    stdout::print(script, TextMode::Exact)
}

/// The man pages: their names, and what they say.
const PAGES: &[(&str, &str)] = &[
    ("gravix", include_str!("../../man/gravix.1")),
    ("gravix-ask", include_str!("../../man/gravix-ask.1")),
    ("gravix-batch", include_str!("../../man/gravix-batch.1")),
    ("gravix-models", include_str!("../../man/gravix-models.1")),
    ("gravix-history", include_str!("../../man/gravix-history.1")),
    ("gravix-config", include_str!("../../man/gravix-config.1")),
    ("gravix-completions", include_str!("../../man/gravix-completions.1")),
    ("gravix-man", include_str!("../../man/gravix-man.1")),
];

/// Prints the page with this name; `gravix-` may be left out.
pub fn man(name: &str) -> Result<()> {
    let full_name = format!("gravix-{name}");
    let page = PAGES.iter().find(|(known, _)| *known == name || *known == full_name);
    let Some((_, text)) = page else {
        let names: Vec<&str> = PAGES.iter().map(|(name, _)| *name).collect();
        return Err(Error::Usage(format!("no page '{name}' (have: {})", names.join(", "))));
    };
    stdout::print(text, TextMode::Exact)
}
