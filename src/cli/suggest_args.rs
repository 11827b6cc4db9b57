//! Arguments of `gravix suggest`, and of `gravix shell-init`, which binds it to a key.

use std::ffi::OsString;

use clap::{ValueEnum, ValueHint};

use crate::cli::model_args::ModelArgs;
use crate::cli::shared_args::{LogArgs, NetworkArgs, ReplyLimitArgs, SettingsArgs, VerbosityArgs};
use crate::cli::tables::{SHELL_INIT_STATUS, SUGGEST_STATUS, section};
use crate::cli::values::{key, shell_name};

#[derive(Debug, clap::Args)]
#[command(after_long_help = section("Exit status", SUGGEST_STATUS))]
pub struct SuggestArgs {
    /// What the command is to do; the words are joined by spaces
    #[arg(value_name = "REQUEST")]
    pub words: Vec<OsString>,

    /// Write the command for this shell [env: SHELL]
    ///
    /// NAME is a name such as bash, zsh or fish. Without it, the shell is the one
    /// that the variable SHELL names, or sh.
    #[arg(long, value_name = "NAME", value_parser = shell_name, help_heading = "Input", value_hint = ValueHint::Other)]
    pub shell: Option<String>,

    #[command(flatten)]
    pub model: ModelArgs,

    #[command(flatten)]
    pub log: LogArgs,

    /// Print the request body and send nothing
    #[arg(long, help_heading = "Output", hide_short_help = true)]
    pub dry_run: bool,

    #[command(flatten)]
    pub verbosity: VerbosityArgs,

    #[command(flatten)]
    pub network: NetworkArgs,

    #[command(flatten)]
    pub limits: ReplyLimitArgs,

    #[command(flatten)]
    pub settings: SettingsArgs,
}

#[derive(Debug, clap::Args)]
#[command(after_long_help = section("Exit status", SHELL_INIT_STATUS))]
pub struct ShellInitArgs {
    /// One of bash, zsh or fish
    #[arg(hide_possible_values = true)]
    pub shell: KeyShell,

    /// Bind this key instead of Alt-G
    ///
    /// KEY is in the shell's own notation: \eg or \C-xg for bash, ^[g or ^Xg for
    /// zsh, \eg or \cxg for fish, where fish 4 knows alt-g too.
    #[arg(long, value_name = "KEY", value_parser = key, allow_hyphen_values = true, value_hint = ValueHint::Other)]
    pub key: Option<String>,
}

/// A shell whose keys can be bound.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum KeyShell {
    Bash,
    Zsh,
    Fish,
}
