//! Arguments of the commands that print or install something for the shell: completions,
//! man pages and a key.

use clap::ValueEnum;

use crate::cli::tables::{DOCUMENT_STATUS, section};

#[derive(Debug, clap::Args)]
#[command(after_long_help = section("Exit status", DOCUMENT_STATUS))]
pub struct CompletionsArgs {
    /// One of bash, zsh, fish, powershell or elvish
    #[arg(hide_possible_values = true, required_unless_present = "install")]
    pub shell: Option<Shell>,

    /// Install the script where the shell finds it, and print its path
    ///
    /// Without SHELL, it is installed for the shell that the variable SHELL names.
    /// bash, zsh and fish have a directory for it, powershell and elvish do not.
    #[arg(long)]
    pub install: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
    Powershell,
    Elvish,
}

#[derive(Debug, clap::Args)]
#[command(after_long_help = section("Exit status", DOCUMENT_STATUS))]
pub struct ManArgs {
    /// gravix, or a command, such as ask or gravix-ask
    #[arg(default_value = "gravix")]
    pub page: String,

    /// Install all pages where man finds them, and print their paths
    #[arg(long, conflicts_with = "page")]
    pub install: bool,
}
