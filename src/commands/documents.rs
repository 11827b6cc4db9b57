//! `gravix completions` and `gravix man`: print files built into the program.

use crate::cli::{Page, Shell};
use crate::error::Result;
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

pub fn man(page: Page) -> Result<()> {
    let page = match page {
        Page::Gravix => include_str!("../../man/gravix.1"),
        Page::GravixAsk => include_str!("../../man/gravix-ask.1"),
        Page::GravixBatch => include_str!("../../man/gravix-batch.1"),
        Page::GravixModels => include_str!("../../man/gravix-models.1"),
        Page::GravixHistory => include_str!("../../man/gravix-history.1"),
        Page::GravixConfig => include_str!("../../man/gravix-config.1"),
        Page::GravixCompletions => include_str!("../../man/gravix-completions.1"),
        Page::GravixMan => include_str!("../../man/gravix-man.1"),
    };
    stdout::print(page, TextMode::Exact)
}
